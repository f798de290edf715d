//! Connections of proxies that have not told yet whom they speak for. They become connections like any other when their header is there.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

use flare_net::{Address, Key, ListenerKey, Peer, TimerId};
use flare_proto::proxy_protocol::{Addresses, parse};

use super::Worker;
use crate::exchange::Ends;
use crate::log::Level;
use crate::server::connections::Connections;

/// One of them.
pub(super) struct Awaited {
    listener: ListenerKey,
    peer: Peer,
    timer: TimerId,
    /// The beginning of a header: at most the longest that there may be.
    received: Vec<u8>,
}

/// All of them. Boxed, because their keys are few among those of all connections.
pub(super) type Awaiting = Connections<Box<Awaited>>;

impl Worker {
    /// A proxy is there, and has to say for whom.
    pub(super) fn await_header(&mut self, listener: ListenerKey, key: Key, peer: Peer) {
        let by = self.env.now + self.env.service.config.proxy_protocol.timeout;
        let timer = self.wheel.arm(by, key.to_u64());
        self.awaiting.insert(key, Box::new(Awaited { listener, peer, timer, received: Vec::new() }));
    }

    /// Bytes came. False: it is no connection of this kind.
    pub(super) fn header_received(&mut self, key: Key, data: &[u8]) -> bool {
        let Some(awaited) = self.awaiting.get_mut(key) else { return false };
        self.counters.bytes_in.add(data.len() as u64);
        // Nearly always it comes in one piece, which is not copied.
        let mut joined = std::mem::take(&mut awaited.received);
        let input = if joined.is_empty() {
            data
        } else {
            joined.extend_from_slice(data);
            &joined
        };
        match parse(input) {
            Ok(None) if joined.is_empty() => awaited.received = data.to_vec(),
            Ok(None) => awaited.received = joined,
            Ok(Some((header, used))) => {
                let (listener, peer) = (awaited.listener, awaited.peer);
                if let Some(awaited) = self.awaiting.remove(key) {
                    self.wheel.cancel(awaited.timer);
                }
                let ends = told(header.addresses).unwrap_or_else(|| self.ends(listener, key, peer));
                self.open(listener, key, ends);
                let rest = input.get(used..).unwrap_or_default();
                if let Some(connection) = self.connections.get_mut(key)
                    && !rest.is_empty()
                {
                    if connection.secure.is_some() {
                        self.received_secure(key, &mut rest.to_vec());
                    } else {
                        connection.session.receive(rest, &mut self.env, &mut self.output);
                        self.settle(key);
                    }
                }
            }
            Err(error) => {
                self.counters.bad_requests.add(1);
                self.refuse_header(key, &error.to_string());
            }
        }
        true
    }

    /// The peer sends nothing more, or is lost. False: it is no connection of this kind.
    pub(super) fn header_ended(&mut self, key: Key) -> bool {
        let Some(awaited) = self.awaiting.get_mut(key) else { return false };
        if awaited.received.is_empty() {
            // Whoever only looks whether somebody listens does the same.
            self.close_awaited(key);
        } else {
            self.counters.bad_requests.add(1);
            self.refuse_header(key, "the connection ended within it");
        }
        true
    }

    /// The time is over. False: it is no connection of this kind.
    pub(super) fn header_late(&mut self, key: Key) -> bool {
        if self.awaiting.get_mut(key).is_none() {
            return false;
        }
        self.counters.timeouts.add(1);
        self.refuse_header(key, "it did not come in time");
        true
    }

    fn refuse_header(&mut self, key: Key, problem: &str) {
        if let Some(awaited) = self.awaiting.get_mut(key) {
            let peer = awaited.peer;
            self.env
                .service
                .log
                .tell(Level::Warn, "PROXY header refused", || format!("from {peer}: {problem}"));
        }
        self.close_awaited(key);
    }

    /// Closes all of them: the server ends.
    pub(super) fn close_all_awaited(&mut self) {
        for key in self.awaiting.keys() {
            self.close_awaited(key);
        }
    }

    /// Closes one of them.
    pub(super) fn close_awaited(&mut self, key: Key) {
        let Some(awaited) = self.awaiting.remove(key) else { return };
        self.wheel.cancel(awaited.timer);
        if self.env.draining {
            self.report.finished += 1;
        }
        self.driver.close(key);
        self.counters.closed.add(1);
        self.shared.closed();
    }
}

/// The ends that a proxy tells. `None`: they are those of its own connection.
fn told(addresses: Addresses<'_>) -> Option<Ends> {
    match addresses {
        Addresses::Ip { source, destination } => {
            Some(Ends { peer: Peer::Ip(source), local: Arc::new(Address::Ip(destination)), tls: None })
        }
        Addresses::Unix { destination, .. } => {
            let path = (!destination.is_empty()).then(|| PathBuf::from(OsStr::from_bytes(destination)));
            Some(Ends { peer: Peer::Unix, local: Arc::new(Address::Unix(path)), tls: None })
        }
        _ => None,
    }
}
