//! Each error of a connection, by what brings it about; and what costs this end and brings it nothing.

use flare_proto::http3::{ConnectionError, Limits, Rate};

use crate::clients::get;
use crate::feeding::{End, Shown, client, list, server};
use crate::wire::{
    CANCEL_PUSH, CLIENT_CONTROL, CLIENT_DECODER, CLIENT_ENCODER, DATA, GET, GOAWAY, HEADERS, MAX_PUSH_ID,
    POST, PRIORITY_UPDATE, PUSH_PROMISE, SERVER_CONTROL, SERVER_ENCODER, SETTINGS, control, frame, headers,
    varint, with,
};

/// A stream, what came on it, and whether it ended.
type Came = (u64, Vec<u8>, bool);

fn error<R: Shown>(mut end: End<R>, came: &[Came]) -> String {
    let fed: Result<(), ConnectionError> =
        came.iter().try_for_each(|(id, bytes, fin)| end.feed(*id, bytes, *fin).map(|_| ()));
    let error = fed.unwrap_err();
    // It is over, and says so for ever.
    assert_eq!(end.connection.error(), Some(error));
    assert_eq!(end.feed(400, b"\x01", false), Err(error));
    assert_eq!((end.connection.streams(), end.connection.receive_reset(0, 0).is_err()), (0, true));
    error.code.to_string()
}

fn on_control(bytes: &[u8]) -> Vec<Came> {
    vec![(CLIENT_CONTROL, [&control(&[])[..], bytes].concat(), false)]
}

