//! A limit for events that repeat.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many events of one kind pass in each window.
const MOST: u32 = 10;
const WINDOW: Duration = Duration::from_secs(1);

struct Seen {
    since: Instant,
    passed: u32,
    missed: u64,
}

/// Counts the events of each kind. Kinds are literals of the program, so their number is bounded.
#[derive(Default)]
pub(super) struct Limiter {
    kinds: Mutex<HashMap<&'static str, Seen>>,
}

impl Limiter {
    /// Whether an event of this kind may pass now, and how many were held back before it.
    pub(super) fn admit(&self, kind: &'static str) -> Option<u64> {
        self.admit_at(kind, Instant::now())
    }

    fn admit_at(&self, kind: &'static str, now: Instant) -> Option<u64> {
        let mut kinds = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = kinds.entry(kind).or_insert(Seen { since: now, passed: 0, missed: 0 });
        if now.duration_since(seen.since) >= WINDOW {
            seen.since = now;
            seen.passed = 0;
        }
        if seen.passed < MOST {
            seen.passed += 1;
            Some(std::mem::take(&mut seen.missed))
        } else {
            seen.missed += 1;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_cut_and_counted() {
        let limiter = Limiter::default();
        let start = Instant::now();
        let passed = (0..100).filter(|_| limiter.admit_at("a", start).is_some()).count();
        assert_eq!(passed, MOST as usize);
        assert_eq!(limiter.admit_at("b", start), Some(0), "another kind is not held back");
        assert_eq!(limiter.admit_at("a", start + WINDOW), Some(90));
        assert_eq!(limiter.admit_at("a", start + WINDOW), Some(0));
    }
}
