//! Datagrams on their way out.

use super::Ecn;
use std::net::SocketAddr;
use std::ops::Range;

/// The most datagrams that Linux sends as one message (UDP_MAX_SEGMENTS of kernels before 6.9).
const MOST_SEGMENTS: usize = 64;
/// The most bytes of several datagrams that are sent as one message: what the length field of IPv6 leaves when its header is counted, as
/// Linux does. IPv4 would take 20 more.
const MOST_BYTES: usize = 65_487;

/// Datagrams to send, in order. Each is written into [`Transmits::space`] and then committed, or pushed. Neighbours of one size with the same
/// addresses become one message of the system by themselves (the last of them may be shorter), so whoever writes datagrams of one
/// connection next to each other gets the cheap way. Who has datagrams of one size in one piece writes them all into one space and
/// says so with [`Transmits::commit_run`].
///
/// One buffer serves a whole worker: [`Driver::send_datagrams`](crate::Driver::send_datagrams) empties it and its memory is reused.
#[derive(Debug, Default)]
pub struct Transmits {
    /// Only the first `used` bytes are datagrams. The others were written before, or are zero: so nothing is cleared twice.
    bytes: Vec<u8>,
    used: usize,
    runs: Vec<Run>,
    /// How many of `runs` are gone already.
    gone: usize,
}

/// Datagrams of one size to one address, of which the last may be shorter: one message, where the system segments.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) to: SocketAddr,
    pub(crate) from: Option<SocketAddr>,
    pub(crate) ecn: Ecn,
    place: Range<usize>,
    /// The size of each datagram but the last. 0 for a single empty one.
    segment: usize,
    /// Nothing can be added.
    closed: bool,
    /// To be sent one by one: as one message it was refused.
    pub(crate) apart: bool,
}

impl Run {
    /// How many datagrams.
    pub(crate) fn count(&self) -> usize {
        if self.segment == 0 { 1 } else { self.place.len().div_ceil(self.segment) }
    }

    pub(crate) fn segment(&self) -> usize {
        self.segment
    }

    /// Whether it goes as one message.
    pub(crate) fn is_whole(&self, segments: bool) -> bool {
        self.count() == 1 || (segments && !self.apart)
    }

    fn takes(&self, length: usize, to: SocketAddr, from: Option<SocketAddr>, ecn: Ecn) -> bool {
        !self.closed
            && length <= self.segment
            && length > 0
            && self.to == to
            && self.from == from
            && self.ecn == ecn
            // All of them have this size, for it is not closed: no need to divide for their number.
            && self.place.len() < self.segment * MOST_SEGMENTS
            && self.place.len() + length <= MOST_BYTES
    }
}

impl Transmits {
    /// Nothing to send. Allocates nothing.
    pub const fn new() -> Transmits {
        Transmits { bytes: Vec::new(), used: 0, runs: Vec::new(), gone: 0 }
    }

    /// Room for at most `most` bytes of datagrams, to be written from its begin and then committed. What is in it is left from before.
    pub fn space(&mut self, most: usize) -> &mut [u8] {
        let end = self.used.saturating_add(most);
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes.get_mut(self.used..end).unwrap_or_default()
    }

    /// Makes a datagram of the first `length` bytes of [`Transmits::space`]; more than that gave count as all of it.
    ///
    /// `from` is the local address that it is sent from, for a socket that is bound to all addresses: the `to` of the datagrams that it
    /// answers. `None` leaves it to the system. Its port is not looked at, and a socket that is bound to one address has no choice.
    pub fn commit(&mut self, length: usize, to: SocketAddr, from: Option<SocketAddr>, ecn: Ecn) {
        let begin = self.used;
        let length = length.min(self.bytes.len() - begin);
        self.used += length;
        if let Some(last) = self.runs.last_mut()
            && last.takes(length, to, from, ecn)
        {
            last.place.end = self.used;
            last.closed = length < last.segment;
            return;
        }
        let place = begin..self.used;
        self.runs.push(Run { to, from, ecn, place, segment: length, closed: false, apart: false });
    }

    /// Adds a copy of one datagram: see [`Transmits::commit`].
    pub fn push(&mut self, datagram: &[u8], to: SocketAddr, from: Option<SocketAddr>, ecn: Ecn) {
        self.space(datagram.len()).copy_from_slice(datagram);
        self.commit(datagram.len(), to, from, ecn);
    }

