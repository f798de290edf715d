//! The ways in which an input is cut into pieces.

use crate::random::Random;

/// Inputs up to this length are also fed byte by byte.
const DRIPPED: usize = 600;

/// The text in one piece, in two, in pieces of random length, and byte by byte. `seed` chooses the two that are not fixed.
pub(crate) fn all_ways(text: &[u8], seed: u8) -> Vec<Vec<&[u8]>> {
    let mut random = Random::new(seed.into());
    let mut ways = vec![vec![text]];
    let (first, second) = text.split_at(text.len() * usize::from(seed) / 256);
    ways.push(vec![first, second]);
    ways.push(random_pieces(text, &mut random));
    if text.len() <= DRIPPED {
        ways.push(text.chunks(1).collect());
    }
    ways
}

/// Pieces of random lengths, about as long as one random number says.
pub(crate) fn random_pieces<'a>(mut text: &'a [u8], random: &mut Random) -> Vec<&'a [u8]> {
    let longest = [2, 5, 30, 500][random.below(4)];
    let mut pieces = Vec::new();
    while !text.is_empty() {
        let (piece, rest) = text.split_at((1 + random.below(longest)).min(text.len()));
        pieces.push(piece);
        text = rest;
    }
    pieces
}
