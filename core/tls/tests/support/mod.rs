//! Two connections joined in memory, and certificates for them.
#![allow(dead_code)] // each test program uses what it needs

pub mod authority;
pub mod other;

use std::sync::Arc;

pub use authority::Authority;
use flare_tls::{ClientContext, ClientTls, Connection, Event, Failure, ServerContext, ServerTls, Session};

/// An authority, a server of `server.test`, and a client that believes it.
pub fn plain() -> (Authority, ServerTls, ClientTls) {
    let authority = Authority::new("tests");
    let server = ServerTls::new(authority.issue(&["server.test"]).identity());
    let client = ClientTls::with_roots(authority.pem());
    (authority, server, client)
}

/// What one side was told.
#[derive(Default)]
pub struct Seen {
    pub session: Option<Arc<Session>>,
    pub complete: bool,
    pub early: Vec<u8>,
    pub data: Vec<u8>,
    pub peer_closed: bool,
    pub failure: Option<Failure>,
    /// How many events came after the one that must be the last.
    pub late: usize,
}

impl Seen {
    fn note(&mut self, event: Event<'_>) {
        if self.peer_closed {
            self.late += 1;
        }
        match event {
            Event::Ready(session) => assert!(self.session.replace(session).is_none(), "ready twice"),
            Event::Complete => {
                assert!(self.session.is_some(), "complete before ready");
                assert!(!std::mem::replace(&mut self.complete, true), "complete twice");
            }
            Event::Early(data) => {
                assert!(
                    self.session.is_some() && !self.complete,
                    "early data comes before the end of the handshake"
                );
                self.early.extend_from_slice(data);
            }
            Event::Data(data) => {
                assert!(self.complete, "data before the handshake ended");
                self.data.extend_from_slice(data);
            }
            Event::PeerClosed => self.peer_closed = true,
        }
    }
}

/// One side, what it was told, and what it wants to send.
pub struct Side {
    pub connection: Connection,
    pub seen: Seen,
    pub out: Vec<u8>,
}

impl Side {
    fn new(connection: Connection) -> Self {
        Self { connection, seen: Seen::default(), out: Vec::new() }
    }

    pub fn server(context: &ServerContext) -> Self {
        Self::new(Connection::server(context).unwrap())
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        let mut bytes = bytes.to_vec();
        let seen = &mut self.seen;
        if let Err(failure) = self.connection.receive(&mut bytes, &mut self.out, |event| seen.note(event)) {
            seen.failure.get_or_insert(failure);
        }
    }

    pub fn send(&mut self, data: &[u8]) {
        self.connection.send(data, &mut self.out).unwrap();
    }

    pub fn close(&mut self) {
        self.connection.close(&mut self.out);
    }

    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    pub fn session(&self) -> &Session {
        self.seen.session.as_deref().expect("no session")
    }
}

/// A client and a server.
pub struct Joined {
    pub client: Side,
    pub server: Side,
}

impl Joined {
    pub fn new(server: &ServerContext, client: &ClientContext) -> Self {
        Self::named(server, client, "server.test")
    }

    pub fn named(server: &ServerContext, client: &ClientContext, name: &str) -> Self {
        let mut client = Side::new(Connection::client(client, name).unwrap());
        client.connection.start(&mut client.out).unwrap();
        Self { client, server: Side::new(Connection::server(server).unwrap()) }
    }

    /// Carries bytes until both are silent, `step` bytes at a time.
    pub fn run(&mut self, step: usize) {
        loop {
            let (up, down) = (self.client.take(), self.server.take());
            if up.is_empty() && down.is_empty() {
                return;
            }
            up.chunks(step).for_each(|bytes| self.server.receive(bytes));
            down.chunks(step).for_each(|bytes| self.client.receive(bytes));
        }
    }

    /// A whole handshake.
    pub fn shaken(server: &ServerContext, client: &ClientContext) -> Self {
        let mut joined = Self::new(server, client);
        joined.run(usize::MAX);
        joined
    }
}

pub fn contexts(server: &ServerTls, client: &ClientTls) -> (ServerContext, ClientContext) {
    (ServerContext::new(server).unwrap(), ClientContext::new(client).unwrap())
}
