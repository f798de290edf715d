//! The four forms of a request target (RFC 9112 section 3.2).
//!
//! In paths and queries some characters are taken that RFC 3986 does not allow, because browsers send them and other servers
//! take them: see [`PATH`] and [`QUERY`]. Never taken are controls, SP, `"`, `<`, `>`, `#` and what is not ASCII.

use std::ops::Range;

use crate::Method;
use crate::authority;
use crate::grammar::{PATH, QUERY, uri_prefix};

/// Where the parts of a target are, as offsets into it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// `/path?query`. Offset of the end of the path; a `?` and the query follow if it is not the end of the target.
    Origin { path_end: usize },
    /// `http://authority/path?query`. The path may be empty, which stands for `/`.
    Absolute { scheme_end: usize, authority: Range<usize>, path_end: usize },
    /// `host:port`, only with CONNECT.
    Authority,
    /// `*`, only with OPTIONS.
    Asterisk,
}

/// Finds the form of a target. `None` if it is malformed, or not allowed with this method.
#[inline]
pub(crate) fn parse(method: Method, target: &[u8]) -> Option<Target> {
    if method == Method::Connect {
        let authority = authority::parse(target)?;
        let reachable = !authority.host.is_empty() && authority.port.is_some_and(|port| port != 0);
        return reachable.then_some(Target::Authority);
    }
    match target {
        [b'/', ..] => Some(Target::Origin { path_end: path_and_query(target, 0)? }),
        b"*" => (method == Method::Options).then_some(Target::Asterisk),
        _ => absolute(target),
    }
}

fn absolute(target: &[u8]) -> Option<Target> {
    let scheme_end = memchr::memchr(b':', target)?;
    let (scheme, rest) = target.split_at_checked(scheme_end)?;
    if !scheme.eq_ignore_ascii_case(b"http") && !scheme.eq_ignore_ascii_case(b"https") {
        return None;
    }
    let rest = rest.strip_prefix(b"://")?;
    let start = scheme_end + 3;
    let len = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let authority = start..start + len;
    if authority::parse(target.get(authority.clone())?)?.host.is_empty() {
        return None;
    }
    let path_end = path_and_query(target, authority.end)?;
    Some(Target::Absolute { scheme_end, authority, path_end })
}

/// Checks `path [ "?" query ]` from `start` to the end of the target; the offset where the path ends.
#[inline]
fn path_and_query(target: &[u8], start: usize) -> Option<usize> {
    let path_end = start + uri_prefix(target.get(start..)?, PATH)?;
    match target.get(path_end..)? {
        [] => Some(path_end),
        [b'?', query @ ..] => (uri_prefix(query, QUERY)? == query.len()).then_some(path_end),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origin_form() {
        assert_eq!(parse(Method::Get, b"/a/b?c=d"), Some(Target::Origin { path_end: 4 }));
        assert_eq!(parse(Method::Get, b"//a//b"), Some(Target::Origin { path_end: 6 }));
        assert_eq!(parse(Method::Get, b"/-._~!$&'()*+,;=:@%41/?/?"), Some(Target::Origin { path_end: 22 }));
        for bad in [
            "/a#b",
            "/a b",
            "/\u{e9}",
            "/%zz",
            "/a?%4",
            "/a?#",
            "/a{",
            "/a^",
            "/a`",
            "/a\\",
            "/<",
            "index.html",
            "",
        ] {
            assert_eq!(parse(Method::Get, bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn what_browsers_do_not_encode() {
        assert_eq!(parse(Method::Get, b"/[a]|b?[c]{d}|\\^`"), Some(Target::Origin { path_end: 6 }));
        for byte in (0..=b' ').chain(*b"\"<>#\x7f").chain(0x80..=0xff) {
            assert_eq!(parse(Method::Get, &[b'/', byte]), None, "{byte}");
            assert_eq!(parse(Method::Get, &[b'/', b'?', byte]), None, "{byte}");
        }
    }

    #[test]
    fn absolute_form() {
        let form = parse(Method::Get, b"HTTP://a:1/b?c");
        assert_eq!(form, Some(Target::Absolute { scheme_end: 4, authority: 7..10, path_end: 12 }));
        let form = parse(Method::Get, b"https://[::1]?c");
        assert_eq!(form, Some(Target::Absolute { scheme_end: 5, authority: 8..13, path_end: 13 }));
        for bad in [
            "http:///x",
            "http://u@a/",
            "ftp://a/",
            "http:/a",
            "http://:80/",
            "http://a#b",
            "a:80",
            "http://a b/",
        ] {
            assert_eq!(parse(Method::Get, bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn authority_form_is_for_connect_only() {
        assert_eq!(parse(Method::Connect, b"a:443"), Some(Target::Authority));
        assert_eq!(parse(Method::Get, b"a:443"), None);
        for bad in ["a", "a:", "a:0", "a:99999", "a:http", "/", ":80", "http://a:80/", "*"] {
            assert_eq!(parse(Method::Connect, bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn asterisk_form_is_for_options_only() {
        assert_eq!(parse(Method::Options, b"*"), Some(Target::Asterisk));
        assert_eq!(parse(Method::Get, b"*"), None);
        assert_eq!(parse(Method::Options, b"*a"), None);
    }
}
