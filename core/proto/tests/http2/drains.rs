//! Ending a connection in peace (RFC 9113 section 6.8).

use flare_proto::http2::{ErrorCode, FrameKind, Limits, flag};

use crate::answers::answer;
use crate::feeding::{fed, serving};
use crate::wire::{data, frame, get, post, shown};

fn pong(payload: &str) -> Vec<u8> {
    frame(FrameKind::Ping, flag::ACK, 0, payload)
}

#[test]
fn in_two_steps() {
    let (mut server, keys) = serving(Limits::default(), &[get(1)]);
    let mut out = Vec::new();
    assert!(!server.is_draining() && !server.awaits_drain());
    server.drain(&mut out);
    server.drain(&mut out);
    assert!(server.awaits_drain());
    assert_eq!(shown(&out), ["GOAWAY 2147483647 NO_ERROR", "PING draining"]);
    // Requests that were on their way are taken, until the client has seen it.
    let (events, out) =
        fed(&mut server, &[get(3), pong("other876"), pong("draining"), get(5), data(7, false, "x")]);
    assert_eq!(events, ["head 3 GET http a / ended", "pong other876"]);
    assert_eq!(out, ["GOAWAY 3 NO_ERROR"]);
    assert!(server.is_draining() && !server.awaits_drain() && !server.is_drained());
    let mut out = Vec::new();
    answer(&mut server, keys[0], &mut out);
    let third = flare_proto::http2::StreamKey::from_number(3 << 32 | 1);
    answer(&mut server, third, &mut out);
    assert!(server.is_drained());
}

#[test]
fn by_the_owners_deadline() {
    let (mut server, _) = serving(Limits::default(), &[post(1)]);
    let mut out = Vec::new();
    server.drain(&mut out);
    out.clear();
    server.finish_drain(&mut out);
    server.finish_drain(&mut out);
    assert_eq!(shown(&out), ["GOAWAY 1 NO_ERROR"]);
    // What has begun goes on; the compression stays right for what is ignored.
    let section = [crate::wire::fields(&crate::wire::GET), b"\x40\x01x\x01y".to_vec()].concat();
    let ignored = frame(FrameKind::Headers, flag::END_HEADERS, 3, section);
    let (events, out) = fed(
        &mut server,
        &[
            ignored,
            data(3, true, "zzz"),
            data(1, false, "on"),
            frame(FrameKind::Headers, flag::END_HEADERS | flag::END_STREAM, 1, [0xbe]),
        ],
    );
    assert_eq!(events, ["data 1 on", "end 1 x=y"]);
    assert!(out.is_empty());
}

#[test]
fn an_error_says_the_last_stream() {
    let (mut server, keys) = serving(Limits::default(), &[get(1), get(7)]);
    let mut out = Vec::new();
    server.close(ErrorCode::SettingsTimeout, "no answer to SETTINGS", &mut out);
    server.close(ErrorCode::NoError, "", &mut out);
    assert_eq!(shown(&out), ["GOAWAY 7 SETTINGS_TIMEOUT no answer to SETTINGS"]);
    assert!(!server.is_open(keys[0]) && server.is_draining());
}
