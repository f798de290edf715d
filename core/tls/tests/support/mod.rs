//! Certificates made for the tests, and two connections joined in memory.
#![allow(dead_code)] // each test program uses what it needs

pub mod other;

use std::sync::Arc;

use flare_tls::{
    ClientContext, ClientTls, Connection, Event, Failure, Identity, ServerContext, ServerTls, Session, Source,
};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa,
    KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SerialNumber,
};
use time::{Duration, OffsetDateTime};

/// An authority, and the certificates it gave.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key as PEM.
#[derive(Clone)]
pub struct Pair {
    pub chain: String,
    pub key: String,
    serial: u64,
}

impl Pair {
    pub fn identity(&self) -> Identity {
        Identity::new(Source::bytes(&self.chain), Source::bytes(&self.key))
    }
}

impl Authority {
    pub fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages =
            vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
        let key = KeyPair::generate().unwrap();
        Self { issuer: CertifiedIssuer::self_signed(params, key).unwrap() }
    }

    pub fn pem(&self) -> Source {
        Source::bytes(self.issuer.pem())
    }

    pub fn pem_text(&self) -> String {
        self.issuer.pem()
    }

    pub fn issue(&self, names: &[&str]) -> Pair {
        self.issue_valid(names, 1, Duration::days(-1), Duration::days(1))
    }

    pub fn issue_valid(&self, names: &[&str], serial: u64, from: Duration, to: Duration) -> Pair {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).unwrap();
        params.distinguished_name.push(DnType::CommonName, names.first().cloned().unwrap_or_default());
        params.serial_number = Some(SerialNumber::from(serial));
        params.not_before = OffsetDateTime::now_utc() + from;
        params.not_after = OffsetDateTime::now_utc() + to;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Pair { chain: certificate.pem(), key: key.serialize_pem(), serial }
    }

    /// A list of what was revoked, valid until then.
    pub fn revoke(&self, pairs: &[&Pair], until: Duration) -> Source {
        let now = OffsetDateTime::now_utc();
        let revoked = |pair: &&Pair| RevokedCertParams {
            serial_number: SerialNumber::from(pair.serial),
            revocation_time: now - Duration::hours(1),
            reason_code: None,
            invalidity_date: None,
        };
        let params = CertificateRevocationListParams {
            this_update: now - Duration::days(2),
            next_update: now + until,
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: pairs.iter().map(revoked).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Source::bytes(params.signed_by(&self.issuer).unwrap().pem().unwrap())
    }
}

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
