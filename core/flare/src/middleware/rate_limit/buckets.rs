//! Token buckets by key, in memory that does not grow.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};

/// Locks that several workers rarely want at once.
const SHARDS: usize = 16;

/// Nanoseconds since some start.
pub(super) type Nanos = u64;

/// What a request found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) allowed: bool,
    /// Whole tokens that are left.
    pub(super) remaining: u64,
    /// Until the bucket has a token.
    pub(super) wait: Nanos,
    /// Until the bucket is full.
    pub(super) until_full: Nanos,
}

/// How buckets fill.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    pub(super) capacity: u64,
    /// From one token to the next.
    pub(super) interval: Nanos,
}

impl Rate {
    /// Takes a token from a bucket, if it has one. A bucket is the time when it will be full: all that is known of it, and when
    /// that time has passed, it need not be known any more.
    fn take(self, full_at: &mut Nanos, now: Nanos) -> Verdict {
        let size = self.capacity.saturating_mul(self.interval);
        let missing = full_at.saturating_sub(now);
        let with_this = missing.saturating_add(self.interval);
        let allowed = with_this <= size;
        let missing = if allowed { with_this } else { missing };
        *full_at = now.saturating_add(missing);
        Verdict {
            allowed,
            remaining: size.saturating_sub(missing) / self.interval.max(1),
            wait: missing.saturating_add(self.interval).saturating_sub(size),
            until_full: missing,
        }
    }
}

/// A bounded number of buckets.
pub(super) struct Buckets<K> {
    rate: Rate,
    hasher: RandomState,
    shards: [Mutex<Shard<K>>; SHARDS],
}

/// Buckets in two generations. When the young one is full, those that are full again go, and if that is not enough, it becomes
/// the old one, and the old one goes: the buckets that were not used for longest.
struct Shard<K> {
    young: HashMap<K, Nanos>,
    old: HashMap<K, Nanos>,
    /// The most in each generation.
    most: usize,
}

impl<K: Hash + Eq + Copy> Buckets<K> {
    /// Room for `most` buckets, or a few more so that all shards have as many.
    pub(super) fn new(rate: Rate, most: usize) -> Self {
        let most = most.div_ceil(2 * SHARDS).max(1);
        let shard = |_| Mutex::new(Shard { young: HashMap::new(), old: HashMap::new(), most });
        Self { rate, hasher: RandomState::new(), shards: std::array::from_fn(shard) }
    }

    pub(super) fn take(&self, key: K, now: Nanos) -> Verdict {
        // In range whatever the key: the remainder is below the number of shards.
        let index = (self.hasher.hash_one(key) % SHARDS as u64) as usize;
        let shard = &self.shards[index];
        shard.lock().unwrap_or_else(PoisonError::into_inner).take(self.rate, key, now)
    }
}

impl<K: Hash + Eq + Copy> Shard<K> {
    fn take(&mut self, rate: Rate, key: K, now: Nanos) -> Verdict {
        if let Some(bucket) = self.young.get_mut(&key) {
            return rate.take(bucket, now);
        }
        let mut bucket = self.old.remove(&key).unwrap_or(now);
        let verdict = rate.take(&mut bucket, now);
        if self.young.len() >= self.most {
            self.make_room(now);
        }
        self.young.insert(key, bucket);
        verdict
    }

    fn make_room(&mut self, now: Nanos) {
        self.young.retain(|_, full_at| *full_at > now);
        // Some room only: the next search would come too soon.
        if self.young.len() > self.most / 2 {
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = 1_000_000_000;

    impl<K: Hash + Eq + Copy> Buckets<K> {
        /// How many buckets there are, and for how many there is memory.
        fn size(&self) -> (usize, usize) {
            let mut size = (0, 0);
            for shard in &self.shards {
                let shard = shard.lock().unwrap();
                size.0 += shard.young.len() + shard.old.len();
                size.1 += shard.young.capacity() + shard.old.capacity();
            }
            size
        }
    }

    fn buckets(capacity: u64, interval: Nanos, most: usize) -> Buckets<u64> {
        Buckets::new(Rate { capacity, interval }, most)
    }

    #[test]
    fn a_bucket_empties_and_fills() {
        let buckets = buckets(3, SECOND, 100);
        let take = |now| {
            let Verdict { allowed, remaining, wait, until_full } = buckets.take(7, now);
            (allowed, remaining, wait, until_full)
        };
        assert_eq!(take(0), (true, 2, 0, SECOND));
        assert_eq!(take(0), (true, 1, 0, 2 * SECOND));
        assert_eq!(take(0), (true, 0, SECOND, 3 * SECOND));
        assert_eq!(take(0), (false, 0, SECOND, 3 * SECOND));
        assert_eq!(take(SECOND / 4), (false, 0, SECOND * 3 / 4, SECOND * 11 / 4), "a refusal costs nothing");
        assert_eq!(take(SECOND), (true, 0, SECOND, 3 * SECOND));
        assert_eq!(take(3 * SECOND + SECOND / 2), (true, 1, 0, 3 * SECOND / 2), "halves of tokens count");
        assert_eq!(take(99 * SECOND), (true, 2, 0, SECOND), "a full bucket does not overflow");
        assert_eq!(
            take(50 * SECOND),
            (false, 0, 48 * SECOND, 50 * SECOND),
            "a clock that goes back gives nothing away"
        );
        assert!(buckets.take(8, 0).allowed, "another key has its own");
    }

    #[test]
    fn over_time_no_more_pass_than_the_rate_allows() {
        let buckets = buckets(10, SECOND / 5, 100);
        let passed = (0..10_000_u64).filter(|turn| buckets.take(1, turn * SECOND / 100).allowed).count();
        // 10 at once, and 5 each second for 100 seconds.
        assert!((509..=510).contains(&passed), "{passed}");
    }

    #[test]
    fn a_scan_of_millions_of_keys_takes_no_more_memory_than_allowed() {
        const MOST: usize = 4096;
        // Buckets that stay not full for longer than the scan lasts: nothing can be forgotten for free.
        let buckets = buckets(2, 3600 * SECOND, MOST);
        let mut highest = (0, 0);
        for key in 0..2_000_000_u64 {
            assert!(buckets.take(key, key).allowed);
            if key % 4096 == 0 {
                let size = buckets.size();
                highest = (highest.0.max(size.0), highest.1.max(size.1));
            }
        }
        assert!((MOST / 2..=MOST).contains(&highest.0), "{highest:?}");
        assert!(highest.1 <= 4 * MOST, "{highest:?}");
    }

    #[test]
    fn a_key_that_is_used_stays_through_a_scan() {
        let buckets = buckets(1, 3600 * SECOND, 1024);
        assert!(buckets.take(u64::MAX, 0).allowed);
        for key in 0..200_000 {
            buckets.take(key, 0);
            if key % 16 == 0 {
                assert!(!buckets.take(u64::MAX, 0).allowed, "forgotten after {key}");
            }
        }
    }

    #[test]
    fn full_buckets_go_first() {
        let slow = Rate { capacity: 1, interval: 3600 * SECOND };
        let quick = Rate { capacity: 1, interval: 1 };
        let mut shard = Shard { young: HashMap::new(), old: HashMap::new(), most: 64 };
        assert!(shard.take(slow, u64::MAX, 0).allowed);
        for key in 0..10_000 {
            assert!(shard.take(quick, key, 10 * key).allowed);
        }
        assert!(!shard.take(slow, u64::MAX, 100_000).allowed, "forgotten though full ones were there");
    }
}
