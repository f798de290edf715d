//! Character classes of RFC 9110 (section 5) and RFC 3986, in one table.

use crate::words::{self, has_no_control};

/// `tchar` (RFC 9110 section 5.6.2).
pub(crate) const TOKEN: u8 = 1;
/// What a field value may hold: VCHAR, SP, HTAB and obs-text (RFC 9110 section 5.5).
pub(crate) const VALUE: u8 = 2;
/// `pchar` and `/`, without `%`, which begins a triplet and is checked apart (RFC 3986 section 3.3). And `[`, `]` and `|`, which
/// RFC 3986 wants encoded but browsers do not encode: the URL Standard's path percent-encode set leaves them out.
pub(crate) const PATH: u8 = 4;
/// As [`PATH`], and `?` (RFC 3986 section 3.4). And what the URL Standard's query percent-encode set leaves out besides: `{`, `}`,
/// `\`, `^` and `` ` ``.
pub(crate) const QUERY: u8 = 8;
/// `unreserved` and `sub-delims`: a reg-name without its percent triplets (RFC 3986 section 3.2.2).
pub(crate) const REG_NAME: u8 = 16;

static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = classes_of(byte as u8);
        byte += 1;
    }
    table
}

const fn classes_of(byte: u8) -> u8 {
    let unreserved = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let sub_delims =
        matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=');
    let path = unreserved || sub_delims || matches!(byte, b':' | b'@' | b'/' | b'[' | b']' | b'|');
    let query = path || matches!(byte, b'?' | b'{' | b'}' | b'\\' | b'^' | b'`');
    let token = byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.')
        || matches!(byte, b'^' | b'_' | b'`' | b'|' | b'~');
    let value = byte == b'\t' || (byte >= b' ' && byte != 0x7f);
    let mut classes = 0;
    if token {
        classes |= TOKEN;
    }
    if value {
        classes |= VALUE;
    }
    if path {
        classes |= PATH;
    }
    if query {
        classes |= QUERY;
    }
    if unreserved || sub_delims {
        classes |= REG_NAME;
    }
    classes
}

/// Whether the byte is in the class.
#[inline]
pub(crate) fn is(byte: u8, class: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// Whether the text is a `token`: one or more `tchar`.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|&byte| is(byte, TOKEN))
}

/// Whether every byte may stand in a field value. White space at the ends is the caller's affair.
#[inline]
pub(crate) fn is_field_value(text: &[u8]) -> bool {
    has_no_control(text) || text.iter().all(|&byte| is(byte, VALUE))
}

/// Whether the text is a `scheme` (RFC 3986 section 3.1).
pub(crate) fn is_scheme(text: &[u8]) -> bool {
    text.first().is_some_and(u8::is_ascii_alphabetic)
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// Without optional white space (SP, HTAB) at both ends (RFC 9110 section 5.6.3).
#[inline]
pub(crate) fn trim_ows(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

/// How many bytes at the start of the text are of the class or are percent triplets; `None` if a `%` does not begin a triplet.
/// The class is [`PATH`], [`QUERY`] or [`REG_NAME`].
#[inline(always)]
pub(crate) fn uri_prefix(text: &[u8], class: u8) -> Option<usize> {
    let mut rest = text;
    loop {
        // Nearly all of it is found sixteen bytes at a time; what stops that is looked at by itself.
        rest = match class {
            PATH => words::plain_path_behind(rest),
            QUERY => words::plain_query_behind(rest),
            _ => words::plain_host_behind(rest),
        };
        rest = match rest {
            [byte, behind @ ..] if is(*byte, class) => behind,
            [b'%', high, low, behind @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => behind,
            [b'%', ..] => return None,
            _ => return Some(text.len() - rest.len()),
        };
    }
}

/// The members of a comma-separated list, without white space around them and without empty members (RFC 9110 section 5.6.1).
pub(crate) fn list_members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(trim_ows).filter(|member| !member.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens() {
        assert!(is_token(b"X!#$%&'*+-.^_`|~9"));
        for bad in
            [&b""[..], b"a b", b"a:", b"a\0", b"\xc3\xa9", b"a\x7f", b"(a)", b"a\"", b"a/b", b"a@b", b"{"]
        {
            assert!(!is_token(bad), "{bad:?}");
        }
    }

    #[test]
    fn field_values() {
        assert!(is_field_value(b"a\tb \xff~"));
        for bad in [&b"a\0"[..], b"a\r", b"a\n", b"\x7f", b"\x01", b"\x0b"] {
            assert!(!is_field_value(bad), "{bad:?}");
        }
    }

    #[test]
    fn percent_triplets() {
        assert_eq!(uri_prefix(b"/a%4fb?c", PATH), Some(6));
        assert_eq!(uri_prefix(b"/a%4fb?c", QUERY), Some(8));
        for bad in [&b"%"[..], b"%4", b"%zz", b"a%g0", b"%0g"] {
            assert_eq!(uri_prefix(bad, PATH), None, "{bad:?}");
        }
    }

    #[test]
    fn lists() {
        let members: Vec<_> = list_members(b" a ,,\tb,c\t").collect();
        assert_eq!(members, [&b"a"[..], b"b", b"c"]);
    }
}
