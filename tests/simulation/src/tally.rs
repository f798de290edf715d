//! What was counted.

use crate::scene::Scene;

#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    pub connections: u64,
    /// Exchanges, or messages, or streams: whatever the protocol is about.
    pub exchanges: u64,
    /// Those that arrived whole.
    pub whole: u64,
    /// Those that an end let go of.
    pub left: u64,
    /// Connections that the network broke.
    pub broken: u64,
    /// Bytes that arrived.
    pub bytes: u64,
    pub turns: u64,
    /// Virtual milliseconds.
    pub time: u64,
    /// Two runs with the same one were the same.
    pub digest: u64,
}

impl Tally {
    /// The end of a scene.
    pub fn end(mut self, scene: Scene) -> Self {
        self.time = scene.now;
        self.digest = scene.trace.digest();
        self
    }

    pub fn add(&mut self, other: &Tally) {
        self.connections += other.connections;
        self.exchanges += other.exchanges;
        self.whole += other.whole;
        self.left += other.left;
        self.broken += other.broken;
        self.bytes += other.bytes;
        self.turns += other.turns;
        self.time += other.time;
        self.digest = self.digest.rotate_left(5) ^ other.digest;
    }
}
