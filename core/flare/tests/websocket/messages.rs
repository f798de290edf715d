//! Messages both ways.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flare::websocket::SendError;

use super::frames::{BINARY, MORE, PING, PONG, TEXT, frame, text};
use super::*;

#[test]
fn messages_come_back_wherever_they_are_split() {
    let long = "x".repeat(70_000);
    let mut all = text("hello");
    all.extend(frame(BINARY, &[0, 255]));
    all.extend(frame(PING, b"are you there"));
    all.extend(text(&long));
    all.extend(text(""));
    let expected = [
        Frame::new(TEXT, "hello"),
        Frame::new(BINARY, [0, 255]),
        Frame::new(PONG, "are you there"),
        Frame::new(TEXT, &long),
        Frame::new(TEXT, ""),
    ];
    for at in (0..80).chain([70_000, all.len()]) {
        let mut client = Client::open(echoing(WsOptions::default()));
        client.send(&all[..at]);
        client.send(&all[at..]);
        for frame in &expected {
            assert_eq!(client.next().as_ref(), Some(frame), "split at {at}");
        }
        assert_eq!(client.next(), None);
    }
}

#[test]
fn messages_behind_the_offer_are_not_lost() {
    let mut connection = TestClient::new(echoing(WsOptions::default())).connect();
    connection.send(&[OFFER.as_bytes(), &text("early")].concat());
    while connection.try_step() {}
    let received = connection.received();
    assert!(received.ends_with(b"\r\n\r\n\x81\x05early"), "{}", String::from_utf8_lossy(&received));
}

#[test]
fn fragments_become_one_message() {
    let mut client = Client::open(echoing(WsOptions::default()));
    let mut first = text("one ");
    first[0] &= 0x7f;
    let mut last = frame(0, b"message");
    last[0] = 0x80;
    client.send(&first);
    client.send(&frame(PING, b""));
    client.send(&last);
    assert_eq!(client.next(), Some(Frame::new(PONG, "")));
    assert_eq!(client.next(), Some(Frame::new(TEXT, "one message")));
}

#[test]
fn another_thread_may_send() {
    let (router, told, sockets) = telling(WsOptions::default());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    std::thread::spawn(move || {
        socket.send_text("from elsewhere").unwrap();
        socket.ping(b"p").unwrap();
        assert_eq!(socket.ping(&[0; 126]), Err(SendError::Misuse("longer than a control frame may be")));
    })
    .join()
    .unwrap();
    assert_eq!(client.next(), Some(Frame::new(TEXT, "from elsewhere")));
    assert_eq!(client.next(), Some(Frame::new(PING, "p")));
    client.send(&text("hi"));
    assert_eq!(told.recv(), Ok(Told::Open));
    assert_eq!(told.recv(), Ok(Told::Message("hi".to_owned())));
}

#[test]
fn a_send_is_taken_whole_or_refused() {
    let (router, told, sockets) = telling(WsOptions::default());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    let message = [7; 100_000];
    let mut taken = 0;
    while socket.send_binary(message).is_ok() {
        taken += 1;
    }
    assert_eq!(socket.send_text("more"), Err(SendError::WouldBlock));
    assert_eq!(taken, 3, "256 KiB, and what reaches over it");
    for _ in 0..taken {
        assert_eq!(client.next(), Some(Frame::new(BINARY, message)));
    }
    assert_eq!(client.next(), None);
    assert_eq!((told.try_recv(), told.try_recv()), (Ok(Told::Open), Ok(Told::Writable)));
    assert_eq!(socket.send_text("more"), Ok(()));
    assert_eq!(client.next(), Some(Frame::new(TEXT, "more")));
}

#[test]
fn a_message_may_be_sent_in_fragments() {
    let (router, told, sockets) = telling(WsOptions::default());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    socket.subscribe("topic");
    socket.send_fragment(Message::Text("one, "), false).unwrap();
    assert_eq!(client.next(), Some(Frame::new(MORE | TEXT, "one, ")));
    assert_eq!(socket.send_text("other"), Err(SendError::WouldBlock));
    assert!(matches!(socket.send_fragment(Message::Binary(b"x"), true), Err(SendError::Misuse(_))));
    socket.publish("topic", Message::Text("missed")).unwrap();
    socket.ping(b"between").unwrap();
    client.send(&frame(PING, b"there?"));
    assert_eq!(client.next(), Some(Frame::new(PING, "between")));
    assert_eq!(client.next(), Some(Frame::new(PONG, "there?")));
    assert_eq!(socket.missed(), 1);
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Told::Open], "nobody may send yet");
    socket.send_fragment(Message::Text("two"), true).unwrap();
    assert_eq!(client.next(), Some(Frame::new(0, "two")));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Told::Writable]);
    socket.send_text("other").unwrap();
    assert_eq!(client.next(), Some(Frame::new(TEXT, "other")));
}

#[test]
fn a_message_has_a_limit() {
    let mut client = Client::open(echoing(WsOptions::default().message_limit(10)));
    client.send(&text("0123456789"));
    assert_eq!(client.next(), Some(Frame::new(TEXT, "0123456789")));
    client.send(&text("0123456789x"));
    let last = client.next().unwrap();
    assert_eq!((last.opcode, &last.payload[..2]), (frames::CLOSE, &1009_u16.to_be_bytes()[..]));
    assert!(!client.connection.is_open());
}

