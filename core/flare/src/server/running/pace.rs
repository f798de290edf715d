//! How fast the request's content has to come.
//!
//! Each part moves its deadline by the time that its bytes may take at the least rate, and never further than the longest pause from
//! now. So one deadline keeps both: who pauses too long is late, and so is who sends too little for as long as a pause may be.

use std::time::Duration;

use flare_net::Millis;

use super::Running;
use crate::server::environment::Environment;

impl Running {
    /// The client may begin to send, or begin again.
    pub(crate) fn begin_content(&mut self, env: &Environment) {
        self.content_deadline = env.now + self.longest_pause(env);
    }

    /// So many bytes have come.
    pub(super) fn content_came(&mut self, bytes: usize, env: &Environment) {
        let rate = self.route(env).options.body_min_rate.unwrap_or(env.service.config.body_min_rate);
        let latest = env.now + self.longest_pause(env);
        self.content_deadline = moved(self.content_deadline, bytes, rate).min(latest);
    }

    /// The handler takes no more for now, so the client can't send.
    pub(super) fn hold(&mut self, env: &Environment) {
        if !std::mem::replace(&mut self.held, true) {
            self.held_since = env.now;
        }
    }

    /// It takes more: the client's time goes on where it was.
    pub(super) fn let_go(&mut self, env: &Environment) {
        if std::mem::replace(&mut self.held, false) {
            self.content_deadline = self.content_deadline + env.now.since(self.held_since);
        }
    }

    fn longest_pause(&self, env: &Environment) -> Duration {
        self.route(env).options.body_timeout.unwrap_or(env.service.config.body_timeout)
    }
}

/// A deadline behind so many bytes at this rate. Each part counts up to a millisecond too much, which is to the good of the client.
fn moved(deadline: Millis, bytes: usize, rate: u64) -> Millis {
    if rate == 0 {
        return Millis::NEVER;
    }
    let earned = (bytes as u64).saturating_mul(1000).div_ceil(rate);
    Millis(deadline.0.saturating_add(earned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_earn_time() {
        assert_eq!(moved(Millis(10), 240, 240), Millis(1010));
        assert_eq!(moved(Millis(10), 1, 240), Millis(15));
        assert_eq!(moved(Millis(10), 1, 1 << 30), Millis(11));
        assert_eq!(moved(Millis(10), 0, 240), Millis(10));
        assert_eq!(moved(Millis(10), 1, 0), Millis::NEVER);
        assert_eq!(moved(Millis(10), usize::MAX, 1), Millis::NEVER, "more than can be counted");
        assert_eq!(moved(Millis::NEVER, 1, 1), Millis::NEVER);
    }
}
