//! Retry tokens (RFC 9000, 8.1.2): proof that a client receives what is sent to its address.
//!
//! A token is a time, the ID that the client's first packet was sent to, and a MAC over both, the address, and the ID that the Retry
//! packet gave. There is nothing secret in it, so it is not encrypted, and there is no nonce to run out of.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use boring::hash::hmac_sha256;

use super::id::random;
use super::packet::LONGEST_ID;

/// What tokens of ours begin with. Others are those of NEW_TOKEN frames of other servers, and count as none.
const KIND: u8 = 0x72;

/// How long a client has for its second packet: many round trips, and not long enough to collect tokens.
const LIFETIME: Duration = Duration::from_secs(15);

const TIME: usize = 8;
const MAC: usize = 16;

/// The key of tokens.
pub(super) struct TokenKey([u8; 32]);

/// What a token says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// The client got our Retry packet. Its first packet was sent to this ID.
    Good { original: &'a [u8] },
    /// It was ours once, or pretends to be: too old, of another address, changed.
    Bad,
    /// None of ours.
    Foreign,
}

impl TokenKey {
    pub(super) fn new() -> std::io::Result<Self> {
        random().map(Self)
    }

    /// A token for a client at this address. `now`: since any fixed time. `retry`: the ID that the Retry packet gives.
    pub(super) fn make(
        &self,
        peer: SocketAddr,
        retry: &[u8],
        original: &[u8],
        now: Duration,
    ) -> Option<Vec<u8>> {
        let mut token = Vec::with_capacity(1 + TIME + original.len() + MAC);
        token.push(KIND);
        token.extend_from_slice(&u64::try_from(now.as_millis()).ok()?.to_be_bytes());
        token.extend_from_slice(original);
        let mac = self.mac(peer, retry, &token)?;
        token.extend_from_slice(&mac);
        Some(token)
    }

    pub(super) fn judge<'a>(
        &self,
        peer: SocketAddr,
        retry: &[u8],
        token: &'a [u8],
        now: Duration,
    ) -> Verdict<'a> {
        if token.first() != Some(&KIND) {
            return Verdict::Foreign;
        }
        self.check(peer, retry, token, now).map_or(Verdict::Bad, |original| Verdict::Good { original })
    }

    fn check<'a>(&self, peer: SocketAddr, retry: &[u8], token: &'a [u8], now: Duration) -> Option<&'a [u8]> {
        let (said, mac) = token.split_at_checked(token.len().checked_sub(MAC)?)?;
        if !boring::memcmp::eq(&self.mac(peer, retry, said)?, mac) {
            return None;
        }
        let (time, original) = said.get(1..)?.split_first_chunk::<TIME>()?;
        let made = Duration::from_millis(u64::from_be_bytes(*time));
        let fresh = now.checked_sub(made)? <= LIFETIME;
        (fresh && original.len() <= LONGEST_ID).then_some(original)
    }

    fn mac(&self, peer: SocketAddr, retry: &[u8], said: &[u8]) -> Option<[u8; MAC]> {
        // Each part has one length, or says how long it is.
        let mut text = Vec::with_capacity(16 + 2 + 1 + retry.len() + said.len());
        let address = match peer.ip() {
            IpAddr::V4(address) => address.to_ipv6_mapped(),
            IpAddr::V6(address) => address,
        };
        text.extend_from_slice(&address.octets());
        text.extend_from_slice(&peer.port().to_be_bytes());
        text.push(u8::try_from(retry.len()).ok()?);
        text.extend_from_slice(retry);
        text.extend_from_slice(said);
        hmac_sha256(&self.0, &text).ok()?.first_chunk().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_address_its_id_and_its_time() {
        let key = TokenKey::new().unwrap();
        let (peer, other): (SocketAddr, SocketAddr) =
            ("10.0.0.1:4000".parse().unwrap(), "10.0.0.2:4000".parse().unwrap());
        let made = Duration::from_secs(100);
        let token = key.make(peer, &[5; 16], &[1, 2, 3, 4, 5, 6, 7, 8], made).unwrap();
        let good = Verdict::Good { original: &[1, 2, 3, 4, 5, 6, 7, 8] };
        assert_eq!(key.judge(peer, &[5; 16], &token, made), good);
        assert_eq!(key.judge(peer, &[5; 16], &token, made + LIFETIME), good);
        let late = made + LIFETIME + Duration::from_millis(1);
        assert_eq!(key.judge(peer, &[5; 16], &token, late), Verdict::Bad);
        assert_eq!(key.judge(peer, &[5; 16], &token, Duration::ZERO), Verdict::Bad, "from the future");
        assert_eq!(key.judge(other, &[5; 16], &token, made), Verdict::Bad);
        assert_eq!(key.judge(SocketAddr::new(peer.ip(), 1), &[5; 16], &token, made), Verdict::Bad);
        assert_eq!(key.judge(peer, &[6; 16], &token, made), Verdict::Bad);
        assert_eq!(TokenKey::new().unwrap().judge(peer, &[5; 16], &token, made), Verdict::Bad);
        for index in 0..token.len() {
            let mut changed = token.clone();
            changed[index] ^= 1;
            assert_ne!(key.judge(peer, &[5; 16], &changed, made), good, "byte {index}");
            assert_ne!(key.judge(peer, &[5; 16], &token[..index], made), good, "{index} bytes");
        }
        assert_eq!(key.judge(peer, &[5; 16], b"", made), Verdict::Foreign);
    }
}
