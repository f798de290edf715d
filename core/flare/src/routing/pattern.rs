//! The pattern of a route, taken apart. All of it is `const`, so both tables read patterns with the same code.

use super::error::RouteProblem;
use super::path;

/// The most segments a pattern may have, the prefix of a mount included.
pub const MAX_SEGMENTS: usize = 32;

/// The longest pattern, in bytes, the prefix of a mount included.
pub const MAX_PATTERN: usize = 4096;

/// What a segment of a pattern stands for. The order is the order in which a path tries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Text,
    Param,
    Rest,
}

/// One segment of a pattern: its kind, and where its text (as written) or its name is in the pattern.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segment {
    pub kind: Kind,
    start: u16,
    end: u16,
}

impl Segment {
    /// The length of the text or name as written, in bytes.
    pub(super) const fn len(&self) -> u16 {
        self.end.saturating_sub(self.start)
    }

    /// The text or name, out of the pattern that was parsed.
    pub(super) const fn of<'p>(&self, pattern: &'p str) -> &'p [u8] {
        let (head, _) = pattern.as_bytes().split_at(self.end as usize);
        let (_, text) = head.split_at(self.start as usize);
        text
    }
}

/// The segments of a pattern, without a heap.
#[derive(Debug, Clone, Copy)]
pub(super) struct Segments {
    list: [Segment; MAX_SEGMENTS],
    len: u8,
}

impl Segments {
    pub(super) const EMPTY: Self =
        Self { list: [Segment { kind: Kind::Text, start: 0, end: 0 }; MAX_SEGMENTS], len: 0 };

    pub(super) const fn len(&self) -> usize {
        self.len as usize
    }

    pub(super) const fn as_slice(&self) -> &[Segment] {
        // The fields are private and `len` never passes the array, so this cannot fail.
        self.list.split_at(self.len as usize).0
    }
}

/// Takes a pattern apart, or says what is wrong with it.
pub(super) const fn parse(pattern: &str) -> Result<Segments, RouteProblem> {
    let bytes = pattern.as_bytes();
    if bytes.is_empty() || bytes[0] != b'/' {
        return Err(RouteProblem::MissingSlash);
    }
    if bytes.len() > MAX_PATTERN {
        return Err(RouteProblem::TooLong);
    }
    let mut out = Segments::EMPTY;
    let mut start = 1;
    loop {
        let mut end = start;
        while end < bytes.len() && bytes[end] != b'/' {
            end += 1;
        }
        let segment = match parse_segment(bytes, start, end) {
            Ok(segment) => segment,
            Err(problem) => return Err(problem),
        };
        if out.len() == MAX_SEGMENTS {
            return Err(RouteProblem::TooManySegments);
        }
        if has_name(&out, pattern, &segment) {
            return Err(RouteProblem::DuplicateName);
        }
        out.list[out.len()] = segment;
        out.len += 1;
        if end == bytes.len() {
            return Ok(out);
        }
        start = end + 1;
    }
}

const fn parse_segment(bytes: &[u8], start: usize, end: usize) -> Result<Segment, RouteProblem> {
    let last = end == bytes.len();
    if start == end {
        return if last { Ok(segment(Kind::Text, start, end)) } else { Err(RouteProblem::EmptySegment) };
    }
    let kind = match bytes[start] {
        b':' => Kind::Param,
        b'*' => Kind::Rest,
        _ => return check_text(bytes, start, end),
    };
    if !is_name(bytes, start + 1, end) {
        return Err(RouteProblem::BadName);
    }
    if matches!(kind, Kind::Rest) && !last {
        return Err(RouteProblem::RestNotLast);
    }
    Ok(segment(kind, start + 1, end))
}

/// `end` is at most [`MAX_PATTERN`], so both fit.
const fn segment(kind: Kind, start: usize, end: usize) -> Segment {
    Segment { kind, start: start as u16, end: end as u16 }
}

const fn check_text(bytes: &[u8], start: usize, end: usize) -> Result<Segment, RouteProblem> {
    let mut at = start;
    while at < end {
        match bytes[at] {
            b'?' | b'#' => return Err(RouteProblem::QueryOrFragment),
            0..=0x1f | 0x7f => return Err(RouteProblem::ControlCharacter),
            b'%' => {
                if at + 2 >= end {
                    return Err(RouteProblem::BadEncoding);
                }
                match path::hex_pair(bytes[at + 1], bytes[at + 2]) {
                    None => return Err(RouteProblem::BadEncoding),
                    Some(0) => return Err(RouteProblem::ControlCharacter),
                    Some(_) => at += 2,
                }
            }
            _ => {}
        }
        at += 1;
    }
    Ok(segment(Kind::Text, start, end))
}

