//! What goes both ways, on each wire.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use flare::Version;
use flare::websocket::client::{Event, Options, Socket};
use flare::websocket::{Message, WsOptions};

use super::common::{PATIENCE, pattern};
use super::server::{WAYS, echoing};

pub fn next(socket: &Socket) -> Event {
    socket.receive(Some(PATIENCE)).unwrap()
}

/// The same, but the server's keep-alive may come in between: a test that takes long enough sees its Pings.
fn answer(socket: &Socket) -> Event {
    loop {
        match next(socket) {
            Event::Ping(payload) => assert_eq!(payload, b""),
            event => return event,
        }
    }
}

#[test]
fn messages_come_back_on_each_wire() {
    let running = echoing(WsOptions::default().message_limit(4 << 20));
    for (way, socket) in WAYS.iter().zip(running.sockets(&Options::default().message_limit(4 << 20))) {
        let http2 = matches!(
            way,
            ("ws", flare::websocket::client::Wire::Http2) | ("wss", flare::websocket::client::Wire::Any)
        );
        assert_eq!(socket.response().version == Version::Http2, http2, "{way:?}");
        assert_eq!(socket.is_encrypted(), way.0 == "wss");
        for round in 0..3 {
            socket.send_text(format!("message {round}")).unwrap();
            assert_eq!(answer(&socket), Event::Text(format!("message {round}")));
            socket.send_binary("").unwrap();
            assert_eq!(answer(&socket), Event::Binary(Vec::new()));
        }
        for length in [125, 126, 65_535, 65_536, 100_000] {
            let data = pattern(length);
            socket.send_binary(&data).unwrap();
            assert!(answer(&socket) == Event::Binary(data), "{length} on {way:?}");
        }
        socket.ping(b"here").unwrap();
        assert_eq!(answer(&socket), Event::Pong(b"here".to_vec()));
        let closed = socket.close_and_wait(1000, "done").unwrap();
        assert_eq!((closed.code, closed.reason.as_str(), closed.clean), (1000, "", true), "{way:?}");
        assert!(!socket.is_open());
    }
}

#[test]
fn one_thread_receives_while_others_send() {
    let running = echoing(WsOptions::default().message_limit(1 << 20));
    for socket in running.sockets(&Options::default()) {
        let socket = Arc::new(socket);
        let data = Arc::new(pattern(50_000));
        let senders: Vec<_> = (0..3)
            .map(|_| {
                let (socket, data) = (Arc::clone(&socket), Arc::clone(&data));
                thread::spawn(move || (0..100).for_each(|_| socket.send_binary(&*data).unwrap()))
            })
            .collect();
        for _ in 0..300 {
            match answer(&socket) {
                Event::Binary(got) => assert!(got == *data),
                other => panic!("{other:?}"),
            }
        }
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        assert!(socket.close_and_wait(1000, "").unwrap().clean);
    }
}

#[test]
fn a_message_larger_than_all_buffers_comes_back() {
    let running = echoing(WsOptions::default().message_limit(4 << 20));
    for socket in running.sockets(&Options::default().message_limit(4 << 20)) {
        let data = pattern(4 << 20);
        socket.send_binary(&data).unwrap();
        assert!(answer(&socket) == Event::Binary(data));
    }
}

#[test]
fn compressed_messages() {
    for takeover in [false, true] {
        let running = echoing(WsOptions::default().deflate(takeover));
        for socket in running.sockets(&Options::default().deflate(takeover)) {
            assert!(socket.is_compressed());
            for round in 0..20 {
                let text = format!("{round} and the same words again and again ").repeat(100);
                socket.send_text(&text).unwrap();
                assert_eq!(answer(&socket), Event::Text(text));
            }
        }
        // Whoever offers nothing is not compressed for.
        assert!(running.sockets(&Options::default()).iter().all(|socket| !socket.is_compressed()));
    }
}

#[test]
fn nothing_in_time() {
    let running = echoing(WsOptions::default());
    for socket in running.sockets(&Options::default()) {
        let error = socket.receive(Some(Duration::from_millis(20))).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
        let error = socket.receive(Some(Duration::ZERO)).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
        socket.send(Message::Text("a")).unwrap();
        assert_eq!(answer(&socket), Event::Text("a".to_owned()));
    }
}
