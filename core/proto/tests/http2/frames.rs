//! The rules of each frame (RFC 9113 section 6), with the input split at every byte.

use flare_proto::http2::FrameKind::{
    Continuation, Data, Goaway, Headers, Ping, Priority, PushPromise, RstStream, Settings, WindowUpdate,
};
use flare_proto::http2::{ErrorCode, FrameHeader, FrameKind, Limits, PREFACE, flag};

use crate::feeding::{at_every_split, served, served_with, server};
use crate::wire::{POST, client, data, fields, frame, get, hello, post, rst, settings, window_update};

const GET_TOLD: &str = "head 1 GET http a / ended";

/// The error that ends the connection, and the same in the last frame.
#[track_caller]
fn fails(frames: &[Vec<u8>]) -> String {
    let outcome = served(frames);
    let error = outcome.error.unwrap_or_else(|| panic!("{:?}", outcome.events));
    let last = outcome.out.last().unwrap();
    let (code, reason) = error.split_once(": ").unwrap();
    assert!(last.starts_with("GOAWAY ") && last.ends_with(&format!("{code} {reason}")), "{last}");
    code.to_owned()
}

#[track_caller]
fn fine(frames: &[Vec<u8>]) -> (Vec<String>, Vec<String>) {
    let outcome = served(frames);
    assert_eq!(outcome.error, None);
    (outcome.events, outcome.out)
}

#[test]
fn a_request_from_preface_to_end() {
    let (events, out) = fine(&[get(1)]);
    assert_eq!(events, [GET_TOLD]);
    assert!(out.is_empty());
    let (events, _) = fine(&[post(3), data(3, false, "hello"), data(3, false, ""), data(3, true, ", world")]);
    assert_eq!(events, ["head 3 POST http a /", "data 3 hello, world", "end 3"]);
}

#[test]
fn what_begins_otherwise() {
    let run = |input: &[u8]| at_every_split(|| server(Limits::default()), input).error.unwrap_or_default();
    assert!(run(b"GET / HTTP/1.1\r\n\r\n").contains("no preface"));
    assert!(run(&[&PREFACE[..23], b"!"].concat()).contains("no preface"));
    assert!(run(&[PREFACE, &get(1)[..]].concat()).contains("first frame"));
    assert!(run(&[PREFACE, &frame(Settings, flag::ACK, 0, "")[..]].concat()).contains("first frame"));
    assert_eq!(run(&PREFACE[..20]), "");
}

#[test]
fn lengths_and_streams_of_frames() {
    for (bad, code) in [
        (frame(Settings, 0, 0, [0; 5]), "FRAME_SIZE_ERROR"),
        (frame(Settings, flag::ACK, 0, [0; 6]), "FRAME_SIZE_ERROR"),
        (frame(Settings, 0, 1, [0; 6]), "PROTOCOL_ERROR"),
        (frame(Ping, 0, 0, [0; 7]), "FRAME_SIZE_ERROR"),
        (frame(Ping, 0, 1, [0; 8]), "PROTOCOL_ERROR"),
        (frame(Goaway, 0, 0, [0; 7]), "FRAME_SIZE_ERROR"),
        (frame(Goaway, 0, 1, [0; 8]), "PROTOCOL_ERROR"),
        (frame(WindowUpdate, 0, 0, [0; 3]), "FRAME_SIZE_ERROR"),
        (frame(RstStream, 0, 1, [0; 5]), "FRAME_SIZE_ERROR"),
        (frame(RstStream, 0, 0, [0; 4]), "PROTOCOL_ERROR"),
        (frame(Priority, 0, 0, [0; 5]), "PROTOCOL_ERROR"),
        (frame(Headers, flag::END_HEADERS, 0, ""), "PROTOCOL_ERROR"),
        (frame(Continuation, 0, 0, ""), "PROTOCOL_ERROR"),
        (frame(Continuation, flag::END_HEADERS, 1, ""), "PROTOCOL_ERROR"),
        (frame(Data, 0, 0, "x"), "PROTOCOL_ERROR"),
        (frame(PushPromise, flag::END_HEADERS, 1, [0; 4]), "PROTOCOL_ERROR"),
        (frame(FrameKind::PriorityUpdate, 0, 0, [0; 3]), "FRAME_SIZE_ERROR"),
        (frame(FrameKind::PriorityUpdate, 0, 1, [0; 4]), "PROTOCOL_ERROR"),
        (frame(FrameKind::PriorityUpdate, 0, 0, [0; 4]), "PROTOCOL_ERROR"),
    ] {
        assert_eq!(fails(&[get(1), bad.clone()]), code, "{bad:?}");
    }
}

