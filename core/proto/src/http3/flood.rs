//! Budgets for what costs this end and brings it nothing.

use super::error::ConnectionError;
use super::limits::Limits;
use crate::rate::{Budget, Rate};

/// What has a budget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Cost {
    Reset,
    Priority,
    EmptyFrame,
    IdleFrame,
    Instruction,
}

const COSTS: usize = 5;

impl Cost {
    fn rate(self, limits: &Limits) -> Rate {
        match self {
            Cost::Reset => limits.resets,
            Cost::Priority => limits.priorities,
            Cost::EmptyFrame => limits.empty_frames,
            Cost::IdleFrame => limits.idle_frames,
            Cost::Instruction => limits.instructions,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Cost::Reset => "too many streams were reset",
            Cost::Priority => "too many priorities",
            Cost::EmptyFrame => "too many empty frames",
            Cost::IdleFrame => "too many frames without effect",
            Cost::Instruction => "too many instructions of QPACK",
        }
    }
}

/// What was spent of each budget, and since when.
#[derive(Debug, Default)]
pub(super) struct Budgets([Budget; COSTS]);

impl Budgets {
    pub(super) fn spend(&mut self, cost: Cost, limits: &Limits, now: u64) -> Result<(), ConnectionError> {
        let Some(budget) = self.0.get_mut(cost as usize) else { return Ok(()) };
        if budget.spend(cost.rate(limits), now) { Ok(()) } else { Err(ConnectionError::load(cost.reason())) }
    }

    /// The connection is used for what it is there for.
    #[inline]
    pub(super) fn refund(&mut self, cost: Cost, count: u32) {
        if let Some(budget) = self.0.get_mut(cost as usize) {
            budget.refund(count);
        }
    }
}
