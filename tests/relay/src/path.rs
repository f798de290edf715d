//! What is under way in one direction between one client and the server.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// The longest time that a datagram waits for another to overtake it.
const HELD: Duration = Duration::from_millis(20);

/// Datagrams that wait for their time. The one that is held back leaves behind the next.
#[derive(Debug, Default)]
pub(crate) struct Path {
    /// By time, and by arrival among those of one time.
    waiting: BTreeMap<(Instant, u64), Vec<u8>>,
    held: Option<(Instant, Vec<u8>)>,
    arrivals: u64,
}

impl Path {
    /// A datagram that leaves at this time, and behind it the one that was held.
    pub(crate) fn add(&mut self, at: Instant, bytes: Vec<u8>) {
        let held = self.held.take().map(|(_, held)| held);
        for bytes in [Some(bytes), held].into_iter().flatten() {
            self.arrivals += 1;
            self.waiting.insert((at, self.arrivals), bytes);
        }
    }

    /// A datagram that leaves behind the next. False: another is held already.
    pub(crate) fn hold(&mut self, at: Instant, bytes: &[u8]) -> bool {
        if self.held.is_some() {
            return false;
        }
        self.held = Some((at + HELD, bytes.to_vec()));
        true
    }

    /// When there is something to do next.
    pub(crate) fn next(&self) -> Option<Instant> {
        let waiting = self.waiting.keys().next().map(|(at, _)| *at);
        let held = self.held.as_ref().map(|(at, _)| *at);
        [waiting, held].into_iter().flatten().min()
    }

    /// The datagrams that leave now, in their order.
    pub(crate) fn due(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut due = Vec::new();
        while let Some(first) = self.waiting.first_entry()
            && first.key().0 <= now
        {
            due.push(first.remove());
        }
        if let Some((_, held)) = self.held.take_if(|(at, _)| *at <= now) {
            due.push(held);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn datagrams_leave_by_time_and_the_held_one_behind_the_next() {
        let start = Instant::now();
        let after = |millis| start + Duration::from_millis(millis);
        let mut path = Path::default();
        assert_eq!(path.next(), None);
        path.add(after(5), b"five".into());
        path.add(after(2), b"two".into());
        assert!(path.hold(start, b"held"));
        assert!(!path.hold(start, b"one too many"));
        path.add(after(2), b"too".into());
        assert_eq!(path.next(), Some(after(2)));
        assert!(path.due(after(1)).is_empty());
        assert_eq!(path.due(after(2)), [&b"two"[..], b"too", b"held"]);
        assert_eq!(path.due(after(9)), [b"five"]);

        assert!(path.hold(after(9), b"alone"));
        assert_eq!(path.next(), Some(after(29)));
        assert!(path.due(after(28)).is_empty());
        assert_eq!(path.due(after(29)), [b"alone"]);
        assert_eq!(path.next(), None);
    }
}
