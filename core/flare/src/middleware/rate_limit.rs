//! A limit for the requests of each client.

mod buckets;

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use buckets::{Buckets, Nanos, Rate, Verdict};

use crate::exchange::Exchange;
use crate::message::{Headers, Request, Response};
use crate::middleware::{Middleware, Step, client_ip};
use crate::server::ConfigError;

/// Limits how often each client may ask: a token bucket for each.
///
/// A bucket holds up to `capacity` tokens and gets `per_second` new ones. Each request takes one. When there is none, the
/// answer is 429 with `Retry-After` (RFC 6585, section 4), before any content is read.
///
/// Clients are told apart by [`client_ip`], IPv6 ones by their /64 network, because one client has a whole one. All whose
/// address is unknown, and all on Unix sockets, share one bucket. Behind proxies, [`Forwarded`](crate::middleware::Forwarded)
/// belongs before this.
///
/// The number of buckets is bounded. When there are too many, full ones are forgotten first, which changes nothing, and then
/// those that were not used for longest, whose clients start anew.
///
/// ```
/// use flare::middleware::{AccessFormat, AccessLog, BearerAuth, RateLimit};
/// use flare::prelude::*;
///
/// // The first is outermost: what it refuses, or what the others refuse, is in the log.
/// let mut router = Router::new();
/// router.layer(AccessLog::new(AccessFormat::Combined, |line| println!("{line}")));
/// router.layer(BearerAuth::tokens("api", [("8d1f0c", "ann")])?);
/// router.layer(RateLimit::new(20, 10.0)?);
/// router.get("/", |_: &Request| "hello")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct RateLimit {
    rate: Rate,
    buckets: Buckets<Key>,
    ipv6_prefix: u8,
    /// Tells clients apart instead of their address.
    key: Option<Box<KeyFunction>>,
    hashers: [RandomState; 2],
    fields: bool,
    clock: Box<Clock>,
}

type KeyFunction = dyn Fn(&Request) -> Option<String> + Send + Sync;
type Clock = dyn Fn() -> Duration + Send + Sync;

/// Buckets for so many clients, unless the settings say otherwise. They take about 4 MiB.
const CLIENTS: usize = 65_536;

/// A bucket must be full again within this time.
const LONGEST: f64 = 366.0 * 24.0 * 3600.0;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Unknown,
    V4([u8; 4]),
    V6([u8; 16]),
    /// 128 bits of a hash that nobody outside can foresee: as good as the text, and of one size.
    Text([u64; 2]),
}

/// What the answer tells of the bucket.
struct Standing(Verdict);

impl RateLimit {
    /// At most `capacity` requests at once, and `per_second` over time. `capacity` is at least 1; `per_second` is above 0, may
    /// be a fraction, and fills a bucket within a year.
    ///
    /// # Errors
    /// A number is out of its range. The error names it.
    pub fn new(capacity: u32, per_second: f64) -> Result<Self, ConfigError> {
        let wrong = |field: &str, problem: &str| {
            Err(ConfigError { field: field.to_owned(), problem: problem.to_owned() })
        };
        if capacity == 0 {
            return wrong("capacity", "0 lets no request pass");
        }
        if !per_second.is_finite() || per_second <= 0.0 {
            return wrong("per_second", "is not above 0");
        }
        if f64::from(capacity) / per_second > LONGEST {
            return wrong("per_second", "does not fill a bucket within a year");
        }
        let interval = ((1e9 / per_second) as Nanos).max(1);
        let rate = Rate { capacity: u64::from(capacity), interval };
        let start = Instant::now();
        Ok(Self {
            rate,
            buckets: Buckets::new(rate, CLIENTS),
            ipv6_prefix: 64,
            key: None,
            hashers: [RandomState::new(), RandomState::new()],
            fields: false,
            clock: Box::new(move || start.elapsed()),
        })
    }

    /// Clients with IPv6 addresses that have so many first bits in common share a bucket: 0 to 128, 64 by default. More is 128.
    #[must_use]
    pub fn ipv6_prefix(mut self, bits: u8) -> Self {
        self.ipv6_prefix = bits.min(128);
        self
    }

    /// Tells clients apart by a text instead of their address, for instance by the name of an
    /// [`Identity`](crate::middleware::Identity). Requests without one (`None`) are not limited.
    #[must_use]
    pub fn key(mut self, key: impl Fn(&Request) -> Option<String> + Send + Sync + 'static) -> Self {
        self.key = Some(Box::new(key));
        self
    }

    /// The most buckets that are kept, 65,536 by default, rounded up to the next multiple of 32. Each takes about 64 bytes.
    #[must_use]
    pub fn max_clients(mut self, most: usize) -> Self {
        self.buckets = Buckets::new(self.rate, most);
        self
    }

    /// Whether answers say how the client stands: `RateLimit-Limit` (the capacity), `RateLimit-Remaining` (tokens that are
    /// left) and `RateLimit-Reset` (seconds until the bucket is full), as in drafts 03 to 06 of the IETF's httpapi working
    /// group. Not by default.
    #[must_use]
    pub fn fields(mut self, send: bool) -> Self {
        self.fields = send;
        self
    }

    /// Another clock than the system's: the time since some fixed moment. For tests.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// `None`: not limited.
    fn key_of(&self, request: &Request) -> Option<Key> {
        if let Some(key) = &self.key {
            let text = key(request)?;
            let [one, other] = &self.hashers;
            return Some(Key::Text([one.hash_one(&text), other.hash_one(&text)]));
        }
        Some(match client_ip(request) {
            None => Key::Unknown,
            Some(IpAddr::V4(ip)) => Key::V4(ip.octets()),
            Some(IpAddr::V6(ip)) => Key::V6(network(ip, self.ipv6_prefix).octets()),
        })
    }

    fn write_standing(&self, verdict: &Verdict, headers: &mut Headers) {
        let seconds = verdict.until_full.div_ceil(1_000_000_000);
        for (name, number) in [
            ("ratelimit-limit", self.rate.capacity),
            ("ratelimit-remaining", verdict.remaining),
            ("ratelimit-reset", seconds),
        ] {
            let set = headers.set(name, number.to_string());
            debug_assert!(set.is_ok(), "a number is a field value");
        }
    }
}

impl Middleware for RateLimit {
    fn on_request(&self, exchange: Exchange) -> Step {
        let request = exchange.request();
        let Some(key) = self.key_of(request) else { return Step::Next(exchange) };
        let now = Nanos::try_from((self.clock)().as_nanos()).unwrap_or(Nanos::MAX);
        let verdict = self.buckets.take(key, now);
        if self.fields {
            request.set_extension(Standing(verdict));
        }
        if verdict.allowed {
            return Step::Next(exchange);
        }
        let seconds = verdict.wait.div_ceil(1_000_000_000).max(1);
        exchange.respond(Response::status_only(429).with_header("retry-after", seconds.to_string()));
        Step::Done
    }

    fn on_head(&self, request: &Request, response: &mut Response) {
        if self.fields
            && let Some(standing) = request.extension::<Standing>()
        {
            self.write_standing(&standing.0, response.headers_mut());
        }
    }
}

/// The first bits of an address.
fn network(ip: Ipv6Addr, bits: u8) -> Ipv6Addr {
    let mask = u128::MAX.checked_shl(128 - u32::from(bits.min(128))).unwrap_or(0);
    Ipv6Addr::from_bits(ip.to_bits() & mask)
}

impl std::fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimit").field("rate", &self.rate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
