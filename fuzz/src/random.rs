//! Numbers that are the same in every run, and inputs that are changed by them.

/// SplitMix64.
pub struct Random(u64);

impl Random {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// In `0..bound`; `bound` is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as usize % bound
    }

    /// One of the samples, changed in up to four places: bytes replaced, removed, doubled, or taken from another sample.
    /// `samples` is not empty.
    pub fn mutated(&mut self, samples: &[Vec<u8>]) -> Vec<u8> {
        const ODD: &[u8] = b"\r\n\0 \t:;,\"%/?*=@09afxX\x7f\x80\xff";
        let mut text = samples[self.below(samples.len())].clone();
        for _ in 0..1 + self.below(4) {
            let at = self.below(text.len() + 1);
            let end = (at + 1 + self.below(16)).min(text.len());
            match self.below(8) {
                0 if at < text.len() => text[at] = self.below(256) as u8,
                1 if at < text.len() => text[at] = ODD[self.below(ODD.len())],
                2 if at < text.len() => text[at] ^= 1 << self.below(8),
                3 => text.insert(at, ODD[self.below(ODD.len())]),
                4 if at < end => drop(text.drain(at..end)),
                5 if at < end => {
                    let copy = text[at..end].to_vec();
                    text.splice(at..at, copy);
                }
                6 => {
                    let other = &samples[self.below(samples.len())];
                    let start = self.below(other.len() + 1);
                    let piece = other[start..(start + self.below(40)).min(other.len())].to_vec();
                    text.splice(at..at, piece);
                }
                _ => text.truncate(at.max(1)),
            }
        }
        text
    }
}
