//! The client: flare's client makes the exchange, `flare_proto::websocket` is the socket on it.

use std::collections::VecDeque;
use std::sync::Arc;

use flare::client::{Event as HttpEvent, ExchangeId, Request, RequestError, Session};
use flare_proto::websocket::handshake::{accept_key, agreed_deflate, client_key, offer_deflate};
use flare_proto::websocket::{CloseCode, Connection, DeflateConfig, Event, Limits, MaskKeys, Opcode, Role};

use super::talk::{CLIENT_CODE, Talk, owners};
use crate::client_end::{ClientEnd, PATIENCE};
use crate::network::{Link, Way};
use crate::planted::{self, Bug};
use crate::random::Random;
use crate::scene::Scene;

/// What the session takes of content, and what it frames of it.
const MOST_OUTPUT: usize = 600 * 1024;

const KEY: [u8; 16] = *b"the sample nonce";

pub struct Client {
    end: ClientEnd,
    talk: Talk,
    number: usize,
    is_http1: bool,
    config: DeflateConfig,
    exchange: Option<ExchangeId>,
    socket: Option<Connection>,
    /// Frames that the exchange has not taken.
    pending: Vec<u8>,
    refused: bool,
    /// How many messages were sent.
    said: usize,
    due: u64,
    /// What is still to come.
    expected: VecDeque<(Opcode, Vec<u8>)>,
    pings: VecDeque<Vec<u8>>,
    /// How many messages came.
    pub heard: usize,
    closing: bool,
    /// The code of the server's Close.
    pub closed: Option<Option<u16>>,
    finished: bool,
    unused: VecDeque<(u64, usize)>,
    pub vanished: bool,
}

impl Client {
    pub fn new(http: Session, is_http1: bool, talk: Talk, number: usize, config: DeflateConfig) -> Self {
        let greeting = |(place, said): (usize, &super::talk::Said)| said.message(owners(number)[1], place);
        let expected = talk.greetings.iter().enumerate().map(greeting).collect();
        Self {
            end: ClientEnd::new(http, MOST_OUTPUT),
            talk,
            number,
            is_http1,
            config,
            exchange: None,
            socket: None,
            pending: Vec::new(),
            refused: false,
            said: 0,
            due: 0,
            expected,
            pings: VecDeque::new(),
            heard: 0,
            closing: false,
            closed: None,
            finished: false,
            unused: VecDeque::new(),
            vanished: false,
        }
    }

    pub fn is_over(&self) -> bool {
        self.end.gone
    }

    /// Whether it was a socket.
    pub fn was_open(&self) -> bool {
        self.socket.is_some()
    }

    /// What should have come and did not.
    pub fn missing(&self) -> usize {
        self.expected.len()
    }

    /// Whether all was said.
    pub fn said_all(&self) -> bool {
        self.said == self.talk.messages.len()
    }

    pub fn wants_input(&self) -> bool {
        self.end.wants_input()
    }

    pub fn due(&self) -> Option<u64> {
        if self.end.gone {
            return None;
        }
        let says = (self.socket.is_some() && !self.closing && self.closed.is_none() && !self.refused)
            .then_some(self.due)
            .filter(|_| !self.said_all());
        let uses = self.unused.front().map(|(at, _)| *at);
        [says, uses, Some(self.end.heard + PATIENCE)].into_iter().flatten().min()
    }

    pub fn receive(&mut self, link: &mut Link, scene: &mut Scene) {
        while self.end.receive(link, scene) {
            self.take_events(scene);
        }
    }

