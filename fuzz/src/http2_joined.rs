//! A client and a server joined: content arrives whole and in order on its stream, whatever the windows are, however the bytes are split and
//! whoever is first; and everything ends.
//!
//! Bytes 0 to 3: window of streams, size of frames, window and table of the other side. The next text (its length before it): what each request sends and
//! gets, two bytes each, in units of [`UNIT`] bytes. The rest: the steps, see [`Joined::step`]. What they leave undone is done in turns.

use std::collections::BTreeMap;
use std::sync::Arc;

use flare_proto::http2::{
    Client, ClientConnection, Connection, Event, Limits, Rate, RequestParts, Role, ServerConnection,
    StreamKey,
};
use flare_proto::{ContentLength, Headers, RequestHead, ResponseHead, ResponseParts};

use crate::PLANTED;
use crate::content::{UNIT, content};
use crate::input::Input;

/// More requests say nothing new.
const MOST_REQUESTS: usize = 12;
/// More turns than any input needs: what goes on longer hangs.
const MOST_TURNS: usize = 20_000;

/// What one side sends and has got on a stream.
#[derive(Default)]
struct Message {
    to_send: usize,
    sent: usize,
    got: usize,
    to_get: usize,
    ended: bool,
    held: usize,
}

#[derive(Default)]
struct Side {
    messages: BTreeMap<u32, (StreamKey, Message)>,
    /// The bytes on their way to it.
    wire: Vec<u8>,
}

impl Side {
    fn send<R: Role>(&mut self, end: &mut Connection<R>, out: &mut Vec<u8>) {
        let Some(turn) = end.next_turn() else { return };
        let (_, message) = self.messages.get_mut(&turn.stream.id()).expect("a stream that sends");
        let len = turn.most.min(message.to_send - message.sent);
        let last = message.sent + len == message.to_send;
        end.begin_data(turn.stream, len, last, out).expect("its turn");
        out.extend_from_slice(content(turn.stream.id().into(), message.sent, len));
        message.sent += len;
    }

    fn note<I>(&mut self, event: Event<'_, I>) {
        match event {
            Event::Data { stream, bytes } => {
                let (_, message) = self.messages.get_mut(&stream.id()).expect("a stream that gets");
                let end = message.got + bytes.len();
                assert!(end <= message.to_get, "more than was sent");
                // PLANTED: the byte at one place is taken for another.
                let is_changed = PLANTED && (message.got..end).contains(&700);
                assert!(
                    bytes == content(stream.id().into(), message.got, bytes.len()) && !is_changed,
                    "on stream {} behind {}: {}",
                    stream.id(),
                    message.got,
                    bytes.escape_ascii()
                );
                message.got = end;
                message.held += bytes.len();
            }
            Event::End { stream, .. } => {
                let (_, message) = self.messages.get_mut(&stream.id()).expect("a stream that ends");
                assert!(!std::mem::replace(&mut message.ended, true));
                assert_eq!(message.got, message.to_get);
            }
            Event::Reset { code, .. } => panic!("reset: {code}"),
            _ => {}
        }
    }

    fn give_back<R: Role>(&mut self, end: &mut Connection<R>, out: &mut Vec<u8>) {
        for (key, message) in self.messages.values_mut() {
            end.consumed(*key, std::mem::take(&mut message.held), out);
        }
    }
}

