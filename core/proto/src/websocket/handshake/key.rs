//! The key of the client and the server's answer to it (RFC 6455 section 4.1 and 4.2.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Key` for 16 random bytes, which the caller provides anew for each handshake.
#[must_use]
pub fn client_key(random: [u8; 16]) -> [u8; 24] {
    encoded(&random)
}

/// The value of `Sec-WebSocket-Accept` for this `Sec-WebSocket-Key`: a server sends it, and a client compares it with what came. `None`: the key is not
/// base64 of 16 bytes.
#[must_use]
pub fn accept_key(key: &[u8]) -> Option<[u8; 28]> {
    let mut decoded = [0; 18];
    if STANDARD.decode_slice(key, &mut decoded) != Ok(16) {
        return None;
    }
    Some(encoded(&Sha1::new().chain_update(key).chain_update(GUID).finalize()))
}

/// Base64 of bytes whose number is known, so that it is exactly so long.
fn encoded<const LENGTH: usize>(bytes: &[u8]) -> [u8; LENGTH] {
    let mut text = [0; LENGTH];
    let written = STANDARD.encode_slice(bytes, &mut text);
    debug_assert_eq!(written, Ok(LENGTH));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc() {
        let accept = accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(accept.as_ref().map(<[u8; 28]>::as_slice), Some(&b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="[..]));
    }

    #[test]
    fn a_key_is_base64_of_16_bytes() {
        assert_eq!(&client_key(*b"the sample nonce"), b"dGhlIHNhbXBsZSBub25jZQ==");
        assert!(accept_key(&client_key([0xff; 16])).is_some());
        for bad in [
            &b""[..],
            b"dGhlIHNhbXBsZSBub25jZQ=",
            b"dGhlIHNhbXBsZSBub25jZQ",
            b"dGhlIHNhbXBsZSBub25jZQ==x",
            b"dGhlIHNhbXBsZSBub25j",
            b"dGhlIHNhbXBsZSBub25jZWVl",
            b"dGhlIHNhbXBsZSBub25jZWVlZWVlZWVlZWVlZWVl",
            b"dGhlIHNhbXBsZSBub2 jZQ==",
            b"dGhlIHNhbXBsZSBub25jZQ==\0",
        ] {
            assert_eq!(accept_key(bad), None, "{bad:?}");
        }
    }
}
