//! The control stream, SETTINGS, GOAWAY, priorities, and streams of other kinds.

use flare_proto::http3::{Limits, PeerSettings, Unidirectional};

use crate::feeding::{End, client, server, told_of};
use crate::wire::{
    CLIENT_CONTROL, CLIENT_DECODER, CLIENT_ENCODER, GET, GOAWAY, MAX_PUSH_ID, POST, PRIORITY_UPDATE,
    SERVER_CONTROL, control, frame, headers, varint, with,
};

#[test]
fn what_comes_first() {
    let limits = Limits { head_bytes: 1000, extended_connect: true, datagrams: true, ..Limits::default() };
    let settings = b"\x06\x43\xe8\x01\x50\x00\x07\x10\x08\x01\x33\x01";
    let mut end = server(limits.clone());
    assert_eq!(end.sent(Unidirectional::Control), [&b"\x00\x04\x0c"[..], settings].concat());
    assert_eq!(end.sent(Unidirectional::Encoder), b"\x02");
    assert_eq!(end.sent(Unidirectional::Decoder), b"\x03");
    // Only servers offer Extended CONNECT.
    assert_eq!(
        client(limits).sent(Unidirectional::Control),
        b"\x00\x04\x0a\x06\x43\xe8\x01\x50\x00\x07\x10\x33\x01"
    );
    let small = Limits { decoder_table_bytes: 0, ..Limits::default() };
    assert_eq!(server(small).sent(Unidirectional::Control), b"\x00\x04\x05\x06\x80\x00\x80\x00");
}

#[test]
fn settings_are_known_once_they_came() {
    let all = [(0x01, 100), (0x06, 5000), (0x07, 3), (0x08, 1), (0x33, 1), (0x21, 9), (0x21, 9), (0x4000, 1)];
    let end = server(Limits::default()).with_settings(&all);
    let expected = PeerSettings {
        field_section_bytes: Some(5000),
        qpack_table_bytes: 100,
        qpack_blocked_streams: 3,
        extended_connect: true,
        datagrams: true,
    };
    assert_eq!(*end.connection.peer_settings(), expected);
    let told = told_of(|| server(Limits::default()), CLIENT_CONTROL, &control(&all));
    assert_eq!(told[0], "settings");
    let zero = server(Limits::default()).with_settings(&[(0x08, 0), (0x33, 0)]);
    assert!(!zero.connection.peer_settings().datagrams);
}

#[test]
fn the_encoder_uses_the_table_that_the_peer_has() {
    let mut end = server(Limits::default()).with_settings(&[(0x01, 200), (0x07, 100)]);
    assert_eq!(end.sent(Unidirectional::Encoder), b"\x02\x3f\xa9\x01");
}

#[test]
fn frames_that_a_server_takes_on_the_control_stream() {
    let bytes = [
        control(&[]),
        frame(0x21, "ignored"),
        frame(MAX_PUSH_ID, varint(5)),
        frame(MAX_PUSH_ID, varint(500)),
        frame(GOAWAY, varint(7)),
        frame(GOAWAY, varint(7)),
        frame(GOAWAY, varint(0)),
        frame(PRIORITY_UPDATE, [varint(0), b"u=1".to_vec()].concat()),
    ]
    .concat();
    let mut told = told_of(|| server(Limits::default()), CLIENT_CONTROL, &bytes);
    // The control stream must not end.
    assert_eq!(
        told.pop().unwrap(),
        "error H3_CLOSED_CRITICAL_STREAM: a stream that has to stay open was closed"
    );
    assert_eq!(told, ["settings", "goaway 7", "goaway 7", "goaway 0"]);
}

#[test]
fn priorities_come_before_and_behind_requests() {
    let update =
        |id: u64, field: &str| frame(PRIORITY_UPDATE, [varint(id), field.as_bytes().to_vec()].concat());
    let mut end = server(Limits::default()).with_settings(&[]);
    end.feed(CLIENT_CONTROL, &[update(4, "u=1"), update(4, "u=6, i"), update(8, "u=0")].concat(), false)
        .unwrap();
    end.feed(4, &headers(&GET), true).unwrap();
    assert_eq!(end.told(), ["head 4 GET a / urgency 6i ended"]);
    end.feed(CLIENT_CONTROL, &update(4, "u=2"), false).unwrap();
    assert_eq!(end.told(), ["priority 4 2"]);
    assert_eq!(end.connection.priority(4).unwrap().urgency, 2);
    // An update counts more than the field.
    end.feed(8, &with(&GET, &[("priority", "u=5")]), true).unwrap();
    assert_eq!(end.told(), ["head 8 GET a / urgency 0 ended priority=u=5"]);
    // While the head is on its way, and when the stream is over.
    end.feed(0, &headers(&GET)[..3], false).unwrap();
    end.feed(CLIENT_CONTROL, &update(0, "u=7"), false).unwrap();
    end.feed(0, &headers(&GET)[3..], true).unwrap();
    assert_eq!(end.told(), ["head 0 GET a / urgency 7 ended"]);
    end.connection.reset(0);
    end.feed(CLIENT_CONTROL, &update(0, "u=3"), false).unwrap();
    assert_eq!(end.told(), Vec::<String>::new());
    // Many for requests that never come: the last ones count.
    for id in 0..100 {
        end.feed(CLIENT_CONTROL, &update(12 + 4 * id, "u=1"), false).unwrap();
    }
    end.feed(12, &headers(&GET), true).unwrap();
    end.feed(12 + 4 * 99, &headers(&GET), true).unwrap();
    assert_eq!(end.told(), ["head 12 GET a / ended", "head 408 GET a / urgency 1 ended"]);
}

