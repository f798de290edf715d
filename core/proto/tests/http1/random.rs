//! Numbers that are the same in every run (a linear congruential generator).

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1))
    }

    /// In `0..bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % bound
    }

    pub fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub fn bytes(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(256) as u8).collect()
    }

    /// The text in pieces of random lengths.
    pub fn pieces<'a>(&mut self, mut text: &'a [u8]) -> Vec<&'a [u8]> {
        let longest = *self.pick(&[1, 3, 20, 500, 100_000]);
        let mut pieces = Vec::new();
        while !text.is_empty() {
            let (piece, rest) = text.split_at((1 + self.below(longest)).min(text.len()));
            pieces.push(piece);
            text = rest;
        }
        pieces
    }
}