struct Joined {
    client: ClientConnection,
    server: ServerConnection,
    client_side: Side,
    server_side: Side,
    /// What the requests that were not sent will send and get.
    requests: Vec<(usize, usize)>,
    /// What the answer to each gets.
    answers: BTreeMap<u32, (usize, usize)>,
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut limits = || {
        let plenty = Rate { burst: 1 << 30, per_second: 0 };
        Arc::new(Limits {
            stream_window: [50, 700, 65_535, 300_000][usize::from(input.byte() & 3)],
            data_bytes: [16, 1000, 16_384, 40_000][usize::from(input.byte() & 3)],
            decoder_table_bytes: 4096,
            window_updates: plenty,
            ..Limits::default()
        })
    };
    let (one, other) = (limits(), limits());
    let list = input.bytes();
    let size = |byte: u8| usize::from(byte) * UNIT;
    let requests = list
        .as_chunks()
        .0
        .iter()
        .take(MOST_REQUESTS)
        .map(|&[sends, gets]| (size(sends), size(gets)))
        .collect();
    let mut joined = Joined {
        client: ClientConnection::new(one),
        server: ServerConnection::new(other),
        client_side: Side::default(),
        server_side: Side::default(),
        requests,
        answers: BTreeMap::new(),
    };
    joined.client.start(&mut joined.server_side.wire);
    joined.server.start(&mut joined.client_side.wire);
    for &step in input.rest() {
        joined.step(step);
    }
    for turn in 0.. {
        assert!(turn < MOST_TURNS, "it hangs");
        (0..8).for_each(|kind| joined.step(kind | 0xf8));
        let all = joined.client_side.messages.values().chain(joined.server_side.messages.values());
        if joined.requests.is_empty()
            && all.into_iter().all(|(_, message)| message.ended && message.sent == message.to_send)
            && joined.server_side.messages.len() == joined.client_side.messages.len()
        {
            break;
        }
    }
    assert_eq!((joined.client.streams(), joined.server.streams()), (0, 0));
}

impl Joined {
    /// The low three bits say what is done, the others how much: all of it is 31.
    fn step(&mut self, step: u8) {
        match step & 7 {
            0 => self.ask(),
            1 | 2 => self.client_side.send(&mut self.client, &mut self.server_side.wire),
            3 => self.server_side.send(&mut self.server, &mut self.client_side.wire),
            4 => self.server_gets(step >> 3),
            5 => self.client_gets(step >> 3),
            6 => self.client_side.give_back(&mut self.client, &mut self.server_side.wire),
            _ => self.server_side.give_back(&mut self.server, &mut self.client_side.wire),
        }
    }

    fn ask(&mut self) {
        let Some(&(sends, gets)) = self.requests.last() else { return };
        let body = if sends == 0 { ContentLength::None } else { ContentLength::Known(sends as u64) };
        let parts = RequestParts {
            method: "POST",
            scheme: "http",
            authority: "a",
            target: "/",
            protocol: None,
            headers: &Headers::new(),
            body,
        };
        let Ok(key) =
            Connection::<Client>::send_request(&mut self.client, &parts, &mut self.server_side.wire)
        else {
            return;
        };
        self.requests.pop();
        self.answers.insert(key.id(), (sends, gets));
        let message = Message { to_send: sends, to_get: gets, ..Message::default() };
        self.client_side.messages.insert(key.id(), (key, message));
        self.client.want_send(key);
    }

    fn server_gets(&mut self, amount: u8) {
        let taken = part(&mut self.server_side.wire, amount);
        let (mut input, mut head, mut trailers) = (&taken[..], RequestHead::new(), Headers::new());
        let out = &mut self.client_side.wire;
        while let Some(event) =
            self.server.receive(&mut input, &mut head, &mut trailers, out).expect("a good client")
        {
            let Event::Head { stream, info } = event else {
                self.server_side.note(event);
                continue;
            };
            let (to_get, to_send) = self.answers[&stream.id()];
            let message = Message { to_send, to_get, ended: info.ended, ..Message::default() };
            self.server_side.messages.insert(stream.id(), (stream, message));
            let body = ContentLength::Known(to_send as u64);
            let parts = ResponseParts { status: 200, headers: &Headers::new(), body, origin: None };
            if self.server.send_head(stream, &parts, out).expect("an answer") {
                self.server.want_send(stream);
            }
        }
    }

    fn client_gets(&mut self, amount: u8) {
        let taken = part(&mut self.client_side.wire, amount);
        let (mut input, mut head, mut trailers) = (&taken[..], ResponseHead::new(), Headers::new());
        let out = &mut self.server_side.wire;
        while let Some(event) =
            self.client.receive(&mut input, &mut head, &mut trailers, out).expect("a good server")
        {
            if let Event::Head { stream, info } = event {
                let (_, message) = self.client_side.messages.get_mut(&stream.id()).expect("a request");
                message.ended = info.ended;
            } else {
                self.client_side.note(event);
            }
        }
    }
}

/// A part of the wire's bytes, from the front.
fn part(wire: &mut Vec<u8>, amount: u8) -> Vec<u8> {
    let count = if amount >= 31 { wire.len() } else { wire.len().min(1 + usize::from(amount) * 9) };
    wire.drain(..count).collect()
}
