//! What a field is to the connection, and whether its value can be (RFC 9113 section 8, RFC 9114 section 4).
//!
//! Both are found once, when a field enters a compression table, and are then read from it each time it is used.

use crate::grammar::{self, PATH, QUERY, is_field_value, is_token, uri_prefix};
use crate::words::is_plain_name;
use crate::{authority, http1};

/// What the name of a field says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FieldKind {
    /// `:method`
    Method,
    /// `:scheme`
    Scheme,
    /// `:authority`
    Authority,
    /// `:path`
    Path,
    /// `:protocol` (RFC 8441 section 4)
    Protocol,
    /// `:status`
    Status,
    /// A field of HTTP/1 connections: such a message is malformed (RFC 9113 section 8.2.2).
    Connection,
    /// `te`, which may say `trailers` only.
    Te,
    /// `content-length`
    ContentLength,
    /// `host`
    Host,
    /// `expect`
    Expect,
    /// `cookie`, which may come in crumbs (RFC 9113 section 8.2.3).
    Cookie,
    /// `priority` (RFC 9218)
    Priority,
    /// Any other field.
    Other,
    /// Not a name: an unknown pseudo-field, a capital letter, or no token at all.
    Invalid,
}

impl FieldKind {
    /// The kind of the name.
    #[inline]
    pub(crate) fn of(name: &[u8]) -> FieldKind {
        match FieldKind::known(name) {
            Some(kind) => kind,
            None if is_plain_name(name) && !name.is_empty() => FieldKind::Other,
            None if is_token(name) && !name.iter().any(u8::is_ascii_uppercase) => FieldKind::Other,
            None => FieldKind::Invalid,
        }
    }

    /// The kind of a name that means something to the connection.
    pub(crate) const fn known(name: &[u8]) -> Option<FieldKind> {
        // The compiler looks at the length first, which tells most fields apart.
        Some(match name {
            b":method" => FieldKind::Method,
            b":scheme" => FieldKind::Scheme,
            b":authority" => FieldKind::Authority,
            b":path" => FieldKind::Path,
            b":protocol" => FieldKind::Protocol,
            b":status" => FieldKind::Status,
            b"connection" | b"keep-alive" | b"proxy-connection" | b"transfer-encoding" | b"upgrade" => {
                FieldKind::Connection
            }
            b"te" => FieldKind::Te,
            b"content-length" => FieldKind::ContentLength,
            b"host" => FieldKind::Host,
            b"expect" => FieldKind::Expect,
            b"cookie" => FieldKind::Cookie,
            b"priority" => FieldKind::Priority,
            _ => return None,
        })
    }

    /// Whether the value is one that a field of this kind may have. Of a target or an authority that depends on the method too, which
    /// is looked at when all of them are there.
    #[inline]
    pub(crate) fn takes(self, value: &[u8]) -> bool {
        match self {
            FieldKind::Path => is_path(value),
            FieldKind::Method | FieldKind::Protocol => is_token(value),
            FieldKind::Scheme => grammar::is_scheme(value),
            FieldKind::Authority | FieldKind::Host => authority::parse(value).is_some(),
            FieldKind::Status => matches!(value, [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9']),
            FieldKind::ContentLength => http1::parse_length(value).is_some(),
            FieldKind::Te => value.eq_ignore_ascii_case(b"trailers"),
            FieldKind::Connection | FieldKind::Invalid => false,
            _ => is_value(value),
        }
    }
}

/// Whether a value may stand in HTTP/2 and HTTP/3, where it may not have white space at its ends (RFC 9113 section 8.2.1).
#[inline]
fn is_value(value: &[u8]) -> bool {
    let is_space = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    is_field_value(value) && !is_space(value.first()) && !is_space(value.last())
}

/// `/path?query`, or `*`.
fn is_path(value: &[u8]) -> bool {
    if value == b"*" {
        return true;
    }
    let Some(path_end) = uri_prefix(value, PATH).filter(|_| value.first() == Some(&b'/')) else {
        return false;
    };
    match value.get(path_end..) {
        Some([]) => true,
        Some([b'?', query @ ..]) => uri_prefix(query, QUERY) == Some(query.len()),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        for (name, kind) in [
            (":path", FieldKind::Path),
            (":Path", FieldKind::Invalid),
            (":other", FieldKind::Invalid),
            ("", FieldKind::Invalid),
            ("a b", FieldKind::Invalid),
            ("X-a", FieldKind::Invalid),
            ("x-a", FieldKind::Other),
            ("x_a1", FieldKind::Other),
            ("te", FieldKind::Te),
            ("upgrade", FieldKind::Connection),
        ] {
            assert_eq!(FieldKind::of(name.as_bytes()), kind, "{name}");
        }
    }

    #[test]
    fn values() {
        for (kind, value, good) in [
            (FieldKind::Path, "/a?b", true),
            (FieldKind::Path, "*", true),
            (FieldKind::Path, "", false),
            (FieldKind::Path, "a", false),
            (FieldKind::Path, "http://a/", false),
            (FieldKind::Path, "/a b", false),
            (FieldKind::Path, "/?%4", false),
            (FieldKind::Method, "GET", true),
            (FieldKind::Method, "G T", false),
            (FieldKind::Scheme, "https", true),
            (FieldKind::Scheme, "1", false),
            (FieldKind::Scheme, "", false),
            (FieldKind::Authority, "a:1", true),
            (FieldKind::Authority, "u@a", false),
            (FieldKind::Status, "200", true),
            (FieldKind::Status, "099", false),
            (FieldKind::Status, "20", false),
            (FieldKind::ContentLength, "5", true),
            (FieldKind::ContentLength, "+5", false),
            (FieldKind::Te, "trailers", true),
            (FieldKind::Te, "gzip", false),
            (FieldKind::Connection, "close", false),
            (FieldKind::Other, "a \u{e9}", true),
            (FieldKind::Other, "", true),
            (FieldKind::Other, " a", false),
            (FieldKind::Other, "a\t", false),
            (FieldKind::Other, "a\0", false),
        ] {
            assert_eq!(kind.takes(value.as_bytes()), good, "{kind:?} {value}");
        }
    }
}
