//! A client of HTTP/3 on a connection without a socket.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use flare_proto::http3::{ClientConnection, ErrorCode, Event, Limits, RequestParts, Unidirectional};
use flare_proto::{ContentLength, Headers, ResponseHead};
use flare_quic::{ClientContext, Connection, Ecn, Path, QuicSettings, Read, StreamError};
use flare_tls::{ClientTls, Trust};

use super::served::{Served, drain};
use crate::server::environment::Service;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

static CONTEXT: LazyLock<ClientContext> = LazyLock::new(|| context(&settings()));

/// Between addresses that need not be there.
pub fn path() -> Path {
    Path { local: "10.0.1.1:2000".parse().unwrap(), peer: "10.0.0.1:443".parse().unwrap() }
}

pub fn context(quic: &QuicSettings) -> ClientContext {
    let tls = ClientTls { trust: Trust::InsecureAnyCertificate, ..ClientTls::default() };
    ClientContext::new(&tls, quic).unwrap()
}

pub fn settings() -> QuicSettings {
    // Probes for larger packets take time from tests of what moves when.
    QuicSettings { path_mtu_discovery: false, ..QuicSettings::default() }
}

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
    pub reset: Option<u64>,
    /// What has come beside the stream.
    pub datagrams: Vec<Vec<u8>>,
    /// The server does not want the rest of the request.
    pub unwanted: bool,
}

impl Answer {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get_str(name)
    }
}

/// What a stream still has to send.
#[derive(Default)]
struct Unsent {
    bytes: Vec<u8>,
    fin: bool,
    /// The transport takes no more, until it names the stream.
    blocked: bool,
}

/// What carries the datagrams, and whoever is there.
pub trait Link {
    fn give(&mut self, datagrams: Vec<Vec<u8>>, path: Path);
    /// What has come back.
    fn take(&mut self) -> Vec<Vec<u8>>;
    /// Does what another thread asked for, if the other end is in this one. False: nothing.
    fn work(&mut self) -> bool;
    /// Waits until something may come, and until this time at most.
    fn wait(&mut self, until: Instant);
}

pub struct Client<L = Served> {
    pub server: L,
    pub quic: Connection,
    pub wire: ClientConnection,
    path: Path,
    own: [Option<u64>; 3],
    unsent: BTreeMap<u64, Unsent>,
    answers: BTreeMap<u64, Answer>,
    /// What waits for the server's QPACK, and whether it is all.
    halted: BTreeMap<u64, (Vec<u8>, bool)>,
    head: ResponseHead,
    trailers: Headers,
    /// Whether answers are read; if not, the transport's windows fill.
    pub greedy: bool,
    /// Whether the QPACK encoder's instructions wait, so that requests that need them are blocked.
    pub holds_encoder: bool,
    /// Whether nothing is received.
    pub is_deaf: bool,
    /// The ids that GOAWAYs named.
    pub goaways: Vec<u64>,
}

impl Client<Served> {
    pub fn new(service: &Service) -> Self {
        Self::with(service, &CONTEXT, &settings(), Limits::default())
    }

    /// With a window of so many bytes for each answer.
    pub fn with_window(service: &Service, bytes: u64) -> Self {
        let quic = QuicSettings { stream_window: bytes, ..settings() };
        Self::with(service, &context(&quic), &settings(), Limits::default())
    }

    /// Of a server whose transport has these settings.
    pub fn of(service: &Service, quic: &QuicSettings) -> Self {
        Self::with(service, &CONTEXT, quic, Limits::default())
    }

    /// That takes datagrams of requests.
    pub fn with_datagrams(service: &Service) -> Self {
        let limits = Limits { datagrams: true, ..Limits::default() };
        Self::with(service, &CONTEXT, &settings(), limits)
    }

    fn with(service: &Service, context: &ClientContext, quic: &QuicSettings, limits: Limits) -> Self {
        let path = path();
        let mut client = Self::over(Served::new(service, quic), path, context, false, limits);
        client.until("SETTINGS", |client| client.wire.peer_settings().extended_connect);
        client
    }