#[test]
fn unknown_streams_are_ignored() {
    for kind in [0x21, 0x54, 0x41, (1 << 62) - 1] {
        let bytes = [varint(kind), b"whatever it is".to_vec()].concat();
        let expected = format!("unknown 14 {kind:#x}");
        assert_eq!(told_of(|| server(Limits::default()), 14, &bytes), [expected]);
    }
    let mut end = server(Limits::default());
    // Those that end before they say what they are, and those that are reset.
    for id in 0..60 {
        end.feed(2 + 4 * id, &[0x40][..(id % 2) as usize], true).unwrap();
    }
    for id in 60..120 {
        end.feed(2 + 4 * id, b"\x40\x21x", false).unwrap();
        assert!(end.connection.receive_reset(2 + 4 * id, 0).unwrap().is_none());
    }
    assert_eq!(end.told().len(), 60);
}

#[test]
fn a_server_drains_in_two_steps() {
    let mut end = server(Limits::default()).with_settings(&[]);
    end.sent(Unidirectional::Control);
    end.feed(0, &headers(&POST), false).unwrap();
    end.connection.drain();
    end.connection.drain();
    assert_eq!(end.sent(Unidirectional::Control), b"\x07\x08\xff\xff\xff\xff\xff\xff\xff\xfc");
    assert!(end.connection.is_draining());
    // What is on its way is taken, also late.
    end.feed(8, &headers(&GET), true).unwrap();
    end.connection.finish_drain();
    end.connection.finish_drain();
    assert_eq!(end.sent(Unidirectional::Control), b"\x07\x01\x0c");
    for id in [4, 12, 12, 16] {
        end.feed(id, &headers(&GET), true).unwrap();
    }
    let late = |id| format!("rejected {id} H3_REQUEST_REJECTED a request too many, or too late");
    let told = ["head 0 POST a /", "head 8 GET a / ended", "head 4 GET a / ended", &late(12), &late(16)];
    assert_eq!(end.told(), told);
    for id in [0, 4, 8] {
        assert!(!end.connection.is_drained());
        end.connection.reset(id);
    }
    assert!(end.connection.is_drained());
}

#[test]
fn a_client_is_told_what_can_be_tried_again() {
    let mut end = client(Limits::default()).with_settings(&[]);
    let mut out = Vec::new();
    for _ in 0..3 {
        end.connection.send_request(&crate::clients::get(), &mut out).unwrap();
    }
    end.feed(SERVER_CONTROL, &frame(GOAWAY, varint((1 << 62) - 4)), false).unwrap();
    assert_eq!(end.told(), ["goaway 4611686018427387900"]);
    assert!(!end.connection.can_open());
    end.feed(SERVER_CONTROL, &frame(GOAWAY, varint(4)), false).unwrap();
    let mut told = end.told();
    told[1..].sort();
    let expected = ["goaway 4", "reset 4 H3_REQUEST_REJECTED by peer", "reset 8 H3_REQUEST_REJECTED by peer"];
    assert_eq!((&told[..], end.connection.streams()), (&expected.map(String::from)[..], 1));
    assert!(!end.connection.is_drained());
    end.connection.drain();
    end.connection.reset(0);
    assert!(end.connection.is_drained());
    assert!(end.sent(Unidirectional::Control).ends_with(b"\x07\x01\x00"));
}

#[test]
fn the_critical_streams_come_in_pieces() {
    let whole = |mut end: End<_>| {
        for (id, bytes) in [
            (CLIENT_CONTROL, control(&[(0x01, 4096)])),
            (CLIENT_ENCODER, b"\x02\x3f\xe1\x1f\x41a\x01b".to_vec()),
            (CLIENT_DECODER, b"\x03\x44".to_vec()),
        ] {
            for byte in bytes {
                end.feed(id, &[byte], false).unwrap();
            }
        }
        end.told()
    };
    assert_eq!(whole(server(Limits::default())), ["settings"]);
}
