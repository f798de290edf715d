//! A bound on how often something is done for strangers.

use std::time::{Duration, Instant};

/// So many at once, and so many more each second.
pub(super) struct Budget {
    left: u32,
    most: u32,
    each: Duration,
    /// Until when the budget was filled.
    filled: Option<Instant>,
}

impl Budget {
    /// `per_second` of them, 0 is never; up to a second's worth at once.
    pub(super) fn per_second(per_second: u32) -> Self {
        let each = Duration::from_secs(1).checked_div(per_second).unwrap_or(Duration::MAX);
        Self { left: per_second, most: per_second, each, filled: None }
    }

    /// Takes one. False: there is none left now.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let filled = *self.filled.get_or_insert(now);
        let gained = now.saturating_duration_since(filled).as_nanos() / self.each.as_nanos().max(1);
        let gained = u32::try_from(gained).unwrap_or(u32::MAX);
        if gained >= self.most {
            (self.left, self.filled) = (self.most, Some(now));
        } else if gained > 0 {
            self.left = self.left.saturating_add(gained).min(self.most);
            self.filled = Some(filled + self.each * gained);
        }
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_as_many_as_it_should() {
        let mut budget = Budget::per_second(100);
        let start = Instant::now();
        assert_eq!((0..1000).filter(|_| budget.take(start)).count(), 100);
        let steps = (1..=1000).filter(|step| budget.take(start + Duration::from_millis(*step)));
        assert_eq!(steps.count(), 100);
        let later = start + Duration::from_secs(60);
        assert_eq!((0..1000).filter(|_| budget.take(later)).count(), 100);
        assert!(!Budget::per_second(0).take(start));
    }
}
