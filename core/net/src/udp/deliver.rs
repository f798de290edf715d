//! Giving datagrams to the system, and what to do when it refuses some.

use super::{Ecn, Transmits, UdpCounters};
use std::io;
use std::net::SocketAddr;

/// One message to the system: a datagram, or several of one size.
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android")),
    expect(dead_code, reason = "a plain call takes bytes and an address")
)]
pub(crate) struct Message<'a> {
    pub(crate) to: SocketAddr,
    pub(crate) from: Option<SocketAddr>,
    pub(crate) ecn: Ecn,
    pub(crate) bytes: &'a [u8],
    /// The size into which the system cuts the bytes. `None`: they are one datagram.
    pub(crate) segment: Option<u16>,
}

/// Where messages go: a socket, or what a test puts in its place.
pub(crate) trait Outlet {
    /// Sends messages in order, and says how many were taken: at least one. An error is about the first.
    fn send<'a>(&mut self, messages: impl Iterator<Item = Message<'a>>) -> io::Result<usize>;
}

/// Sends everything until the outlet takes no more: then true, and what is left stays. `segments` says whether the system cuts messages
/// into datagrams, and becomes false when it refused to.
pub(crate) fn deliver(
    transmits: &mut Transmits,
    outlet: &mut impl Outlet,
    segments: &mut bool,
    counters: &mut UdpCounters,
) -> bool {
    // A run is on trial that was refused as a whole, for a reason that may lie in that.
    let mut trial = false;
    while !transmits.is_empty() {
        let whole = *segments;
        match outlet.send(messages(transmits, whole)) {
            Ok(count) => {
                counters.send_calls += 1;
                let (datagrams, bytes) = transmits.take(count, whole);
                counters.sent += datagrams as u64;
                counters.sent_bytes += bytes as u64;
                // Its datagrams pass one by one: it was the segmentation that the system, or the device, can't do.
                *segments = whole && !std::mem::take(&mut trial);
            }
            Err(error) => match error.raw_os_error() {
                Some(libc::EAGAIN) => return true,
                Some(libc::EINTR) => {}
                code => match transmits.first_mut() {
                    Some(first)
                        if first.count() > 1
                            && first.is_whole(whole)
                            && matches!(code, Some(libc::EIO | libc::EINVAL | libc::EMSGSIZE)) =>
                    {
                        first.apart = true;
                        // A run that is too long for the path is no trial: its last datagram may pass alone.
                        trial = code != Some(libc::EMSGSIZE);
                    }
                    _ => {
                        trial = false;
                        counters.refused += transmits.take(1, whole).0 as u64;
                    }
                },
            },
        }
    }
    transmits.clear();
    false
}

