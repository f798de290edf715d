//! A client's session and a server's connection, without a network between them.

use std::collections::BTreeMap;

use flare::client::{Event, ExchangeId, Failure, Limits, Request, Session};
use flare::prelude::*;
use flare::testing::{TestClient, TestConnection};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Http1,
    Http2,
}

pub const WIRES: [Wire; 2] = [Wire::Http1, Wire::Http2];

/// What has come of an exchange.
#[derive(Debug, Default)]
pub struct Answer {
    pub interim: Vec<u16>,
    pub status: u16,
    pub headers: Headers,
    pub body: Vec<u8>,
    pub trailers: Headers,
    pub switched: bool,
    pub ended: bool,
    pub writable: usize,
    pub failure: Option<Failure>,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

pub struct Joined {
    pub session: Session,
    pub server: TestConnection,
    answers: BTreeMap<ExchangeId, Answer>,
    /// What the server sent, and the client did not read yet.
    on_the_way: Vec<u8>,
    /// How many bytes travel at a time.
    pub step: usize,
    /// Whether content is used as it comes.
    pub greedy: bool,
}

impl Joined {
    pub fn new(wire: Wire, server: &TestClient) -> Self {
        let session = match wire {
            Wire::Http1 => Session::http1(Limits::default()),
            Wire::Http2 => Session::http2(Limits::default()),
        };
        let (server, answers) = (server.connect(), BTreeMap::new());
        Self { session, server, answers, on_the_way: Vec::new(), step: usize::MAX, greedy: true }
    }

    pub fn open(&mut self, request: &Request) -> ExchangeId {
        let id = self.session.open(request).unwrap();
        self.run();
        id
    }

    /// Sends a whole request.
    pub fn send(&mut self, method: &str, target: &str, body: &[u8]) -> ExchangeId {
        let content = match body.len() as u64 {
            0 => flare::client::ContentLength::None,
            length => flare::client::ContentLength::Known(length),
        };
        let id = self.open(&Request { content, ..Request::new(method, "a.test", target) });
        let mut rest = body;
        while !rest.is_empty() {
            let part = &rest[..rest.len().min(50_000)];
            match self.session.write(id, part) {
                Ok(()) => rest = &rest[part.len()..],
                Err(flare::client::RequestError::WouldBlock) => assert!(self.run(), "nothing moves"),
                Err(error) => panic!("{error}"),
            }
        }
        if !body.is_empty() {
            self.session.finish(id, None).unwrap();
        }
        self.run();
        id
    }

    /// Moves bytes until nothing moves any more. Whether anything did.
    pub fn run(&mut self) -> bool {
        let mut moved = false;
        loop {
            while self.server.try_step() {}
            let sent = std::mem::take(self.session.output());
            for part in sent.chunks(self.step) {
                self.server.send(part);
            }
            while self.server.try_step() {}
            self.on_the_way.extend(self.server.received());
            let mut read = 0;
            while self.session.wants_input() && read < self.on_the_way.len() {
                let part = &self.on_the_way[read..];
                let part = &part[..part.len().min(self.step)];
                self.session.receive(part);
                read += part.len();
            }
            self.on_the_way.drain(..read);
            if !self.server.is_open() && self.on_the_way.is_empty() {
                self.session.receive_end();
            }
            let events = self.take_events();
            if sent.is_empty() && read == 0 && !events {
                return moved;
            }
            moved = true;
        }
    }

    fn take_events(&mut self) -> bool {
        let mut any = false;
        while let Some(event) = self.session.next_event() {
            any = true;
            let id = event.exchange();
            let answer = self.answers.entry(id).or_default();
            assert!(answer.failure.is_none(), "an event behind the last one: {event:?}");
            match event {
                Event::Informational(_, response) => answer.interim.push(response.status),
                Event::Head(_, response) => {
                    (answer.status, answer.headers) = (response.status, response.headers);
                }
                Event::Switched(_, response) => {
                    (answer.status, answer.headers, answer.switched) =
                        (response.status, response.headers, true);
                }
                Event::Data(_, data) => {
                    answer.body.extend_from_slice(&data);
                    if self.greedy {
                        self.session.consumed(id, data.len());
                    }
                }
                Event::End(_, trailers) => {
                    assert!(!answer.ended);
                    (answer.ended, answer.trailers) = (true, trailers);
                }
                Event::Writable(_) => answer.writable += 1,
                Event::Failed(_, failure) => answer.failure = Some(failure),
                other => panic!("{other:?}"),
            }
        }
        any
    }

    pub fn answer(&self, id: ExchangeId) -> &Answer {
        self.answers.get(&id).unwrap_or_else(|| panic!("nothing came"))
    }

    /// The answer, which is whole.
    pub fn whole(&self, id: ExchangeId) -> &Answer {
        let answer = self.answer(id);
        assert!(answer.ended && answer.failure.is_none(), "{answer:?}");
        answer
    }
}