const fn is_name(bytes: &[u8], start: usize, end: usize) -> bool {
    if start == end || bytes[start].is_ascii_digit() {
        return false;
    }
    let mut at = start;
    while at < end {
        if !bytes[at].is_ascii_alphanumeric() && bytes[at] != b'_' {
            return false;
        }
        at += 1;
    }
    true
}

const fn has_name(segments: &Segments, pattern: &str, new: &Segment) -> bool {
    if matches!(new.kind, Kind::Text) {
        return false;
    }
    let mut at = 0;
    while at < segments.len() {
        let old = &segments.list[at];
        if !matches!(old.kind, Kind::Text) && path::order(old.of(pattern), new.of(pattern)).is_eq() {
            return true;
        }
        at += 1;
    }
    false
}

/// A token (RFC 9110 section 5.6.2). `*` is one, and stands for any method in a route.
pub(super) const fn is_token(method: &str) -> bool {
    let bytes = method.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let symbol = matches!(
            bytes[at],
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        );
        if !symbol && !bytes[at].is_ascii_alphanumeric() {
            return false;
        }
        at += 1;
    }
    !bytes.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pattern: &str) -> Vec<(Kind, &str)> {
        let segments = parse(pattern).unwrap();
        let text = |s: &Segment| std::str::from_utf8(s.of(pattern)).unwrap();
        segments.as_slice().iter().map(|s| (s.kind, text(s))).collect()
    }

    #[test]
    fn takes_patterns_apart() {
        assert_eq!(read("/"), [(Kind::Text, "")]);
        assert_eq!(read("/a/"), [(Kind::Text, "a"), (Kind::Text, "")]);
        assert_eq!(
            read("/hi/:name/x:y/*rest"),
            [(Kind::Text, "hi"), (Kind::Param, "name"), (Kind::Text, "x:y"), (Kind::Rest, "rest")]
        );
        assert_eq!(read("/*_1"), [(Kind::Rest, "_1")]);
        assert_eq!(read("/ü%2Fb"), [(Kind::Text, "ü%2Fb")]);
    }

    #[test]
    fn refuses_bad_patterns() {
        let long = format!("/{}", "a".repeat(MAX_PATTERN));
        let deep = "/a".repeat(MAX_SEGMENTS + 1);
        for (pattern, problem) in [
            ("", RouteProblem::MissingSlash),
            ("a", RouteProblem::MissingSlash),
            ("*", RouteProblem::MissingSlash),
            ("//", RouteProblem::EmptySegment),
            ("/a//b", RouteProblem::EmptySegment),
            ("/:", RouteProblem::BadName),
            ("/*", RouteProblem::BadName),
            ("/:1a", RouteProblem::BadName),
            ("/:a-b", RouteProblem::BadName),
            ("/:ä", RouteProblem::BadName),
            ("/:a/b/:a", RouteProblem::DuplicateName),
            ("/:a/*a", RouteProblem::DuplicateName),
            ("/*a/b", RouteProblem::RestNotLast),
            ("/*a/", RouteProblem::RestNotLast),
            ("/%", RouteProblem::BadEncoding),
            ("/%4/1", RouteProblem::BadEncoding),
            ("/%4g", RouteProblem::BadEncoding),
            ("/a%00", RouteProblem::ControlCharacter),
            ("/a\n", RouteProblem::ControlCharacter),
            ("/a\0", RouteProblem::ControlCharacter),
            ("/a?b", RouteProblem::QueryOrFragment),
            ("/a#b", RouteProblem::QueryOrFragment),
            (long.as_str(), RouteProblem::TooLong),
            (deep.as_str(), RouteProblem::TooManySegments),
        ] {
            assert_eq!(parse(pattern).unwrap_err(), problem, "{pattern:?}");
        }
        assert_eq!(parse(&"/a".repeat(MAX_SEGMENTS)).unwrap().len(), MAX_SEGMENTS);
        assert!(parse(&long[..MAX_PATTERN]).is_ok());
    }

    #[test]
    fn knows_tokens() {
        for token in ["GET", "*", "M-SEARCH", "get", "!#$%&'*+-.^_`|~09az"] {
            assert!(is_token(token), "{token}");
        }
        for other in ["", "G ET", "GET\0", "GÉT", "A/B", "A,B", "(A)"] {
            assert!(!is_token(other), "{other}");
        }
    }
}
