//! A few connections under one clock, from their begin until each of them has ended.

use crate::memory;
use crate::random::Random;
use crate::trace::Trace;

/// A connection with both of its ends.
pub trait Pair {
    /// When something arrives next, at one of the ends.
    fn next_arrival(&self) -> Option<u64>;

    /// Takes what arrived, lets both ends do what they can, sends what they say. When it has to be called again, unless something arrives before.
    fn turn(&mut self, scene: &mut Scene) -> Option<u64>;

    /// Whether both ends have ended.
    fn is_over(&self) -> bool;
}

/// The clock, the numbers, and the story.
pub struct Scene {
    /// Milliseconds.
    pub now: u64,
    pub random: Random,
    pub trace: Trace,
    /// Bytes of memory that all of it may hold.
    pub most_memory: usize,
}

/// Turns of all connections of a scene: many times what one needs.
const TURNS: u64 = 400_000;
/// Nothing takes a day.
const LONGEST: u64 = 24 * 60 * 60 * 1000;

/// Runs until all are over. How many turns that took.
///
/// # Panics
/// They never are.
pub fn run<P: Pair>(scene: &mut Scene, pairs: &mut [P]) -> u64 {
    let mut wake = vec![Some(0); pairs.len()];
    let before = memory::held();
    for turn in 0..TURNS {
        let first = scene.random.below(pairs.len());
        let mut next = None;
        for index in (first..pairs.len()).chain(0..first) {
            if pairs[index].is_over() {
                continue;
            }
            let arrival = pairs[index].next_arrival();
            let at = [wake[index], arrival].into_iter().flatten().min();
            assert!(at.is_some(), "connection {index} waits for nothing, and has not ended");
            // The first of those at the same time, which the seed chose: between connections there is no order.
            if let Some(at) = at
                && next.is_none_or(|(before, _)| at < before)
            {
                next = Some((at, index));
            }
        }
        let Some((at, index)) = next else { return turn };
        scene.now = scene.now.max(at);
        assert!(scene.now < LONGEST, "connection {index} goes on for ever");
        scene.trace.at(scene.now, index);
        wake[index] = pairs[index].turn(scene);
        let held = memory::held() - before;
        assert!(held <= scene.most_memory as isize, "{held} bytes are held, {} at most", scene.most_memory);
    }
    panic!("no end after {TURNS} turns");
}
