//! Retry tokens (RFC 9000, 8.1.2): a client asks, gets one, and comes back with it in some other form.
//!
//! An input: the settings, the ID that the client invents, and what is done to the second packet: how late it comes, from where, to which ID and
//! worker, and how its token is changed. What has to hold: a connection begins with the very token, in time, from the same address, to the ID that came
//! with it, and otherwise never where an address has to be proved; a token that looks like ours and is not good is refused. No answer is
//! longer than what it answers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flare_quic::{Endpoint, EndpointShared, Path, QuicSettings, Retry, Route};

use crate::PLANTED;
use crate::input::Input;
use crate::quic_server::{address, begin, context, long, parts};

/// For how long a token is good at least, in milliseconds: 15 s without the part of a millisecond that its time leaves out.
const LIFETIME: u64 = 14_999;

/// What tokens of ours begin with.
const OURS: u8 = 0x72;

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let settings = QuicSettings { retry: Retry::Always, ..QuicSettings::default() };
    let shared = EndpointShared::new(settings, 2).expect("there are random numbers");
    let mut first = Endpoint::new(Arc::clone(&shared), 0);
    let mut second = Endpoint::new(shared, 1);
    let invented = input.bytes();
    let start = Instant::now();
    let client = Path { local: address(0), peer: address(1) };
    let asked = long(0xc0, 1, invented, b"client", Some(b""), true);
    let Some((retry, token)) = ask(&mut first, &asked, client, start) else {
        assert!(!(8..=20).contains(&invented.len()), "no Retry packet for an ID of {} bytes", invented.len());
        return;
    };
    assert!((8..=20).contains(&invented.len()), "a Retry packet for an ID of {} bytes", invented.len());

    let late = u64::from(input.byte()) * 100;
    let from: SocketAddr = match input.byte() {
        0 => client.peer,
        other => address(other),
    };
    let mut to = retry.clone();
    if let other @ 1.. = input.byte() {
        to.push(other);
    }
    // Any worker judges a token.
    let endpoint = if input.byte() & 1 == 0 { &mut first } else { &mut second };
    let given = token.clone();
    let token = changed(token, &mut input);

    let now = start + Duration::from_millis(late);
    let path = Path { local: address(0), peer: from };
    let again = long(0xc0, 1, &to, b"client", Some(&token), true);
    let refused = endpoint.counters().refused;
    let mut accepted = begin(endpoint, &again, path, now);
    // PLANTED: a token whose time was changed by its last bit.
    accepted |= PLANTED && token.len() == given.len() && token[8] == given[8] ^ 1 && token[9..] == given[9..];
    let good = token == given && late <= LIFETIME && from == client.peer && to == retry;
    assert_eq!(accepted, good, "late {late} from {from} to {to:?}: {token:?} for {given:?}");
    let replies: Vec<_> = std::iter::from_fn(|| endpoint.next_reply()).collect();
    assert!(replies.iter().all(|reply| reply.bytes.len() <= again.len() && reply.path == path));
    if !good && to.len() <= 20 {
        let ours = token.first() == Some(&OURS);
        assert_eq!(endpoint.counters().refused - refused, u64::from(ours), "{token:?}");
        assert_eq!(replies.len(), 1, "neither refused nor asked again");
    }
}

/// The ID and the token of the Retry packet that answers.
fn ask(endpoint: &mut Endpoint, asked: &[u8], path: Path, now: Instant) -> Option<(Vec<u8>, Vec<u8>)> {
    let route = endpoint.route(&mut asked.to_vec(), path, false, true, context(), now);
    assert!(matches!(route, Route::None), "it has not proved its address: {route:?}");
    let reply = endpoint.next_reply()?;
    assert!(endpoint.next_reply().is_none() && reply.bytes.len() <= asked.len() && reply.path == path);
    let (destination, source, rest) = parts(&reply.bytes)?;
    assert_eq!((reply.bytes[0] & 0xf0, destination), (0xf0, &b"client"[..]));
    // The last sixteen bytes are the tag (RFC 9001, 5.8).
    Some((source.to_vec(), rest[..rest.len() - 16].to_vec()))
}

/// What becomes of the token.
fn changed(mut token: Vec<u8>, input: &mut Input<'_>) -> Vec<u8> {
    while !input.is_empty() {
        let at = usize::from(input.byte());
        match input.byte() % 4 {
            0 => {
                let value = input.byte();
                let length = token.len().max(1);
                if let Some(byte) = token.get_mut(at % length) {
                    *byte ^= value;
                }
            }
            1 => token.truncate(at),
            2 => token.push(at as u8),
            _ => break,
        }
    }
    token
}
