//! A client of HTTP/2 on a connection without a socket.

use std::collections::BTreeMap;
use std::sync::Arc;

use flare::testing::{TestClient, TestConnection};
use flare_proto::http2::{ClientConnection, ErrorCode, Event, Limits, RequestParts, StreamKey};
use flare_proto::{ContentLength, Headers, ResponseHead};

/// What has come on a stream.
#[derive(Debug, Default)]
pub struct Answer {
    pub interim: Vec<u16>,
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub trailers: Headers,
    /// The answer is whole.
    pub ended: bool,
    pub reset: Option<ErrorCode>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get_str(name)
    }
}

pub struct Client {
    pub connection: TestConnection,
    pub wire: ClientConnection,
    out: Vec<u8>,
    head: ResponseHead,
    trailers: Headers,
    answers: BTreeMap<u32, Answer>,
    /// The code of the last GOAWAY, and how many there were.
    pub goaway: Option<ErrorCode>,
    pub goaways: usize,
    /// Whether content that comes is used at once, which opens the windows again.
    pub greedy: bool,
    /// Whether what is to be sent waits, so that it leaves together with what follows.
    pub corked: bool,
    taken: BTreeMap<u32, (StreamKey, usize)>,
}

impl Client {
    pub fn new(server: &TestClient) -> Self {
        Self::with_limits(server, Limits::default())
    }

    pub fn with_limits(server: &TestClient, limits: Limits) -> Self {
        let mut wire = ClientConnection::new(Arc::new(limits));
        let mut out = Vec::new();
        wire.start(&mut out);
        let mut client = Self {
            connection: server.connect(),
            wire,
            out,
            head: ResponseHead::new(),
            trailers: Headers::new(),
            answers: BTreeMap::new(),
            goaway: None,
            goaways: 0,
            greedy: true,
            corked: false,
            taken: BTreeMap::new(),
        };
        client.talk();
        client
    }

    /// Moves bytes both ways until nobody has any.
    pub fn talk(&mut self) {
        loop {
            if !self.corked {
                let out = std::mem::take(&mut self.out);
                self.connection.send(&out);
            }
            let input = self.connection.received();
            self.take(&input);
            if (self.corked || self.out.is_empty()) && input.is_empty() {
                return;
            }
        }
    }

    fn take(&mut self, input: &[u8]) {
        let mut rest = input;
        while let Some(event) =
            self.wire.receive(&mut rest, &mut self.head, &mut self.trailers, &mut self.out).unwrap()
        {
            match event {
                Event::Head { stream, info } => {
                    let answer = self.answers.entry(stream.id()).or_default();
                    answer.status = self.head.status();
                    answer.headers = self.head.headers().clone();
                    answer.ended = info.ended;
                }
                Event::Interim { stream } => {
                    self.answers.entry(stream.id()).or_default().interim.push(self.head.status());
                }
                Event::Data { stream, bytes } => {
                    self.answers.entry(stream.id()).or_default().body.extend_from_slice(bytes);
                    if self.greedy {
                        self.wire.consumed(stream, bytes.len(), &mut self.out);
                    } else {
                        self.taken.entry(stream.id()).or_insert((stream, 0)).1 += bytes.len();
                    }
                }
                Event::End { stream, has_trailers } => {
                    let answer = self.answers.entry(stream.id()).or_default();
                    answer.ended = true;
                    if has_trailers {
                        answer.trailers = self.trailers.clone();
                    }
                }
                Event::Reset { stream, code, .. } => {
                    self.answers.entry(stream.id()).or_default().reset = Some(code);
                }
                Event::Goaway { code, .. } => {
                    (self.goaway, self.goaways) = (Some(code), self.goaways + 1);
                }
                Event::Pong { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Uses the content that has come, which opens the windows again.
    pub fn use_content(&mut self) {
        for (_, (stream, bytes)) in std::mem::take(&mut self.taken) {
            self.wire.consumed(stream, bytes, &mut self.out);
        }
        self.talk();
    }

    /// Asks whether the server is there.
    pub fn ping(&mut self) {
        self.wire.ping(*b"flaretst", &mut self.out);
        self.talk();
    }

    /// Begins a request whose content follows.
    pub fn begin(&mut self, method: &str, target: &str, fields: &[(&str, &str)]) -> StreamKey {
        self.open(method, target, fields, ContentLength::Unknown, None)
    }

    /// Sends a request without content.
    pub fn send(&mut self, method: &str, target: &str, fields: &[(&str, &str)]) -> StreamKey {
        self.open(method, target, fields, ContentLength::None, None)
    }

    /// Offers to switch to another protocol.
    pub fn offer(&mut self, target: &str, protocol: &str) -> StreamKey {
        self.offer_with(target, protocol, &[])
    }

    /// The same, with fields.
    pub fn offer_with(&mut self, target: &str, protocol: &str, fields: &[(&str, &str)]) -> StreamKey {
        self.open("CONNECT", target, fields, ContentLength::Unknown, Some(protocol))
    }

    fn open(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: ContentLength,
        protocol: Option<&str>,
    ) -> StreamKey {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.append(name, value).unwrap();
        }
        let parts = RequestParts {
            method,
            scheme: "http",
            authority: "a.test",
            target,
            protocol,
            headers: &headers,
            body,
        };
        let stream = self.wire.send_request(&parts, &mut self.out).unwrap();
        self.talk();
        stream
    }

    /// Sends content; says how much of it the windows took.
    pub fn write(&mut self, stream: StreamKey, content: &[u8], last: bool) -> usize {
        let taken = self.wire.send_data(stream, content, last, &mut self.out).unwrap();
        self.talk();
        taken
    }

    /// Ends a request with trailers.
    pub fn end_with(&mut self, stream: StreamKey, name: &str, value: &str) {
        let mut trailers = Headers::new();
        trailers.append(name, value).unwrap();
        self.wire.send_end(stream, Some(&trailers), &mut self.out).unwrap();
        self.talk();
    }

    pub fn reset(&mut self, stream: StreamKey) {
        self.wire.reset(stream, ErrorCode::Cancel, &mut self.out);
        self.talk();
    }

    /// What has come on this stream until now.
    pub fn answer(&mut self, stream: StreamKey) -> &Answer {
        self.answers.entry(stream.id()).or_default()
    }

    /// The answer to a request without content.
    pub fn get(&mut self, target: &str) -> &Answer {
        let stream = self.send("GET", target, &[]);
        self.answer(stream)
    }

    /// Waits for something that another thread does to an exchange.
    pub fn step(&mut self) -> bool {
        let stepped = self.connection.step();
        self.talk();
        stepped
    }
}
