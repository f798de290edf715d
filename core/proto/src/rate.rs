//! How often something may happen that costs this end and brings it nothing.

/// How often something may happen: `burst` times at once, and then `per_second` times a second.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rate {
    /// How often at once. At least 1.
    pub burst: u32,
    /// How many more each second. 0: never more, unless the connection is used.
    pub per_second: u32,
}

/// What was spent, and since when.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Budget {
    spent: u32,
    /// When it was refilled by time, in milliseconds.
    refilled: u64,
}

impl Budget {
    /// Whether it may happen once more. `now`: in milliseconds.
    pub(crate) fn spend(&mut self, rate: Rate, now: u64) -> bool {
        if self.spent >= rate.burst.max(1) {
            let elapsed = now.saturating_sub(self.refilled);
            let refill = elapsed.saturating_mul(u64::from(rate.per_second)) / 1000;
            if refill == 0 {
                return false;
            }
            // No more than is spent, so it fits.
            self.spent -= refill.min(u64::from(self.spent)) as u32;
            self.refilled = now;
        }
        self.spent += 1;
        true
    }

    /// The connection is used for what it is there for.
    #[inline]
    pub(crate) fn refund(&mut self, count: u32) {
        self.spent = self.spent.saturating_sub(count);
    }
}
