//! A client and a server joined: whatever both may send arrives as it was sent, however the bytes are split and whoever is first.
//!
//! The input is a list of exchanges on one connection. Each is made of choices of one byte, and of texts with their length before
//! them, in the order of [`Exchange::read`]. The last text is the steps, one byte each: see [`Wire::step`]. What they leave undone
//! is done in turns.

use flare_proto::http1::{
    BodyEvent, ClientConnection, ContentLength, Limits, OriginFields, RequestParts, ResponseParts, SendError,
    ServerConnection,
};
use flare_proto::{Headers, RequestHead, ResponseHead};

use crate::PLANTED;
use crate::input::Input;

/// More exchanges on one connection say nothing new.
const MOST_EXCHANGES: usize = 6;
/// More steps than any exchange needs: what goes on longer hangs.
const MOST_STEPS: usize = 200_000;

/// See [`Wire::step`].
const ALL: u8 = 62;

/// The message of one side.
struct Message {
    headers: Headers,
    length: ContentLength,
    pieces: Vec<Vec<u8>>,
    trailers: Headers,
}

struct Exchange {
    method: &'static str,
    target: &'static str,
    authority: &'static str,
    request: Message,
    /// Before the final one.
    interim: Vec<u16>,
    status: u16,
    answer: Message,
    steps: Vec<u8>,
}

/// Names with a meaning of their own, with values that may and may not stand in a message.
const FIELDS: [(&str, &str); 20] = [
    ("host", "b.invalid"),
    ("connection", "close"),
    ("connection", "keep-alive, x-own"),
    ("keep-alive", "timeout=5"),
    ("content-length", "3"),
    ("content-length", "0"),
    ("content-length", "03"),
    ("content-length", "x"),
    ("transfer-encoding", "chunked"),
    ("te", "trailers"),
    ("upgrade", "x"),
    ("expect", "100-continue"),
    ("date", "now"),
    ("server", "own"),
    ("trailer", "x-a"),
    ("if-match", "*"),
    ("x-empty", ""),
    ("X-Case", "Value"),
    ("x-text", "\u{fc}\t\""),
    ("set-cookie", "a=b"),
];

/// What the connection reads or writes itself.
const CONNECTION_FIELDS: [&str; 9] = [
    "host",
    "connection",
    "keep-alive",
    "content-length",
    "transfer-encoding",
    "te",
    "date",
    "server",
    "upgrade",
];

impl Message {
    fn read(input: &mut Input<'_>) -> Message {
        let mut message = Message {
            headers: Headers::new(),
            length: ContentLength::None,
            pieces: Vec::new(),
            trailers: Headers::new(),
        };
        let options = input.byte();
        for _ in 0..options & 7 {
            add_field(input, &mut message.headers);
        }
        for _ in 0..options >> 3 & 3 {
            message.pieces.push(input.bytes().to_vec());
        }
        if options & 0x20 != 0 {
            // Several chunks' worth, and longer than what is copied at a time.
            message.pieces.push(vec![b'z'; 257 * usize::from(input.byte())]);
        }
        let total: usize = message.pieces.iter().map(Vec::len).sum();
        message.length = match options >> 6 {
            0 if total == 0 => ContentLength::None,
            0 | 1 => ContentLength::Known(total as u64),
            2 => ContentLength::Unknown,
            _ => {
                add_field(input, &mut message.trailers);
                add_field(input, &mut message.trailers);
                ContentLength::Unknown
            }
        };
        message
    }
}

fn add_field(input: &mut Input<'_>, headers: &mut Headers) {
    let choice = usize::from(input.byte());
    let before = headers.len();
    let added = match FIELDS.get(choice % (FIELDS.len() + 3)) {
        Some((name, value)) => headers.append(name, value),
        None => {
            let (name, value) = (input.bytes(), input.bytes());
            headers.append(name, value)
        }
    };
    assert_eq!(headers.len(), before + usize::from(added.is_ok()));
}