    /// Waits for something that another thread does to an exchange.
    pub fn step(&mut self) -> bool {
        let stepped = self.server.step();
        self.talk();
        stepped
    }

    /// Moves the time of the server, and lets deadlines pass.
    pub fn advance(&mut self, time: Duration) {
        self.server.env.now = self.server.env.now + time;
        self.talk();
    }
}

impl<L: Link> Client<L> {
    /// Over anything. `early`: requests may be sent before the handshake has ended.
    pub fn over(link: L, path: Path, context: &ClientContext, early: bool, limits: Limits) -> Self {
        let connection = Connection::connect(context, "localhost", path, early, Instant::now()).unwrap();
        Self {
            server: link,
            quic: connection,
            wire: ClientConnection::new(Arc::new(limits)),
            path,
            own: [None; 3],
            unsent: BTreeMap::new(),
            answers: BTreeMap::new(),
            halted: BTreeMap::new(),
            head: ResponseHead::new(),
            trailers: Headers::new(),
            greedy: true,
            holds_encoder: false,
            is_deaf: false,
            goaways: Vec::new(),
        }
    }

    /// Moves datagrams both ways until nobody has any.
    pub fn talk(&mut self) {
        let begin = Instant::now();
        while self.turn() {
            assert!(begin.elapsed() < PATIENCE, "they talk without end");
        }
    }

    /// Lets everything go on until `done`.
    pub fn until(&mut self, what: &str, mut done: impl FnMut(&mut Self) -> bool) {
        let begin = Instant::now();
        loop {
            self.talk();
            while self.server.work() {
                self.talk();
            }
            if done(self) {
                return;
            }
            if begin.elapsed() >= PATIENCE {
                let unsent: Vec<_> =
                    self.unsent.iter().map(|(id, unsent)| (id, unsent.bytes.len())).collect();
                let halted: Vec<_> = self.halted.keys().collect();
                panic!(
                    "{what}: it takes too long; unsent {unsent:?}, halted {halted:?}, {:?}",
                    self.quic.stats()
                );
            }
            let longest = Instant::now() + Duration::from_millis(20);
            self.server.wait(self.quic.deadline().map_or(longest, |at| at.min(longest)));
        }
    }

    /// Sends and delivers what there is. Whether there was anything.
    fn turn(&mut self) -> bool {
        let now = Instant::now();
        if self.quic.deadline().is_some_and(|at| at <= now) {
            self.quic.timeout(now);
        }
        let ours = self.send_all();
        let back = Path { local: self.path.peer, peer: self.path.local };
        let moved = !ours.is_empty();
        if moved {
            self.server.give(ours, back);
        }
        let theirs = if self.is_deaf { Vec::new() } else { self.server.take() };
        let moved = moved || !theirs.is_empty();
        for mut datagram in theirs {
            self.quic.receive(&mut datagram, self.path, Ecn::NotCapable);
        }
        self.take();
        moved
    }

    /// What leaves now.
    fn send_all(&mut self) -> Vec<Vec<u8>> {
        if self.quic.is_ready() && !self.quic.is_closing() {
            self.send_own();
            self.send_unsent();
        }
        drain(&mut self.quic)
    }