#[test]
fn errors_that_a_client_can_bring_about() {
    let request = |bytes: &[&[u8]], fin| vec![(0, bytes.concat(), fin)];
    let settings = |pairs: &[(u64, u64)]| vec![(CLIENT_CONTROL, control(pairs), false)];
    let update = |id: u64| frame(PRIORITY_UPDATE, varint(id));
    let mut cases: Vec<(&str, Vec<Came>)> = vec![
        // Frames where they may not be (RFC 9114 section 7.2).
        ("H3_FRAME_UNEXPECTED", request(&[&frame(DATA, "x")], false)),
        (
            "H3_FRAME_UNEXPECTED",
            request(&[&headers(&POST), &headers(&[("a", "b")]), &headers(&[("a", "b")])], false),
        ),
        (
            "H3_FRAME_UNEXPECTED",
            request(&[&headers(&POST), &headers(&[("a", "b")]), &frame(DATA, "x")], false),
        ),
        ("H3_FRAME_UNEXPECTED", request(&[&frame(SETTINGS, "")], false)),
        ("H3_FRAME_UNEXPECTED", request(&[&headers(&POST), &frame(GOAWAY, varint(0))], false)),
        ("H3_FRAME_UNEXPECTED", request(&[&frame(MAX_PUSH_ID, varint(0))], false)),
        ("H3_FRAME_UNEXPECTED", request(&[&frame(CANCEL_PUSH, varint(0))], false)),
        ("H3_FRAME_UNEXPECTED", request(&[&frame(PUSH_PROMISE, varint(0))], false)),
        ("H3_FRAME_UNEXPECTED", request(&[&update(0)], false)),
        ("H3_FRAME_UNEXPECTED", on_control(&frame(DATA, "x"))),
        ("H3_FRAME_UNEXPECTED", on_control(&headers(&GET))),
        ("H3_FRAME_UNEXPECTED", on_control(&frame(PUSH_PROMISE, varint(0)))),
        ("H3_FRAME_UNEXPECTED", on_control(&frame(SETTINGS, ""))),
        // Frames that are cut, or of a length that they can't have.
        ("H3_FRAME_ERROR", request(&[&headers(&GET)[..1]], true)),
        ("H3_FRAME_ERROR", request(&[&headers(&GET)[..8]], true)),
        ("H3_FRAME_ERROR", request(&[&headers(&POST), &frame(DATA, "xyz")[..3]], true)),
        ("H3_FRAME_ERROR", request(&[&headers(&POST), &frame(DATA, "xyz")[..2]], true)),
        ("H3_FRAME_ERROR", request(&[&frame(0x21, "xyz")[..3]], true)),
        ("H3_FRAME_ERROR", on_control(&frame(GOAWAY, ""))),
        ("H3_FRAME_ERROR", on_control(&frame(GOAWAY, "\x40"))),
        ("H3_FRAME_ERROR", on_control(&frame(GOAWAY, "\x04\x04"))),
        ("H3_FRAME_ERROR", on_control(&frame(MAX_PUSH_ID, ""))),
        ("H3_FRAME_ERROR", on_control(&frame(CANCEL_PUSH, "\x04\x04"))),
        ("H3_FRAME_ERROR", on_control(&frame(PRIORITY_UPDATE, ""))),
        ("H3_FRAME_ERROR", vec![(CLIENT_CONTROL, b"\x00\x04\x01\x40".to_vec(), false)]),
        ("H3_FRAME_ERROR", vec![(CLIENT_CONTROL, b"\x00\x04\x01\x06".to_vec(), false)]),
        // Ids.
        ("H3_ID_ERROR", on_control(&[frame(MAX_PUSH_ID, varint(5)), frame(MAX_PUSH_ID, varint(4))].concat())),
        ("H3_ID_ERROR", on_control(&[frame(GOAWAY, varint(5)), frame(GOAWAY, varint(6))].concat())),
        ("H3_ID_ERROR", on_control(&frame(CANCEL_PUSH, varint(0)))),
        ("H3_ID_ERROR", on_control(&update(1))),
        ("H3_ID_ERROR", on_control(&update(4 * 1000))),
        ("H3_ID_ERROR", on_control(&frame(0x0f_0701, varint(0)))),
        ("H3_ID_ERROR", vec![(4 * 1000, headers(&GET), true)]),
        // SETTINGS.
        ("H3_MISSING_SETTINGS", vec![(CLIENT_CONTROL, [&b"\x00"[..], &frame(GOAWAY, "\0")].concat(), false)]),
        ("H3_MISSING_SETTINGS", vec![(CLIENT_CONTROL, [&b"\x00"[..], &frame(0x21, "")].concat(), false)]),
        ("H3_MISSING_SETTINGS", vec![(CLIENT_CONTROL, [&b"\x00"[..], &frame(DATA, "")].concat(), false)]),
        ("H3_SETTINGS_ERROR", settings(&[(0x06, 1), (0x06, 1)])),
        ("H3_SETTINGS_ERROR", settings(&[(0x08, 2)])),
        ("H3_SETTINGS_ERROR", settings(&[(0x33, 2)])),
        // Streams.
        ("H3_STREAM_CREATION_ERROR", vec![(2, vec![0], false), (6, vec![0], false)]),
        ("H3_STREAM_CREATION_ERROR", vec![(2, vec![2], false), (6, vec![2], false)]),
        ("H3_STREAM_CREATION_ERROR", vec![(2, vec![3], false), (6, vec![3], false)]),
        ("H3_STREAM_CREATION_ERROR", vec![(2, vec![1], false)]),
        ("H3_STREAM_CREATION_ERROR", vec![(1, headers(&GET), false)]),
        ("H3_STREAM_CREATION_ERROR", vec![(3, vec![0], false)]),
        ("H3_CLOSED_CRITICAL_STREAM", vec![(2, control(&[]), true)]),
        ("H3_CLOSED_CRITICAL_STREAM", vec![(2, vec![2], true)]),
        ("H3_CLOSED_CRITICAL_STREAM", vec![(2, vec![3], false), (2, vec![], true)]),
        // QPACK.
        ("QPACK_DECOMPRESSION_FAILED", request(&[&frame(HEADERS, "")], false)),
        ("QPACK_DECOMPRESSION_FAILED", request(&[&frame(HEADERS, "\0\0\u{10}")], false)),
        (
            "QPACK_DECOMPRESSION_FAILED",
            request(&[&headers(&POST), &frame(HEADERS, b"\x00\x00\xff\xff")], false),
        ),
        ("QPACK_ENCODER_STREAM_ERROR", vec![(CLIENT_ENCODER, b"\x02\x3f\xe2\x1f".to_vec(), false)]),
        ("QPACK_DECODER_STREAM_ERROR", vec![(CLIENT_DECODER, b"\x03\x01".to_vec(), false)]),
        ("QPACK_DECODER_STREAM_ERROR", vec![(CLIENT_DECODER, b"\x03\x80".to_vec(), false)]),
        // Load.
        ("H3_EXCESSIVE_LOAD", on_control(&[varint(PRIORITY_UPDATE), varint(5000)].concat())),
        (
            "H3_EXCESSIVE_LOAD",
            vec![(CLIENT_CONTROL, [vec![0], varint(SETTINGS), varint(5000)].concat(), false)],
        ),
        ("H3_EXCESSIVE_LOAD", (0..17).map(|id| (2 + 4 * id, vec![0x40], false)).collect()),
    ];
    for id in [0x00, 0x02, 0x03, 0x04, 0x05] {
        cases.push(("H3_SETTINGS_ERROR", settings(&[(id, 1)])));
    }
    for kind in [0x02, 0x06, 0x08, 0x09] {
        cases.push(("H3_FRAME_UNEXPECTED", request(&[&frame(kind, "")], false)));
        cases.push(("H3_FRAME_UNEXPECTED", request(&[&headers(&POST), &frame(kind, "")], false)));
        cases.push(("H3_FRAME_UNEXPECTED", on_control(&frame(kind, ""))));
    }
    for (expected, came) in cases {
        assert_eq!(error(server(Limits::default()), &came), expected, "{came:x?}");
        // By the byte it is the same.
        let mut by_byte = Vec::new();
        for (id, bytes, fin) in &came {
            by_byte.extend(bytes.iter().map(|&byte| (*id, vec![byte], false)));
            by_byte.extend(fin.then(|| (*id, vec![], true)));
        }
        assert_eq!(error(server(Limits::default()), &by_byte), expected, "{came:x?} by the byte");
    }
}