impl Exchange {
    fn read(input: &mut Input<'_>) -> Exchange {
        const STATUSES: [u16; 14] = [200, 204, 205, 304, 404, 500, 101, 206, 299, 999, 100, 199, 1000, 413];
        Exchange {
            method: input.pick(&["GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "DELETE", "x!"]),
            target: input.pick(&[
                "/",
                "/a/b?c=d",
                "*",
                "http://c.invalid:8/x?y",
                "/%2F",
                "/?",
                "http://d",
                "a b",
            ]),
            authority: input.pick(&["a.invalid:80", "", "[::1]:8080", "bad host"]),
            request: Message::read(input),
            interim: (0..input.byte() & 3)
                .map(|_| [100, 103, 199, 101][usize::from(input.byte() & 3)])
                .collect(),
            status: STATUSES[usize::from(input.byte()) % STATUSES.len()],
            answer: Message::read(input),
            steps: input.bytes().to_vec(),
        }
    }
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (mut client, mut server) = (ClientConnection::new(), ServerConnection::new());
    for _ in 0..MOST_EXCHANGES {
        if input.is_empty() {
            break;
        }
        let exchange = Exchange::read(&mut input);
        let mut wire = Wire::new(&exchange, &mut client, &mut server);
        if !wire.run() || !client.keeps_alive() || !server.keeps_alive() {
            return;
        }
        client.next_request();
        server.next_request();
    }
}

/// One side's sending: what was done, and the bytes that are on their way.
#[derive(Default)]
struct Sending {
    begun: bool,
    pieces: usize,
    ended: bool,
    bytes: Vec<u8>,
    /// What was taken out of `bytes`, up to the first that has not arrived.
    delivered: usize,
}

/// One side's receiving.
#[derive(Default)]
struct Receiving {
    pending: Vec<u8>,
    has_head: bool,
    content: Vec<u8>,
    trailers: Headers,
    ended: bool,
}

/// One exchange on its way.
struct Wire<'a> {
    exchange: &'a Exchange,
    client: &'a mut ClientConnection,
    server: &'a mut ServerConnection,
    up: Sending,
    down: Sending,
    at_server: Receiving,
    at_client: Receiving,
    request: RequestHead,
    answer: ResponseHead,
    interim_sent: usize,
    interim_received: Vec<u16>,
    /// The answer that was sent had to be another one.
    plain_answer: bool,
    /// Something was refused, or became a byte stream: the exchange stops here.
    stopped: bool,
}

impl<'a> Wire<'a> {
    fn new(
        exchange: &'a Exchange,
        client: &'a mut ClientConnection,
        server: &'a mut ServerConnection,
    ) -> Self {
        Wire {
            exchange,
            client,
            server,
            up: Sending::default(),
            down: Sending::default(),
            at_server: Receiving::default(),
            at_client: Receiving::default(),
            request: RequestHead::new(),
            answer: ResponseHead::new(),
            interim_sent: 0,
            interim_received: Vec::new(),
            plain_answer: false,
            stopped: false,
        }
    }

    /// Whether the exchange came to its end.
    fn run(&mut self) -> bool {
        for turn in 0..MOST_STEPS {
            if self.stopped {
                return false;
            }
            if self.up.ended && self.down.ended && self.at_server.ended && self.at_client.ended {
                self.check();
                return true;
            }
            let in_turns = || (turn as u8 % 4) | (ALL << 2);
            self.step(self.exchange.steps.get(turn).copied().unwrap_or_else(in_turns));
        }
        panic!("the exchange does not end");
    }

    /// Bits 0 to 1: the client sends, the server receives, the server sends, the client receives. Bits 2 to 7: how many bytes are
    /// received, at most, less one; [`ALL`]: all.
    fn step(&mut self, step: u8) {
        let most = if step >> 2 == ALL { usize::MAX } else { usize::from(step >> 2) + 1 };
        match step & 3 {
            0 => self.client_sends(),
            1 => self.server_receives(most),
            2 => self.server_sends(),
            _ => self.client_receives(most),
        }
    }

    fn client_sends(&mut self) {
        let Exchange { method, target, authority, request, .. } = self.exchange;
        let before = self.up.bytes.len();
        if !self.up.begun {
            let parts =
                RequestParts { method, target, authority, headers: &request.headers, body: request.length };
            if self.client.send_head(&mut self.up.bytes, &parts).is_err() {
                assert_eq!(self.up.bytes.len(), before, "a refused head leaves nothing behind");
                self.stopped = true;
            }
            self.up.begun = true;
        } else if let Some(piece) = request.pieces.get(self.up.pieces) {
            self.up.pieces += 1;
            let sent = self.client.send_data(&mut self.up.bytes, piece);
            self.stopped |= sent.is_err();
            planted(&mut self.up.bytes, piece);
        } else if !self.up.ended {
            let trailers = (!request.trailers.is_empty()).then_some(&request.trailers);
            match self.client.send_end(&mut self.up.bytes, trailers) {
                Ok(()) => assert!(self.client.request_complete()),
                Err(error) => self.refused(error),
            }
            self.up.ended = true;
        }
    }

