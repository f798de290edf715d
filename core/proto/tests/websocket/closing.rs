//! The close handshake (RFC 6455 sections 5.5.1 and 7).

use flare_proto::websocket::{CloseCode, Opcode, SendError};

use crate::feeding::{
    FIN, Seen, at_every_split, client, feed, masked, plain, plain_close, refused, run, server,
};

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    masked(FIN | 8, &[&code.to_be_bytes(), reason].concat())
}

#[test]
fn a_close_is_answered_with_its_code() {
    let longest = "\u{20ac}".repeat(41);
    assert_eq!(longest.len(), 123);
    for reason in ["", "bye", &longest] {
        for code in [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 3999, 4000, 4999] {
            let input = close(code, reason.as_bytes());
            let expected = (vec![Seen::Close(Some(code), reason.into())], plain_close(code, ""), Ok(()));
            assert_eq!(at_every_split(server, &input), expected);
        }
    }
    let expected = (vec![Seen::Close(None, String::new())], plain(FIN | 8, b""), Ok(()));
    assert_eq!(at_every_split(server, &masked(FIN | 8, b"")), expected);
    let expected = (vec![Seen::Close(Some(1001), "x".into())], close(1001, b""), Ok(()));
    assert_eq!(at_every_split(client, &plain_close(1001, "x")), expected);
}

#[test]
fn a_close_that_breaks_the_rules() {
    refused(server, &masked(FIN | 8, b"\x03"), CloseCode::PROTOCOL_ERROR, &[]);
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        refused(server, &close(code, b""), CloseCode::PROTOCOL_ERROR, &[]);
        refused(server, &close(code, b"why"), CloseCode::PROTOCOL_ERROR, &[]);
    }
    for reason in [&b"\xff"[..], b"a\xc3", b"\xed\xa0\x80"] {
        refused(server, &close(1000, reason), CloseCode::INVALID_PAYLOAD, &[]);
    }
}

#[test]
fn nothing_comes_behind_a_close() {
    let input = [
        masked(1, b"begun"),
        close(1000, b""),
        masked(FIN, b"rest"),
        masked(FIN | 9, b"ping"),
        close(1000, b""),
        b"no frames at all".to_vec(),
    ]
    .concat();
    let expected = (vec![Seen::Close(Some(1000), String::new())], plain_close(1000, ""), Ok(()));
    assert_eq!(at_every_split(server, &input), expected);
}

#[test]
fn whoever_closes_first_still_hears_the_other() {
    let (mut server, mut out) = (server(), Vec::new());
    server.close(Some(CloseCode::GOING_AWAY), "restart", &mut out).unwrap();
    assert_eq!(out, plain_close(1001, "restart"));
    assert!(!server.is_open() && !server.is_closed());
    assert_eq!(server.send(Opcode::Text, b"late", &mut out), Err(SendError::Closed));
    let input = [masked(FIN | 1, b"on its way"), masked(FIN | 9, b"p"), close(1000, b"")].concat();
    let (seen, out, result) = run(&mut server, &[&input]);
    // No Pong and no second Close: this end has said its last word.
    assert_eq!((out, result), (vec![], Ok(())));
    let expected =
        [Seen::Text("on its way".into()), Seen::Ping(b"p".into()), Seen::Close(Some(1000), String::new())];
    assert_eq!(seen, expected);
    assert!(server.is_closed());
}

#[test]
fn a_failure_after_a_close_sends_nothing() {
    let (mut server, mut out) = (server(), Vec::new());
    server.close(None, "", &mut out).unwrap();
    assert_eq!(out, plain(FIN | 8, b""));
    let (_, out, result) = run(&mut server, &[&masked(FIN | 3, b"")]);
    assert_eq!(result.unwrap_err().code, CloseCode::PROTOCOL_ERROR);
    assert_eq!(out, []);
    assert!(server.is_closed());
}

#[test]
fn both_close_at_once() {
    let (mut server, mut client) = (server(), client());
    let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
    server.close(Some(CloseCode::NORMAL), "", &mut to_client).unwrap();
    client.close(CloseCode::new(4321), "mine", &mut to_server).unwrap();
    let (mut none, mut seen) = (Vec::new(), Vec::new());
    feed(&mut server, &to_server, &mut none, &mut seen).unwrap();
    feed(&mut client, &to_client, &mut none, &mut seen).unwrap();
    assert_eq!(seen, [Seen::Close(Some(4321), "mine".into()), Seen::Close(Some(1000), String::new())]);
    assert!(none.is_empty() && server.is_closed() && client.is_closed());
}
