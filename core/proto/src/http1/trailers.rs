//! Trailer fields (RFC 9110 section 6.5, RFC 9112 section 7.1.2).

use super::error::{Error, Kind};
use crate::Headers;

/// Whether a field with this name, in any case, may stand in trailers. Those that frame, route, authenticate, condition or
/// describe a message may not: they would change what was decided from its head (RFC 9110 section 6.5.1).
pub fn is_allowed(name: &[u8]) -> bool {
    const FORBIDDEN: [&[u8]; 30] = [
        b"age",
        b"authorization",
        b"cache-control",
        b"connection",
        b"cookie",
        b"date",
        b"expect",
        b"expires",
        b"host",
        b"keep-alive",
        b"location",
        b"max-forwards",
        b"pragma",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"range",
        b"retry-after",
        b"set-cookie",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"vary",
        b"warning",
        b"www-authenticate",
        b"content-length",
        b"content-encoding",
        b"content-type",
        b"content-range",
    ];
    let is_conditional = name.get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"if-"));
    !is_conditional && !FORBIDDEN.iter().any(|forbidden| forbidden.eq_ignore_ascii_case(name))
}

/// Adds the field of one line, without its CRLF. A field that is not allowed here is checked and then dropped.
pub(super) fn receive(line: &[u8], trailers: &mut Headers) -> Result<(), Error> {
    let colon = memchr::memchr(b':', line).ok_or(Kind::Trailer)?;
    let (name, value) = line.split_at_checked(colon).ok_or(Kind::Trailer)?;
    let value = crate::grammar::trim_ows(value.get(1..).unwrap_or_default());
    if is_allowed(name) {
        return trailers.append_bytes(name, value).map_err(|_| Kind::Trailer.into());
    }
    // A forbidden name is a token already.
    if crate::grammar::is_token(name) && crate::grammar::is_field_value(value) {
        Ok(())
    } else {
        Err(Kind::Trailer.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let mut trailers = Headers::new();
        receive(b"X-T:  v ", &mut trailers).unwrap();
        receive(b"Content-Length: 5", &mut trailers).unwrap();
        receive(b"If-Match: a", &mut trailers).unwrap();
        receive(b"content-md5: a", &mut trailers).unwrap();
        assert_eq!(trailers.iter().collect::<Vec<_>>(), [("x-t", &b"v"[..]), ("content-md5", b"a")]);
        for bad in [
            &b"X T: v"[..],
            b"XT",
            b": v",
            b"X-T : v",
            b"X\0T: v",
            b"X: \0",
            b"X: a\rb",
            b" X: folded",
            b"Host: \0",
            b"if- a: b",
        ] {
            assert!(receive(bad, &mut trailers).is_err(), "{bad:?}");
        }
        assert_eq!(trailers.len(), 2);
    }
}