    /// Makes datagrams of `segment` bytes, any number of them, of the first `length` bytes of [`Transmits::space`], where they lie one behind
    /// the other; the last may be shorter. With a `segment` of 0 they are one. The rest is as with [`Transmits::commit`].
    pub fn commit_run(
        &mut self,
        length: usize,
        segment: usize,
        to: SocketAddr,
        from: Option<SocketAddr>,
        ecn: Ecn,
    ) {
        let end = self.bytes.len().min(self.used.saturating_add(length));
        let segment = if segment == 0 { end.saturating_sub(self.used) } else { segment };
        let most = segment.saturating_mul((MOST_BYTES / segment.max(1)).clamp(1, MOST_SEGMENTS));
        while self.used < end {
            let place = self.used..end.min(self.used.saturating_add(most));
            self.used = place.end;
            let segment = segment.min(place.len());
            self.runs.push(Run { to, from, ecn, place, segment, closed: true, apart: false });
        }
    }

    /// How many bytes of datagrams there are.
    pub fn size(&self) -> usize {
        match self.runs().first() {
            Some(first) => self.used - first.place.start,
            None => 0,
        }
    }

    /// How many datagrams there are.
    pub fn len(&self) -> usize {
        self.runs().iter().map(Run::count).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.runs().is_empty()
    }

    /// Forgets everything. The memory stays for the next use.
    pub fn clear(&mut self) {
        self.used = 0;
        self.runs.clear();
        self.gone = 0;
    }

    /// The runs that are not gone.
    pub(crate) fn runs(&self) -> &[Run] {
        self.runs.get(self.gone..).unwrap_or_default()
    }

    pub(crate) fn first_mut(&mut self) -> Option<&mut Run> {
        self.runs.get_mut(self.gone)
    }

    /// The bytes of a run.
    pub(crate) fn bytes_of(&self, run: &Run) -> &[u8] {
        self.bytes.get(run.place.clone()).unwrap_or_default()
    }

    /// Takes messages off the front: whole runs, or, of runs that do not go as one, single datagrams. Says how many datagrams and bytes
    /// that was.
    pub(crate) fn take(&mut self, messages: usize, segments: bool) -> (usize, usize) {
        let (mut left, mut datagrams, mut bytes) = (messages, 0, 0);
        while left > 0
            && let Some(run) = self.runs.get_mut(self.gone)
        {
            let count = run.count();
            if run.is_whole(segments) || count <= left {
                left -= if run.is_whole(segments) { 1 } else { count };
                datagrams += count;
                bytes += run.place.len();
                self.gone += 1;
            } else {
                let length = left * run.segment;
                run.place.start += length;
                datagrams += left;
                bytes += length;
                left = 0;
            }
        }
        (datagrams, bytes)
    }

    /// Moves everything in `from` behind what is here, as long as it fits into `limit` bytes. Says how many datagrams did not, and empties
    /// `from`.
    pub(crate) fn append(&mut self, from: &mut Transmits, limit: usize) -> usize {
        self.forget_gone();
        let mut left_out = 0;
        for run in from.runs() {
            if left_out > 0 || self.used + run.place.len() > limit {
                left_out += run.count();
                continue;
            }
            let bytes = from.bytes_of(run);
            self.space(bytes.len()).copy_from_slice(bytes);
            let begin = self.used;
            self.used += bytes.len();
            let place = begin..self.used;
            self.runs.push(Run { place, closed: true, ..*run });
        }
        from.clear();
        left_out
    }