    fn send_own(&mut self) {
        let kinds = [Unidirectional::Control, Unidirectional::Encoder, Unidirectional::Decoder];
        for (kind, place) in kinds.into_iter().zip(&mut self.own) {
            let waiting = self.wire.output(kind);
            if waiting.is_empty() || self.holds_encoder && kind == Unidirectional::Encoder {
                continue;
            }
            let id = *place.get_or_insert_with(|| self.quic.open_unidirectional().unwrap());
            match self.quic.write(id, waiting, false) {
                Ok(taken) => drop(waiting.drain(..taken)),
                Err(StreamError::Blocked) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
    }

    fn send_unsent(&mut self) {
        while let Some(id) = self.quic.next_writable() {
            if let Err(StreamError::Stopped(_)) = self.quic.capacity(id) {
                self.answers.entry(id).or_default().unwanted = true;
            }
            if let Some(unsent) = self.unsent.get_mut(&id) {
                unsent.blocked = false;
            }
        }
        let quic = &mut self.quic;
        let answers = &mut self.answers;
        self.unsent.retain(|&id, unsent| {
            if unsent.blocked {
                return true;
            }
            match quic.write(id, &unsent.bytes, unsent.fin) {
                Ok(taken) => {
                    unsent.bytes.drain(..taken);
                    unsent.blocked = !unsent.bytes.is_empty();
                    unsent.blocked
                }
                Err(StreamError::Blocked) => {
                    unsent.blocked = true;
                    true
                }
                // Closed: the answer was read to its end before.
                Err(StreamError::Stopped(_) | StreamError::Closed) => {
                    answers.entry(id).or_default().unwanted = true;
                    false
                }
                Err(error) => panic!("stream {id}: {error:?}"),
            }
        });
    }

    fn take(&mut self) {
        let mut buffer = [0; 2048];
        while let Some(length) = self.quic.read_datagram(&mut buffer) {
            if let Some(Event::Datagram { stream, bytes }) =
                self.wire.receive_datagram(&buffer[..length]).unwrap()
            {
                self.answers.entry(stream).or_default().datagrams.push(bytes.to_vec());
            }
        }
        while let Some(id) = self.quic.next_readable() {
            if self.greedy || id & 0b11 != 0 {
                self.read(id);
            }
        }
    }

    fn read(&mut self, id: u64) {
        if self.halted.contains_key(&id) {
            return;
        }
        let mut buffer = vec![0; 16 * 1024];
        loop {
            match self.quic.read(id, &mut buffer) {
                Ok(Read { length, fin }) => {
                    self.process(id, &buffer[..length], fin);
                    if fin {
                        return;
                    }
                }
                Err(StreamError::Reset(code)) => {
                    self.answers.entry(id).or_default().reset = Some(code);
                    self.wire.receive_reset(id, code).unwrap();
                    return;
                }
                Err(StreamError::Blocked | StreamError::Closed) => return,
                Err(error) => panic!("stream {id}: {error:?}"),
            }
        }
    }

    fn process(&mut self, id: u64, input: &[u8], fin: bool) {
        let mut rest = input;
        let mut unblocked = Vec::new();
        while let Some(event) =
            self.wire.receive(id, &mut rest, fin, &mut self.head, &mut self.trailers).unwrap()
        {
            match event {
                Event::Head { stream, info } => {
                    let answer = self.answers.entry(stream).or_default();
                    answer.status = self.head.status();
                    answer.headers = self.head.headers().clone();
                    answer.ended = info.ended;
                }
                Event::Interim { stream } => {
                    self.answers.entry(stream).or_default().interim.push(self.head.status());
                }
                Event::Data { stream, bytes } => {
                    self.answers.entry(stream).or_default().body.extend_from_slice(bytes);
                }
                Event::End { stream, has_trailers } => {
                    let answer = self.answers.entry(stream).or_default();
                    answer.ended = true;
                    if has_trailers {
                        answer.trailers = self.trailers.clone();
                    }
                }
                Event::Goaway { first } => self.goaways.push(first),
                Event::Reset { stream, code, .. } => {
                    self.answers.entry(stream).or_default().reset = Some(code.number());
                }
                Event::Settings => {}
                Event::Unblocked { stream } => unblocked.push(stream),
                other => panic!("{other:?}"),
            }
        }
        if self.wire.is_blocked(id) {
            self.halted.insert(id, (rest.to_vec(), fin));
        }
        for id in unblocked {
            if let Some((rest, fin)) = self.halted.remove(&id) {
                self.process(id, &rest, fin);
                self.read(id);
            }
        }
    }

    /// Reads what the transport has of all answers, which opens the windows again.
    pub fn use_content(&mut self) {
        for id in self.answers.keys().copied().collect::<Vec<_>>() {
            self.read(id);
        }
        self.talk();
    }

    /// Begins a request whose content follows.
    pub fn begin(&mut self, method: &str, target: &str, fields: &[(&str, &str)]) -> u64 {
        self.open(method, target, fields, ContentLength::Unknown, None)
    }

    /// Sends a request without content.
    pub fn send(&mut self, method: &str, target: &str, fields: &[(&str, &str)]) -> u64 {
        self.open(method, target, fields, ContentLength::None, None)
    }

    /// Offers to switch to another protocol.
    pub fn offer(&mut self, target: &str, protocol: &str, fields: &[(&str, &str)]) -> u64 {
        self.open("CONNECT", target, fields, ContentLength::Unknown, Some(protocol))
    }

    fn open(
        &mut self,
        method: &str,
        target: &str,
        fields: &[(&str, &str)],
        body: ContentLength,
        protocol: Option<&str>,
    ) -> u64 {
        let mut headers = Headers::new();
        for (name, value) in fields {
            headers.append(name, value).unwrap();
        }
        let parts = RequestParts {
            method,
            scheme: "https",
            authority: "a.test",
            target,
            protocol,
            headers: &headers,
            body,
        };
        let mut bytes = Vec::new();
        let id = self.wire.send_request(&parts, &mut bytes).unwrap();
        assert_eq!(self.quic.open_bidirectional(), Ok(id));
        self.answers.entry(id).or_default();
        let fin = self.wire.has_sent_all(id);
        self.give(id, &bytes, fin);
        id
    }

    /// Sends bytes on a stream, whatever they are.
    pub fn give(&mut self, id: u64, bytes: &[u8], fin: bool) {
        let unsent = self.unsent.entry(id).or_default();
        unsent.bytes.extend_from_slice(bytes);
        unsent.fin |= fin;
        self.talk();
    }

    /// How many bytes of a request wait for the windows.
    pub fn waiting(&self, id: u64) -> usize {
        self.unsent.get(&id).map_or(0, |unsent| unsent.bytes.len())
    }

    /// Sends content.
    pub fn write(&mut self, id: u64, content: &[u8], last: bool) {
        let mut bytes = Vec::new();
        self.wire.send_data(id, content, last, &mut bytes).unwrap();
        self.give(id, &bytes, last);
    }

    /// Sends a datagram of a request, which need not be one that the server knows. False: too many wait.
    pub fn datagram(&mut self, id: u64, payload: &[u8]) -> bool {
        // Ids of up to 63 requests are one byte.
        self.quic.write_datagram([&[(id / 4) as u8], payload].concat())
    }

    /// Ends a request with trailers.
    pub fn end_with(&mut self, id: u64, name: &str, value: &str) {
        let mut trailers = Headers::new();
        trailers.append(name, value).unwrap();
        let mut bytes = Vec::new();
        self.wire.send_end(id, Some(&trailers), &mut bytes).unwrap();
        self.give(id, &bytes, true);
    }

    /// Gives a request up, as browsers do: in both directions.
    pub fn reset(&mut self, id: u64) {
        self.unsent.remove(&id);
        self.wire.reset(id);
        self.quic.reset(id, ErrorCode::RequestCancelled.number());
        self.quic.stop(id, ErrorCode::RequestCancelled.number());
        self.talk();
    }

    /// What has come on this stream until now.
    pub fn answer(&mut self, id: u64) -> &Answer {
        self.answers.entry(id).or_default()
    }

    /// The answer when it is whole.
    pub fn whole(&mut self, id: u64) -> &Answer {
        self.until("an answer", |client| client.answer(id).ended || client.answer(id).reset.is_some());
        assert_eq!(self.answer(id).reset, None);
        self.answer(id)
    }

    /// The answer to a request without content.
    pub fn get(&mut self, target: &str) -> &Answer {
        let id = self.send("GET", target, &[]);
        self.whole(id)
    }

    /// The code with which the server ended the connection.
    pub fn closed(&mut self) -> Option<u64> {
        self.quic.close_reason().map(|close| {
            assert!(close.by_peer && close.application, "{close}");
            close.code
        })
    }
}