#[test]
fn writable_is_told_to_those_who_were_refused_alone() {
    let (router, told, sockets) = telling(WsOptions::default());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    while socket.send_binary([7; 100_000]).is_ok() {}
    // Nobody asked to send more: that the client's Ping could not be answered is no concern of the handler.
    while socket.send_binary([7; 100_000]).is_ok() {}
    client.settle();
    assert_eq!((told.try_recv(), told.try_recv()), (Ok(Told::Open), Ok(Told::Writable)));
    client.connection.hold_output();
    while socket.is_open() && socket.missed() == 0 {
        // Publications are missed without a refusal.
        socket.subscribe("topic");
        socket.publish("topic", Message::Binary(&[7; 100_000])).unwrap();
        client.settle();
    }
    client.send(&frame(PING, b""));
    client.connection.release_output();
    client.settle();
    assert!(told.try_recv().is_err(), "nobody was refused");
}

/// What came since it was asked last.
fn messages(told: &Receiver<Told>) -> Vec<String> {
    told.try_iter()
        .filter_map(|told| match told {
            Told::Message(message) => Some(message),
            _ => None,
        })
        .collect()
}

#[test]
fn a_program_that_is_full_gets_no_messages_and_loses_none() {
    let (router, told, sockets) = telling(WsOptions::default());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    socket.pause();
    client.send(&[text("one"), text("two"), frame(PING, b"p")].concat());
    assert_eq!(client.next(), None, "what follows them waits too");
    assert!(messages(&told).is_empty());
    std::thread::spawn(move || socket.resume()).join().unwrap();
    assert_eq!(client.next(), Some(Frame::new(PONG, "p")));
    assert_eq!(messages(&told), ["one", "two"]);
    client.send(&text("three"));
    assert_eq!(messages(&told), ["three"]);
}

#[test]
fn what_came_before_the_client_left_is_still_delivered() {
    let (router, told, sockets) = telling(WsOptions::default());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    socket.pause();
    client.send(&text("last words"));
    client.connection.close_write();
    client.settle();
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Told::Open]);
    socket.resume();
    client.settle();
    let end = [Told::Message("last words".to_owned()), Told::Close(1006, String::new())];
    assert_eq!(told.try_iter().collect::<Vec<_>>(), end);
}

#[test]
fn a_paused_socket_can_close() {
    let (router, told, sockets) = telling(WsOptions::default());
    let mut client = Client::open(router);
    let socket = sockets.recv().unwrap();
    socket.pause();
    client.send(&text("unheard"));
    socket.close(1000, "").unwrap();
    assert_eq!(client.next().map(|frame| frame.opcode), Some(frames::CLOSE));
    client.send(&frame(frames::CLOSE, &1000_u16.to_be_bytes()));
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [Told::Open, Told::Close(1000, String::new())]);
}

/// Says when the client's goodbye may be answered.
struct Slow {
    ready: Arc<AtomicBool>,
    told: Telling,
}

impl SocketHandler for Slow {
    fn open(&mut self, socket: &WebSocket) {
        self.told.open(socket);
    }

    fn message(&mut self, socket: &WebSocket, message: Message<'_>) {
        self.told.message(socket, message);
    }

    fn may_close(&mut self, _: &WebSocket) -> bool {
        self.ready.load(Ordering::Relaxed)
    }

    fn close(&mut self, socket: &WebSocket, code: u16, reason: &str) {
        self.told.close(socket, code, reason);
    }
}

fn slow() -> (Client, Arc<AtomicBool>, Receiver<Told>, WebSocket) {
    let ((told, tells), (sockets, opened)) = (channel(), channel());
    let ready = Arc::new(AtomicBool::new(false));
    let own = Mutex::new(Some(Slow { ready: Arc::clone(&ready), told: Telling { told, sockets } }));
    let mut router = Router::new();
    router.ws("/ws", move |_: &Request| own.lock().unwrap().take().ok_or(503_u16)).unwrap();
    let client = Client::open(router);
    (client, ready, tells, opened.recv().unwrap())
}

#[test]
fn replies_to_what_was_said_before_a_goodbye_are_sent() {
    let (mut client, ready, told, socket) = slow();
    client.send(&[text("question"), frame(frames::CLOSE, &1000_u16.to_be_bytes()), text("dropped")].concat());
    assert_eq!(client.next(), None);
    socket.send_text("answer").unwrap();
    assert_eq!(client.next(), Some(Frame::new(TEXT, "answer")));
    // Asked again too early.
    socket.resume();
    assert_eq!(client.next(), None);
    ready.store(true, Ordering::Relaxed);
    std::thread::spawn(move || socket.resume()).join().unwrap();
    assert_eq!(client.next().map(|frame| frame.opcode), Some(frames::CLOSE));
    let end = [Told::Open, Told::Message("question".to_owned()), Told::Close(1000, String::new())];
    assert_eq!(told.try_iter().collect::<Vec<_>>(), end);
    assert!(!client.connection.is_open());
}

#[test]
fn a_goodbye_does_not_wait_for_ever() {
    let goodbye = frame(frames::CLOSE, &4000_u16.to_be_bytes());
    let end = Some(Told::Close(4000, String::new()));
    let (mut client, _, told, socket) = slow();
    client.send(&goodbye);
    client.connection.advance(Duration::from_millis(900));
    assert_eq!(client.next(), None);
    assert!(socket.is_open());
    client.connection.advance(Duration::from_millis(200));
    assert_eq!(client.next().map(|frame| frame.opcode), Some(frames::CLOSE));
    assert_eq!(told.try_iter().last(), end);

    // Nor does it for a program that closes itself, or a client that leaves.
    let (mut client, _, told, socket) = slow();
    client.send(&goodbye);
    socket.close(4001, "").unwrap();
    assert_eq!(client.next().map(|frame| frame.payload), Some(4001_u16.to_be_bytes().to_vec()));
    assert_eq!(told.try_iter().last(), end);
    let (mut client, _, told, _) = slow();
    client.send(&goodbye);
    client.connection.close_write();
    client.settle();
    client.connection.abort();
    client.settle();
    assert_eq!(told.try_iter().last(), end);
}
