//! `uri-host [ ":" port ]`: the Host field and the authority of a target (RFC 9110 section 7.2, RFC 3986 section 3.2).

use std::net::Ipv6Addr;

use crate::grammar::{REG_NAME, uri_prefix};

/// The two halves of an authority. No user information: RFC 9110 section 4.2.4 wants it refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Authority<'a> {
    /// May be empty. An IP literal keeps its brackets.
    pub(crate) host: &'a [u8],
    /// `None` when there is no colon, or nothing behind it.
    pub(crate) port: Option<u16>,
}

/// Whether it is a valid host with an optional port.
pub(crate) fn is_valid(text: &[u8]) -> bool {
    parse(text).is_some()
}

/// Whether an authority that is valid has no host. No URI of `http` or `https` may have such a one (RFC 9110 section 4.2.1).
#[inline]
pub(crate) fn has_no_host(text: &[u8]) -> bool {
    matches!(text, [] | [b':', ..])
}

/// Checks and splits. `None` if it is not a valid host with an optional port.
#[inline(always)]
pub(crate) fn parse(text: &[u8]) -> Option<Authority<'_>> {
    let host_len = if text.first() == Some(&b'[') {
        let close = memchr::memchr(b']', text)?;
        is_ip_literal(text.get(1..close)?).then_some(close + 1)?
    } else {
        uri_prefix(text, REG_NAME)?
    };
    let (host, rest) = text.split_at_checked(host_len)?;
    match rest {
        [] | [b':'] => Some(Authority { host, port: None }),
        [b':', digits @ ..] => Some(Authority { host, port: Some(parse_port(digits)?) }),
        _ => None,
    }
}

fn parse_port(digits: &[u8]) -> Option<u16> {
    let mut port: u32 = 0;
    for &digit in digits {
        let digit = digit.wrapping_sub(b'0');
        // Checked here, so that it never overflows, however many digits there are.
        if digit > 9 || port > 65_535 {
            return None;
        }
        port = port * 10 + u32::from(digit);
    }
    u16::try_from(port).ok()
}

/// IPv6address or IPvFuture (RFC 3986 section 3.2.2), without the brackets.
fn is_ip_literal(text: &[u8]) -> bool {
    if let [b'v' | b'V', future @ ..] = text {
        let Some(dot) = memchr::memchr(b'.', future) else { return false };
        let (digits, address) = future.split_at(dot);
        let address = address.get(1..).unwrap_or_default();
        let is_address = |&byte: &u8| byte == b':' || crate::grammar::is(byte, REG_NAME);
        return !digits.is_empty()
            && digits.iter().all(u8::is_ascii_hexdigit)
            && !address.is_empty()
            && address.iter().all(is_address);
    }
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::{Authority, parse};

    #[test]
    fn valid() {
        for (text, host, port) in [
            ("", "", None),
            ("example.invalid", "example.invalid", None),
            ("example.invalid:", "example.invalid", None),
            ("example.invalid:8080", "example.invalid", Some(8080)),
            ("[::1]:80", "[::1]", Some(80)),
            ("[::ffff:1.2.3.4]", "[::ffff:1.2.3.4]", None),
            ("[v1.a:b]", "[v1.a:b]", None),
            ("a%41.invalid.", "a%41.invalid.", None),
            ("a-b_c~d!$&'()*+,;=", "a-b_c~d!$&'()*+,;=", None),
            ("1.2.3.4:65535", "1.2.3.4", Some(65535)),
            ("a:000065535", "a", Some(65535)),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(Authority { host: host.as_bytes(), port }), "{text}");
        }
    }

    #[test]
    fn invalid() {
        for text in [
            "a b",
            "a/b",
            "u@a",
            "http://a",
            "a:b",
            "a:1:2",
            "[::1",
            "a?b",
            "a#b",
            "a%zz",
            "\"a\"",
            "a\\b",
            "a\u{1}b",
            "\u{e9}",
            "[12345::]",
            "[]",
            "[::1]x",
            "[::1]:x",
            "a:65536",
            "a:100000",
            "a:0x0001",
            "a:-1",
            "[v.a]",
            "[v1.]",
            "[v1]",
            "[::1%25e]",
            "a]",
            "::1",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
