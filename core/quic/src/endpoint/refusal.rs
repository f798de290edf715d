//! The Initial packet that says no: CONNECTION_CLOSE to a client for which no connection is made (RFC 9000, 10.2.3).
//!
//! quiche can't do this without beginning the handshake, which is the work that is to be spared. The keys of Initial packets are known to
//! everybody, so three steps of RFC 9001 are enough: 5.2 (secrets), 5.3 (packet), 5.4 (header).

use aes::Aes128;
use aes::cipher::{BlockEncrypt, KeyInit};
use boring::hash::MessageDigest;
use boring::hkdf::HkdfSuite;
use boring::symm::{Cipher, encrypt_aead};

use super::packet::VERSION_1;

/// Error codes of the transport (RFC 9000, 20.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The server does not want another connection.
    ConnectionRefused = 0x02,
    /// The token of the Initial packet is not valid.
    InvalidToken = 0x0b,
}

const SALT: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc,
    0xbb, 0x7f, 0x0a,
];

const TAG: usize = 16;

/// The whole datagram: `destination` is the client's ID, `source` the one that its packet was sent to.
pub(super) fn refusal(destination: &[u8], source: &[u8], reason: Reason) -> Option<Vec<u8>> {
    let keys = Keys::of_server(source)?;
    // A long header, Initial, packet number 0 in one byte.
    let mut packet = vec![0xc0];
    packet.extend_from_slice(&VERSION_1.to_be_bytes());
    for id in [destination, source] {
        packet.push(u8::try_from(id.len()).ok()?);
        packet.extend_from_slice(id);
    }
    // CONNECTION_CLOSE of the transport: code, type of the frame that is to blame (0: unknown), length of the reason.
    let frame = [0x1c, reason as u8, 0, 0];
    // No token; the length of what follows; the packet number.
    packet.extend_from_slice(&[0, u8::try_from(1 + frame.len() + TAG).ok()?, 0]);
    let mut tag = [0; TAG];
    let payload =
        encrypt_aead(Cipher::aes_128_gcm(), &keys.key, Some(&keys.iv), &packet, &frame, &mut tag).ok()?;
    let number = packet.len() - 1;
    packet.extend_from_slice(&payload);
    packet.extend_from_slice(&tag);
    // The sample begins where the payload would with the longest packet number, of four bytes.
    let mut mask = (*packet.get(number + 4..)?.first_chunk::<16>()?).into();
    Aes128::new(&keys.header.into()).encrypt_block(&mut mask);
    *packet.first_mut()? ^= mask[0] & 0x0f;
    *packet.get_mut(number)? ^= mask[1];
    Some(packet)
}

struct Keys {
    key: [u8; 16],
    iv: [u8; 12],
    header: [u8; 16],
}

impl Keys {
    fn of_server(client_destination: &[u8]) -> Option<Self> {
        let hkdf = HkdfSuite::new(MessageDigest::sha256());
        let initial = hkdf.extract(&SALT, client_destination).ok()?;
        let secret: [u8; 32] = expand(&hkdf, &initial, b"server in")?;
        Some(Self {
            key: expand(&hkdf, &secret, b"quic key")?,
            iv: expand(&hkdf, &secret, b"quic iv")?,
            header: expand(&hkdf, &secret, b"quic hp")?,
        })
    }
}

/// HKDF-Expand-Label (RFC 8446, 7.1) without a context.
fn expand<const N: usize>(hkdf: &HkdfSuite, secret: &[u8], label: &[u8]) -> Option<[u8; N]> {
    const PREFIX: &[u8] = b"tls13 ";
    let mut info = u16::try_from(N).ok()?.to_be_bytes().to_vec();
    info.push(u8::try_from(PREFIX.len() + label.len()).ok()?);
    info.extend_from_slice(PREFIX);
    info.extend_from_slice(label);
    info.push(0);
    let mut out = [0; N];
    hkdf.expand(secret, &info, &mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_the_example_in_the_standard() {
        // RFC 9001, A.1.
        let keys = Keys::of_server(&[0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08]).unwrap();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(hex(&keys.key), "cf3a5331653c364c88f0f379b6067e37");
        assert_eq!(hex(&keys.iv), "0ac1493ca1905853b0bba03e");
        assert_eq!(hex(&keys.header), "c206b8d9b9f0f37644430b490eeaa314");
    }
}
