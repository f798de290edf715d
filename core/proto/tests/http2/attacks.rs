//! Peers that cost much and bring nothing. Each attack has to end the connection, or has to be bounded; the same at a lower rate has to be served.

use flare_proto::http2::{ErrorCode, FrameHeader, FrameKind, Limits, Rate, ServerConnection, flag};

use crate::answers::answer;
use crate::feeding::{Told, fed, feed, serving};
use crate::wire::{GET, client, data, fields, frame, get, headers, post, rst, settings, window_update};

/// Sends the frames again and again, at most so many times. How often they were taken, and the error.
fn flood(limits: Limits, most: u32, mut frames: impl FnMut(u32) -> Vec<u8>) -> (u32, String) {
    let (mut server, _) = serving(limits, &[]);
    flood_server(&mut server, most, &mut frames)
}

fn flood_server(
    server: &mut ServerConnection,
    most: u32,
    frames: &mut impl FnMut(u32) -> Vec<u8>,
) -> (u32, String) {
    for round in 0..most {
        let (mut out, mut told) = (Vec::new(), Told::default());
        if let Err(error) = feed(server, &frames(round), &mut out, &mut told) {
            return (round, error.to_string());
        }
        assert!(server.streams() <= server.limits().streams as usize);
    }
    (most, String::new())
}

const RATE: Rate = Rate { burst: 50, per_second: 10 };

fn calm(reason: &str) -> String {
    format!("ENHANCE_YOUR_CALM: {reason}")
}

#[test]
fn rapid_reset() {
    let limits = Limits { resets: RATE, ..Limits::default() };
    let attack = |round: u32| [get(2 * round + 1), rst(2 * round + 1, ErrorCode::Cancel)].concat();
    assert_eq!(flood(limits, 1000, attack), (50, calm("too many streams were reset")));
    // The default bears what a browser does that leaves a page, and not more.
    let (taken, error) = flood(Limits::default(), 100_000, attack);
    assert!((200..1000).contains(&taken) && !error.is_empty(), "{taken}");
}

#[test]
fn made_you_reset() {
    let limits = Limits { resets: RATE, ..Limits::default() };
    for attack in [
        |id| [post(id), window_update(id, 0)].concat(),
        |id| [post(id), window_update(id, 0x7fff_ffff)].concat(),
        |id| [post(id), frame(FrameKind::Priority, 0, id, [0; 4])].concat(),
        |id| [post(id), headers(id, false, &GET)].concat(),
        |id| [get(id), data(id, false, "x")].concat(),
        |id| {
            [headers(id, false, &[&GET[..], &[("content-length", "1")]].concat()), data(id, false, "xx")]
                .concat()
        },
        |id| headers(id, true, &[("X", "malformed")]),
    ] {
        let taken = flood(limits.clone(), 1000, |round| attack(2 * round + 1));
        assert_eq!(taken, (50, calm("too many streams were reset")));
    }
}

#[test]
fn too_many_streams_are_refused_and_not_queued() {
    let limits = Limits { streams: 3, resets: RATE, ..Limits::default() };
    let (mut server, keys) = serving(limits, &[post(1), post(3), post(5)]);
    let (events, out) = fed(&mut server, &[get(7), get(9)]);
    assert_eq!((events.len(), server.streams()), (0, 3));
    assert_eq!(out, ["RST 7 REFUSED_STREAM", "RST 9 REFUSED_STREAM"]);
    // Another one may come as soon as one is over.
    server.reset(keys[1], ErrorCode::Cancel, &mut Vec::new());
    assert_eq!(fed(&mut server, &[get(11)]).0, ["head 11 GET http a / ended"]);
    // Who goes on asking for more costs too much.
    let (taken, error) = flood_server(&mut server, 1000, &mut |round| get(2 * round + 13));
    assert_eq!((taken, error), (48, calm("too many streams were reset")));
}

#[test]
fn continuations() {
    let part = frame(FrameKind::Headers, flag::END_STREAM, 1, fields(&GET));
    let attack = |round| if round == 0 { part.clone() } else { frame(FrameKind::Continuation, 0, 1, "") };
    assert_eq!(flood(Limits::default(), 1000, attack), (17, calm("too many CONTINUATIONs")));
    let long = fields(&[("x", &"v".repeat(10_000))]);
    let attack = |round| if round == 0 { part.clone() } else { frame(FrameKind::Continuation, 0, 1, &long) };
    assert_eq!(flood(Limits::default(), 1000, attack), (7, calm("field section too long")));
}

