//! The rules of the RFCs again, written the obvious way: whole texts, no states, no speed. Nothing here is shared with the code
//! under test.

pub(crate) mod address;
pub(crate) mod chunks;
#[cfg(feature = "library")]
pub(crate) mod files;
#[cfg(feature = "library")]
pub(crate) mod forwarded;
pub(crate) mod handshake;
pub(crate) mod head;
pub(crate) mod mux;
pub(crate) mod proxy;
#[cfg(feature = "library")]
pub(crate) mod routes;
pub(crate) mod uri;
pub(crate) mod websocket;

/// `tchar` (RFC 9110 section 5.6.2), one or more.
pub(crate) fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// VCHAR, obs-text, SP and HTAB (RFC 9110 section 5.5).
pub(crate) fn is_value(text: &[u8]) -> bool {
    text.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// Without optional white space at its ends.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    let is_text = |byte: &u8| !b" \t".contains(byte);
    match (text.iter().position(is_text), text.iter().rposition(is_text)) {
        (Some(first), Some(last)) => &text[first..=last],
        _ => b"",
    }
}

/// The two halves around the first such byte.
pub(crate) fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|&byte| byte == at)?;
    Some((&text[..place], &text[place + 1..]))
}

/// A field line: the name in lower case, and the value.
pub(crate) fn field(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let (name, value) = cut(line, b':')?;
    let name = is_token(name).then(|| String::from_utf8_lossy(name).to_ascii_lowercase())?;
    is_value(value).then(|| (name, trim(value).to_vec()))
}
