//! Each rule of the protocol, with the input split at every byte.

use flare_proto::mux::FrameKind::{Cancel, Chunk, Credit, Done, Error, Open};
use flare_proto::mux::{CommandError, INITIAL_CREDIT, Limits, MAX_ERROR_TEXT, Mux, ProtocolError, Role};

use crate::feeding::{Seen, accepting, at_every_split, connecting, feed, frame, small};

#[test]
fn a_stream_from_open_to_done() {
    let input = [
        frame(Open, 1, b""),
        frame(Chunk, 1, b"hello"),
        frame(Chunk, 1, b""),
        frame(Chunk, 1, b", world"),
        frame(Done, 1, b""),
    ]
    .concat();
    let (seen, out, result) = at_every_split(accepting, &input);
    assert_eq!(seen, [Seen::Opened(1), Seen::Data(1, b"hello, world".to_vec()), Seen::Done(1)]);
    assert!(out.is_empty());
    assert_eq!(result, Ok(()));
}

#[test]
fn open_and_done_may_carry_bytes() {
    let input = [frame(Open, 1, b"first"), frame(Done, 1, b" and last")].concat();
    let (seen, _, _) = at_every_split(accepting, &input);
    assert_eq!(seen, [Seen::Opened(1), Seen::Data(1, b"first and last".to_vec()), Seen::Done(1)]);
}

#[test]
fn streams_are_told_apart_and_ids_of_older_peers_are_taken() {
    let input = [
        frame(Open, 1, b""),
        frame(Open, 2, b""),
        frame(Chunk, 2, b"two"),
        frame(Chunk, 1, b"one"),
        frame(Error, 2, b"no"),
        frame(Cancel, 1, b"why not"),
        frame(Open, u64::MAX, b""),
        frame(Done, u64::MAX, b""),
    ]
    .concat();
    let (seen, out, _) = at_every_split(accepting, &input);
    let expected = [
        Seen::Opened(1),
        Seen::Opened(2),
        Seen::Data(2, b"two".to_vec()),
        Seen::Data(1, b"one".to_vec()),
        Seen::Error(2, "no".into()),
        Seen::Cancelled(1),
        Seen::Opened(u64::MAX),
        Seen::Done(u64::MAX),
    ];
    assert_eq!(seen, expected);
    assert!(out.is_empty());
}

#[test]
fn frames_of_no_stream_are_skipped() {
    let input = [
        frame(Chunk, 7, b"late"),
        frame(Done, 7, b"x"),
        frame(Error, 7, b"x"),
        frame(Cancel, 7, b"x"),
        frame(Credit, 7, &9_u32.to_be_bytes()),
        frame(Open, 9, b""),
    ]
    .concat();
    let (seen, out, result) = at_every_split(accepting, &input);
    assert_eq!((seen, out, result), (vec![Seen::Opened(9)], vec![], Ok(())));
}

#[test]
fn a_stream_too_many_is_answered_with_an_error() {
    let input = [
        frame(Open, 1, b""),
        frame(Open, 3, b""),
        frame(Open, 5, b"bytes of it"),
        frame(Chunk, 5, b"more"),
        frame(Cancel, 1, b""),
        frame(Open, 7, b""),
    ]
    .concat();
    let (seen, out, _) = at_every_split(accepting, &input);
    assert_eq!(seen, [Seen::Opened(1), Seen::Opened(3), Seen::Cancelled(1), Seen::Opened(7)]);
    assert_eq!(out, frame(Error, 5, b"too many streams"));
}