#[test]
fn a_frame_longer_than_allowed_is_refused_by_its_head() {
    for kind in [0, 1, 4, 99] {
        let mut long = Vec::new();
        FrameHeader { length: 16_385, kind, flags: 0, stream: 1 }.encode(&mut long);
        assert_eq!(fails(&[post(1), long]), "FRAME_SIZE_ERROR");
    }
    let limits = Limits { frame_bytes: 20_000, ..Limits::default() };
    let outcome = served_with(&limits, &client(&[post(1), data(1, true, "x".repeat(20_000))]));
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.events[1].len(), "data 1 ".len() + 20_000);
}

#[test]
fn unknown_frames_are_ignored_but_not_within_a_section() {
    let mut unknown = Vec::new();
    FrameHeader { length: 3, kind: 0x77, flags: 0xff, stream: 0 }.encode(&mut unknown);
    unknown.extend_from_slice(b"abc");
    let (events, out) = fine(&[unknown.clone(), get(1), unknown.clone()]);
    assert_eq!((events.len(), out.len()), (1, 0));
    let part = frame(Headers, flag::END_STREAM, 1, fields(&POST));
    for between in [unknown, get(3), data(1, false, "x"), window_update(0, 1), frame(Continuation, 4, 3, "")]
    {
        assert_eq!(fails(&[part.clone(), between]), "PROTOCOL_ERROR");
    }
}

#[test]
fn a_section_in_several_frames() {
    let section = fields(&crate::wire::GET);
    for at in 0..=section.len() {
        let (one, rest) = section.split_at(at);
        let frames = [
            frame(Headers, flag::END_STREAM, 1, one),
            frame(Continuation, 0, 1, rest),
            frame(Continuation, flag::END_HEADERS, 1, ""),
            get(3),
        ];
        let outcome = at_every_split(|| server(Limits::default()), &client(&frames));
        assert_eq!(outcome.events, [GET_TOLD, "head 3 GET http a / ended"]);
    }
}

#[test]
fn padding_and_old_priorities() {
    let mut padded = vec![3];
    padded.extend_from_slice(&[0x80, 0, 0, 7, 200]);
    padded.extend_from_slice(&fields(&POST));
    padded.extend_from_slice(&[0; 3]);
    let flags = flag::END_HEADERS | flag::PADDED | flag::PRIORITY;
    let content = [&[4][..], b"content", &[0; 4]].concat();
    let (events, out) = fine(&[
        frame(Headers, flags, 1, &padded),
        frame(Data, flag::PADDED, 1, &content),
        frame(Data, flag::PADDED, 1, [0]),
        frame(Data, flag::PADDED | flag::END_STREAM, 1, [2, 0, 0]),
    ]);
    assert_eq!(events, ["head 1 POST http a /", "data 1 content", "end 1"]);
    assert!(out.is_empty());
    for (bad, code) in [
        (frame(Data, flag::PADDED, 1, ""), "FRAME_SIZE_ERROR"),
        (frame(Data, flag::PADDED, 1, [1]), "PROTOCOL_ERROR"),
        (frame(Data, flag::PADDED, 1, [9, 0, 0]), "PROTOCOL_ERROR"),
        (frame(Headers, flag::PADDED | flag::END_HEADERS, 3, ""), "FRAME_SIZE_ERROR"),
        (frame(Headers, flag::PADDED | flag::END_HEADERS, 3, [1]), "PROTOCOL_ERROR"),
        (frame(Headers, flag::PRIORITY | flag::END_HEADERS, 3, [0; 4]), "FRAME_SIZE_ERROR"),
        (frame(Headers, flag::PRIORITY | flag::END_HEADERS, 3, [0, 0, 0, 3, 0]), "PROTOCOL_ERROR"),
    ] {
        assert_eq!(fails(&[post(1), bad.clone()]), code, "{bad:?}");
    }
}

#[test]
fn settings_are_acknowledged_in_order_and_pings_answered() {
    let ping = frame(Ping, 0, 0, "12345678");
    let (events, out) = fine(&[ping, settings(&[(4, 1), (0x99, 1)]), frame(Ping, flag::ACK, 0, "pongpong")]);
    assert_eq!(events, ["pong pongpong"]);
    assert_eq!(out, ["PING ack 12345678", "SETTINGS ack"]);
    assert_eq!(fails(&[settings(&[(4, 1 << 31)])]), "FLOW_CONTROL_ERROR");
    assert_eq!(fails(&[settings(&[(5, 1)])]), "PROTOCOL_ERROR");
}

