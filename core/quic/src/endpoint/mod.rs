//! All connections of one worker on one UDP socket, by the connection IDs in their packets.

mod budget;
mod id;
mod packet;
mod refusal;
mod steering;
mod token;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use quiche::ConnectionId;

use crate::connection::Connection;
use crate::context::{Begin, Retried, ServerContext};
use crate::path::Path;
use crate::settings::{QuicSettings, Retry};
use budget::Budget;
pub(crate) use id::random;
use id::{Id, IdKeys};
use packet::{Header, Long, VERSION_1};
use refusal::{Reason, refusal};
pub use steering::Instruction;
use token::{TokenKey, Verdict};

/// The smallest datagram that may begin anything (RFC 9000, 14.1).
const SMALLEST_BEGIN: usize = 1200;

/// The shortest ID that a client may invent (RFC 9000, 7.2).
const SHORTEST_INVENTED: usize = 8;

/// Replies that wait to be sent.
const MOST_REPLIES: usize = 64;

/// Version negotiation, Retry and refusals in a second.
const REPLIES_PER_SECOND: u32 = 10_000;

/// Stateless resets in a second: peers that are left after a restart are few, and others are not to be answered.
const RESETS_PER_SECOND: u32 = 1_000;

/// The length of the ID that a Retry packet gives: one that can't be guessed. quiche has little room for it (`ServerContext::begin`).
const RETRY_ID: usize = 8;

/// The size of a stateless reset: not to be told from a small packet (RFC 9000, 10.3).
const RESET: usize = 43;

/// The smallest one that is still taken for a packet.
const SMALLEST_RESET: usize = 21;

/// What the workers of one server share: the keys of connection IDs, tokens and stateless resets.
pub struct EndpointShared {
    ids: IdKeys,
    tokens: TokenKey,
    settings: QuicSettings,
    /// When it began: times in tokens count from here.
    began: Instant,
}

impl EndpointShared {
    /// With fresh keys, for so many workers, at least one: their numbers are those below.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new(settings: QuicSettings, workers: u16) -> std::io::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            ids: IdKeys::new(workers)?,
            tokens: TokenKey::new()?,
            settings,
            began: Instant::now(),
        }))
    }

    /// A program of classic BPF that says whose a datagram is: the number of the worker whose connection ID its first packet has, or a
    /// number that no worker has. Only packets that a client can't have sent before it heard from a worker are judged: short headers, and
    /// Handshake packets of version 1. It holds secrets: who knows it can tell which IDs belong to one worker.
    #[must_use]
    pub fn steering(&self) -> Vec<Instruction> {
        steering::program(self.ids.mask(), self.ids.workers())
    }
}

impl std::fmt::Debug for EndpointShared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the keys.
        f.debug_struct("EndpointShared").finish_non_exhaustive()
    }
}

/// Whose a datagram is.
#[derive(Debug)]
pub enum Route {
    /// Of the connection that was given this name.
    Connection(u64),
    /// Of a connection of another worker, the one with this number: it should be given the datagram, with its path.
    Worker(u16),
    /// A client begins. Give the connection a name by [`Endpoint::insert`], and then the datagram to it.
    Begin(Box<Connection>),
    /// Of none. An answer may wait ([`Endpoint::next_reply`]).
    None,
}

/// A datagram that the endpoint itself sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Where to.
    pub path: Path,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// How an endpoint knows a connection.
#[derive(Debug, Default)]
pub(crate) struct Registration {
    ids: Vec<Id>,
    /// The ID that the client invented, and where it was.
    invented: Option<Invented>,
    /// Whether it counts as a handshake.
    handshaking: bool,
}

/// An ID of a client's own, up to the handshake: with its address, because two clients may invent the same.
type Invented = (Box<[u8]>, SocketAddr);

/// What an endpoint has told strangers so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointCounters {
    /// Retry packets.
    pub retries: u64,
    /// Refusals: no room, or a token that is not good.
    pub refused: u64,
}

/// All connections of one worker on one UDP socket.
pub struct Endpoint {
    shared: Arc<EndpointShared>,
    worker: u16,
    ids: HashMap<Id, u64>,
    invented: HashMap<Invented, u64>,
    handshakes: usize,
    replies: VecDeque<Reply>,
    reply_budget: Budget,
    reset_budget: Budget,
    counters: EndpointCounters,
}

impl Endpoint {
    /// `worker`: the number of the worker, unique among those that share `shared`, and below their count.
    pub fn new(shared: Arc<EndpointShared>, worker: u16) -> Self {
        Self {
            shared,
            worker,
            ids: HashMap::new(),
            invented: HashMap::new(),
            handshakes: 0,
            replies: VecDeque::new(),
            reply_budget: Budget::per_second(REPLIES_PER_SECOND),
            reset_budget: Budget::per_second(RESETS_PER_SECOND),
            counters: EndpointCounters::default(),
        }
    }