#[test]
fn errors_that_a_server_can_bring_about() {
    let on_control = |bytes: &[u8]| vec![(SERVER_CONTROL, [&control(&[])[..], bytes].concat(), false)];
    for (expected, came) in [
        ("H3_FRAME_UNEXPECTED", on_control(&frame(MAX_PUSH_ID, varint(0)))),
        ("H3_FRAME_UNEXPECTED", on_control(&frame(PRIORITY_UPDATE, varint(0)))),
        (
            "H3_FRAME_UNEXPECTED",
            vec![(0, [headers(&[(":status", "100")]), frame(DATA, "x")].concat(), false)],
        ),
        ("H3_ID_ERROR", on_control(&frame(GOAWAY, varint(1)))),
        ("H3_ID_ERROR", on_control(&[frame(GOAWAY, varint(4)), frame(GOAWAY, varint(8))].concat())),
        ("H3_ID_ERROR", on_control(&frame(CANCEL_PUSH, varint(0)))),
        ("H3_ID_ERROR", vec![(0, frame(PUSH_PROMISE, varint(0)), false)]),
        ("H3_ID_ERROR", vec![(3, vec![1], false)]),
        ("H3_STREAM_CREATION_ERROR", vec![(1, vec![0], false)]),
        ("H3_STREAM_CREATION_ERROR", vec![(2, vec![0], false)]),
        ("H3_CLOSED_CRITICAL_STREAM", vec![(3, control(&[]), true)]),
        ("QPACK_ENCODER_STREAM_ERROR", vec![(SERVER_ENCODER, b"\x02\x00".to_vec(), false)]),
    ] {
        let mut end = client(Limits::default());
        end.connection.send_request(&get(), &mut Vec::new()).unwrap();
        assert_eq!(error(end, &came), expected, "{came:x?}");
    }
}

