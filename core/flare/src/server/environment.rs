//! What a worker lends to its connections while they work.

use std::sync::Arc;
use std::time::SystemTime;

use flare_net::Millis;

use crate::exchange::Pool;
use crate::log::{AccessRecord, Log};
use crate::router::Router;
use crate::server::ServerConfig;
use crate::server::counters::Counters;

/// A callback for the access log.
pub(crate) type AccessSink = dyn Fn(&AccessRecord<'_>) + Send + Sync;

/// What all workers of a server share.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) router: Arc<Router>,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) log: Log,
    pub(crate) access: Option<Arc<AccessSink>>,
}

/// What a session may use while it works: the service, the time, and the worker's pools.
pub(crate) struct Environment {
    pub(crate) service: Service,
    pub(crate) now: Millis,
    pub(crate) date: Date,
    pub(crate) pool: Pool,
    pub(crate) counters: Arc<Counters>,
    /// The server ends: every answer closes its connection.
    pub(crate) draining: bool,
}

/// The `Date` field of this second (RFC 9110, 6.6.1), made once for all answers.
pub(crate) struct Date {
    text: Vec<u8>,
    until: Millis,
}

impl Date {
    pub(crate) fn new(now: Millis) -> Self {
        let mut date = Self { text: Vec::new(), until: now };
        date.refresh(now);
        date
    }

    /// Makes the text anew when its second is over.
    pub(crate) fn refresh(&mut self, now: Millis) {
        if now < self.until && !self.text.is_empty() {
            return;
        }
        let wall = SystemTime::now();
        self.text = httpdate::fmt_http_date(wall).into_bytes();
        let part = wall.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_millis());
        self.until = Millis(now.0.saturating_add(u64::from(1000 - part)));
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_date_is_of_fixed_length_and_lasts_at_most_a_second() {
        let date = Date::new(Millis(5000));
        assert_eq!(date.as_bytes().len(), 29);
        assert!(date.until.0 > 5000 && date.until.0 <= 6000);
    }
}