    /// Says whose a datagram is. `forwarded`: another worker said that it is ours, so it is not said again that it is another's.
    /// `context` is what a connection that begins now is made of. `room`: whether another connection may begin; if not, it is refused
    /// (CONNECTION_REFUSED).
    pub fn route(
        &mut self,
        datagram: &mut [u8],
        path: Path,
        forwarded: bool,
        room: bool,
        context: &ServerContext,
        now: Instant,
    ) -> Route {
        let size = datagram.len();
        match Header::parse(datagram) {
            None => Route::None,
            Some(Header::Short { destination }) => {
                if let Some(name) = self.ids.get(&destination) {
                    return Route::Connection(*name);
                }
                if !forwarded && let Some(worker) = self.other_owner(&destination) {
                    return Route::Worker(worker);
                }
                self.reset(&destination, size, path, now);
                Route::None
            }
            Some(Header::Long(header)) => self.route_long(&header, size, path, forwarded, room, context, now),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "those of `route`, and what was found out")]
    fn route_long(
        &mut self,
        header: &Long<'_>,
        size: usize,
        path: Path,
        forwarded: bool,
        room: bool,
        context: &ServerContext,
        now: Instant,
    ) -> Route {
        let ours = <Id>::try_from(header.destination).ok();
        if let Some(name) = ours.and_then(|id| self.ids.get(&id)) {
            return Route::Connection(*name);
        }
        if !self.invented.is_empty()
            && let Some(name) = self.invented.get(&(header.destination.into(), path.peer))
        {
            return Route::Connection(*name);
        }
        if header.version != VERSION_1 {
            // 0 is version negotiation itself, which is never answered (RFC 9000, 6.1).
            if header.version != 0 && size >= SMALLEST_BEGIN {
                self.negotiate(header, path, now);
            }
            return Route::None;
        }
        if !forwarded && let Some(worker) = ours.and_then(|id| self.other_owner(&id)) {
            return Route::Worker(worker);
        }
        if !header.is_initial() || size < SMALLEST_BEGIN || header.destination.len() > packet::LONGEST_ID {
            return Route::None;
        }
        self.begin(header, path, room, context, now).map_or(Route::None, Route::Begin)
    }

    /// A client's first packet, or its first after a Retry packet.
    fn begin(
        &mut self,
        header: &Long<'_>,
        path: Path,
        room: bool,
        context: &ServerContext,
        now: Instant,
    ) -> Option<Box<Connection>> {
        let settings = &self.shared.settings;
        let most = settings.max_handshakes;
        if !room || self.handshakes >= most {
            self.refuse(header, path, Reason::ConnectionRefused, now);
            return None;
        }
        let verdict = self.shared.tokens.judge(path.peer, header.destination, header.token()?, self.age(now));
        let retried = match verdict {
            Verdict::Good { original } => Some(Retried { original, given: header.destination }),
            Verdict::Bad => {
                self.refuse(header, path, Reason::InvalidToken, now);
                return None;
            }
            Verdict::Foreign => None,
        };
        let prove = match settings.retry {
            Retry::Never => false,
            Retry::UnderLoad => self.handshakes >= most / 2,
            Retry::Always => true,
        };
        if retried.is_none() {
            if header.destination.len() < SHORTEST_INVENTED {
                return None;
            }
            if prove {
                self.retry(header, path, now);
                return None;
            }
        }
        let id = self.shared.ids.make(self.worker)?;
        let reset_token = u128::from_be_bytes(self.shared.ids.reset_token(&id));
        let mut connection = Box::new(context.begin(&Begin { id: &id, reset_token, retried, path, now })?);
        connection.registration.ids.push(id);
        connection.registration.invented = Some((header.destination.into(), path.peer));
        Some(connection)
    }

    /// Names a connection that [`Endpoint::route`] made.
    pub fn insert(&mut self, name: u64, connection: &mut Connection) {
        let registration = &mut connection.registration;
        for id in &registration.ids {
            self.ids.insert(*id, name);
        }
        if let Some(invented) = &registration.invented {
            self.invented.insert(invented.clone(), name);
        }
        registration.handshaking = true;
        self.handshakes += 1;
    }