    /// The end of a message was refused: for a trailer, or for a length among the fields that was not reached.
    fn refused(&mut self, error: SendError) {
        assert!(matches!(error, SendError::Trailer | SendError::TooShort), "{error}");
        self.stopped = true;
    }

    fn server_receives(&mut self, most: usize) {
        deliver(&mut self.up, &mut self.at_server, most);
        let limits = Limits::default();
        let at = &mut self.at_server;
        while !at.ended {
            if !at.has_head {
                match self.server.receive_head(&limits, &at.pending, &mut self.request) {
                    Ok(Some((used, _))) => {
                        at.pending.drain(..used);
                        at.has_head = true;
                        at.ended = self.server.request_complete();
                    }
                    Ok(None) => return,
                    Err(error) => {
                        panic!("a client's request is refused: {error}: {}", at.pending.escape_ascii())
                    }
                }
                continue;
            }
            match self.server.receive_body(&limits, &at.pending, &mut at.trailers) {
                Ok(received) => {
                    let (used, goes_on) = take(received, &mut at.content);
                    at.pending.drain(..used);
                    at.ended = self.server.request_complete();
                    if !goes_on {
                        return;
                    }
                }
                Err(error) => panic!("a client's content is refused: {error}: {}", at.pending.escape_ascii()),
            }
        }
    }

    fn server_sends(&mut self) {
        if !self.at_server.has_head {
            return;
        }
        let exchange = self.exchange;
        let message = &exchange.answer;
        let before = self.down.bytes.len();
        if let Some(status) = exchange.interim.get(self.interim_sent).filter(|_| !self.down.begun) {
            self.interim_sent += 1;
            let sent = self.server.send_informational(&mut self.down.bytes, *status, &Headers::new());
            assert_eq!(sent.is_ok(), *status != 101);
            assert_eq!(self.down.bytes.len() > before, sent.is_ok());
        } else if !self.down.begun {
            self.down.begun = true;
            let mut origin = OriginFields::new();
            origin.set(Some(b"flare"), Some(b"today"));
            let mut parts = ResponseParts {
                status: exchange.status,
                headers: &message.headers,
                body: message.length,
                origin: Some(&origin),
            };
            if self.server.send_head(&mut self.down.bytes, &parts).is_err() {
                assert_eq!(self.down.bytes.len(), before, "a refused head leaves nothing behind");
                let none = Headers::new();
                (parts.status, parts.headers, parts.body) = (500, &none, ContentLength::None);
                self.server.send_head(&mut self.down.bytes, &parts).expect("a plain answer can be sent");
                self.plain_answer = true;
            }
        } else if let Some(piece) = message.pieces.get(self.down.pieces).filter(|_| !self.plain_answer) {
            self.down.pieces += 1;
            let sent = self.server.send_data(&mut self.down.bytes, piece);
            self.stopped |= sent.is_err();
            planted(&mut self.down.bytes, piece);
        } else if !self.down.ended {
            let trailers = (!message.trailers.is_empty()).then_some(&message.trailers);
            match self.server.send_end(&mut self.down.bytes, trailers) {
                Ok(()) => assert!(self.server.response_complete()),
                Err(error) => self.refused(error),
            }
            self.down.ended = true;
        }
    }

