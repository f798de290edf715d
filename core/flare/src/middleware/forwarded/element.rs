//! One element of `Forwarded`, and the nodes in it (RFC 7239, sections 4 to 6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::middleware::ClientAddress;

/// Whom a proxy got a request from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// An address, an IPv4 one never in its IPv6 form.
    Ip(IpAddr),
    /// `unknown`, an obfuscated name, or nothing that can be understood.
    Hidden,
}

/// Takes the last element off a list, without the white space around it. The text before it stays in `list`.
///
/// From the end, because a trusted proxy wrote the end: quotes that are open somewhere before it can't change how it is read.
pub(super) fn take_last<'a>(list: &mut &'a [u8], quotes: bool) -> &'a [u8] {
    let mut quoted = false;
    let comma = (0..list.len()).rev().find(|&at| match list.get(at) {
        Some(b'"') if quotes && !(quoted && is_escaped(list, at)) => {
            quoted = !quoted;
            false
        }
        Some(b',') => !quoted,
        _ => false,
    });
    let element = match comma {
        Some(at) => {
            let element = list.get(at + 1..).unwrap_or_default();
            *list = list.get(..at).unwrap_or_default();
            element
        }
        None => std::mem::take(list),
    };
    trim(element)
}

/// Whether the byte at this place has an odd number of backslashes before it.
fn is_escaped(text: &[u8], at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// The meaning of an element: `for`, and the client if that node is it. An element that is malformed hides all.
pub(super) fn parse(element: &[u8]) -> (Node, ClientAddress) {
    parse_pairs(element).unwrap_or((Node::Hidden, ClientAddress::default()))
}

fn parse_pairs(mut rest: &[u8]) -> Option<(Node, ClientAddress)> {
    const PARAMETERS: [&str; 4] = ["for", "by", "proto", "host"];
    let mut seen = [false; PARAMETERS.len()];
    let mut node = Node::Hidden;
    let mut client = ClientAddress::default();
    loop {
        let (name, value, after) = pair(rest)?;
        let known = PARAMETERS.iter().position(|known| name.eq_ignore_ascii_case(known.as_bytes()));
        // Each parameter must not occur more than once (section 4).
        if let Some(place) = known.and_then(|known| seen.get_mut(known))
            && std::mem::replace(place, true)
        {
            return None;
        }
        match known {
            Some(0) => node = parse_node(&value),
            Some(2) => client.proto = scheme(&value),
            Some(3) => client.host = host(&value),
            _ => {}
        }
        match after.split_first() {
            None => break,
            Some((b';', after)) => rest = trim(after),
            Some(_) => return None,
        }
    }
    if let Node::Ip(ip) = node {
        client.ip = Some(ip);
    }
    Some((node, client))
}

/// `token "=" ( token / quoted-string )`, and what follows.
fn pair(text: &[u8]) -> Option<(&[u8], Vec<u8>, &[u8])> {
    let equals = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = (text.get(..equals)?, text.get(equals + 1..)?);
    if !is_token(name) {
        return None;
    }
    let (value, after) = match value.split_first() {
        Some((b'"', quoted)) => unquote(quoted)?,
        _ => {
            let end =
                value.iter().position(|byte| matches!(byte, b';' | b' ' | b'\t')).unwrap_or(value.len());
            let token = value.get(..end)?;
            (is_token(token).then(|| token.to_vec())?, value.get(end..)?)
        }
    };
    Some((name, value, trim(after)))
}

/// A quoted string (RFC 9110, 5.6.4) without its first quote, and what follows its last one.
fn unquote(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut bytes = text.iter().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Some((value, text.get(at + 1..)?)),
            b'\\' => value.push(*bytes.next()?.1),
            byte => value.push(*byte),
        }
    }
    None
}

/// A node (section 6): an IPv4 address or an IPv6 address in brackets, with or without a port, `unknown`, or an obfuscated
/// name.
fn parse_node(value: &[u8]) -> Node {
    let parse = || {
        let text = std::str::from_utf8(value).ok()?;
        if let Some(rest) = text.strip_prefix('[') {
            let (ip, port) = rest.split_once(']')?;
            let port = if port.is_empty() { None } else { Some(port.strip_prefix(':')?) };
            return is_port(port).then(|| ip.parse::<Ipv6Addr>().ok())?.map(IpAddr::V6);
        }
        let (ip, port) = text.split_once(':').map_or((text, None), |(ip, port)| (ip, Some(port)));
        is_port(port).then(|| ip.parse::<Ipv4Addr>().ok())?.map(IpAddr::V4)
    };
    parse().map_or(Node::Hidden, |ip| Node::Ip(ip.to_canonical()))
}

/// An entry of `X-Forwarded-For`: as a node, but an IPv6 address may stand without brackets.
pub(super) fn parse_bare_node(value: &[u8]) -> Node {
    let bare = std::str::from_utf8(value).ok().and_then(|text| text.parse::<Ipv6Addr>().ok());
    bare.map_or_else(|| parse_node(value), |ip| Node::Ip(IpAddr::V6(ip).to_canonical()))
}

/// One to five digits, or an obfuscated port.
fn is_port(port: Option<&str>) -> bool {
    let Some(port) = port else { return true };
    match port.strip_prefix('_') {
        Some(name) => {
            !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        }
        None => (1..=5).contains(&port.len()) && port.bytes().all(|digit| digit.is_ascii_digit()),
    }
}

/// A scheme (RFC 3986, 3.1) in lower case.
pub(super) fn scheme(value: &[u8]) -> Option<String> {
    let (first, rest) = value.split_first()?;
    let valid = first.is_ascii_alphabetic()
        && rest.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte));
    valid.then(|| String::from_utf8_lossy(value).to_ascii_lowercase())
}

/// Something made of the characters of a host and its port (RFC 3986, 3.2.2). It may still name no host.
pub(super) fn host(value: &[u8]) -> Option<String> {
    let valid = !value.is_empty()
        && value.len() <= 300
        && value.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(byte));
    valid.then(|| String::from_utf8_lossy(value).into_owned())
}

/// A token (RFC 9110, 5.6.2).
fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))
}

/// Without white space (SP, HTAB) at its ends.
fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}
