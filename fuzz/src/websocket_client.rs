//! What a server says to a client's socket, from its answer to the handshake on, without a network: the same events, failure and answers however the
//! bytes are split; no socket without the right answer; and behind it the events of the oracle.
//!
//! | byte | means |
//! |---|---|
//! | 0 | bit 0: on HTTP/2, whose server has sent SETTINGS that allow sockets. Bit 1: compression is offered. Bit 2: subprotocols `a` and `b` are. Bit 3: the right answer of HTTP/1.1 goes before the rest |
//! | 1 | how the bytes are split |
//! | the rest | what the server sends |

use flare::client::Failure;
use flare::testing::TestSocket;
use flare::websocket::Message;
use flare::websocket::SendError;
use flare::websocket::client::{Event, OpenFailure, Options};

use crate::input::Input;
use crate::oracle::websocket::{Said, Seen, decode};
use crate::{PLANTED, splits};

/// SETTINGS of a server that allows extended CONNECT (RFC 8441). A client asks behind them, so what comes behind them is read later.
const SETTINGS: &[u8] = b"\0\0\x06\x04\0\0\0\0\0\0\x08\0\0\0\x01";
/// The right answer to the key of a [`TestSocket`].
const ACCEPT: &str = "CdXSYUsvsaMthlEXWDNURGWA/1o=";
const LONGEST: usize = 1000;
/// Frames at once that bring nothing.
const BURST: u32 = 100;
/// The code of a socket whose server said no goodbye, and of one whose Close has no code.
const ABNORMAL: u16 = 1006;
const NO_CODE: u16 = 1005;

/// What came of an input.
#[derive(Debug, PartialEq)]
struct Outcome {
    was_open: bool,
    protocol: Option<String>,
    events: Vec<Event>,
    failure: Option<String>,
    /// What was sent behind the request.
    sent: Vec<u8>,
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let choices = input.byte();
    let seed = input.byte();
    let rest = input.rest();
    let is_http2 = choices & 1 != 0;
    let mut options = Options::default().message_limit(LONGEST).deflate(choices & 2 != 0);
    if choices & 4 != 0 {
        options = options.protocol("a").protocol("b");
    }
    let accepts = !is_http2 && choices & 8 != 0;
    let head = if accepts { accepting() } else { Vec::new() };
    let text = [&head[..], rest].concat();
    let mut first: Option<Outcome> = None;
    for way in splits::all_ways(&text, seed) {
        let mut outcome = say(&options, is_http2, &way);
        assert!(outcome.sent.len() <= 4096 + 100 * text.len(), "{} bytes were sent", outcome.sent.len());
        if is_http2 {
            // When credit is given back depends on what is read at a time.
            outcome.sent.clear();
        }
        match &first {
            Some(first) => assert_eq!(*first, outcome, "split matters: {}", text.escape_ascii()),
            None => first = Some(outcome),
        }
    }
    let Some(outcome) = first else { return };
    check_end(&outcome);
    let offered = if choices & 4 != 0 { &["a", "b"][..] } else { &[] };
    assert!(outcome.protocol.as_deref().is_none_or(|chosen| offered.contains(&chosen)));
    if outcome.was_open && !is_http2 {
        let has = |part: &str| text.windows(part.len()).any(|window| window == part.as_bytes());
        assert!(has(" 101") && has(ACCEPT), "opened by {}", text.escape_ascii());
    }
    if accepts {
        assert!(outcome.was_open, "the right answer was refused");
        check_frames(&outcome, &decode(rest, true, (LONGEST, LONGEST), BURST));
    }
}

fn accepting() -> Vec<u8> {
    let lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    format!("{}\r\nSec-WebSocket-Accept: {ACCEPT}\r\n\r\n", lines.join("\r\n")).into_bytes()
}

