//! Compression of messages (RFC 7692): what it reads and writes, and what it can be made to do.

use std::sync::Arc;

use flare_proto::websocket::handshake::{accept_deflate, agreed_deflate, offer_deflate};
use flare_proto::websocket::{
    CloseCode, Connection, Contexts, Deflate, DeflateConfig, Limits, MaskKeys, Opcode, Rate, Role, encode,
};

use crate::feeding::{FIN, KEY, Seen, at_every_split, feed, frame, masked, plain, refused, run};
use crate::random::Random;

const RSV1: u8 = 0x40;

fn taking_over() -> DeflateConfig {
    DeflateConfig { send_takeover: true, receive_takeover: true, least_bytes: 1, ..DeflateConfig::default() }
}

fn anew() -> DeflateConfig {
    DeflateConfig { least_bytes: 1, ..DeflateConfig::default() }
}

/// What a server and a client agree on.
fn agreed(server: &DeflateConfig, client: &DeflateConfig) -> (Deflate, Deflate) {
    let offer = offer_deflate(client);
    let (server, answer) = accept_deflate([offer.as_bytes()].into_iter(), server).unwrap().unwrap();
    let client = agreed_deflate([answer.as_bytes()].into_iter(), client).unwrap().unwrap();
    (server, client)
}

fn ends(server: &DeflateConfig, client: &DeflateConfig, limits: &Limits) -> (Connection, Connection) {
    let limits = Arc::new(limits.clone());
    let (server, client) = agreed(server, client);
    let server = Connection::new(Role::Server, limits.clone(), Some(server));
    let client = Connection::new(Role::Client(MaskKeys::new(|| KEY)), limits, Some(client));
    (server, client)
}

fn client() -> Connection {
    ends(&taking_over(), &taking_over(), &Limits::default()).1
}

fn server() -> Connection {
    ends(&taking_over(), &taking_over(), &Limits::default()).0
}

fn limited(message_bytes: usize) -> Connection {
    ends(&anew(), &anew(), &Limits { message_bytes, ..Limits::default() }).0
}

/// The message, compressed by another end, as a client sends it.
fn compressed(opcode: Opcode, message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    ends(&anew(), &anew(), &Limits::default()).1.send(opcode, message, &mut wire).unwrap();
    assert_ne!(wire[0] & RSV1, 0, "it was not worth it");
    wire
}

fn hello() -> Seen {
    Seen::Text("Hello".into())
}

