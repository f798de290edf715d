//! Whose turn it is to send content: the most urgent first, and those of one urgency in turns (RFC 9218 section 10).

use super::streams::Streams;

/// The end of a list.
const NONE: u32 = u32::MAX;

/// The neighbours of a stream in the list of its urgency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    before: u32,
    behind: u32,
    /// The list it is in, which a change of its priority does not change at once.
    urgency: u8,
}

impl Link {
    pub(super) const NONE: Link = Link { before: NONE, behind: NONE, urgency: 0 };
}

/// The streams that have something to send and a window for it: a list for each urgency, through the slots.
#[derive(Debug)]
pub(super) struct Scheduler {
    first: [u32; 8],
    last: [u32; 8],
    /// A bit for each list that is not empty.
    filled: u8,
}

impl Scheduler {
    pub(super) const fn new() -> Self {
        Scheduler { first: [NONE; 8], last: [NONE; 8], filled: 0 }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// The slot of the next one.
    #[inline]
    pub(super) fn next(&self) -> Option<u32> {
        self.first.get(self.filled.trailing_zeros() as usize).copied()
    }

    /// Puts a stream behind the others of its urgency. One that is there already stays where it is.
    pub(super) fn push(&mut self, streams: &mut Streams, slot: u32) {
        let Some(stream) = streams.at(slot).filter(|stream| !stream.queued) else { return };
        let urgency = stream.priority.urgency & 7;
        let at = usize::from(urgency);
        let (Some(first), Some(last)) = (self.first.get_mut(at), self.last.get_mut(at)) else { return };
        let before = std::mem::replace(last, slot);
        stream.queued = true;
        stream.link = Link { before, behind: NONE, urgency };
        if before == NONE {
            *first = slot;
            self.filled |= 1 << urgency;
        } else if let Some(before) = streams.at(before) {
            before.link.behind = slot;
        }
    }

    /// Takes a stream out, if it is there.
    pub(super) fn remove(&mut self, streams: &mut Streams, slot: u32) {
        let Some(stream) = streams.at(slot).filter(|stream| stream.queued) else { return };
        stream.queued = false;
        let Link { before, behind, urgency } = std::mem::replace(&mut stream.link, Link::NONE);
        let at = usize::from(urgency & 7);
        match streams.at(before) {
            Some(before) => before.link.behind = behind,
            None => self.set(at, true, behind),
        }
        match streams.at(behind) {
            Some(behind) => behind.link.before = before,
            None => self.set(at, false, before),
        }
        if self.first.get(at) == Some(&NONE) {
            self.filled &= !(1 << at);
        }
    }

    /// Puts a stream behind the others of its urgency, also if it was there.
    pub(super) fn rotate(&mut self, streams: &mut Streams, slot: u32) {
        self.remove(streams, slot);
        self.push(streams, slot);
    }

    fn set(&mut self, at: usize, first: bool, slot: u32) {
        let ends = if first { &mut self.first } else { &mut self.last };
        if let Some(end) = ends.get_mut(at) {
            *end = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2::stream::Stream;
    use crate::section::priority::Priority;

    /// Streams with these urgencies; their slots are 0, 1, ...
    fn streams(urgencies: &[u8]) -> (Scheduler, Streams) {
        let (mut scheduler, mut streams) = (Scheduler::new(), Streams::default());
        for (slot, &urgency) in urgencies.iter().enumerate() {
            let mut stream = Stream::new(2 * slot as u32 + 1, 0, 0);
            stream.priority = Priority { urgency, incremental: true };
            streams.insert(stream);
            scheduler.push(&mut streams, slot as u32);
        }
        (scheduler, streams)
    }

    #[test]
    fn the_most_urgent_first_and_then_in_turns() {
        let (mut scheduler, mut streams) = streams(&[3, 1, 3, 7, 1]);
        let mut order = Vec::new();
        for _ in 0..4 {
            let slot = scheduler.next().unwrap();
            order.push(slot);
            scheduler.rotate(&mut streams, slot);
        }
        assert_eq!(order, [1, 4, 1, 4]);
        scheduler.remove(&mut streams, 1);
        scheduler.remove(&mut streams, 4);
        scheduler.remove(&mut streams, 4);
        assert_eq!(scheduler.next(), Some(0));
        scheduler.rotate(&mut streams, 0);
        assert_eq!(scheduler.next(), Some(2));
        for (slot, next) in [(2, Some(0)), (0, Some(3)), (3, None)] {
            scheduler.remove(&mut streams, slot);
            assert_eq!(scheduler.next(), next);
        }
        assert!(scheduler.is_empty());
    }

    #[test]
    fn one_may_leave_from_the_middle_and_come_back() {
        let (mut scheduler, mut streams) = streams(&[3, 3, 3]);
        scheduler.remove(&mut streams, 1);
        scheduler.push(&mut streams, 0);
        scheduler.push(&mut streams, 1);
        let mut order = Vec::new();
        while let Some(slot) = scheduler.next() {
            order.push(slot);
            scheduler.remove(&mut streams, slot);
        }
        assert_eq!(order, [0, 2, 1]);
    }

    #[test]
    fn a_changed_urgency_counts_when_it_is_queued_anew() {
        let (mut scheduler, mut streams) = streams(&[3, 3]);
        streams.at(1).unwrap().priority.urgency = 0;
        assert_eq!(scheduler.next(), Some(0));
        scheduler.rotate(&mut streams, 1);
        assert_eq!(scheduler.next(), Some(1));
    }
}
