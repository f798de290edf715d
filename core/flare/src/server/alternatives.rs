//! Where else the same is served, which clients learn by `Alt-Svc` (RFC 7838).

use std::sync::Arc;

use flare_net::Address;
use flare_proto::Version;

use super::entrance::Entrance;
use crate::exchange::Ends;
use crate::message::Response;

/// How long a client may believe it, in seconds.
const MAX_AGE: u32 = 86_400;

/// The ports on which HTTP/3 is served, with what is said of them.
#[derive(Clone, Debug)]
pub(crate) struct Alternatives {
    ports: Arc<[(u16, String)]>,
}

impl Alternatives {
    pub(crate) fn new(entrances: &[Entrance]) -> Self {
        let mut ports: Vec<u16> = entrances.iter().filter_map(|entrance| entrance.http3).collect();
        ports.sort_unstable();
        ports.dedup();
        let said = |port| (port, format!("h3=\":{port}\"; ma={MAX_AGE}"));
        Self { ports: ports.into_iter().map(said).collect() }
    }

    /// Whether there is anything to say at all.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.ports.is_empty()
    }

    /// Tells the client of an answer that HTTP/3 is served on the same port, if it came over TLS and does not speak it already. An answer
    /// that says something itself is left alone.
    pub(crate) fn tell(&self, ends: &Ends, version: Version, answer: &mut Response) {
        let Address::Ip(local) = &*ends.local else { return };
        if ends.tls.is_none() || version == Version::Http3 || answer.headers.get("alt-svc").is_some() {
            return;
        }
        if let Some((_, value)) = self.ports.iter().find(|(port, _)| *port == local.port()) {
            answer.unprepare();
            let set = answer.headers.append("alt-svc", value);
            debug_assert!(set.is_ok(), "digits and marks are a field value");
        }
    }
}