#[test]
fn frames_that_bring_nothing() {
    let limits = Limits {
        settings: RATE,
        pings: RATE,
        priorities: RATE,
        window_updates: RATE,
        empty_frames: RATE,
        idle_frames: RATE,
        ..Limits::default()
    };
    let mut unknown = Vec::new();
    FrameHeader { length: 0, kind: 99, flags: 0, stream: 0 }.encode(&mut unknown);
    let goaway = frame(FrameKind::Goaway, 0, 0, [0; 8]);
    for (attack, reason) in [
        (settings(&[(4, 5)]), "too many SETTINGS"),
        (frame(FrameKind::Ping, 0, 0, [0; 8]), "too many PINGs"),
        (frame(FrameKind::Priority, 0, 1, [0, 0, 0, 9, 9]), "too many priorities"),
        (frame(FrameKind::PriorityUpdate, 0, 0, b"\0\0\0\x09u=1"), "too many priorities"),
        (window_update(0, 1), "too many WINDOW_UPDATEs"),
        (window_update(1, 1), "too many WINDOW_UPDATEs"),
        (data(1, false, ""), "too many empty frames"),
        (frame(FrameKind::Data, flag::PADDED, 1, [2, 0, 0]), "too many empty frames"),
        (unknown, "too many frames without effect"),
        (frame(FrameKind::Ping, flag::ACK, 0, [0; 8]), "too many frames without effect"),
        (frame(FrameKind::Settings, flag::ACK, 0, ""), "too many frames without effect"),
        (goaway, "too many frames without effect"),
    ] {
        let (mut server, _) = serving(limits.clone(), &[post(1)]);
        let (taken, error) = flood_server(&mut server, 1000, &mut |_| attack.clone());
        assert_eq!(error, calm(reason));
        assert!((49..=52).contains(&taken), "{reason}: {taken}");
        // At a rate that is allowed, for ever.
        let (mut server, _) = serving(limits.clone(), &[post(1)]);
        let (taken, error) = flood_server_in_time(&mut server, &attack);
        assert_eq!((taken, error), (300, String::new()));
    }
}

fn flood_server_in_time(server: &mut ServerConnection, attack: &[u8]) -> (u32, String) {
    let mut now = 0;
    for round in 0..300 {
        now += 101;
        server.set_now(now);
        let (mut out, mut told) = (Vec::new(), Told::default());
        if let Err(error) = feed(server, attack, &mut out, &mut told) {
            return (round, error.to_string());
        }
    }
    (300, String::new())
}

#[test]
fn use_of_the_connection_pays_for_its_frames() {
    // A client that reads a long answer opens its windows again and again, and sends a PING for each piece it sends.
    let few = Rate { burst: 4, per_second: 0 };
    let limits = Limits { window_updates: few, pings: few, priorities: few, ..Limits::default() };
    let (mut server, _) = serving(limits, &[]);
    let mut id = 1;
    for _ in 0..100 {
        fed(&mut server, &[get(id), frame(FrameKind::PriorityUpdate, 0, 0, priority_of(id))]);
        let key = flare_proto::http2::StreamKey::from_number(u64::from(id) << 32);
        let mut out = Vec::new();
        answer(&mut server, key, &mut out);
        fed(&mut server, &[window_update(0, 2), window_update(0, 1)]);
        id += 2;
        fed(&mut server, &[post(id), data(id, true, "x"), frame(FrameKind::Ping, 0, 0, [0; 8])]);
        let key = flare_proto::http2::StreamKey::from_number(u64::from(id) << 32);
        answer(&mut server, key, &mut out);
        id += 2;
    }
}

fn priority_of(id: u32) -> Vec<u8> {
    [&id.to_be_bytes()[..], b"u=1"].concat()
}

#[test]
fn a_window_that_opens_by_a_byte_each_time_is_no_use() {
    let few = Rate { burst: 50, per_second: 0 };
    let limits = Limits { window_updates: few, ..Limits::default() };
    let (mut server, keys) = serving(limits, &[settings(&[(4, 0)]), get(1)]);
    let mut out = Vec::new();
    crate::answers::head(&mut server, keys[0], 200, &[], flare_proto::ContentLength::Unknown, &mut out)
        .unwrap();
    server.want_send(keys[0]);
    for round in 0..1000 {
        let mut told = Told::default();
        if feed(&mut server, &window_update(1, 1), &mut out, &mut told).is_err() {
            assert_eq!(round, 50);
            return;
        }
        let turn = server.next_turn().unwrap();
        assert_eq!(turn.most, 1);
        server.begin_data(turn.stream, 1, false, &mut out).unwrap();
        out.clear();
    }
    panic!("it went on");
}

