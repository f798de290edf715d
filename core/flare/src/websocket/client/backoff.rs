//! How long to wait before another attempt.

use std::time::Duration;

use super::random;
use crate::server::ConfigError;

/// How often a socket is tried to open, and how long between: the wait doubles each time, and a part of it is by chance, so that clients that
/// were cut off together do not come back together.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Backoff {
    /// The wait before the second attempt. Default 500 ms.
    pub first: Duration,
    /// The longest wait, also for a server that asks for one by Retry-After. Default 30 s.
    pub most: Duration,
    /// How many attempts there are in all, at least 1. Default 10.
    pub attempts: u32,
    /// Wait before the first attempt too: for a socket that was lost, beside many others. Default false.
    pub wait_first: bool,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            most: Duration::from_secs(30),
            attempts: 10,
            wait_first: false,
        }
    }
}

impl Backoff {
    /// Sets the first wait and the longest.
    #[must_use]
    pub fn with_waits(mut self, first: Duration, most: Duration) -> Self {
        (self.first, self.most) = (first, most);
        self
    }

    /// Sets [`Backoff::attempts`].
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets [`Backoff::wait_first`].
    #[must_use]
    pub fn with_wait_first(mut self) -> Self {
        self.wait_first = true;
        self
    }

    /// Sets a number by name, for languages that have no access to the fields: `attempts`, `attempt_wait_ms`, `attempt_most_wait_ms`, and the switch
    /// `attempt_wait_first`. False: it has another name.
    ///
    /// # Errors
    /// The value does not fit.
    pub fn set_number(&mut self, name: &str, value: i64) -> Result<bool, ConfigError> {
        let within = |low: u64, high: u64| {
            let fits = u64::try_from(value).ok().filter(|value| (low..=high).contains(value));
            let problem = || format!("{value} is not within {low} to {high}");
            fits.ok_or_else(|| ConfigError { field: name.to_owned(), problem: problem() })
        };
        match name {
            "attempts" => self.attempts = u32::try_from(within(1, u32::MAX.into())?).unwrap_or(u32::MAX),
            "attempt_wait_ms" => self.first = Duration::from_millis(within(0, 86_400_000)?),
            "attempt_most_wait_ms" => self.most = Duration::from_millis(within(0, 86_400_000)?),
            "attempt_wait_first" => self.wait_first = within(0, 1)? == 1,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// How long to wait when so many attempts have failed: between a half and the whole of what doubling came to, by chance. `None`: give up. For those
    /// who open by themselves.
    #[must_use]
    pub fn wait(&self, failed: u32) -> Option<Duration> {
        self.wait_with(failed, random::fraction())
    }

    fn wait_with(&self, failed: u32, fraction: f64) -> Option<Duration> {
        if failed >= self.attempts.max(1) {
            return None;
        }
        if failed == 0 && !self.wait_first {
            return Some(Duration::ZERO);
        }
        let doubled = 2u32.saturating_pow(failed.saturating_sub(1));
        let whole = self.first.saturating_mul(doubled).min(self.most);
        Some(whole.mul_f64(0.5 + fraction / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let second = Duration::from_secs(1);
        let backoff = Backoff::default().with_waits(second, 10 * second).with_attempts(7);
        let waits = |fraction| (0..8).map(|failed| backoff.wait_with(failed, fraction)).collect::<Vec<_>>();
        let whole = [0, 1, 2, 4, 8, 10, 10].map(|seconds| Some(second * seconds));
        assert!(
            waits(0.999_999_999)
                .iter()
                .zip(whole)
                .all(|(wait, whole)| whole.map(|w| w.as_millis()) >= wait.map(|w| w.as_millis()))
        );
        let half: Vec<_> = whole.map(|wait| wait.map(|wait| wait / 2)).into_iter().chain([None]).collect();
        assert_eq!(waits(0.0), half);
        assert_eq!(backoff.with_wait_first().wait_with(0, 0.0), Some(second / 2));
        let endless = Backoff { attempts: u32::MAX, ..Backoff::default() };
        assert_eq!(endless.wait_with(4_000_000, 0.0), Some(endless.most / 2));
        assert!(Backoff { attempts: 0, ..Backoff::default() }.wait(0).is_some());
    }

    #[test]
    fn numbers_by_name() {
        let mut backoff = Backoff::default();
        for (name, value) in
            [("attempts", 3), ("attempt_wait_ms", 0), ("attempt_most_wait_ms", 7), ("attempt_wait_first", 1)]
        {
            assert_eq!(backoff.set_number(name, value).ok(), Some(true));
            assert!(backoff.set_number(name, -1).is_err());
        }
        let most = Duration::from_millis(7);
        assert_eq!(backoff, Backoff { attempts: 3, first: Duration::ZERO, most, wait_first: true });
        assert!(backoff.set_number("attempts", 0).is_err());
        assert_eq!(backoff.set_number("else", 1).ok(), Some(false));
    }
}