    pub fn act(&mut self, link: &mut Link, scene: &mut Scene) {
        if self.end.gone {
            return;
        }
        self.end.session.set_now(scene.now);
        while let (Some((at, bytes)), Some(id)) = (self.unused.front().copied(), self.exchange)
            && at <= scene.now
        {
            self.unused.pop_front();
            self.end.session.consumed(id, bytes);
        }
        self.ask(scene);
        loop {
            self.take_events(scene);
            let spoke = self.speak(scene);
            let sent = self.end.send(link, scene);
            if !spoke && !sent {
                break;
            }
        }
        let is_done = self.said_all() && self.expected.is_empty() && self.pings.is_empty();
        if self.talk.vanishes && self.socket.is_some() && is_done {
            scene.trace.note(format_args!("client is gone"));
            self.vanished = !link.is_broken();
            link.cut(scene.now, &mut scene.random);
            self.end.gone = true;
            return;
        }
        if scene.now >= self.end.heard + PATIENCE {
            assert!(link.is_broken(), "socket {}: the client waited in vain", self.number);
            self.end.session.lose();
        }
        if self.end.session.ends_output() && self.end.session.output().is_empty() {
            link.end(Way::Up, scene.now, &mut scene.random);
        }
        if self.finished && self.closed.is_some() {
            // One socket was all that was wanted.
            self.end.session.close();
            self.end.send(link, scene);
        }
        if self.end.closes(link) {
            self.take_events(scene);
            self.end.close(link, scene);
        }
    }

    fn ask(&mut self, scene: &mut Scene) {
        if self.exchange.is_some() || !self.end.session.knows_server() || !self.end.session.can_open() {
            return;
        }
        assert!(self.end.session.takes_protocols(), "the server takes no sockets");
        let mut request = Request::new("GET", "simulation.test", &format!("/ws/{}", self.number));
        request.protocol = Some("websocket".to_owned());
        let mut set = |name, value: &[u8]| {
            let set = request.headers.set(name, value);
            assert!(set.is_ok(), "the field {name} can't be set");
        };
        set("sec-websocket-version", b"13");
        if self.is_http1 {
            set("sec-websocket-key", &client_key(KEY));
        }
        if self.talk.offers_deflate {
            set("sec-websocket-extensions", offer_deflate(&self.config).as_bytes());
        }
        scene.trace.note(format_args!("client asks for a socket: {:?}", self.talk));
        self.exchange = Some(self.end.session.open(&request).unwrap_or_else(|error| panic!("{error}")));
    }

    /// Says what is due. Whether anything was.
    fn speak(&mut self, scene: &mut Scene) -> bool {
        let (Some(id), Some(socket)) = (self.exchange, &mut self.socket) else { return false };
        socket.set_now(scene.now);
        if self.pending.is_empty() && !self.closing && self.closed.is_none() && self.due <= scene.now {
            if let Some(said) = self.talk.messages.get(self.said) {
                let (opcode, bytes) = said.message(owners(self.number)[0], self.said);
                let out = &mut self.pending;
                if said.pings {
                    let payload = format!("ping {}", self.said).into_bytes();
                    assert!(socket.ping(&payload, out).is_ok());
                    self.pings.push_back(payload);
                }
                let mut rest = &bytes[..];
                for fragment in 1..said.fragments {
                    let mut length = rest.len() / (said.fragments - fragment + 1);
                    while opcode == Opcode::Text && !is_boundary(rest, length) {
                        length += 1;
                    }
                    let (first, behind) = rest.split_at(length);
                    assert!(socket.send_fragment(opcode, first, false, out).is_ok());
                    rest = behind;
                }
                let sent = match said.fragments {
                    1 => socket.send(opcode, rest, out),
                    _ => socket.send_fragment(opcode, rest, true, out),
                };
                assert!(sent.is_ok(), "a message can't be sent: {sent:?}");
                scene.trace.note(format_args!("client says message {}: {} bytes", self.said, bytes.len()));
                self.said += 1;
                self.due = scene.now + self.talk.pause;
                if self.talk.server_closes_after.is_none_or(|after| self.said <= after) {
                    self.expected.push_back((opcode, bytes));
                }
            } else if !self.talk.vanishes
                && self.talk.server_closes_after.is_none()
                && (self.talk.closes_early || self.expected.is_empty() && self.pings.is_empty())
            {
                scene.trace.note(format_args!("client says goodbye"));
                let code = CloseCode::new(CLIENT_CODE);
                assert!(socket.close(code, "done", &mut self.pending).is_ok());
                self.closing = true;
            }
        }
        if !self.pending.is_empty() && !self.refused {
            match self.end.session.write(id, &self.pending) {
                Ok(()) => self.pending.clear(),
                Err(RequestError::WouldBlock) => {
                    self.refused = true;
                    return false;
                }
                // Its end comes as an event, or has come.
                Err(RequestError::Over) => self.pending.clear(),
                Err(error) => panic!("{error}"),
            }
            return true;
        }
        if self.closed.is_some() && self.pending.is_empty() && !self.finished {
            self.finished = true;
            // Err: it is over.
            let _ = self.end.session.finish(id, None);
            return true;
        }
        false
    }

