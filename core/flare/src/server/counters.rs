//! What a server has done, as numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that one thread counts and any thread reads.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    /// Adds, on the thread that owns the counter. A plain load and store: there is one writer.
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The counters of one worker.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: Counter,
    pub(crate) closed: Counter,
    pub(crate) requests: Counter,
    /// Answers by the first digit of their status: 1xx is at 0.
    pub(crate) answers: [Counter; 5],
    pub(crate) bytes_in: Counter,
    pub(crate) bytes_out: Counter,
    pub(crate) bad_requests: Counter,
    pub(crate) timeouts: Counter,
    pub(crate) panics: Counter,
    pub(crate) accept_errors: Counter,
    pub(crate) tls_handshakes: Counter,
    pub(crate) tls_resumed: Counter,
    pub(crate) tls_failed: Counter,
    pub(crate) quic_handshakes: Counter,
    pub(crate) quic_retries: Counter,
    pub(crate) quic_refused: Counter,
    pub(crate) quic_forwarded: Counter,
    pub(crate) quic_lost: Counter,
    pub(crate) quic_retransmitted: Counter,
    pub(crate) datagrams_in: Counter,
    pub(crate) datagrams_out: Counter,
    pub(crate) datagrams_dropped: Counter,
    pub(crate) http_datagrams_in: Counter,
    pub(crate) http_datagrams_dropped: Counter,
}

/// What a server has done since it began, over all workers.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections open now.
    pub open: u64,
    /// Request heads received.
    pub requests: u64,
    /// Final answers sent with a status of 2xx, 3xx, 4xx and 5xx.
    pub answers: [u64; 4],
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes given to the operating system or queued for it.
    pub bytes_out: u64,
    /// Requests that broke the protocol or a limit.
    pub bad_requests: u64,
    /// Deadlines that passed.
    pub timeouts: u64,
    /// Handlers that panicked.
    pub panics: u64,
    /// Times that a connection could not be accepted, for want of descriptors or memory.
    pub accept_errors: u64,
    /// TLS handshakes that ended well, or got as far as early data.
    pub tls_handshakes: u64,
    /// How many of them were clients that came back with a session.
    pub tls_resumed: u64,
    /// TLS handshakes that failed, or were not begun because too many ran.
    pub tls_failed: u64,
    /// How many of the handshakes were QUIC's (they count among those of TLS too).
    pub quic_handshakes: u64,
    /// Clients that were asked to prove their address by a Retry packet.
    pub quic_retries: u64,
    /// Clients of QUIC that were refused: too many handshakes or connections, or a Retry token that is not good.
    pub quic_refused: u64,
    /// Datagrams that came to a worker and were of another one's connection, to which they were handed on, or dropped where too many waited.
    pub quic_forwarded: u64,
    /// QUIC packets that were sent and lost. Of a connection that lives, as of its last timer.
    pub quic_lost: u64,
    /// QUIC packets that were sent because others were lost. The same holds for it.
    pub quic_retransmitted: u64,
    /// UDP datagrams received.
    pub datagrams_in: u64,
    /// UDP datagrams that the system took.
    pub datagrams_out: u64,
    /// UDP datagrams that never left: the system refused them, or too much waited already.
    pub datagrams_dropped: u64,
    /// Datagrams of requests (RFC 9297) that came and went to a handler, or wait for it.
    pub http_datagrams_in: u64,
    /// Datagrams of requests that were dropped: too many waited for the handler, they were too long, their request was over, or the path became
    /// narrower before they could be sent.
    pub http_datagrams_dropped: u64,
}

impl ServerStats {
    /// A number by its name, for languages that have no access to the fields. Answers are `answers_2xx` to `answers_5xx`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<u64> {
        let [success, redirect, client_error, server_error] = self.answers;
        Some(match name {
            "accepted" => self.accepted,
            "open" => self.open,
            "requests" => self.requests,
            "answers_2xx" => success,
            "answers_3xx" => redirect,
            "answers_4xx" => client_error,
            "answers_5xx" => server_error,
            "bytes_in" => self.bytes_in,
            "bytes_out" => self.bytes_out,
            "bad_requests" => self.bad_requests,
            "timeouts" => self.timeouts,
            "panics" => self.panics,
            "accept_errors" => self.accept_errors,
            "tls_handshakes" => self.tls_handshakes,
            "tls_resumed" => self.tls_resumed,
            "tls_failed" => self.tls_failed,
            "quic_handshakes" => self.quic_handshakes,
            "quic_retries" => self.quic_retries,
            "quic_refused" => self.quic_refused,
            "quic_forwarded" => self.quic_forwarded,
            "quic_lost" => self.quic_lost,
            "quic_retransmitted" => self.quic_retransmitted,
            "datagrams_in" => self.datagrams_in,
            "datagrams_out" => self.datagrams_out,
            "datagrams_dropped" => self.datagrams_dropped,
            "http_datagrams_in" => self.http_datagrams_in,
            "http_datagrams_dropped" => self.http_datagrams_dropped,
            _ => return None,
        })
    }
}

impl Counters {
    pub(crate) fn add_to(&self, sum: &mut ServerStats) {
        sum.accepted += self.accepted.get();
        sum.open += self.accepted.get().saturating_sub(self.closed.get());
        sum.requests += self.requests.get();
        for (total, counter) in sum.answers.iter_mut().zip(&self.answers[1..]) {
            *total += counter.get();
        }
        sum.bytes_in += self.bytes_in.get();
        sum.bytes_out += self.bytes_out.get();
        sum.bad_requests += self.bad_requests.get();
        sum.timeouts += self.timeouts.get();
        sum.panics += self.panics.get();
        sum.accept_errors += self.accept_errors.get();
        sum.tls_handshakes += self.tls_handshakes.get();
        sum.tls_resumed += self.tls_resumed.get();
        sum.tls_failed += self.tls_failed.get();
        sum.quic_handshakes += self.quic_handshakes.get();
        sum.quic_retries += self.quic_retries.get();
        sum.quic_refused += self.quic_refused.get();
        sum.quic_forwarded += self.quic_forwarded.get();
        sum.quic_lost += self.quic_lost.get();
        sum.quic_retransmitted += self.quic_retransmitted.get();
        sum.datagrams_in += self.datagrams_in.get();
        sum.datagrams_out += self.datagrams_out.get();
        sum.datagrams_dropped += self.datagrams_dropped.get();
        sum.http_datagrams_in += self.http_datagrams_in.get();
        sum.http_datagrams_dropped += self.http_datagrams_dropped.get();
    }

    pub(crate) fn answer(&self, status: u16) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        if let Some(counter) = self.answers.get(class) {
            counter.add(1);
        }
    }
}
