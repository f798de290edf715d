//! The trie of segments behind [`RouteTable`](super::RouteTable). A path tries text, then parameter, then rest, and
//! comes back when a branch ends without a route for the method.
//!
//! A node is reached by one way only, so a search visits no node twice and never goes deeper than the longest pattern:
//! a hostile path cannot cost more than the table is large.

use super::allow::Query;
use super::path::{self, Form};
use super::pattern::Kind;

/// Up to this many texts are looked for by their keys; ordering texts is dearer.
const FEW: usize = 64;

/// The routes whose pattern ends here.
#[derive(Debug, Default, Clone)]
pub(super) struct Leaf {
    methods: u64,
    routes: Vec<(u64, usize)>,
    any: Option<usize>,
}

impl Leaf {
    /// The route for the method, by its bit; 0 stands for any method.
    pub(super) fn get(&self, method: u64) -> Option<usize> {
        if method == 0 {
            return self.any;
        }
        self.routes.iter().find(|(bit, _)| *bit == method).map(|(_, route)| *route)
    }

    /// Adds a route for a method that is not there yet; 0 stands for any method.
    pub(super) fn add(&mut self, method: u64, route: usize) {
        if method == 0 {
            self.any = Some(route);
        } else {
            self.methods |= method;
            self.routes.push((method, route));
        }
    }

    #[inline]
    fn pick(&self, query: &mut Query) -> Option<usize> {
        if self.methods & query.method != 0 {
            return self.get(query.method);
        }
        if self.methods & query.fallback != 0 {
            return self.get(query.fallback);
        }
        query.seen |= self.methods;
        query.known |= self.methods != 0;
        self.any
    }
}

/// What tells most texts apart, by their first byte and their length.
#[inline]
fn key(text: &[u8]) -> u8 {
    text.first().copied().unwrap_or_default() ^ (text.len() as u8).wrapping_mul(8)
}

/// The keys of up to eight texts, the first lowest.
fn keys(texts: &[Box<[u8]>]) -> u64 {
    texts.iter().rev().fold(0, |keys, text| keys << 8 | u64::from(key(text)))
}

/// What can follow a prefix of patterns.
#[derive(Debug, Default, Clone)]
pub(super) struct Node {
    /// Decoded, sorted; `children` has the node for each.
    texts: Vec<Box<[u8]>>,
    /// The [`key`] of each text, eight in a word.
    keys: Vec<u64>,
    children: Vec<Node>,
    param: Option<Box<Node>>,
    rest: Leaf,
    /// The patterns that end with the slash behind this node. Empty text cannot be anywhere else in a pattern, so it needs
    /// no child.
    slash: Leaf,
    leaf: Leaf,
}

impl Node {
    /// The leaf of a pattern, given its segments; made if it is not there.
    pub(super) fn leaf_mut<'a>(&mut self, segments: impl Iterator<Item = (Kind, &'a [u8])>) -> &mut Leaf {
        let mut node = self;
        for (kind, text) in segments {
            node = match kind {
                Kind::Text if text.is_empty() => return &mut node.slash,
                Kind::Text => node.child_mut(text),
                Kind::Param => node.param.get_or_insert_default(),
                Kind::Rest => return &mut node.rest,
            };
        }
        &mut node.leaf
    }

    /// The leaf of a pattern, if it is there.
    pub(super) fn leaf<'a>(&self, segments: impl Iterator<Item = (Kind, &'a [u8])>) -> Option<&Leaf> {
        let mut node = self;
        for (kind, text) in segments {
            node = match kind {
                Kind::Text if text.is_empty() => return Some(&node.slash),
                Kind::Text => node.child(text, Form::Encoded)?,
                Kind::Param => node.param.as_deref()?,
                Kind::Rest => return Some(&node.rest),
            };
        }
        Some(&node.leaf)
    }

    fn child_mut(&mut self, written: &[u8]) -> &mut Node {
        let at = match self.texts.binary_search_by(|text| path::order_decoded(text, written)) {
            Ok(at) => at,
            Err(at) => {
                let mut text = Vec::new();
                path::decode_segment(written, &mut text);
                self.texts.insert(at, text.into());
                self.keys = self.texts.chunks(8).map(keys).collect();
                self.children.insert(at, Node::default());
                at
            }
        };
        &mut self.children[at]
    }

    #[inline]
    fn child(&self, segment: &[u8], form: Form) -> Option<&Node> {
        let at = if form == Form::Encoded {
            self.texts.binary_search_by(|text| path::order_decoded(text, segment)).ok()
        } else if self.texts.len() <= FEW {
            self.find(segment)
        } else {
            self.texts.binary_search_by(|text| (**text).cmp(segment)).ok()
        };
        self.children.get(at?)
    }

    /// The place of a text.
    #[inline]
    fn find(&self, segment: &[u8]) -> Option<usize> {
        let wanted = path::repeat(key(segment));
        for (start, keys) in (0..).step_by(8).zip(&self.keys) {
            // Bits above the lowest may be wrong; the text is compared anyway.
            let mut found = path::zero_bytes(keys ^ wanted);
            while found != 0 {
                let at = start + found.trailing_zeros() as usize / 8;
                if self.texts.get(at).is_some_and(|text| **text == *segment) {
                    return Some(at);
                }
                found &= found - 1;
            }
        }
        None
    }

    /// The most specific route below this node for `path`, which starts at a segment.
    pub(super) fn search(&self, path: &[u8], form: Form, query: &mut Query) -> Option<usize> {
        let (segment, tail) = path::split(path);
        if segment.is_empty() {
            if tail.is_none()
                && let Some(route) = self.slash.pick(query)
            {
                return Some(route);
            }
            return self.rest.pick(query);
        }
        if let Some(child) = self.child(segment, form)
            && let Some(route) = child.descend(tail, form, query)
        {
            return Some(route);
        }
        if let Some(child) = &self.param
            && let Some(route) = child.descend(tail, form, query)
        {
            return Some(route);
        }
        self.rest.pick(query)
    }

    #[inline]
    fn descend(&self, tail: Option<&[u8]>, form: Form, query: &mut Query) -> Option<usize> {
        match tail {
            Some(path) => self.search(path, form, query),
            None => self.leaf.pick(query),
        }
    }
}