    fn take_events(&mut self, scene: &mut Scene) {
        while let Some(event) = self.end.session.next_event() {
            match event {
                HttpEvent::Switched(_, response) => {
                    assert!(self.socket.is_none(), "switched twice");
                    scene.trace.note(format_args!("client has a socket"));
                    if self.is_http1 {
                        let expected = accept_key(&client_key(KEY));
                        let accept = response.headers.get_str("sec-websocket-accept").map(str::as_bytes);
                        assert_eq!(accept, expected.as_ref().map(|key| &key[..]), "another key");
                    }
                    let extensions = response.headers.get_all("sec-websocket-extensions");
                    let deflate = agreed_deflate(extensions, &self.config);
                    let deflate = deflate.unwrap_or_else(|error| panic!("{error}"));
                    assert!(deflate.is_none() || self.talk.offers_deflate, "nobody offered that");
                    let mut random = Random::new(self.number as u64);
                    let keys = MaskKeys::new(move || (random.next() as u32).to_le_bytes());
                    let limits = Arc::new(Limits::default());
                    self.socket = Some(Connection::new(Role::Client(keys), limits, deflate));
                    self.due = scene.now;
                }
                HttpEvent::Data(id, data) => {
                    match self.talk.uses_after {
                        0 => self.end.session.consumed(id, data.len()),
                        after => {
                            let at = self.unused.back().map_or(0, |(at, _)| *at).max(scene.now + after);
                            self.unused.push_back((at, data.len()));
                        }
                    }
                    self.hear(&data, scene);
                }
                HttpEvent::Writable(_) => self.refused = false,
                HttpEvent::End(..) => scene.trace.note(format_args!("client: the stream ended")),
                HttpEvent::Failed(_, failure) => {
                    scene.trace.note(format_args!("client: {failure}"));
                }
                HttpEvent::Head(_, response) => panic!("no socket, but {}", response.status),
                other => panic!("{other:?}"),
            }
        }
    }

    fn hear(&mut self, mut input: &[u8], scene: &mut Scene) {
        let Some(socket) = &mut self.socket else { panic!("content before the switch") };
        socket.set_now(scene.now);
        loop {
            let event = match socket.receive(&mut input, &mut self.pending) {
                Ok(None) => return,
                Ok(Some(event)) => event,
                Err(error) => panic!("the server breaks the rules: {error:?}"),
            };
            match event {
                Event::Message { opcode, bytes } => {
                    let mut bytes = bytes.to_vec();
                    let is_odd = bytes.len() % 4 == 3;
                    // PLANTED: a message is lost, told twice, or another.
                    if planted::has(Bug::Lost) && is_odd {
                        continue;
                    }
                    if planted::has(Bug::Changed) && is_odd {
                        bytes[0] ^= 1;
                    }
                    if planted::has(Bug::Twice) && is_odd {
                        self.expected.pop_front();
                    }
                    scene.trace.note(format_args!("client hears {} bytes", bytes.len()));
                    let expected = self.expected.pop_front();
                    assert!(
                        expected.as_ref().is_some_and(|(kind, text)| *kind == opcode && *text == bytes),
                        "socket {}: another message came behind {}",
                        self.number,
                        self.heard
                    );
                    self.heard += 1;
                }
                Event::Pong { payload } => {
                    assert!(self.pings.pop_front().is_some_and(|ping| ping == payload), "another Pong came");
                }
                Event::Ping { .. } => {}
                // PLANTED: the goodbye is not heard.
                Event::Close { .. } if planted::has(Bug::Endless) => self.closing = true,
                Event::Close { code, .. } => {
                    scene.trace.note(format_args!("client hears goodbye: {code:?}"));
                    assert!(self.closed.is_none(), "goodbye twice");
                    self.closed = Some(code.map(CloseCode::number));
                }
            }
        }
    }
}

/// Whether a text may be split here.
fn is_boundary(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}
