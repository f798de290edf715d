//! Numbers that are the same in each run.

/// A deterministic generator (xorshift): a failure can be repeated.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % end
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Of a few bytes or of many, but at least one and at most `most`, which is not 0.
    pub fn length(&mut self, most: usize) -> usize {
        let end = [8, 2_000, 30_000, 400_000][self.below(4)];
        1 + self.below(end).min(most - 1)
    }
}