/// What to send, message by message.
fn messages(transmits: &Transmits, segments: bool) -> impl Iterator<Item = Message<'_>> {
    transmits.runs().iter().flat_map(move |run| {
        let bytes = transmits.bytes_of(run);
        let whole = run.is_whole(segments);
        let size = if whole { bytes.len() } else { run.segment() };
        let segment = if run.count() > 1 && whole { u16::try_from(run.segment()).ok() } else { None };
        // An empty datagram has no chunk, and is one nevertheless.
        let pieces = bytes.chunks(size.max(1)).chain(bytes.is_empty().then_some(bytes));
        pieces.map(move |bytes| Message { to: run.to, from: run.from, ecn: run.ecn, bytes, segment })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An outlet that answers as it was told, then takes everything.
    #[derive(Default)]
    struct Scripted {
        /// What each call says: how many messages it takes, or an error.
        answers: Vec<Result<usize, libc::c_int>>,
        /// Each message that was taken: its length, and the size it is cut into.
        taken: Vec<(usize, Option<u16>)>,
    }

    impl Outlet for Scripted {
        fn send<'a>(&mut self, messages: impl Iterator<Item = Message<'a>>) -> io::Result<usize> {
            let most = if self.answers.is_empty() { Ok(usize::MAX) } else { self.answers.remove(0) };
            let before = self.taken.len();
            let messages = messages.take(most.map_err(io::Error::from_raw_os_error)?);
            self.taken.extend(messages.map(|message| (message.bytes.len(), message.segment)));
            Ok(self.taken.len() - before)
        }
    }

    fn to() -> SocketAddr {
        ([127, 0, 0, 1], 9).into()
    }

    /// Four datagrams of 10 bytes and one of 5, then one of 20 to another address.
    fn two_runs() -> Transmits {
        let mut transmits = Transmits::new();
        for length in [10, 10, 10, 10, 5] {
            transmits.push(&vec![1; length], to(), None, Ecn::NotEct);
        }
        transmits.push(&[2; 20], ([127, 0, 0, 1], 10).into(), None, Ecn::NotEct);
        transmits
    }

    /// Delivers two runs. What was taken, whether the outlet was full, whether it still segments, and the numbers.
    fn run(answers: &[Result<usize, libc::c_int>]) -> (Scripted, bool, bool, UdpCounters) {
        let mut outlet = Scripted { answers: answers.to_vec(), ..Scripted::default() };
        let (mut transmits, mut segments, mut counters) = (two_runs(), true, UdpCounters::default());
        let full = deliver(&mut transmits, &mut outlet, &mut segments, &mut counters);
        assert!(outlet.answers.is_empty(), "not asked so often");
        assert_eq!(counters.sent + counters.refused + transmits.len() as u64, 6);
        assert_eq!(transmits.is_empty(), !full);
        (outlet, full, segments, counters)
    }

    const SINGLES: [(usize, Option<u16>); 5] = [(10, None), (10, None), (10, None), (10, None), (5, None)];
    const OTHER: (usize, Option<u16>) = (20, None);

    #[test]
    fn a_run_is_one_message() {
        let (outlet, full, segments, counters) = run(&[]);
        assert_eq!(outlet.taken, [(45, Some(10)), OTHER]);
        assert_eq!((full, segments, counters.sent, counters.send_calls), (false, true, 6, 1));
        assert_eq!(counters.sent_bytes, 65);
    }

    #[test]
    fn what_a_full_outlet_does_not_take_stays() {
        let (outlet, full, ..) = run(&[Err(libc::EAGAIN)]);
        assert!(full && outlet.taken.is_empty());
        let (outlet, full, _, counters) = run(&[Ok(1), Err(libc::EAGAIN)]);
        assert!(full);
        assert_eq!((outlet.taken, counters.sent), (vec![(45, Some(10))], 5));
        let (outlet, full, ..) = run(&[Err(libc::EINTR), Ok(1), Err(libc::EINTR)]);
        assert!(!full);
        assert_eq!(outlet.taken, [(45, Some(10)), OTHER]);
    }

    #[test]
    fn a_device_that_does_not_segment_is_remembered() {
        for code in [libc::EIO, libc::EINVAL] {
            let (outlet, full, segments, counters) = run(&[Err(code)]);
            assert_eq!(outlet.taken, [&SINGLES[..], &[OTHER]].concat());
            assert_eq!((full, segments, counters.refused), (false, false, 0));
        }
        // Also when the socket is full in the middle.
        let (outlet, full, segments, counters) = run(&[Err(libc::EIO), Ok(2), Err(libc::EAGAIN)]);
        assert_eq!(outlet.taken, SINGLES[..2]);
        assert_eq!((full, segments, counters.sent), (true, false, 2));
    }

    #[test]
    fn datagrams_that_are_refused_one_by_one_say_nothing_about_segments() {
        let mut answers = vec![Err(libc::EINVAL); 6];
        let (outlet, _, segments, counters) = run(&answers);
        assert_eq!(outlet.taken, [OTHER]);
        assert_eq!((segments, counters.sent, counters.refused), (true, 1, 5));
        // The first one refused, the others not: the reason was its own.
        answers.truncate(2);
        let (outlet, _, segments, counters) = run(&answers);
        assert_eq!(outlet.taken, [&SINGLES[1..], &[OTHER]].concat());
        assert_eq!((segments, counters.sent, counters.refused), (true, 5, 1));
    }

    #[test]
    fn of_a_run_that_is_too_long_for_the_path_the_short_end_passes() {
        let (outlet, _, segments, counters) = run(&[Err(libc::EMSGSIZE); 5]);
        assert_eq!(outlet.taken, [(5, None), OTHER]);
        assert_eq!((segments, counters.sent, counters.refused), (true, 2, 4));
    }

    #[test]
    fn another_error_loses_one_message_and_no_more() {
        for code in [libc::EPERM, libc::ENETUNREACH, libc::ECONNREFUSED, libc::ENOBUFS] {
            let (outlet, full, segments, counters) = run(&[Err(code)]);
            assert_eq!(outlet.taken, [OTHER]);
            assert_eq!((full, segments, counters.sent, counters.refused), (false, true, 1, 5));
        }
    }

    #[test]
    fn without_segments_each_datagram_is_a_message() {
        let mut outlet = Scripted { answers: vec![Ok(2), Ok(1), Ok(3)], ..Scripted::default() };
        let mut transmits = two_runs();
        transmits.push(b"", to(), None, Ecn::NotEct);
        let mut counters = UdpCounters::default();
        assert!(!deliver(&mut transmits, &mut outlet, &mut false, &mut counters));
        assert_eq!(outlet.taken, [&SINGLES[..], &[OTHER, (0, None)]].concat());
        assert_eq!((counters.sent, counters.send_calls), (7, 4));
    }
}