#[test]
fn who_passes_its_credit_loses_the_stream_and_no_other() {
    let rest = vec![0; INITIAL_CREDIT as usize - 40];
    let input = [
        frame(Open, 1, &[0; 20]),
        frame(Open, 3, b""),
        frame(Chunk, 1, &[0; 20]),
        frame(Chunk, 1, &[7; INITIAL_CREDIT as usize - 39]),
        frame(Chunk, 1, b"late"),
        frame(Chunk, 3, b"fine"),
    ]
    .concat();
    let make = accepting;
    let (mut mux, mut out, mut seen) = (make(), Vec::new(), Vec::new());
    feed(&mut mux, &input, &mut out, &mut seen).unwrap();
    let text = "more bytes than the credit allows";
    let expected = [
        Seen::Opened(1),
        Seen::Data(1, vec![0; 20]),
        Seen::Opened(3),
        Seen::Data(1, vec![0; 20]),
        Seen::Error(1, text.into()),
        Seen::Data(3, b"fine".to_vec()),
    ];
    assert_eq!(seen, expected);
    assert_eq!(out, frame(Error, 1, text.as_bytes()));

    // All of it, and not a byte more, is allowed; what was given back may come again.
    let (mut mux, mut out, mut seen) = (make(), Vec::new(), Vec::new());
    let input = [frame(Open, 1, &[0; 40]), frame(Chunk, 1, &rest)].concat();
    feed(&mut mux, &input, &mut out, &mut seen).unwrap();
    mux.credit(1, 3, &mut out).unwrap();
    feed(&mut mux, &frame(Done, 1, b"abc"), &mut out, &mut seen).unwrap();
    assert_eq!(seen.last(), Some(&Seen::Done(1)));
    assert_eq!(out, frame(Credit, 1, &3_u32.to_be_bytes()));
    // The first bytes of a stream pass it, too.
    let (_, out, _) = at_every_split(
        || Mux::new(Role::Accepting, Limits { max_frame: 70_000, max_streams: 1 }),
        &frame(Open, 1, &[]),
    );
    assert!(out.is_empty());
    let (mut mux, mut out, mut seen) = (accepting(), Vec::new(), Vec::new());
    feed(&mut mux, &frame(Open, 1, &vec![0; INITIAL_CREDIT as usize + 1]), &mut out, &mut seen).unwrap();
    assert_eq!((seen, out), (vec![], frame(Error, 1, text.as_bytes())));
    assert_eq!(mux.streams(), 0);
}

#[test]
fn a_send_takes_what_the_credit_allows() {
    let limits = Limits { max_frame: 40_000, max_streams: 2 };
    let (mut mux, mut out, mut seen) = (Mux::new(Role::Connecting, limits), Vec::new(), Vec::new());
    assert_eq!(mux.open(&mut out), Ok(1));
    assert_eq!(mux.sendable(1), INITIAL_CREDIT as usize);
    let bytes: Vec<u8> = (0..70_000_u32).map(|n| n as u8).collect();
    out.clear();
    assert_eq!(mux.send(1, &bytes, &mut out), Ok(65_536));
    let expected = [frame(Chunk, 1, &bytes[..40_000]), frame(Chunk, 1, &bytes[40_000..65_536])].concat();
    assert!(out == expected);
    assert_eq!(mux.send(1, &bytes[65_536..], &mut out), Ok(0));
    assert_eq!(mux.sendable(1), 0);
    out.clear();
    feed(&mut mux, &frame(Credit, 1, &10_u32.to_be_bytes()), &mut out, &mut seen).unwrap();
    feed(&mut mux, &frame(Credit, 1, &4_454_u32.to_be_bytes()), &mut out, &mut seen).unwrap();
    // One event for one refusal.
    assert_eq!(seen, [Seen::Writable(1)]);
    assert_eq!(mux.send(1, &bytes[65_536..], &mut out), Ok(4_464));
    assert!(out == frame(Chunk, 1, &bytes[65_536..]));
}

#[test]
fn commands_write_their_frames_and_ends_give_the_place_free() {
    let (mut mux, mut out, mut seen) = (connecting(), Vec::new(), Vec::new());
    assert_eq!((mux.open(&mut out), mux.open(&mut out)), (Ok(1), Ok(3)));
    assert_eq!(mux.open(&mut out), Err(CommandError::TooManyStreams));
    mux.finish(1, &mut out).unwrap();
    assert_eq!(mux.finish(1, &mut out), Err(CommandError::Finished));
    assert_eq!(mux.send(1, b"x", &mut out), Err(CommandError::Finished));
    assert_eq!(mux.sendable(1), 0);
    assert_eq!(mux.open(&mut out), Err(CommandError::TooManyStreams));
    feed(&mut mux, &frame(Done, 1, b""), &mut out, &mut seen).unwrap();
    assert!(!mux.is_open(1));
    assert_eq!(mux.open(&mut out), Ok(5));
    mux.cancel(3, &mut out).unwrap();
    mux.error(5, &"é".repeat(MAX_ERROR_TEXT), &mut out).unwrap();
    assert_eq!(mux.cancel(5, &mut out), Err(CommandError::NotOpen));
    assert_eq!(mux.error(99, "x", &mut out), Err(CommandError::NotOpen));
    let expected = [
        frame(Open, 1, b""),
        frame(Open, 3, b""),
        frame(Done, 1, b""),
        frame(Open, 5, b""),
        frame(Cancel, 3, b""),
        frame(Error, 5, "é".repeat(MAX_ERROR_TEXT / 2).as_bytes()),
    ]
    .concat();
    assert_eq!(out, expected);
    assert_eq!(mux.streams(), 0);
}

