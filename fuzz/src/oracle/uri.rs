//! Authorities and targets of requests (RFC 3986 section 3, RFC 9110 section 4.2, RFC 9112 section 3.2).

use super::address::ipv6;

/// The target of a request, in its parts.
#[derive(Debug, PartialEq)]
pub(crate) enum Target<'a> {
    Origin { path: &'a [u8], query: Option<&'a [u8]> },
    Absolute { scheme: Vec<u8>, authority: &'a [u8], path: &'a [u8], query: Option<&'a [u8]> },
    Authority,
    Asterisk,
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

fn is_sub_delim(byte: u8) -> bool {
    b"!$&'()*+,;=".contains(&byte)
}

/// Besides what RFC 3986 allows, what browsers leave as it is (the URL Standard's path percent-encode set).
fn is_in_path(byte: u8) -> bool {
    is_unreserved(byte) || is_sub_delim(byte) || b":@/[]|".contains(&byte)
}

/// As in a path, and the same of queries.
fn is_in_query(byte: u8) -> bool {
    is_in_path(byte) || b"?{}\\^`".contains(&byte)
}

/// Such characters, and `%` with two hexadecimal digits.
fn is_made_of(text: &[u8], allowed: fn(u8) -> bool) -> bool {
    match text {
        [] => true,
        [b'%', a, b, rest @ ..] => {
            a.is_ascii_hexdigit() && b.is_ascii_hexdigit() && is_made_of(rest, allowed)
        }
        [byte, rest @ ..] => allowed(*byte) && is_made_of(rest, allowed),
    }
}

/// The host and the port. No user information.
pub(crate) fn authority(text: &[u8]) -> Option<(&[u8], Option<u16>)> {
    let is_literal = text.first() == Some(&b'[');
    let end = match text.iter().position(|&byte| byte == if is_literal { b']' } else { b':' }) {
        Some(at) if is_literal => at + 1,
        Some(at) => at,
        None => text.len(),
    };
    let (host, rest) = text.split_at(end);
    let is_host = match host {
        [b'[', address @ .., b']'] => is_ip_literal(address),
        _ => is_made_of(host, |byte| is_unreserved(byte) || is_sub_delim(byte)),
    };
    let port = match rest {
        [] | [b':'] => None,
        [b':', digits @ ..] if digits.iter().all(u8::is_ascii_digit) => {
            Some(std::str::from_utf8(digits).ok()?.parse().ok()?)
        }
        _ => return None,
    };
    is_host.then_some((host, port))
}

fn is_ip_literal(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    let Some(future) = text.strip_prefix(['v', 'V']) else { return ipv6(text).is_some() };
    let Some((version, address)) = future.split_once('.') else { return false };
    let is_allowed = |byte: u8| is_unreserved(byte) || is_sub_delim(byte) || byte == b':';
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !address.is_empty()
        && address.bytes().all(is_allowed)
}

fn path_and_query(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let (path, query) = match super::cut(text, b'?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    let is_good = is_made_of(path, is_in_path) && query.is_none_or(|query| is_made_of(query, is_in_query));
    is_good.then_some((path, query))
}

/// The target of a request with this method.
pub(crate) fn target<'a>(method: &str, text: &'a [u8]) -> Option<Target<'a>> {
    if method == "CONNECT" {
        let (host, port) = authority(text)?;
        return (!host.is_empty() && port.is_some_and(|port| port > 0)).then_some(Target::Authority);
    }
    if text == b"*" {
        return (method == "OPTIONS").then_some(Target::Asterisk);
    }
    if text.starts_with(b"/") {
        let (path, query) = path_and_query(text)?;
        return Some(Target::Origin { path, query });
    }
    let (scheme, rest) = super::cut(text, b':')?;
    let scheme = scheme.to_ascii_lowercase();
    let rest = rest.strip_prefix(b"//").filter(|_| scheme == b"http" || scheme == b"https")?;
    let end = rest.iter().position(|byte| b"/?".contains(byte)).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    if authority(name)?.0.is_empty() {
        return None;
    }
    let (path, query) = path_and_query(rest)?;
    Some(Target::Absolute { scheme, authority: name, path, query })
}