#[test]
fn critical_streams_must_not_be_reset_or_stopped() {
    let mut end = server(Limits::default()).with_settings(&[]);
    let code = end.connection.receive_reset(CLIENT_CONTROL, 0x100).unwrap_err().code;
    assert_eq!(code.to_string(), "H3_CLOSED_CRITICAL_STREAM");
    // The ids of this end's own are the transport's matter; none of them may be stopped.
    let code = server(Limits::default()).connection.receive_stop(3, 0x100).unwrap_err().code;
    assert_eq!(code.to_string(), "H3_CLOSED_CRITICAL_STREAM");
}

/// How often something can be done to a server before it had enough.
fn until_enough(
    limits: Limits,
    mut act: impl FnMut(&mut End<flare_proto::http3::Server>, u64) -> Result<(), ConnectionError>,
) -> (u64, String) {
    let mut end = server(limits).with_settings(&[]);
    for at in 0..100_000 {
        if let Err(error) = act(&mut end, at) {
            assert_eq!(error.code.to_string(), "H3_EXCESSIVE_LOAD");
            return (at, error.reason.to_owned());
        }
        end.told();
    }
    panic!("it was never enough");
}

fn few() -> Limits {
    let rate = Rate { burst: 20, per_second: 0 };
    Limits {
        resets: rate,
        priorities: rate,
        empty_frames: rate,
        idle_frames: rate,
        instructions: rate,
        ..Limits::default()
    }
}

#[test]
fn floods_end() {
    let flood =
        |act: &mut dyn FnMut(&mut End<_>, u64) -> Result<(), ConnectionError>| until_enough(few(), act);
    let fed = |end: &mut End<_>, id, bytes: &[u8], fin| end.feed(id, bytes, fin).map(|_| ());
    // Requests that are reset, in different ways ("rapid reset").
    let reset = flood(&mut |end, at| {
        fed(end, 4 * at, &headers(&GET), true)?;
        end.connection.receive_stop(4 * at, 0x10c)?;
        Ok(())
    });
    assert_eq!(reset, (20, "too many streams were reset".to_owned()));
    let reset = flood(&mut |end, at| {
        fed(end, 4 * at, &headers(&POST), false)?;
        end.connection.receive_reset(4 * at, 0x10c).map(|_| ())
    });
    assert_eq!(reset, (20, "too many streams were reset".to_owned()));
    let unseen = flood(&mut |end, at| end.connection.receive_reset(4 * at, 0x10c).map(|_| ()));
    assert_eq!(unseen, (20, "too many streams were reset".to_owned()));
    // Those that this end resets ("made you reset"), and those beyond the limit.
    let made = flood(&mut |end, at| fed(end, 4 * at, &headers(&[("A", "b")]), true));
    assert_eq!(made, (20, "too many streams were reset".to_owned()));
    let beyond =
        until_enough(Limits { streams: 5, ..few() }, |end, at| fed(end, 4 * at, &headers(&GET), true));
    assert_eq!(beyond, (25, "too many streams were reset".to_owned()));
    // What has no effect.
    let unknown = flood(&mut |end, _| fed(end, 0, &frame(0x21, ""), false));
    assert_eq!(unknown, (20, "too many frames without effect".to_owned()));
    let unknown = flood(&mut |end, _| fed(end, CLIENT_CONTROL, &frame(0x21, ""), false));
    assert_eq!(unknown, (20, "too many frames without effect".to_owned()));
    let streams = flood(&mut |end, at| fed(end, 6 + 4 * at, b"\x21", true));
    assert_eq!(streams, (20, "too many frames without effect".to_owned()));
    let goaways = flood(&mut |end, _| fed(end, CLIENT_CONTROL, &frame(GOAWAY, "\0"), false));
    assert_eq!(goaways, (20, "too many frames without effect".to_owned()));
    let empty = flood(&mut |end, at| match at {
        0 => fed(end, 0, &headers(&POST), false),
        _ => fed(end, 0, &frame(DATA, ""), false),
    });
    assert_eq!(empty, (21, "too many empty frames".to_owned()));
    let priorities = flood(&mut |end, _| fed(end, CLIENT_CONTROL, &frame(PRIORITY_UPDATE, "\0u=1"), false));
    assert_eq!(priorities, (20, "too many priorities".to_owned()));
    let instructions = flood(&mut |end, at| match at {
        0 => fed(end, CLIENT_ENCODER, b"\x02", false),
        _ => fed(end, CLIENT_ENCODER, b"\x20", false),
    });
    assert_eq!(instructions, (21, "too many instructions of QPACK".to_owned()));
    let cancels = flood(&mut |end, at| match at {
        0 => fed(end, CLIENT_DECODER, b"\x03", false),
        _ => fed(end, CLIENT_DECODER, b"\x44", false),
    });
    assert_eq!(cancels, (21, "too many instructions of QPACK".to_owned()));
}