#[test]
fn hpack_bombs_cost_no_memory_and_little_time() {
    // 4,000 bytes enter the table and then stand there by one byte each: 16,000 of them would be 64 MB.
    let mut bomb = fields(&GET);
    bomb.extend_from_slice(b"\x40\x01a\x7f\xa1\x1e");
    bomb.extend_from_slice(&[b'v'; 4000]);
    bomb.extend(vec![0xbe; 12_000]);
    let (mut server, _) = serving(Limits::default(), &[]);
    let (events, _) = fed(
        &mut server,
        &[frame(FrameKind::Headers, flag::END_HEADERS | flag::END_STREAM, 1, &bomb), get(3)],
    );
    assert_eq!(events, ["refused 1 431 head too large: GET / ended", "head 3 GET http a / ended"]);
    // As trailers.
    let (mut server, _) = serving(Limits::default(), &[post(1)]);
    let (events, _) = fed(
        &mut server,
        &[frame(FrameKind::Headers, flag::END_HEADERS | flag::END_STREAM, 1, &bomb[fields(&GET).len()..])],
    );
    assert_eq!(events, ["reset 1 PROTOCOL_ERROR"]);
}

#[test]
fn streams_of_which_no_id_is_left() {
    let (mut server, keys) = serving(Limits::default(), &[get(0x7fff_fffd), get(0x7fff_ffff)]);
    assert_eq!(keys.len(), 2);
    let mut out = Vec::new();
    answer(&mut server, keys[1], &mut out);
    let (mut told, mut out) = (Told::default(), Vec::new());
    let error = feed(&mut server, &get(1), &mut out, &mut told).unwrap_err();
    assert_eq!(error.code, ErrorCode::Protocol);
}

#[test]
fn output_is_bounded_by_input() {
    // Whatever is sent, the answers are not much longer.
    let input = client(
        &[
            vec![frame(FrameKind::Ping, 0, 0, [0; 8]); 90],
            vec![settings(&[]); 25],
            (0..300).map(|round| headers(2 * round + 1, true, &[("X", "y")])).collect(),
        ]
        .concat(),
    );
    let (mut server, mut out, mut told) =
        (crate::feeding::server(Limits::default()), Vec::new(), Told::default());
    feed(&mut server, &input, &mut out, &mut told).unwrap();
    assert!(out.len() <= input.len(), "{} for {}", out.len(), input.len());
}

#[test]
fn trailers_of_a_stream_that_was_reset_long_ago_are_ignored() {
    let mut frames = Vec::new();
    let (mut server, keys) = serving(Limits::default(), &[post(1)]);
    server.reset(keys[0], ErrorCode::Cancel, &mut Vec::new());
    // More streams end than are remembered one by one.
    for id in (3..300).step_by(2) {
        frames.extend([post(id), rst(id, ErrorCode::Cancel)]);
    }
    fed(&mut server, &frames);
    // What was on its way when the client learned of its reset (RFC 9113, 5.1).
    let late = [data(1, false, "x"), headers(1, true, &[("x", "y")])];
    assert_eq!(fed(&mut server, &late), (Vec::new(), Vec::new()));
    // It is read for the compression's sake, and costs.
    let limits = Limits { idle_frames: RATE, ..Limits::default() };
    let (mut server, keys) = serving(limits, &[post(1)]);
    server.reset(keys[0], ErrorCode::Cancel, &mut Vec::new());
    fed(&mut server, &frames);
    let taken = flood_server(&mut server, 1000, &mut |_| headers(1, true, &[("x", "y")]));
    assert_eq!(taken, (50, calm("too many frames without effect")));
}

#[test]
fn a_stream_that_was_left_out_is_an_error_for_ever() {
    let (mut server, keys) = serving(Limits::default(), &[post(1)]);
    server.reset(keys[0], ErrorCode::Cancel, &mut Vec::new());
    let frames: Vec<_> = (5..300).step_by(2).flat_map(|id| [post(id), rst(id, ErrorCode::Cancel)]).collect();
    fed(&mut server, &frames);
    let error = feed(&mut server, &get(3), &mut Vec::new(), &mut Told::default()).unwrap_err();
    assert_eq!(error.to_string(), "PROTOCOL_ERROR: HEADERS on a stream that is not open");
}