#[test]
fn streams_that_can_not_be() {
    for (frames, code) in [
        (vec![get(2)], "PROTOCOL_ERROR"),
        (vec![get(5), get(3)], "PROTOCOL_ERROR"),
        (vec![data(1, false, "x")], "PROTOCOL_ERROR"),
        (vec![get(1), data(3, false, "x")], "PROTOCOL_ERROR"),
        (vec![rst(1, ErrorCode::Cancel)], "PROTOCOL_ERROR"),
        (vec![get(1), rst(2, ErrorCode::Cancel)], "PROTOCOL_ERROR"),
        (vec![window_update(1, 1)], "PROTOCOL_ERROR"),
        (vec![window_update(0, 0)], "PROTOCOL_ERROR"),
        (vec![window_update(0, 0x7fff_ffff)], "FLOW_CONTROL_ERROR"),
        (vec![frame(Priority, 0, 1, [0, 0, 0, 1, 0])], "PROTOCOL_ERROR"),
        (vec![frame(Priority, 0, 1, [0; 4])], "FRAME_SIZE_ERROR"),
    ] {
        assert_eq!(fails(&frames), code, "{frames:?}");
    }
}

#[test]
fn errors_of_one_stream_leave_the_others() {
    for (bad, code) in [
        (window_update(1, 0), "PROTOCOL_ERROR"),
        (window_update(1, 0x7fff_ffff), "FLOW_CONTROL_ERROR"),
        (frame(Priority, 0, 1, [0; 6]), "FRAME_SIZE_ERROR"),
        (frame(Priority, 0, 1, [0, 0, 0, 1, 9]), "PROTOCOL_ERROR"),
    ] {
        let (events, out) = fine(&[post(1), post(3), bad, data(1, true, "late"), data(3, true, "fine")]);
        let reset = format!("reset 1 {code}");
        assert_eq!(events[2..], [reset, "data 3 fine".into(), "end 3".into()]);
        assert_eq!(out, [format!("RST 1 {code}")]);
    }
    let (events, out) = fine(&[get(1), data(1, false, "more"), get(3)]);
    assert_eq!(events, [GET_TOLD, "reset 1 STREAM_CLOSED", "head 3 GET http a / ended"]);
    assert_eq!(out, ["RST 1 STREAM_CLOSED"]);
}

#[test]
fn a_reset_of_the_peer() {
    let (events, out) =
        fine(&[post(1), rst(1, ErrorCode::Cancel), rst(1, ErrorCode::Cancel), window_update(1, 5), get(3)]);
    assert_eq!(events, ["head 1 POST http a /", "reset 1 CANCEL by peer", "head 3 GET http a / ended"]);
    assert!(out.is_empty());
    let (events, _) = fine(&[post(1), rst(1, ErrorCode::Other(77))]);
    assert_eq!(events[1], "reset 1 error 77 by peer");
    // The peer knew that it was over.
    assert_eq!(fails(&[post(1), rst(1, ErrorCode::Cancel), get(1)]), "STREAM_CLOSED");
    let (_, out) = fine(&[post(1), rst(1, ErrorCode::Cancel), data(1, false, "x")]);
    assert_eq!(out, ["RST 1 STREAM_CLOSED"]);
}

#[test]
fn goaway_of_a_client() {
    let goaway = |last: u32| frame(Goaway, 0, 0, [&last.to_be_bytes()[..], &[0; 4], b"bye"].concat());
    let (events, _) = fine(&[get(1), goaway(0), get(3)]);
    assert_eq!(events[1..], ["goaway 0 NO_ERROR", "head 3 GET http a / ended"]);
    assert_eq!(fails(&[goaway(0), goaway(1)]), "PROTOCOL_ERROR");
}

#[test]
fn compression_errors_end_the_connection() {
    for bad in [&b"\x80"[..], b"\xbe", b"\x00\x01", b"\x3f\xe2\x1f", b"\x82\x20"] {
        let frames = [frame(Headers, flag::END_HEADERS | flag::END_STREAM, 1, bad)];
        assert_eq!(fails(&frames), "COMPRESSION_ERROR", "{bad:?}");
    }
}

#[test]
fn after_an_error_nothing_is_taken() {
    let (mut end, mut out) = (server(Limits::default()), Vec::new());
    let mut told = crate::feeding::Told::default();
    let error = crate::feeding::feed(&mut end, b"GET / HTTP/1.1\r\n", &mut out, &mut told).unwrap_err();
    assert_eq!(end.error(), Some(error));
    let length = out.len();
    assert_eq!(crate::feeding::feed(&mut end, &hello(), &mut out, &mut told), Err(error));
    end.close(ErrorCode::NoError, "again", &mut out);
    end.drain(&mut out);
    assert_eq!((out.len(), end.streams()), (length, 0));
}