    /// Gives the memory of what is gone to what comes.
    fn forget_gone(&mut self) {
        let begin = self.runs().first().map_or(self.used, |first| first.place.start);
        if begin > 0 {
            self.bytes.copy_within(begin..self.used, 0);
            self.used -= begin;
            self.runs.drain(..self.gone);
            self.gone = 0;
            for run in &mut self.runs {
                run.place = run.place.start - begin..run.place.end - begin;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn of(lengths: &[usize]) -> Transmits {
        let mut transmits = Transmits::new();
        lengths.iter().for_each(|length| transmits.push(&vec![7; *length], to(1), None, Ecn::NotEct));
        transmits
    }

    /// How many datagrams are in each run.
    fn counts(transmits: &Transmits) -> Vec<usize> {
        transmits.runs().iter().map(Run::count).collect()
    }

    #[test]
    fn neighbours_of_one_size_are_a_run() {
        assert_eq!(counts(&of(&[10, 10, 10])), [3]);
        // The last may be shorter; nothing comes behind it.
        assert_eq!(counts(&of(&[10, 10, 9, 10, 9, 9])), [3, 2, 1]);
        // A longer one begins another run.
        assert_eq!(counts(&of(&[10, 11, 11, 12])), [1, 2, 1]);
        // Empty ones are alone.
        assert_eq!(counts(&of(&[0, 0, 5, 0, 5])), [1, 1, 1, 1, 1]);
    }

    #[test]
    fn a_run_has_one_address_at_each_end_and_one_mark() {
        let mut transmits = Transmits::new();
        for (to, from, ecn) in [
            (to(1), None, Ecn::NotEct),
            (to(2), None, Ecn::NotEct),
            (to(2), Some(to(3)), Ecn::NotEct),
            (to(2), Some(to(3)), Ecn::Ect0),
            (to(2), Some(to(3)), Ecn::Ect0),
        ] {
            transmits.push(b"abc", to, from, ecn);
        }
        assert_eq!(counts(&transmits), [1, 1, 1, 2]);
    }

    #[test]
    fn a_run_is_no_longer_than_a_message_can_be() {
        assert_eq!(counts(&of(&[1; 130])), [64, 64, 2]);
        assert_eq!(counts(&of(&[1472; 50])), [44, 6]);
        assert_eq!(counts(&of(&[32_743, 32_743, 32_743, 32_744, 32_744])), [2, 1, 1, 1]);
        assert_eq!(counts(&of(&[70_000, 70_000])), [1, 1]);
    }

    #[test]
    fn what_was_not_committed_is_not_sent() {
        let mut transmits = Transmits::new();
        transmits.space(100).fill(1);
        transmits.space(50).fill(2);
        transmits.commit(3, to(1), None, Ecn::NotEct);
        // More than there is room for.
        let space = transmits.space(97).len();
        transmits.commit(usize::MAX, to(1), None, Ecn::NotEct);
        let bytes: Vec<_> = transmits.runs().iter().map(|run| transmits.bytes_of(run).to_vec()).collect();
        assert_eq!(bytes, [[2; 3].to_vec(), [[2; 47].to_vec(), [1; 50].to_vec()].concat()]);
        assert_eq!((space, transmits.size(), transmits.len()), (97, 100, 2));
    }

    #[test]
    fn a_run_in_one_piece_is_what_it_says() {
        let mut transmits = of(&[4]);
        for (length, segment) in [(11, 4), (5, 5), (9, 0), (130, 2), (70_000, 60_000), (140_000, 70_000)] {
            transmits.space(length).fill(1);
            transmits.commit_run(length, segment, to(1), None, Ecn::NotEct);
        }
        // Nothing joins them, and nothing comes of no bytes, or of more than there is room for.
        transmits.push(b"1234", to(1), None, Ecn::NotEct);
        transmits.commit_run(0, 4, to(1), None, Ecn::NotEct);
        transmits.commit_run(usize::MAX, 4, to(1), None, Ecn::NotEct);
        assert_eq!(counts(&transmits), [1, 3, 1, 1, 64, 1, 1, 1, 1, 1, 1]);
        let lengths: Vec<_> = transmits.runs().iter().map(|run| transmits.bytes_of(run).len()).collect();
        assert_eq!(lengths, [4, 11, 5, 9, 128, 2, 60_000, 10_000, 70_000, 70_000, 4]);
        assert_eq!(transmits.size(), lengths.iter().sum());
        assert_eq!(transmits.bytes_of(&transmits.runs()[0]), [7; 4]);
    }

    #[test]
    fn taking_counts_messages() {
        let mut transmits = of(&[10, 10, 5, 7, 7]);
        assert_eq!(transmits.take(1, true), (3, 25));
        // One by one: a part of a run.
        assert_eq!(transmits.take(1, false), (1, 7));
        assert_eq!((transmits.len(), transmits.size()), (1, 7));
        assert_eq!(transmits.take(5, false), (1, 7));
        assert!(transmits.is_empty());
        let mut transmits = of(&[10, 10, 5, 7, 7]);
        assert_eq!(transmits.take(4, false), (4, 32));
        assert_eq!((transmits.len(), transmits.size()), (1, 7));
    }

    #[test]
    fn what_waits_is_bounded_and_keeps_its_order() {
        let mut waiting = Transmits::new();
        assert_eq!(waiting.append(&mut of(&[10, 10, 5]), 60), 0);
        // It fits, but not the next one; after that nothing does.
        assert_eq!(waiting.append(&mut of(&[30, 31, 31, 1]), 60), 3);
        assert_eq!((counts(&waiting), waiting.size()), (vec![3, 1], 55));
        // What is gone makes room.
        waiting.take(1, true);
        assert_eq!(waiting.append(&mut of(&[29, 1]), 60), 0);
        assert_eq!((counts(&waiting), waiting.size()), (vec![1, 2], 60));
    }
}