#[test]
fn use_and_time_refill_what_was_spent() {
    let limits = Limits { resets: Rate { burst: 2, per_second: 1 }, ..few() };
    let mut end = server(limits).with_settings(&[]);
    for at in 0..50 {
        end.connection.set_now(at * 1000);
        end.connection.receive_reset(4 * at, 0).unwrap();
    }
    for at in 50..500 {
        // Each request brings some instructions.
        let prefix: &[u8] = if at == 50 { b"\x02\x20" } else { b"\x20\x20\x20" };
        end.feed(CLIENT_ENCODER, prefix, false).unwrap();
        end.feed(4 * at, &headers(&GET), true).unwrap();
        end.connection.reset(4 * at);
    }
}

#[test]
fn a_peer_that_does_not_read_what_it_asks_for() {
    // Acknowledgements wait for a decoder stream that is never read.
    let limits = Limits { output_bytes: 1000, ..Limits::default() };
    let (count, reason) = until_enough(limits, |end, at| {
        if at == 0 {
            end.feed(CLIENT_ENCODER, b"\x02\x3f\xe1\x1f\x43x-a\x01v", false)?;
        }
        let section = [&b"\x02\x00"[..], &crate::wire::fields(&GET)[2..], b"\x80"].concat();
        end.feed(4 * at, &frame(HEADERS, section), true)?;
        end.connection.reset(4 * at);
        end.connection.set_now(at * 1_000_000);
        Ok(())
    });
    assert!((200..1000).contains(&count), "{count}");
    assert_eq!(reason, "the peer does not read its decoder stream");
}

#[test]
fn field_sections_that_never_end_are_bounded() {
    let limits = Limits { section_bytes: 1000, ..Limits::default() };
    let (count, reason) = until_enough(limits, |end, at| {
        end.feed(4 * at, &[&varint(HEADERS)[..], &varint(1000), &[0; 900]].concat(), false).map(|_| ())
    });
    assert_eq!((count, &reason[..]), (8, "too many field sections that are not whole"));
}

#[test]
fn a_bomb_of_fields_is_answered_by_431() {
    let mut end = server(Limits::default());
    let insert = [&b"\x02\x3f\xe1\x1f\x43x-a\x7f\xa1\x1e"[..], &[b'v'; 4000]].concat();
    end.feed(CLIENT_ENCODER, &insert, false).unwrap();
    let section = [&b"\x02\x00"[..], &crate::wire::fields(&GET)[2..], &[0x80; 10_000]].concat();
    end.feed(0, &frame(HEADERS, section), true).unwrap();
    assert_eq!(end.told(), ["refused 0 431 head too large ended"]);
    // So is one trailer too many, on a client, by a reset.
    let mut end = client(Limits { head_bytes: 100, ..Limits::default() });
    end.connection.send_request(&get(), &mut Vec::new()).unwrap();
    end.feed(0, &with(&[(":status", "200")], &[("a", "0123456789012345678901234567890123456789")]), true)
        .unwrap();
    assert_eq!(end.told(), ["reset 0 H3_EXCESSIVE_LOAD"]);
    assert!(list(&[]).is_empty());
}
