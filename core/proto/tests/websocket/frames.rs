//! Frames one by one: what is taken, and what is refused (RFC 6455 section 5).

use flare_proto::websocket::{CloseCode, Opcode, SendError, encode, encode_head};

use crate::feeding::{
    FIN, KEY, Seen, at_every_split, client, feed, masked, plain, plain_close, refused, run, server,
};

#[test]
fn the_examples_of_the_rfc() {
    // Section 5.7.
    let text = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(at_every_split(server, text), (vec![Seen::Text("Hello".into())], vec![], Ok(())));
    let text = b"\x81\x05Hello";
    assert_eq!(at_every_split(client, text), (vec![Seen::Text("Hello".into())], vec![], Ok(())));
    let fragments = b"\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f";
    assert_eq!(at_every_split(client, fragments), (vec![Seen::Text("Hello".into())], vec![], Ok(())));
    let ping = b"\x89\x05Hello";
    let pong = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(at_every_split(client, ping), (vec![Seen::Ping(b"Hello".into())], pong.to_vec(), Ok(())));
    assert_eq!(at_every_split(server, pong), (vec![Seen::Pong(b"Hello".into())], vec![], Ok(())));
}

#[test]
fn each_length_of_a_message() {
    for length in [0, 1, 125, 126, 127, 1000, 0xffff, 0x1_0000, 200_000] {
        let bytes: Vec<u8> = (0..length).map(|number| (number * 31) as u8).collect();
        let expected = (vec![Seen::Binary(bytes.clone())], vec![], Ok(()));
        assert_eq!(run(&mut server(), &[&masked(FIN | 2, &bytes)]), expected);
        assert_eq!(run(&mut client(), &[&plain(FIN | 2, &bytes)]), expected);
        // And as this end writes them.
        let (mut sent, mut encoded, mut head) = (Vec::new(), Vec::new(), Vec::new());
        server().send(Opcode::Binary, &bytes, &mut sent).unwrap();
        assert_eq!(sent, plain(FIN | 2, &bytes));
        encode(Opcode::Binary, &bytes, &mut encoded).unwrap();
        assert_eq!(encoded, sent);
        encode_head(Opcode::Binary, length as u64, &mut head);
        assert_eq!([head, bytes.clone()].concat(), sent);
        sent.clear();
        client().send(Opcode::Binary, &bytes, &mut sent).unwrap();
        assert_eq!(sent, masked(FIN | 2, &bytes));
    }
}

#[test]
fn a_message_is_sent_in_fragments() {
    let mut out = Vec::new();
    let mut end = server();
    end.send_fragment(Opcode::Text, b"one, ", false, &mut out).unwrap();
    assert!(end.is_mid_message());
    assert_eq!(end.send(Opcode::Text, b"other", &mut out), Err(SendError::Unfinished));
    assert_eq!(end.send_text("other", &mut out), Err(SendError::Unfinished));
    assert_eq!(end.send_fragment(Opcode::Binary, b"", true, &mut out), Err(SendError::Unfinished));
    assert_eq!(end.send_fragment(Opcode::Text, &[0xc3], true, &mut out), Err(SendError::NotUtf8));
    end.ping(b"between", &mut out).unwrap();
    end.send_fragment(Opcode::Text, b"", false, &mut out).unwrap();
    end.send_fragment(Opcode::Text, b"two", true, &mut out).unwrap();
    assert!(!end.is_mid_message());
    end.send_text("next", &mut out).unwrap();
    let frames = [
        plain(1, b"one, "),
        plain(FIN | 9, b"between"),
        plain(0, b""),
        plain(FIN, b"two"),
        plain(FIN | 1, b"next"),
    ];
    assert_eq!(out, frames.concat());
    let seen = vec![Seen::Ping(b"between".into()), Seen::Text("one, two".into()), Seen::Text("next".into())];
    assert_eq!(at_every_split(client, &out).0, seen);
    // In one fragment it is a message like others; and a Close does not wait for the last.
    out.clear();
    end.send_fragment(Opcode::Binary, b"all", true, &mut out).unwrap();
    end.send_fragment(Opcode::Binary, b"begun", false, &mut out).unwrap();
    end.close(Some(CloseCode::NORMAL), "", &mut out).unwrap();
    assert_eq!(end.send_fragment(Opcode::Binary, b"", true, &mut out), Err(SendError::Closed));
    assert_eq!(out, [plain(FIN | 2, b"all"), plain(2, b"begun"), plain_close(1000, "")].concat());
}

#[test]
fn control_frames_between_fragments() {
    let input = [
        masked(1, "H\u{e4}".as_bytes()),
        masked(FIN | 9, b"1"),
        masked(0, b""),
        masked(FIN | 10, b"2"),
        masked(FIN | 9, b""),
        masked(0, &"\u{20ac}".as_bytes()[..2]),
        masked(FIN | 9, b"34"),
        masked(FIN, &"\u{20ac}".as_bytes()[2..]),
        masked(FIN | 2, b"next"),
    ]
    .concat();
    let seen = vec![
        Seen::Ping(b"1".into()),
        Seen::Pong(b"2".into()),
        Seen::Ping(b"".into()),
        Seen::Ping(b"34".into()),
        Seen::Text("H\u{e4}\u{20ac}".into()),
        Seen::Binary(b"next".into()),
    ];
    let out = [plain(FIN | 10, b"1"), plain(FIN | 10, b""), plain(FIN | 10, b"34")].concat();
    assert_eq!(at_every_split(server, &input), (seen, out, Ok(())));
}