    /// After a connection worked: its connection IDs are replaced and forgotten as it goes on.
    pub fn settle(&mut self, name: u64, connection: &mut Connection) {
        if connection.registration.handshaking {
            let (established, closing) = (connection.inner().is_established(), connection.is_closing());
            if !established && !closing {
                return;
            }
            connection.registration.handshaking = false;
            self.handshakes -= 1;
        }
        while connection.inner().retired_scids() > 0 {
            let Some(retired) = connection.inner_mut().retired_scid_next() else { break };
            if let Ok(id) = <Id>::try_from(retired.as_ref()) {
                self.ids.remove(&id);
                connection.registration.ids.retain(|other| *other != id);
            }
        }
        if connection.is_closing() || !connection.inner().is_established() {
            return;
        }
        while connection.inner().scids_left() > 0 {
            let Some(id) = self.shared.ids.make(self.worker) else { break };
            let token = u128::from_be_bytes(self.shared.ids.reset_token(&id));
            // Err: the peer takes no more after all.
            if connection.inner_mut().new_scid(&ConnectionId::from_ref(&id), token, false).is_err() {
                break;
            }
            connection.registration.ids.push(id);
            self.ids.insert(id, name);
        }
    }

    /// The connection is over: its packets are not known any more.
    pub fn remove(&mut self, connection: &mut Connection) {
        let registration = std::mem::take(&mut connection.registration);
        for id in &registration.ids {
            self.ids.remove(id);
        }
        if let Some(invented) = &registration.invented {
            self.invented.remove(invented);
        }
        self.handshakes -= usize::from(registration.handshaking);
    }

    /// The next datagram that the endpoint itself has to send.
    pub fn next_reply(&mut self) -> Option<Reply> {
        self.replies.pop_front()
    }

    /// What it has told strangers so far.
    #[must_use]
    pub fn counters(&self) -> EndpointCounters {
        self.counters
    }

    /// Connections whose handshake has not ended.
    #[must_use]
    pub fn handshakes(&self) -> usize {
        self.handshakes
    }

    /// The other worker that made this ID.
    fn other_owner(&self, id: &Id) -> Option<u16> {
        self.shared.ids.owner(id).filter(|owner| *owner != self.worker)
    }

    fn age(&self, now: Instant) -> std::time::Duration {
        now.saturating_duration_since(self.shared.began)
    }

    fn negotiate(&mut self, header: &Long<'_>, path: Path, now: Instant) {
        let (source, destination) =
            (ConnectionId::from_ref(header.source), ConnectionId::from_ref(header.destination));
        self.reply(path, now, |out| quiche::negotiate_version(&source, &destination, out).ok());
    }

    fn retry(&mut self, header: &Long<'_>, path: Path, now: Instant) {
        // It names no worker: its packets come here, where the connection gets another one.
        let Ok(id) = random::<RETRY_ID>() else { return };
        self.counters.retries += 1;
        let token = self.shared.tokens.make(path.peer, &id, header.destination, self.age(now));
        let Some(token) = token else { return };
        let (source, destination) =
            (ConnectionId::from_ref(header.source), ConnectionId::from_ref(header.destination));
        let id = ConnectionId::from_ref(&id);
        self.reply(path, now, |out| quiche::retry(&source, &destination, &id, &token, VERSION_1, out).ok());
    }

    fn refuse(&mut self, header: &Long<'_>, path: Path, reason: Reason, now: Instant) {
        self.counters.refused += 1;
        self.reply(path, now, |out| {
            let packet = refusal(header.source, header.destination, reason)?;
            out.get_mut(..packet.len())?.copy_from_slice(&packet);
            Some(packet.len())
        });
    }

    /// Makes a reply, if there is room and time for it.
    fn reply(&mut self, path: Path, now: Instant, make: impl FnOnce(&mut [u8]) -> Option<usize>) {
        if self.replies.len() >= MOST_REPLIES || !self.reply_budget.take(now) {
            return;
        }
        // Two IDs of up to 255 bytes of other versions, and the rest.
        let mut bytes = vec![0; 700];
        if let Some(length) = make(&mut bytes) {
            bytes.truncate(length);
            self.replies.push_back(Reply { path, bytes });
        }
    }

    /// Says that there is no such connection, with a packet smaller than the one that asked, so that two endpoints can't go on for ever
    /// (RFC 9000, 10.3.3).
    fn reset(&mut self, id: &Id, size: usize, path: Path, now: Instant) {
        let length = RESET.min(size.saturating_sub(1));
        if length < SMALLEST_RESET || self.replies.len() >= MOST_REPLIES || !self.reset_budget.take(now) {
            return;
        }
        let Ok(noise) = random::<RESET>() else { return };
        let token = self.shared.ids.reset_token(id);
        let mut bytes: Vec<u8> = noise.iter().take(length - token.len()).copied().collect();
        if let Some(first) = bytes.first_mut() {
            // A short header.
            *first = (*first & 0x3f) | 0x40;
        }
        bytes.extend_from_slice(&token);
        self.replies.push_back(Reply { path, bytes });
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Never the IDs: they say which connections belong together.
        f.debug_struct("Endpoint")
            .field("worker", &self.worker)
            .field("ids", &self.ids.len())
            .field("handshakes", &self.handshakes)
            .finish_non_exhaustive()
    }
}
