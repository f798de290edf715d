//! All connections of one worker on one UDP socket, by the connection IDs in their packets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::connection::Connection;
use crate::context::ServerContext;
use crate::path::{Ecn, Path};
use crate::settings::QuicSettings;

/// What the workers of one server share: the keys of connection IDs, tokens and stateless resets.
pub struct EndpointShared {}

impl EndpointShared {
    /// With fresh keys.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn new(settings: QuicSettings) -> std::io::Result<Arc<Self>> {
        let _ = settings;
        todo!()
    }
}

/// Whose a datagram is.
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
pub struct Reply {
    /// Where to.
    pub path: Path,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// All connections of one worker on one UDP socket.
pub struct Endpoint {}

impl Endpoint {
    /// `worker`: the number of the worker, unique among those that share `shared`. `local`: the address that its socket is bound to.
    pub fn new(shared: Arc<EndpointShared>, worker: u16, local: SocketAddr) -> Self {
        let _ = (shared, worker, local);
        todo!()
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
        let _ = (datagram, path, forwarded, room, context, now);
        todo!()
    }

    /// Names a connection that [`Endpoint::route`] made.
    pub fn insert(&mut self, name: u64, connection: &mut Connection) {
        let _ = (name, connection);
        todo!()
    }

    /// After a connection worked: its connection IDs are replaced and forgotten as it goes on.
    pub fn settle(&mut self, name: u64, connection: &mut Connection) {
        let _ = (name, connection);
        todo!()
    }

    /// The connection is over: its packets are not known any more.
    pub fn remove(&mut self, connection: &mut Connection) {
        let _ = connection;
        todo!()
    }

    /// The next datagram that the endpoint itself has to send.
    pub fn next_reply(&mut self) -> Option<Reply> {
        todo!()
    }
}

#[allow(dead_code)]
fn _unused(_: Ecn) {}