/// Says this to a new socket, and then ends the connection.
fn say(options: &Options, is_http2: bool, pieces: &[&[u8]]) -> Outcome {
    let mut socket = TestSocket::open("ws://a.test/", options, is_http2).expect("the options are right");
    let request = if is_http2 { Vec::new() } else { socket.sent() };
    assert!(is_http2 || request.ends_with(b"\r\n\r\n"), "the request is not whole");
    let (mut events, mut sent, mut failure) = (Vec::new(), Vec::new(), None);
    let mut was_open = false;
    let mut listen = |socket: &mut TestSocket| {
        loop {
            sent.extend(socket.sent());
            match socket.next_event() {
                Ok(None) => break,
                Ok(Some(event)) => {
                    was_open = true;
                    let is_last = matches!(event, Event::Closed(_));
                    if !(is_last && events.last() == Some(&event)) {
                        events.push(shown(event));
                    }
                    if is_last {
                        break;
                    }
                }
                Err(error) => {
                    // The first says why; later ones that it is over.
                    failure.get_or_insert_with(|| reason(&error));
                    break;
                }
            }
        }
        was_open |= socket.is_open();
        sent.extend(socket.sent());
    };
    if is_http2 {
        socket.receive(SETTINGS);
        listen(&mut socket);
    }
    for piece in pieces {
        socket.receive(piece);
        listen(&mut socket);
    }
    socket.receive_end();
    listen(&mut socket);
    let protocol = socket.protocol().map(str::to_owned);
    assert_eq!(socket.send(Message::Text("more")), Err(SendError::Closed), "behind the end");
    Outcome { was_open, protocol, events, failure, sent }
}

fn reason(failure: &OpenFailure) -> String {
    match failure {
        // A head that is cut is called malformed or cut: it is not looked at again before its end has come.
        OpenFailure::Exchange(Failure::Cut | Failure::Malformed(_)) => "cut or malformed".to_owned(),
        failure => format!("{failure:?}"),
    }
}

fn shown(event: Event) -> Event {
    match event {
        // PLANTED: a message of five bytes loses one.
        Event::Binary(mut bytes) if PLANTED && bytes.len() == 5 => {
            bytes.truncate(4);
            Event::Binary(bytes)
        }
        event => event,
    }
}

/// A socket that was open tells of its end once; one that was not says why.
fn check_end(outcome: &Outcome) {
    let ends = outcome.events.iter().filter(|event| matches!(event, Event::Closed(_))).count();
    let is_last = matches!(outcome.events.last(), Some(Event::Closed(_)));
    assert!((ends, is_last) == (1, true) || !outcome.was_open, "{outcome:?}");
    assert_eq!(outcome.was_open, outcome.failure.is_none(), "{outcome:?}");
}

/// What came behind the right answer is what the oracle reads. With compression offered and none agreed, nothing changes.
fn check_frames(outcome: &Outcome, said: &Said) {
    let mut expected = Vec::new();
    let mut end = said.error.map(|code| (code, false));
    for seen in &said.seen {
        match seen {
            Seen::Text(bytes) => {
                expected.push(Event::Text(String::from_utf8(bytes.clone()).expect("a text")))
            }
            Seen::Binary(bytes) => expected.push(Event::Binary(bytes.clone())),
            Seen::Ping(payload) => expected.push(Event::Ping(payload.clone())),
            Seen::Pong(payload) => expected.push(Event::Pong(payload.clone())),
            Seen::Close(code, _) => end = Some((code.unwrap_or(NO_CODE), true)),
        }
    }
    let Some((Event::Closed(closed), events)) = outcome.events.split_last() else {
        panic!("it has no end: {outcome:?}");
    };
    assert_eq!(events, expected);
    assert_eq!((closed.code, closed.clean), end.unwrap_or((ABNORMAL, false)), "{closed:?}");
    // The Close of a failure is behind what the oracle answers.
    let last = outcome.sent.strip_prefix(&said.out[..]).expect("other answers than the oracle's");
    match said.error {
        Some(code) => assert!(last.first() == Some(&0x88) && last.get(6..8) == Some(&code.to_be_bytes()[..])),
        None => assert!(last.is_empty(), "{}", last.escape_ascii()),
    }
}
