//! Budgets for what costs this end and brings it nothing.

use super::error::ConnectionError;
use super::limits::Limits;
use crate::rate::{Budget, Rate};

/// What has a budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cost {
    Reset,
    Settings,
    Ping,
    Priority,
    WindowUpdate,
    EmptyFrame,
    IdleFrame,
}

const COSTS: usize = 7;

impl Cost {
    fn rate(self, limits: &Limits) -> Rate {
        match self {
            Cost::Reset => limits.resets,
            Cost::Settings => limits.settings,
            Cost::Ping => limits.pings,
            Cost::Priority => limits.priorities,
            Cost::WindowUpdate => limits.window_updates,
            Cost::EmptyFrame => limits.empty_frames,
            Cost::IdleFrame => limits.idle_frames,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Cost::Reset => "too many streams were reset",
            Cost::Settings => "too many SETTINGS",
            Cost::Ping => "too many PINGs",
            Cost::Priority => "too many priorities",
            Cost::WindowUpdate => "too many WINDOW_UPDATEs",
            Cost::EmptyFrame => "too many empty frames",
            Cost::IdleFrame => "too many frames without effect",
        }
    }
}

/// What was spent of each budget, and since when.
#[derive(Debug, Default)]
pub(super) struct Budgets([Budget; COSTS]);

impl Budgets {
    pub(super) fn spend(&mut self, cost: Cost, limits: &Limits, now: u64) -> Result<(), ConnectionError> {
        let rate = cost.rate(limits);
        let Some(budget) = self.0.get_mut(cost as usize) else { return Ok(()) };
        if budget.spend(rate, now) { Ok(()) } else { Err(ConnectionError::calm(cost.reason())) }
    }

    /// The connection is used for what it is there for.
    #[inline]
    pub(super) fn refund(&mut self, cost: Cost, count: u32) {
        if let Some(budget) = self.0.get_mut(cost as usize) {
            budget.refund(count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_a_rate() {
        let limits = Limits { pings: Rate { burst: 3, per_second: 2 }, ..Limits::default() };
        let mut budgets = Budgets::default();
        let mut spend = |now| budgets.spend(Cost::Ping, &limits, now).is_ok();
        assert_eq!([spend(1000), spend(1000), spend(1000)], [true; 3]);
        // From the start a second has gone by.
        assert_eq!([spend(1000), spend(1000), spend(1000)], [true, true, false]);
        assert_eq!([spend(1499), spend(1500), spend(1999), spend(2000)], [false, true, false, true]);
        // However long it was quiet, not more than the burst.
        assert_eq!([spend(90_000), spend(90_000), spend(90_000), spend(90_000)], [true, true, true, false]);
    }

    #[test]
    fn use_refills() {
        let limits = Limits { pings: Rate { burst: 2, per_second: 0 }, ..Limits::default() };
        let mut budgets = Budgets::default();
        for _ in 0..10 {
            budgets.spend(Cost::Ping, &limits, 0).unwrap();
            budgets.refund(Cost::Ping, 1);
        }
        budgets.refund(Cost::Ping, 100);
        budgets.spend(Cost::Ping, &limits, 0).unwrap();
        budgets.spend(Cost::Ping, &limits, 0).unwrap();
        assert_eq!(budgets.spend(Cost::Ping, &limits, u64::MAX).unwrap_err().reason, "too many PINGs");
    }
}