    fn client_receives(&mut self, most: usize) {
        deliver(&mut self.down, &mut self.at_client, most);
        if !self.up.begun {
            return;
        }
        let limits = Limits::default();
        let at = &mut self.at_client;
        while !at.ended {
            if !at.has_head {
                match self.client.receive_head(&limits, &at.pending, &mut self.answer) {
                    Ok(Some((used, info))) => {
                        at.pending.drain(..used);
                        if info.informational {
                            self.interim_received.push(self.answer.status());
                            continue;
                        }
                        at.has_head = true;
                        at.ended = self.client.response_complete();
                        assert_eq!(info.upgraded, self.client.upgraded());
                        // Both have to see it. The server may still wait for the end of the request.
                        let switches =
                            self.exchange.method == "CONNECT" && (200..300).contains(&self.answer.status());
                        assert_eq!(info.upgraded, switches || self.answer.status() == 101);
                        self.stopped |= info.upgraded;
                    }
                    Ok(None) => return,
                    Err(error) => {
                        panic!("a server's answer is refused: {error}: {}", at.pending.escape_ascii())
                    }
                }
                continue;
            }
            match self.client.receive_body(&limits, &at.pending, &mut at.trailers) {
                Ok(received) => {
                    let (used, goes_on) = take(received, &mut at.content);
                    at.pending.drain(..used);
                    at.ended = self.client.response_complete();
                    if !goes_on {
                        return;
                    }
                }
                Err(error) => panic!("a server's content is refused: {error}: {}", at.pending.escape_ascii()),
            }
        }
    }

    /// Both messages have arrived: as they were sent?
    fn check(&self) {
        let exchange = self.exchange;
        assert!(
            self.at_server.pending.is_empty() && self.at_client.pending.is_empty(),
            "bytes behind the messages"
        );
        assert_eq!(self.request.method_str(), exchange.method);
        if exchange.method != "CONNECT" && exchange.target.starts_with('/') {
            let query = self.request.query().map(|query| format!("?{query}")).unwrap_or_default();
            assert_eq!(format!("{}{query}", self.request.path()), exchange.target);
        }
        let request = &exchange.request;
        arrived(request, self.request.headers(), &self.at_server, request.length == ContentLength::Unknown);
        let interim: Vec<u16> = exchange.interim.iter().copied().filter(|status| *status != 101).collect();
        assert_eq!(self.interim_received, interim);
        if self.plain_answer {
            assert_eq!((self.answer.status(), &self.at_client.content[..]), (500, &b""[..]));
            return;
        }
        assert_eq!(self.answer.status(), exchange.status);
        let answer = &exchange.answer;
        if exchange.method == "HEAD" || matches!(exchange.status, 204 | 205 | 304) {
            assert!(self.at_client.content.is_empty() && self.at_client.trailers.is_empty());
            same_fields(&answer.headers, self.answer.headers());
        } else {
            arrived(answer, self.answer.headers(), &self.at_client, answer.length == ContentLength::Unknown);
        }
    }
}

/// PLANTED: a chunk of 16 bytes announces one byte too few.
fn planted(out: &mut Vec<u8>, piece: &[u8]) {
    if PLANTED && piece.len() == 16 {
        let chunk = [b"10\r\n", piece, b"\r\n"].concat();
        if let Some(start) = out.len().checked_sub(chunk.len()).filter(|start| out[*start..] == chunk[..]) {
            out.splice(start..start + 2, [b'f']);
        }
    }
}

/// Moves at most so many bytes from one side to the other.
fn deliver(from: &mut Sending, to: &mut Receiving, most: usize) {
    let waiting = &from.bytes[from.delivered..];
    let moved = &waiting[..most.min(waiting.len())];
    to.pending.extend_from_slice(moved);
    from.delivered += moved.len();
}

/// Takes the content out of what was received: how many bytes were consumed, and whether more may be there.
fn take((used, event): (usize, BodyEvent<'_>), content: &mut Vec<u8>) -> (usize, bool) {
    if let BodyEvent::Data(data) = event {
        assert!(!data.is_empty());
        content.extend_from_slice(data);
    }
    (used, used > 0 && event != BodyEvent::Incomplete)
}

fn arrived(sent: &Message, headers: &Headers, at: &Receiving, chunked: bool) {
    same_fields(&sent.headers, headers);
    assert_eq!(at.content, sent.pieces.concat());
    // With a length among the fields the content is not chunked, and has no trailers.
    if chunked && sent.headers.get("content-length").is_none() {
        assert_eq!(at.trailers, sent.trailers);
    } else {
        assert!(at.trailers.is_empty());
    }
}

fn same_fields(sent: &Headers, received: &Headers) {
    let kept = |headers: &Headers| -> Vec<(String, Vec<u8>)> {
        let others = headers.iter().filter(|(name, _)| !CONNECTION_FIELDS.contains(name));
        others.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    assert_eq!(kept(received), kept(sent));
    for once in ["date", "server"] {
        if let Some(value) = sent.get(once) {
            assert_eq!(received.get(once), Some(value));
        }
    }
}
