//! Both sides of a handshake for a WebSocket: keys, extensions, the terms of compression, and subprotocols. What is refused and what is
//! agreed on is what the oracle says; the answer of our server suits our client; several fields are the same as one with their values joined.
//!
//! | byte | means |
//! |---|---|
//! | 0, 1 | what the server wants: bit 0 windows are taken over when it sends, bit 1 when it receives; both windows, see [`wish`] |
//! | 2, 3 | the same of the client |
//! | the rest | lines: a letter and a value, see [`read`](crate::lines::read) |
//!
//! The letters: `k` the key, `e` extensions of an offer, `a` of an answer, `p` subprotocols of an offer, `c` of an answer, `s` those that
//! a server supports and a client offers.

use flare_proto::websocket::handshake::{
    HandshakeError, accept_deflate, accept_key, agreed_deflate, choose_subprotocol, chosen_subprotocol,
    client_key, offer_deflate, offered_subprotocols,
};
use flare_proto::websocket::{Deflate, DeflateConfig};

use crate::input::Input;
use crate::oracle::handshake::{self as oracle, Terms, Wish, Wrong};
use crate::{PLANTED, lines};

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let server = wish(&mut input);
    let client = wish(&mut input);
    let text = input.rest();
    let lines = lines::read(text);
    keys(&lines::of(&lines, b'k'), text);
    compression(&lines::of(&lines, b'e'), &lines::of(&lines, b'a'), &server, &client);
    let supported = lines::of(&lines, b's');
    let supported: Vec<String> =
        supported.iter().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
    subprotocols(&lines::of(&lines, b'p'), &lines::of(&lines, b'c'), &supported);
}

/// Windows of 0 to 15 bits: those that can't be are the next ones that can.
fn wish(input: &mut Input<'_>) -> DeflateConfig {
    let (options, windows) = (input.byte(), input.byte());
    DeflateConfig {
        send_takeover: options & 1 != 0,
        receive_takeover: options & 2 != 0,
        send_window_bits: windows & 15,
        receive_window_bits: windows >> 4,
        ..DeflateConfig::default()
    }
}

fn oracle_wish(config: &DeflateConfig) -> Wish {
    Wish {
        sends_with_takeover: config.send_takeover,
        receives_with_takeover: config.receive_takeover,
        sends_with_bits: config.send_window_bits.max(9),
        receives_with_bits: config.receive_window_bits.max(8),
    }
}

fn keys(keys: &[&[u8]], text: &[u8]) {
    for key in keys {
        let accepted = accept_key(key);
        assert_eq!(accepted.map(|accept| accept.to_vec()), oracle::accept(key), "{}", key.escape_ascii());
    }
    let mut random = [0; 16];
    for (place, byte) in random.iter_mut().zip(text) {
        *place = *byte;
    }
    let key = client_key(random);
    assert_eq!(key.as_slice(), oracle::key(&random));
    assert!(accept_key(&key).is_some(), "our own key is one");
}

fn compression(offers: &[&[u8]], answers: &[&[u8]], server: &DeflateConfig, client: &DeflateConfig) {
    let (server_wish, client_wish) = (oracle_wish(server), oracle_wish(client));
    let accepted = accept(offers, server);
    assert_eq!(accepted, oracle::answer(offers, &server_wish), "{}", shown(offers));
    assert_eq!(accepted, accept(&[&offers.join(&b", "[..])], server), "joined: {}", shown(offers));
    let agreed = agree(answers, client);
    assert_eq!(agreed, oracle::agreed(answers, &client_wish), "{}", shown(answers));
    let joined = agree(&[&answers.join(&b", "[..])], client);
    // What is wrong first may be another thing then.
    assert_eq!(agreed.ok(), joined.ok(), "joined: {}", shown(answers));
    // Our server and our client.
    let offer = offer_deflate(client);
    assert_eq!(oracle::only_compression(offer.as_bytes()), Some(oracle::offer(&client_wish)), "{offer}");
    match accept_deflate([offer.as_bytes()].into_iter(), server).expect("a good offer") {
        None => assert_eq!(client_wish.receives_with_bits, 8, "no compressor can do that, but all the rest"),
        Some((deflate, answer)) => {
            let serves = terms(&deflate);
            let asks = agree(&[answer.as_bytes()], client).expect("a good answer").expect("agreed");
            assert_eq!(serves.sends_with_takeover, asks.receives_with_takeover, "{offer} {answer}");
            // What an end sends may take less than its peer is ready for.
            assert!(serves.sends_with_bits <= Some(asks.receives_with_bits), "{offer} {answer}");
            assert!(serves.receives_with_takeover || !asks.sends_with_takeover, "{offer} {answer}");
            assert!(asks.sends_with_bits <= Some(serves.receives_with_bits), "{offer} {answer}");
        }
    }
}

