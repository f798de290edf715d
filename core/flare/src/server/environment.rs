//! What a worker lends to its connections while they work.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use flare_net::Millis;
use flare_proto::{OriginFields, http2};

#[cfg(feature = "http3")]
use crate::exchange::SharedBlock;
use crate::exchange::{Home, Pool};
use crate::log::{AccessRecord, Log};
use crate::router::{Router, Routes};
use crate::server::ServerConfig;
use crate::server::alternatives::Alternatives;
use crate::server::blocking::BlockingPool;
use crate::server::counters::Counters;
use crate::server::entrance::Entrance;

/// A callback for the access log.
pub(crate) type AccessSink = dyn Fn(&AccessRecord<'_>) + Send + Sync;

/// What all workers of a server share.
#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) router: Arc<Routes>,
    /// Threads for handlers that block, if a route has some.
    pub(crate) blocking: Option<Arc<BlockingPool>>,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) http2_limits: Arc<http2::Limits>,
    #[cfg(feature = "http3")]
    pub(crate) http3_limits: Arc<flare_proto::http3::Limits>,
    pub(crate) alternatives: Alternatives,
    pub(crate) log: Log,
    pub(crate) access: Option<Arc<AccessSink>>,
}

impl Service {
    pub(crate) fn new(
        router: Router,
        config: ServerConfig,
        log: Log,
        access: Option<Arc<AccessSink>>,
        entrances: &[Entrance],
    ) -> Self {
        let router = Routes::new(router);
        let blocking = router.any_blocking().then(|| {
            Arc::new(BlockingPool::new(config.blocking_threads, config.blocking_queue, log.clone()))
        });
        Self {
            router: Arc::new(router),
            blocking,
            http2_limits: Arc::new(config.http2.clone()),
            #[cfg(feature = "http3")]
            http3_limits: Arc::new(config.http3.clone()),
            alternatives: Alternatives::new(entrances),
            config: Arc::new(config),
            log,
            access,
        }
    }
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
    /// Exchanges of this worker whose answer is not out.
    pub(crate) in_flight: usize,
    /// The most of them.
    pub(crate) most_in_flight: usize,
    /// Memory for the connections of HTTP/3, which work one after another.
    #[cfg(feature = "http3")]
    pub(crate) buffers: Buffers,
}

/// Memory that is used for moments: what is read, and frames that leave at once.
#[cfg(feature = "http3")]
#[derive(Default)]
pub(crate) struct Buffers {
    pub(crate) input: Vec<u8>,
    pub(crate) frames: Vec<u8>,
    /// Where the next request comes to.
    pub(crate) block: Option<SharedBlock>,
}

impl Environment {
    /// The environment of one of so many workers.
    pub(crate) fn new(
        service: Service,
        home: Arc<dyn Home>,
        counters: Arc<Counters>,
        now: Millis,
        workers: usize,
    ) -> Self {
        /// Blocks that a worker keeps for the next exchanges.
        const POOL: usize = 1024;
        let most_in_flight = service.config.max_exchanges.div_ceil(workers.max(1));
        Self {
            date: Date::new(&service.config.server_name, now),
            service,
            now,
            pool: Pool::new(home, POOL),
            counters,
            draining: false,
            in_flight: 0,
            most_in_flight,
            #[cfg(feature = "http3")]
            buffers: Buffers::default(),
        }
    }

    /// Whether no more exchanges are admitted for now.
    pub(crate) fn is_full(&self) -> bool {
        self.in_flight >= self.most_in_flight
    }

    pub(crate) fn enter_flight(&mut self) {
        self.in_flight += 1;
    }

    pub(crate) fn leave_flight(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }
}

/// The last second of the year 9999.
const LAST: Duration = Duration::from_secs(253_402_300_799);

/// The `Date` field of this second (RFC 9110, 6.6.1), made once for all answers, and `Server`, which goes with it.
pub(crate) struct Date {
    fields: OriginFields,
    server: Option<String>,
    until: Option<Millis>,
    /// What the wall clock shows at the time 0, where time stands until it is moved. `None`: it is the system's.
    start: Option<SystemTime>,
}

impl Date {
    /// `server`: the value of that field; empty for none.
    pub(crate) fn new(server: &str, now: Millis) -> Self {
        Self::since(None, server, now)
    }

    /// As [`Date::new`], for a clock on the wall that goes with the time that it is told.
    pub(crate) fn since(start: Option<SystemTime>, server: &str, now: Millis) -> Self {
        let server = (!server.is_empty()).then(|| server.to_owned());
        let mut date = Self { fields: OriginFields::new(), server, until: None, start };
        date.refresh(now);
        date
    }

    /// Makes the text anew when its second is over.
    pub(crate) fn refresh(&mut self, now: Millis) {
        if self.until.is_some_and(|until| now < until) {
            return;
        }
        let wall = match self.start {
            Some(start) => start + Duration::from_millis(now.0),
            None => SystemTime::now(),
        };
        let wall = within_dates(wall);
        // Into a place of its own size: this is on the way of requests, where nothing allocates.
        let mut date = [0; 29];
        let written = write!(&mut date[..], "{}", httpdate::HttpDate::from(wall));
        debug_assert!(written.is_ok(), "a date has 29 bytes (RFC 9110, 5.6.7)");
        self.fields.set(self.server.as_deref().map(str::as_bytes), Some(&date));
        let part = wall.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_millis());
        self.until = Some(Millis(now.0.saturating_add(u64::from(1000 - part))));
    }

    pub(crate) fn fields(&self) -> &OriginFields {
        &self.fields
    }
}

/// The nearest time that a date can say: a clock may be set to anything, and a date has a year of four digits, from 1970 on.
fn within_dates(wall: SystemTime) -> SystemTime {
    wall.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_may_show_anything() {
        let day = Duration::from_secs(24 * 60 * 60);
        let epoch = SystemTime::UNIX_EPOCH;
        for (wall, year) in [
            (epoch - 365 * day, "1970"),
            (epoch, "1970"),
            (epoch + LAST, "9999"),
            (epoch + LAST + day, "9999"),
        ] {
            let text = httpdate::HttpDate::from(within_dates(wall)).to_string();
            assert!(text.contains(year), "{text}");
            // And whatever it jumps to, the next date is made within a second.
            let mut date = Date::since(Some(wall), "", Millis(0));
            date.refresh(Millis(2000));
            assert!(date.until.is_some_and(|until| until.0 > 2000 && until.0 <= 3000));
        }
    }

    #[test]
    fn the_date_lasts_at_most_a_second() {
        let date = Date::new("flare", Millis(5000));
        assert!(date.until.is_some_and(|until| until.0 > 5000 && until.0 <= 6000));
    }
}
