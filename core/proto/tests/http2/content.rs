//! Content that comes in, and its windows (RFC 9113 section 6.9).

use flare_proto::http2::{ErrorCode, FrameKind, Limits, flag};

use crate::feeding::{fed, served, served_with, serving};
use crate::wire::{client, data, frame, get, post};

fn small() -> Limits {
    Limits { stream_window: 100_000, connection_window: 150_000, ..Limits::default() }
}

fn kilobytes(stream: u32, count: usize) -> Vec<Vec<u8>> {
    vec![data(stream, false, [0; 1000]); count]
}

#[test]
fn room_is_given_back_when_half_of_a_window_was_used() {
    let (mut server, keys) = serving(small(), &[vec![post(1)], kilobytes(1, 100)].concat());
    let mut out = Vec::new();
    server.consumed(keys[0], 49_999, &mut out);
    assert!(out.is_empty());
    server.consumed(keys[0], 1, &mut out);
    assert_eq!(crate::wire::shown(&out), ["WINDOW_UPDATE 1 50000"]);
    out.clear();
    // Never more than came, and the connection's at its own half.
    server.consumed(keys[0], usize::MAX, &mut out);
    assert_eq!(crate::wire::shown(&out), ["WINDOW_UPDATE 0 100000", "WINDOW_UPDATE 1 50000"]);
    out.clear();
    server.consumed(keys[0], usize::MAX, &mut out);
    assert!(out.is_empty());
}

#[test]
fn a_stream_that_passes_its_window_is_reset() {
    let (mut server, _) = serving(small(), &[vec![post(1), post(3)], kilobytes(1, 100)].concat());
    let (events, out) = fed(&mut server, &[data(1, false, "x"), data(3, true, "fine")]);
    assert_eq!(events, ["reset 1 FLOW_CONTROL_ERROR", "data 3 fine", "end 3"]);
    // What nobody will use any more is given back to the connection.
    assert_eq!(out, ["RST 1 FLOW_CONTROL_ERROR", "WINDOW_UPDATE 0 100001"]);
}

#[test]
fn a_connection_that_passes_its_window_ends() {
    let frames =
        [vec![post(1), post(3)], kilobytes(1, 100), kilobytes(3, 50), vec![data(3, false, "x")]].concat();
    let outcome = served_with(&small(), &client(&frames));
    assert!(outcome.error.unwrap().starts_with("FLOW_CONTROL_ERROR"));
}

#[test]
fn padding_counts_and_is_given_back_at_once() {
    let padded = [&[200][..], b"x", &[0; 200]].concat();
    let frames = [vec![post(1)], vec![frame(FrameKind::Data, flag::PADDED, 1, padded); 400]].concat();
    // 400 times 201 bytes that nobody uses: more than half of either window.
    let outcome = served_with(&small(), &client(&frames));
    assert_eq!(outcome.error, None);
    assert_eq!(outcome.out.iter().filter(|frame| frame.starts_with("WINDOW_UPDATE 1")).count(), 1);
    assert_eq!(outcome.out.iter().filter(|frame| frame.starts_with("WINDOW_UPDATE 0")).count(), 1);
}

#[test]
fn content_of_streams_that_are_over_is_dropped_and_given_back() {
    let (mut server, keys) = serving(small(), &[post(1)]);
    let mut out = Vec::new();
    server.reset(keys[0], ErrorCode::Cancel, &mut out);
    let (events, out) = fed(&mut server, &kilobytes(1, 80));
    assert!(events.is_empty());
    assert_eq!(out, ["WINDOW_UPDATE 0 75000"]);
}

#[test]
fn content_that_is_held_when_a_stream_ends_is_given_back() {
    let (mut server, keys) = serving(small(), &[vec![post(1)], kilobytes(1, 80)].concat());
    let mut out = Vec::new();
    server.reset(keys[0], ErrorCode::Cancel, &mut out);
    assert_eq!(crate::wire::shown(&out), ["RST 1 CANCEL", "WINDOW_UPDATE 0 80000"]);
}

#[test]
fn a_stream_may_end_in_the_middle_of_a_frame() {
    let (mut server, keys) = serving(small(), &[post(1), data(1, false, "0123456789")[..14].to_vec()]);
    let mut out = Vec::new();
    server.reset(keys[0], ErrorCode::Cancel, &mut out);
    let (events, out) = fed(&mut server, &[b"56789".to_vec(), get(3)]);
    assert_eq!((events, out.len()), (vec!["head 3 GET http a / ended".to_owned()], 0));
}

#[test]
fn windows_below_the_default_hold_once_they_are_acknowledged() {
    let limits = Limits { stream_window: 1000, ..Limits::default() };
    let make = || {
        let mut server = crate::feeding::server(limits.clone());
        server.start(&mut Vec::new());
        server
    };
    let acknowledgement = frame(FrameKind::Settings, flag::ACK, 0, "");
    let fill = vec![data(1, false, [0; 5]); 13_107];
    let before = [vec![post(1)], fill].concat();
    let outcome = crate::feeding::at_every_split(make, &client(&before));
    assert_eq!((outcome.error, outcome.events.len()), (None, 2));
    let mut server = make();
    fed(&mut server, &[client(&[post(1), data(1, false, [0; 600])]), acknowledgement]);
    let (events, _) = fed(&mut server, &[data(1, false, [0; 401])]);
    assert_eq!(events, ["reset 1 FLOW_CONTROL_ERROR"]);
    let (events, _) = fed(&mut server, &[post(3), data(3, false, [0; 1000]), data(3, false, "x")]);
    assert_eq!(events[2..], ["reset 3 FLOW_CONTROL_ERROR"]);
}

#[test]
fn an_empty_end_needs_no_window() {
    let outcome = served(&[post(1), data(1, true, "")]);
    assert_eq!(outcome.events, ["head 1 POST http a /", "end 1"]);
}

#[test]
fn a_stream_that_is_reset_between_its_content_and_its_end_does_not_end_again() {
    let (mut server, _) = serving(small(), &[post(1)]);
    let (mut head, mut trailers) = (flare_proto::RequestHead::new(), flare_proto::Headers::new());
    let (frames, mut out) = (data(1, true, "last"), Vec::new());
    let mut input = &frames[..];
    let told = server.receive(&mut input, &mut head, &mut trailers, &mut out).unwrap();
    let Some(flare_proto::http2::Event::Data { stream, bytes: b"last" }) = told else { panic!("{told:?}") };
    server.reset(stream, ErrorCode::Cancel, &mut out);
    assert_eq!(server.receive(&mut input, &mut head, &mut trailers, &mut out), Ok(None));
}

#[test]
fn short_frames_on_a_stream_that_was_reset_have_a_budget() {
    let (mut server, keys) = serving(small(), &[post(1)]);
    server.reset(keys[0], ErrorCode::Cancel, &mut Vec::new());
    let (mut told, mut out) = (crate::feeding::Told::default(), Vec::new());
    let flood = data(1, false, "").repeat(1000);
    let error = crate::feeding::feed(&mut server, &flood, &mut out, &mut told).unwrap_err();
    assert_eq!((error.code, told.events.len()), (ErrorCode::EnhanceYourCalm, 0));
}
