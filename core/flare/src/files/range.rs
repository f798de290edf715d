//! Range requests for bytes (RFC 9110, 14).

use crate::message::Headers;

/// The most ranges of one request. With more, all of the file is sent (14.2 allows it, against abuse).
const MAX_RANGES: usize = 64;

/// Ranges with a smaller gap are joined: a part of its own costs more (15.3.7.2).
const GAP: u64 = 80;

/// Some bytes of a file: never empty, and within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u64,
    /// The place behind the last byte.
    pub(super) end: u64,
}

/// Which bytes of a file a request is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Selection {
    /// All: no range was asked for, or the field is ignored.
    Whole,
    /// One range.
    One(Span),
    /// Two or more that do not touch, in the order in which they were asked for.
    Many(Vec<Span>),
    /// None of the ranges is in the file: 416.
    Unsatisfiable,
}

/// Reads the `Range` field for a file of so many bytes. Other units and broken fields are ignored, as 14.2 demands and allows.
pub(super) fn select(headers: &Headers, length: u64) -> Selection {
    let mut values = headers.get_all("range");
    match (values.next(), values.next()) {
        (Some(value), None) => read(value, length).unwrap_or(Selection::Whole),
        _ => Selection::Whole,
    }
}

/// `None`: the field is to be ignored.
fn read(value: &[u8], length: u64) -> Option<Selection> {
    let equals = value.iter().position(|&byte| byte == b'=')?;
    let (unit, set) = (value.get(..equals)?, value.get(equals + 1..)?);
    if !unit.eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    let mut count = 0;
    let mut spans = Vec::new();
    for member in set.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|member| !member.is_empty())
    {
        count += 1;
        if count > MAX_RANGES {
            return None;
        }
        match spec(member, length)? {
            Spec::Bytes(span) => join(&mut spans, span),
            Spec::Outside => {}
            Spec::Empty => return None,
        }
    }
    Some(match spans.as_slice() {
        [] if count == 0 => return None,
        [] => Selection::Unsatisfiable,
        [span] => Selection::One(*span),
        _ => Selection::Many(spans),
    })
}

/// What one member asks for.
enum Spec {
    Bytes(Span),
    /// Nothing that the file has.
    Outside,
    /// The end of an empty file. It is satisfiable, but no `Content-Range` can say so: all of it is sent.
    Empty,
}

/// `int-range` or `suffix-range` (14.1.2). `None`: neither.
fn spec(member: &[u8], length: u64) -> Option<Spec> {
    let dash = member.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (member.get(..dash)?, member.get(dash + 1..)?);
    if first.is_empty() {
        let suffix = number(last)?;
        return Some(match (suffix, length) {
            (0, _) => Spec::Outside,
            (_, 0) => Spec::Empty,
            _ => Spec::Bytes(Span { start: length.saturating_sub(suffix), end: length }),
        });
    }
    let start = number(first)?;
    let end = if last.is_empty() { length } else { number(last)?.saturating_add(1) };
    if !last.is_empty() && end <= start {
        // Two numbers too large to be told apart are beyond any file.
        return (start == u64::MAX).then_some(Spec::Outside);
    }
    Some(if start < length { Spec::Bytes(Span { start, end: end.min(length) }) } else { Spec::Outside })
}

/// A decimal number; one that is too large is the largest.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        digit.is_ascii_digit().then(|| number.saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    })
}

/// Adds a span, joined with those that it overlaps or nearly touches, in the place of the first of them.
fn join(spans: &mut Vec<Span>, mut new: Span) {
    let mut place = spans.len();
    // What was joined may reach others, so it is looked at again.
    while let Some(near) = spans.iter().position(|span| span.is_near(new)) {
        let other = spans.remove(near);
        new = Span { start: new.start.min(other.start), end: new.end.max(other.end) };
        place = place.min(near);
    }
    spans.insert(place.min(spans.len()), new);
}

impl Span {
    /// The number of bytes.
    pub(super) fn length(self) -> u64 {
        self.end - self.start
    }

    fn is_near(self, other: Span) -> bool {
        self.start <= other.end.saturating_add(GAP) && other.start <= self.end.saturating_add(GAP)
    }
}
