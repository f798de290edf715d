//! Time as the worker sees it: whole milliseconds since a start, read once per turn.

use std::ops::Add;
use std::time::{Duration, Instant};

/// A point in time: milliseconds since its [`Clock`] was started. Points of different clocks must not be compared.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Millis(pub u64);

impl Millis {
    /// A deadline that never comes.
    pub const NEVER: Millis = Millis(u64::MAX);

    /// The time from `earlier` until `self`; zero when `earlier` is not earlier.
    pub const fn since(self, earlier: Millis) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Adds a duration, rounded up to a whole millisecond so that no deadline comes early. Stops at [`Millis::NEVER`].
impl Add<Duration> for Millis {
    type Output = Millis;

    #[inline]
    fn add(self, duration: Duration) -> Millis {
        let of_seconds = duration.as_secs().saturating_mul(1000);
        let rounded = of_seconds.saturating_add(u64::from(duration.subsec_nanos().div_ceil(1_000_000)));
        Millis(self.0.saturating_add(rounded))
    }
}

/// A monotonic clock that counts milliseconds from its start.
#[derive(Copy, Clone, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts a clock: from here on [`Clock::now`] counts up from zero.
    pub fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// The first whole millisecond that is not before this moment: a deadline that does not come early.
    pub fn at(&self, moment: Instant) -> Millis {
        Millis(0) + moment.saturating_duration_since(self.start)
    }

    /// The milliseconds since the start, rounded down. Never goes back.
    pub fn now(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adding_rounds_up_and_saturates() {
        assert_eq!(Millis(5) + Duration::from_millis(7), Millis(12));
        assert_eq!(Millis(5) + Duration::from_micros(1), Millis(6));
        assert_eq!(Millis(5) + Duration::ZERO, Millis(5));
        assert_eq!(Millis(5) + Duration::MAX, Millis::NEVER);
        assert_eq!(Millis(u64::MAX - 1) + Duration::from_secs(1), Millis::NEVER);
    }

    #[test]
    fn a_moment_is_rounded_up() {
        let clock = Clock::start();
        assert_eq!(clock.at(clock.start), Millis(0));
        assert_eq!(clock.at(clock.start + Duration::from_micros(1)), Millis(1));
        assert_eq!(clock.at(clock.start + Duration::from_millis(7)), Millis(7));
    }

    #[test]
    fn since_is_zero_for_the_future() {
        assert_eq!(Millis(9).since(Millis(4)), Duration::from_millis(5));
        assert_eq!(Millis(4).since(Millis(9)), Duration::ZERO);
    }

    #[test]
    fn the_clock_never_goes_back() {
        let clock = Clock::start();
        let first = clock.now();
        assert!(clock.now() >= first);
    }
}