#[test]
fn reserved_bits_and_opcodes() {
    for bits in [0x10, 0x20, 0x40, 0x50, 0x70] {
        refused(server, &masked(FIN | bits | 1, b"x"), CloseCode::PROTOCOL_ERROR, &[]);
        refused(server, &masked(FIN | bits | 9, b"x"), CloseCode::PROTOCOL_ERROR, &[]);
        refused(client, &plain(FIN | bits | 2, b"x"), CloseCode::PROTOCOL_ERROR, &[]);
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        refused(server, &masked(FIN | opcode, b"x"), CloseCode::PROTOCOL_ERROR, &[]);
    }
}

#[test]
fn only_clients_mask() {
    refused(server, &plain(FIN | 1, b"x"), CloseCode::PROTOCOL_ERROR, &[]);
    refused(server, &plain(FIN | 9, b""), CloseCode::PROTOCOL_ERROR, &[]);
    refused(client, &masked(FIN | 1, b"x"), CloseCode::PROTOCOL_ERROR, &[]);
    refused(client, &masked(FIN | 8, b""), CloseCode::PROTOCOL_ERROR, &[]);
}

#[test]
fn control_frames_are_short_and_whole() {
    let longest = vec![b'p'; 125];
    let (seen, out, result) = at_every_split(server, &masked(FIN | 9, &longest));
    assert_eq!((seen, result), (vec![Seen::Ping(longest.clone())], Ok(())));
    assert_eq!(out, plain(FIN | 10, &longest));
    for opcode in [8, 9, 10] {
        refused(server, &masked(FIN | opcode, &[0; 126]), CloseCode::PROTOCOL_ERROR, &[]);
        refused(server, &masked(opcode, b""), CloseCode::PROTOCOL_ERROR, &[]);
    }
}

#[test]
fn fragments_belong_to_one_message() {
    let started = Seen::Binary(b"a".into());
    let good = masked(FIN | 2, b"a");
    refused(
        server,
        &[&good[..], &masked(FIN, b"")].concat(),
        CloseCode::PROTOCOL_ERROR,
        std::slice::from_ref(&started),
    );
    refused(server, &[&good[..], &masked(0, b"x")].concat(), CloseCode::PROTOCOL_ERROR, &[started]);
    let two = [masked(1, b"a"), masked(FIN | 1, b"b")].concat();
    refused(server, &two, CloseCode::PROTOCOL_ERROR, &[]);
    let two = [masked(1, b"a"), masked(2, b"b")].concat();
    refused(server, &two, CloseCode::PROTOCOL_ERROR, &[]);
}

#[test]
fn lengths_are_as_short_as_they_can_be() {
    let key = KEY;
    for (head, is_good) in [
        (&[FIN | 2, 0xfe, 0, 125][..], false),
        (&[FIN | 2, 0xfe, 0, 126], true),
        (&[FIN | 2, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], false),
        (&[FIN | 2, 0xff, 0, 0, 0, 0, 0, 1, 0, 0], true),
        (&[FIN | 2, 0xff, 0x80, 0, 0, 0, 0, 1, 0, 0], false),
    ] {
        let (seen, out, result) = at_every_split(server, &[head, &key].concat());
        assert_eq!(seen, []);
        assert_eq!(result.is_ok(), is_good, "{head:?}");
        assert_eq!(out.is_empty(), is_good);
    }
}

#[test]
fn a_failure_is_told_once_to_the_peer_and_always_to_the_owner() {
    let mut server = server();
    let (_, out, result) = run(&mut server, &[&masked(FIN | 3, b"")]);
    let error = result.unwrap_err();
    assert_eq!(error.code, CloseCode::PROTOCOL_ERROR);
    assert_eq!(out, plain_close(1002, error.reason));
    assert!(!server.is_open() && server.is_closed());
    let mut more = Vec::new();
    assert_eq!(feed(&mut server, &masked(FIN | 9, b"x"), &mut more, &mut Vec::new()), Err(error));
    assert_eq!(feed(&mut server, b"", &mut more, &mut Vec::new()), Err(error));
    assert_eq!(server.send(Opcode::Binary, b"x", &mut more), Err(SendError::Closed));
    assert_eq!(server.ping(b"", &mut more), Err(SendError::Closed));
    assert_eq!(server.close(None, "", &mut more), Err(SendError::Closed));
    assert!(more.is_empty());
}

#[test]
fn what_the_caller_may_not_send() {
    let (mut server, mut out) = (server(), Vec::new());
    assert_eq!(server.send(Opcode::Text, b"\xff", &mut out), Err(SendError::NotUtf8));
    assert_eq!(encode(Opcode::Text, b"\xff", &mut out), Err(SendError::NotUtf8));
    assert_eq!(server.ping(&[0; 126], &mut out), Err(SendError::TooLong));
    assert_eq!(server.pong(&[0; 126], &mut out), Err(SendError::TooLong));
    assert_eq!(server.close(Some(CloseCode::NORMAL), &"x".repeat(124), &mut out), Err(SendError::TooLong));
    assert_eq!(server.close(None, "x", &mut out), Err(SendError::ReasonWithoutCode));
    assert!(out.is_empty() && server.is_open());
    server.ping(&[1; 125], &mut out).unwrap();
    server.pong(b"p", &mut out).unwrap();
    server.send_text("\u{e4}", &mut out).unwrap();
    server.close(Some(CloseCode::NORMAL), &"x".repeat(123), &mut out).unwrap();
    let expected = [
        plain(FIN | 9, &[1; 125]),
        plain(FIN | 10, b"p"),
        plain(FIN | 1, "\u{e4}".as_bytes()),
        plain_close(1000, &"x".repeat(123)),
    ];
    assert_eq!(out, expected.concat());
}