fn accept(offers: &[&[u8]], config: &DeflateConfig) -> Result<Option<(Terms, oracle::Compression)>, Wrong> {
    let accepted = accept_deflate(offers.iter().copied(), config).map_err(wrong)?;
    Ok(accepted.map(|(deflate, answer)| {
        let answer = planted(answer);
        (terms(&deflate), oracle::only_compression(answer.as_bytes()).expect("our answer is one"))
    }))
}

fn agree(answers: &[&[u8]], config: &DeflateConfig) -> Result<Option<Terms>, Wrong> {
    agreed_deflate(answers.iter().copied(), config).map(|agreed| agreed.as_ref().map(terms)).map_err(wrong)
}

fn wrong(error: HandshakeError) -> Wrong {
    match error {
        HandshakeError::Extensions => Wrong::NoList,
        HandshakeError::ExtensionNotOffered => Wrong::NotOffered,
        other => panic!("{other:?}"),
    }
}

/// PLANTED: a server that limits the client to 11 bits forgets that it wants no takeover.
fn planted(answer: String) -> String {
    if PLANTED && answer.contains("client_max_window_bits=11") {
        return answer.replace("; client_no_context_takeover", "");
    }
    answer
}

/// Only what is shown for debugging tells them.
fn terms(deflate: &Deflate) -> Terms {
    let shown = format!("{deflate:?}");
    let value = |name: &str| {
        let (_, behind) =
            shown.split_once(&format!("{name}: ")).unwrap_or_else(|| panic!("no {name} in {shown}"));
        behind.split([',', ' ', '}']).next().unwrap_or_default().to_owned()
    };
    let bits = |text: &str| text.parse().unwrap_or_else(|_| panic!("no bits in {shown}"));
    let sends = value("send_window_bits");
    Terms {
        sends_with_takeover: value("send_takeover") == "true",
        receives_with_takeover: value("receive_takeover") == "true",
        sends_with_bits: sends.strip_prefix("Some(").map(|text| bits(text.trim_end_matches(')'))),
        receives_with_bits: bits(&value("receive_window_bits")),
    }
}

fn subprotocols(offers: &[&[u8]], answers: &[&[u8]], supported: &[String]) {
    let expected = oracle::subprotocols(offers);
    match offered_subprotocols(offers.iter().copied()) {
        Ok(offered) => {
            assert_eq!(Some(&offered.iter().map(|name| (*name).to_owned()).collect()), expected.as_ref());
            let chosen = choose_subprotocol(&offered, supported);
            assert_eq!(chosen, offered.iter().find(|name| supported.iter().any(|one| one == *name)).copied());
            // A client that offered these takes it.
            if let Some(chosen) = chosen {
                assert_eq!(chosen_subprotocol([chosen.as_bytes()].into_iter(), &offered), Ok(Some(chosen)));
            }
        }
        Err(error) => {
            assert_eq!((error, expected), (HandshakeError::Subprotocols, None), "{}", shown(offers));
        }
    }
    if !offers.is_empty() {
        let joined = offers.join(&b", "[..]);
        let joined = offered_subprotocols([&joined[..]].into_iter()).map(|names| names.join(","));
        assert_eq!(joined, offered_subprotocols(offers.iter().copied()).map(|names| names.join(",")));
    }
    let tokens: Vec<String> =
        supported.iter().filter(|name| crate::oracle::is_token(name.as_bytes())).cloned().collect();
    let found = chosen_subprotocol(answers.iter().copied(), &tokens);
    let expected = oracle::chosen(answers, &tokens);
    assert_eq!(found.ok().map(|name| name.map(str::to_owned)), expected.ok(), "{}", shown(answers));
}

fn shown(lines: &[&[u8]]) -> String {
    lines.join(&b'\n').escape_ascii().to_string()
}