#[test]
fn the_examples_of_the_rfc() {
    for (section, wire, expected) in [
        ("7.2.3.1", &b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"[..], 1),
        ("7.2.3.1, fragments", b"\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00", 1),
        ("7.2.3.2", b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00", 2),
        ("7.2.3.3", b"\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 1),
        ("7.2.3.4", b"\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 1),
        ("7.2.3.5", b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 1),
    ] {
        let expected = (vec![hello(); expected], vec![], Ok(()));
        assert_eq!(at_every_split(client, wire), expected, "{section}");
    }
    // 7.2.3.6
    assert_eq!(at_every_split(client, b"\xc1\x01\x00").0, [Seen::Text(String::new())]);
    // And masked.
    let wire = masked(FIN | RSV1 | 1, b"\xf2\x48\xcd\xc9\xc9\x07\x00");
    assert_eq!(at_every_split(server, &wire).0, [hello()]);
}

#[test]
fn uncompressed_messages_in_between() {
    let wire = [
        b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00".to_vec(),
        plain(FIN | 1, b"Hello"),
        plain(1, b"Hel"),
        plain(FIN | 10, b"pong"),
        plain(FIN, b"lo"),
        b"\xc1\x05\xf2\x00\x11\x00\x00".to_vec(),
    ]
    .concat();
    let expected = vec![hello(), hello(), Seen::Pong(b"pong".into()), hello(), hello()];
    assert_eq!(at_every_split(client, &wire), (expected, vec![], Ok(())));
}

#[test]
fn control_frames_between_compressed_fragments() {
    let wire = b"\x41\x03\xf2\x48\xcd\x8a\x01x\x00\x02\xc9\xc9\x89\x00\x80\x02\x07\x00";
    let (seen, out, result) = at_every_split(client, wire);
    assert_eq!(seen, [Seen::Pong(b"x".into()), Seen::Ping(vec![]), hello()]);
    assert_eq!((out, result), (masked(FIN | 10, b""), Ok(())));
}

#[test]
fn the_bit_belongs_to_the_first_frame_of_a_message() {
    let wire = [masked(1 | RSV1, b"\xf2\x48\xcd"), masked(FIN | RSV1, b"\xc9\xc9\x07\x00")].concat();
    refused(server, &wire, CloseCode::PROTOCOL_ERROR, &[]);
    refused(server, &masked(FIN | RSV1 | 9, b"x"), CloseCode::PROTOCOL_ERROR, &[]);
    refused(server, &masked(FIN | RSV1 | 0x20 | 1, b"x"), CloseCode::PROTOCOL_ERROR, &[]);
    // Without an agreement there is no such bit.
    refused(crate::feeding::server, &masked(FIN | RSV1 | 1, b"\0"), CloseCode::PROTOCOL_ERROR, &[]);
}

#[test]
fn what_is_no_deflate() {
    for bad in [
        // A block of a kind that does not exist.
        &b"\x06"[..],
        // A stored block whose length is not confirmed.
        b"\x00\x05\x00\xfa\xfe\x48\x65\x6c\x6c\x6f\x00",
        // A distance that is before the begin.
        b"\xf2\x00\x11\x00\x00",
    ] {
        refused(server, &masked(FIN | RSV1 | 2, bad), CloseCode::INVALID_PAYLOAD, &[]);
    }
    // Cut at each byte. The last one only fills up.
    for cut in 1..6 {
        let wire = masked(FIN | RSV1 | 2, &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..cut]);
        refused(server, &wire, CloseCode::INVALID_PAYLOAD, &[]);
    }
    for cut in 2..5 {
        let wire = masked(FIN | RSV1 | 2, &b"\x00\x05\x00\xfa\xffHello\x00"[..cut]);
        refused(server, &wire, CloseCode::INVALID_PAYLOAD, &[]);
    }
}

#[test]
fn what_is_wrong_in_two_ways_is_told_the_same_in_each_split() {
    // 11 bytes of text, and then a block of no kind.
    let corrupt =
        [&b"\x32\x30\x34\x32\x36\x31\x35\x33\xb7\xb0L\x04\x00"[..], b"\x00\x05\x00\xfa\xfe"].concat();
    let wire = masked(FIN | RSV1 | 2, &corrupt);
    refused(|| limited(10), &wire, CloseCode::MESSAGE_TOO_BIG, &[]);
    refused(|| limited(11), &wire, CloseCode::INVALID_PAYLOAD, &[]);
    // No text, and too long.
    let mut wire = compressed(Opcode::Binary, &[b"good \xff".as_slice(), &[b'a'; 300]].concat());
    wire[0] = FIN | RSV1 | 1;
    refused(|| limited(50), &wire, CloseCode::INVALID_PAYLOAD, &[]);
}

#[test]
fn texts_are_checked_as_they_are_decompressed() {
    let good = "characters \u{e4}\u{20ac}\u{1f9ff}".repeat(40);
    let wire = compressed(Opcode::Text, good.as_bytes());
    assert_eq!(at_every_split(server, &wire), (vec![Seen::Text(good.clone())], vec![], Ok(())));
    for bad in [b"\xff".as_slice(), b"\xed\xa0\x80", b"\xe2\x82"] {
        let mut wire = compressed(Opcode::Binary, &[good.as_bytes(), bad].concat());
        wire[0] = FIN | RSV1 | 1;
        refused(server, &wire, CloseCode::INVALID_PAYLOAD, &[]);
    }
}

#[test]
fn a_bomb_is_stopped_while_it_grows() {
    // 16 MiB of zeros are few.
    let wire = compressed(Opcode::Binary, &vec![0; 16 << 20]);
    assert!(wire.len() < 100_000, "{}", wire.len());
    for pieces in [vec![&wire[..]], wire.chunks(1000).collect()] {
        let mut server = limited(100_000);
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        let mut most = 0;
        let error = pieces
            .iter()
            .find_map(|piece| {
                let result = feed(&mut server, piece, &mut out, &mut seen);
                most = most.max(server.held_bytes());
                result.err()
            })
            .unwrap();
        assert_eq!(error.code, CloseCode::MESSAGE_TOO_BIG);
        assert!(seen.is_empty() && most <= 100_001, "{most}");
        assert_eq!(server.held_bytes(), 0);
    }
    // The longest that is taken, and one byte more, in each split of a small one.
    let wire = compressed(Opcode::Binary, &[7; 1000]);
    assert_eq!(at_every_split(|| limited(1000), &wire).0, [Seen::Binary(vec![7; 1000])]);
    refused(|| limited(999), &wire, CloseCode::MESSAGE_TOO_BIG, &[]);
}

#[test]
fn blocks_that_say_they_are_the_last_have_a_budget() {
    // Two bytes: an empty block of the fixed code that is the last, again and again.
    let wire = masked(FIN | RSV1 | 2, &b"\x03\x00".repeat(100_000));
    let limits = Limits { control_frames: Rate { burst: 50, per_second: 0 }, ..Limits::default() };
    let (mut server, _) = ends(&anew(), &anew(), &limits);
    assert_eq!(run(&mut server, &[&wire]).2.unwrap_err().code, CloseCode::POLICY_VIOLATION);
    // One in each message is what some compressors do.
    let wire = masked(FIN | RSV1 | 1, b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00").repeat(200);
    let (mut server, _) = ends(&anew(), &anew(), &limits);
    assert_eq!(run(&mut server, &[&wire]), (vec![hello(); 200], vec![], Ok(())));
}

#[test]
fn short_messages_and_those_that_do_not_shrink_are_sent_as_they_are() {
    let config = DeflateConfig { least_bytes: 10, ..DeflateConfig::default() };
    let (mut server, _) = ends(&config, &anew(), &Limits::default());
    let first = |server: &mut Connection, message: &[u8]| {
        let mut wire = Vec::new();
        server.send(Opcode::Binary, message, &mut wire).unwrap();
        wire[0]
    };
    assert_eq!(first(&mut server, &[0; 9]), FIN | 2);
    assert_eq!(first(&mut server, &[0; 10]), FIN | RSV1 | 2);
    let noise = Random::new(1).bytes(1000);
    assert_eq!(first(&mut server, &noise), FIN | 2);
    let (mut server, _) = ends(&anew(), &anew(), &Limits::default());
    assert_eq!(first(&mut server, b""), FIN | 2);
}

#[test]
fn a_window_is_taken_over_or_not() {
    let message = Random::new(1).bytes(500);
    let length = |server: &DeflateConfig, client: &DeflateConfig| {
        let (mut server, mut client) = ends(server, client, &Limits::default());
        let (mut first, mut second, mut seen) = (Vec::new(), Vec::new(), Vec::new());
        server.send(Opcode::Binary, &message, &mut first).unwrap();
        server.send(Opcode::Binary, &message, &mut second).unwrap();
        feed(&mut client, &first, &mut Vec::new(), &mut seen).unwrap();
        feed(&mut client, &second, &mut Vec::new(), &mut seen).unwrap();
        assert_eq!(seen, [Seen::Binary(message.clone()), Seen::Binary(message.clone())]);
        second.len()
    };
    assert!(length(&taking_over(), &taking_over()) < 50);
    assert_eq!(length(&anew(), &taking_over()), 504);
    assert_eq!(length(&taking_over(), &anew()), 504);
    // In a window of 512 bytes, less what zlib keeps free, a message of 500 is not found again.
    let narrow = DeflateConfig { send_window_bits: 9, ..taking_over() };
    assert!(length(&narrow, &taking_over()) > 400);
    let narrow = DeflateConfig { receive_window_bits: 9, ..taking_over() };
    assert!(length(&taking_over(), &narrow) > 400);
}

#[test]
fn contexts_are_given_back_between_messages() {
    let contexts = Contexts::default();
    let config = DeflateConfig { contexts: contexts.clone(), ..anew() };
    let wire = compressed(Opcode::Binary, &[1; 500]);
    let mut out = Vec::new();
    let mut connections: Vec<Connection> =
        (0..10).map(|_| ends(&config, &anew(), &Limits::default()).0).collect();
    for connection in &mut connections {
        assert_eq!(run(connection, &[&wire]).0.len(), 1);
        connection.send(Opcode::Binary, &[1; 500], &mut out).unwrap();
        assert_eq!(contexts.unused(), (1, 1));
        assert!(connection.held_bytes() <= 128);
    }
    // As many as have a message that came in part.
    for connection in &mut connections {
        assert_eq!(run(connection, &[&wire[..wire.len() - 1]]).0, []);
    }
    assert_eq!(contexts.unused(), (1, 0));
    for connection in &mut connections {
        assert_eq!(run(connection, &[&wire[wire.len() - 1..]]).0.len(), 1);
    }
    assert_eq!(contexts.unused(), (1, 4));
}

#[test]
fn a_broadcast_goes_out_as_it_is_between_compressed_messages() {
    let (mut server, mut client) = ends(&taking_over(), &taking_over(), &Limits::default());
    let mut wire = Vec::new();
    server.send(Opcode::Text, &[b'a'; 100], &mut wire).unwrap();
    encode(Opcode::Text, &[b'b'; 100], &mut wire).unwrap();
    server.send(Opcode::Text, &[b'a'; 100], &mut wire).unwrap();
    let text = |letter: &str| Seen::Text(letter.repeat(100));
    assert_eq!(run(&mut client, &[&wire]).0, [text("a"), text("b"), text("a")]);
}

#[test]
fn joined_with_all_terms() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut config = || DeflateConfig {
            send_takeover: random.one_in(2),
            receive_takeover: random.one_in(2),
            send_window_bits: 9 + random.below(7) as u8,
            receive_window_bits: 9 + random.below(7) as u8,
            level: random.below(10) as u8,
            least_bytes: *random.pick(&[0, 1, 100]),
            contexts: Contexts::default(),
        };
        let (mut one, mut other) = ends(&config(), &config(), &Limits::default());
        for _ in 0..12 {
            let messages: Vec<Vec<u8>> = (0..3).map(|_| message(&mut random)).collect();
            let mut wire = Vec::new();
            for message in &messages {
                one.send(Opcode::Binary, message, &mut wire).unwrap();
            }
            let mut seen = Vec::new();
            for piece in random.pieces(&wire) {
                feed(&mut other, piece, &mut Vec::new(), &mut seen).unwrap();
            }
            assert!(seen.into_iter().eq(messages.into_iter().map(Seen::Binary)), "seed {seed}");
            std::mem::swap(&mut one, &mut other);
        }
    }
}

/// Noise, few letters, or what repeats from afar.
fn message(random: &mut Random) -> Vec<u8> {
    let length = *random.pick(&[0, 1, 64, 300, 5_000, 40_000]);
    match random.below(3) {
        0 => random.bytes(length),
        1 => (0..length).map(|_| *random.pick(b"ab")).collect(),
        _ => {
            let part = random.bytes(1 + length / 3);
            part.iter().copied().cycle().take(length).collect()
        }
    }
}

#[test]
fn nonsense_never_panics_and_memory_stays_small() {
    let script = compressed(Opcode::Text, "some text, and again some text".repeat(10).as_bytes());
    let payload: Vec<u8> = script[6..].iter().enumerate().map(|(at, byte)| byte ^ KEY[at % 4]).collect();
    let mut ended = 0;
    for seed in 0..5_000 {
        let mut random = Random::new(seed);
        let mut wire = Vec::new();
        for _ in 0..2 {
            let mut payload = payload.clone();
            for _ in 0..1 + random.below(3) {
                let at = random.below(payload.len());
                payload[at] = random.below(256) as u8;
            }
            payload.truncate(1 + random.below(payload.len()));
            wire.extend(frame(FIN | RSV1 | 2, Some(KEY), &payload));
        }
        let config = *random.pick(&[anew, taking_over]);
        let (mut server, _) =
            ends(&config(), &config(), &Limits { message_bytes: 1000, ..Limits::default() });
        let (mut out, mut seen) = (Vec::new(), Vec::new());
        let pieces = random.pieces(&wire);
        let result = pieces.iter().try_for_each(|piece| feed(&mut server, piece, &mut out, &mut seen));
        ended += usize::from(result.is_err());
        assert!(server.held_bytes() <= 1001);
    }
    assert!(ended > 4000, "only {ended} were refused");
}