#[test]
fn long_error_texts_are_cut() {
    let input = [frame(Open, 1, b""), frame(Error, 1, &[b'x'; MAX_ERROR_TEXT + 50])].concat();
    let (seen, _, _) = at_every_split(accepting, &input);
    assert_eq!(seen, [Seen::Opened(1), Seen::Error(1, "x".repeat(MAX_ERROR_TEXT))]);
}

#[test]
fn each_broken_rule_ends_the_connection_with_its_reason() {
    let open = frame(Open, 1, b"");
    let mut unknown = frame(Chunk, 1, b"");
    unknown[12] = 6;
    let too_long = [&100_001_u32.to_be_bytes()[..], &[0; 8], &[Chunk as u8]].concat();
    let cases = [
        (unknown, ProtocolError::UnknownKind(6)),
        (too_long, ProtocolError::FrameTooLong(100_001)),
        (open.clone(), ProtocolError::OpenedTwice(1)),
        ([frame(Done, 1, b""), frame(Chunk, 1, b"")].concat(), ProtocolError::AfterDone(1)),
        ([frame(Done, 1, b""), frame(Done, 1, b"")].concat(), ProtocolError::AfterDone(1)),
        (frame(Credit, 1, b"123"), ProtocolError::MalformedCredit(1)),
        (frame(Credit, 1, &[0x7f, 0xff, 0xff, 0xff]), ProtocolError::TooMuchCredit(1)),
    ];
    for (bytes, error) in cases {
        let input = [open.clone(), bytes].concat();
        let (_, _, result) = at_every_split(accepting, &input);
        assert_eq!(result, Err(error));
        let (mut mux, mut out, mut seen) = (accepting(), Vec::new(), Vec::new());
        assert_eq!(feed(&mut mux, &input, &mut out, &mut seen), Err(error));
        assert_eq!(feed(&mut mux, b"", &mut out, &mut seen), Err(error));
        assert_eq!(mux.open(&mut out), Err(CommandError::Over(error)));
        assert_eq!(mux.cancel(1, &mut out), Err(CommandError::Over(error)));
        assert_eq!(mux.streams(), 0);
    }
}

#[test]
fn a_frame_may_be_cut_short_by_this_end() {
    let (mut mux, mut out, mut seen) = (accepting(), Vec::new(), Vec::new());
    let input = [frame(Open, 1, b""), frame(Done, 1, b"abcdef"), frame(Open, 3, b"")].concat();
    feed(&mut mux, &input[..29], &mut out, &mut seen).unwrap();
    mux.cancel(1, &mut out).unwrap();
    feed(&mut mux, &input[29..], &mut out, &mut seen).unwrap();
    assert_eq!(seen, [Seen::Opened(1), Seen::Data(1, b"abc".to_vec()), Seen::Opened(3)]);
    assert_eq!(out, frame(Cancel, 1, b""));
}

#[test]
fn credit_has_a_top_and_is_not_given_to_who_is_done() {
    let (mut mux, mut out, mut seen) = (Mux::new(Role::Accepting, small()), Vec::new(), Vec::new());
    feed(&mut mux, &frame(Open, 1, b""), &mut out, &mut seen).unwrap();
    assert_eq!(mux.credit(1, u32::MAX, &mut out), Err(CommandError::TooMuchCredit));
    assert_eq!(mux.credit(2, 1, &mut out), Err(CommandError::NotOpen));
    mux.credit(1, 0, &mut out).unwrap();
    feed(&mut mux, &frame(Done, 1, b""), &mut out, &mut seen).unwrap();
    mux.credit(1, 5, &mut out).unwrap();
    assert!(out.is_empty());
}
