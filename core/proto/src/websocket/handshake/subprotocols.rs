//! Which protocol the messages are of (RFC 6455 section 1.9).

use super::error::HandshakeError;
use crate::grammar::is_token;

/// What a client offers, in its order: all values of `Sec-WebSocket-Protocol`, each a list. Nothing, if there is no such field.
///
/// # Errors
/// [`HandshakeError::Subprotocols`].
pub fn offered_subprotocols<'a>(
    values: impl Iterator<Item = &'a [u8]>,
) -> Result<Vec<&'a str>, HandshakeError> {
    let mut offered = Vec::new();
    let mut has_field = false;
    for value in values {
        has_field = true;
        // Empty elements are no mistake (RFC 9110 section 5.6.1.2).
        for name in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|name| !name.is_empty())
        {
            let name = token(name).ok_or(HandshakeError::Subprotocols)?;
            if offered.contains(&name) {
                return Err(HandshakeError::Subprotocols);
            }
            offered.push(name);
        }
    }
    if has_field && offered.is_empty() {
        return Err(HandshakeError::Subprotocols);
    }
    Ok(offered)
}

/// The first that is offered and supported, since clients put first what they like best. `None`: there is none, and the answer has no
/// `Sec-WebSocket-Protocol`; a client that insists ends the connection then.
#[must_use]
pub fn choose_subprotocol<'a>(offered: &[&'a str], supported: &[impl AsRef<str>]) -> Option<&'a str> {
    offered.iter().copied().find(|offer| supported.iter().any(|name| name.as_ref() == *offer))
}

/// For a client: what the server chose, of all values of `Sec-WebSocket-Protocol` in its answer.
///
/// # Errors
/// [`HandshakeError::SubprotocolNotOffered`].
pub fn chosen_subprotocol<'a>(
    mut values: impl Iterator<Item = &'a [u8]>,
    offered: &[impl AsRef<str>],
) -> Result<Option<&'a str>, HandshakeError> {
    let Some(chosen) = values.next() else { return Ok(None) };
    let chosen = token(chosen).filter(|chosen| offered.iter().any(|name| name.as_ref() == *chosen));
    match (chosen, values.next()) {
        (Some(chosen), None) => Ok(Some(chosen)),
        _ => Err(HandshakeError::SubprotocolNotOffered),
    }
}

fn token(text: &[u8]) -> Option<&str> {
    if is_token(text) { std::str::from_utf8(text).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(values: &[&'static str]) -> Result<Vec<&'static str>, HandshakeError> {
        offered_subprotocols(values.iter().map(|value| value.as_bytes()))
    }

    #[test]
    fn offers_are_lists_in_any_number_of_fields() {
        assert_eq!(offered(&[]), Ok(vec![]));
        assert_eq!(offered(&["chat, superchat"]), Ok(vec!["chat", "superchat"]));
        assert_eq!(offered(&["chat,,", "\tv2.x , v1"]), Ok(vec!["chat", "v2.x", "v1"]));
        for bad in [&[""][..], &[","], &["a b"], &["a, a"], &["a", "a"], &["a;b"], &["\u{e4}"]] {
            assert_eq!(offered(bad), Err(HandshakeError::Subprotocols), "{bad:?}");
        }
    }

    #[test]
    fn the_first_offer_that_is_supported() {
        assert_eq!(choose_subprotocol(&["a", "b", "c"], &["c", "b"]), Some("b"));
        assert_eq!(choose_subprotocol(&["a"], &["A"]), None);
        assert_eq!(choose_subprotocol(&[], &["a"]), None);
        assert_eq!(choose_subprotocol(&["a"], &[] as &[&str]), None);
    }

    #[test]
    fn a_server_chooses_one_of_the_offers() {
        let chosen = |values: &[&'static str]| {
            chosen_subprotocol(values.iter().map(|value| value.as_bytes()), &["a", "b"])
        };
        assert_eq!(chosen(&[]), Ok(None));
        assert_eq!(chosen(&["b"]), Ok(Some("b")));
        for bad in [&["c"][..], &["a, b"], &["a", "b"], &["a", "a"], &[""]] {
            assert_eq!(chosen(bad), Err(HandshakeError::SubprotocolNotOffered), "{bad:?}");
        }
    }
}
