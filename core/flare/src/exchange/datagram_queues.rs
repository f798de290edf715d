//! The datagrams of an exchange that wait: those that came, and those that are to be sent.
//!
//! Both wait in queues with a limit. What is over is not taken, and never waited for: who sends datagrams bears that some are lost.

use std::collections::VecDeque;

use bytes::Bytes;
use flare_proto::capsule;

use super::datagrams::DatagramError;

/// The longest datagram of a stream of capsules, in bytes: what UDP can carry, and some more for a protocol's own header.
pub(crate) const MOST: usize = 64 * 1024;

/// So many datagrams wait at most, each way.
const QUEUED: usize = 128;

/// And so many bytes, but for a first one.
const QUEUED_BYTES: usize = 128 * 1024;

/// The datagrams of one exchange.
#[derive(Debug, Default)]
pub(crate) struct Datagrams {
    /// The handler has accepted a protocol with datagrams.
    pub(crate) accepted: bool,
    /// The transport carries them, of so many bytes at most. `None`: they are capsules in the byte stream.
    pub(crate) carried: Option<usize>,
    inbound: Queue,
    /// One came since whoever watches was told.
    untold: bool,
    outbound: Queue,
}

/// Datagrams that wait.
#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Bytes>,
    bytes: usize,
}

impl Queue {
    /// False: there is no room.
    fn push(&mut self, datagram: &[u8]) -> bool {
        let room = self.waiting.is_empty()
            || (self.waiting.len() < QUEUED && self.bytes + datagram.len() <= QUEUED_BYTES);
        if room {
            self.bytes += datagram.len();
            self.waiting.push_back(Bytes::copy_from_slice(datagram));
        }
        room
    }

    fn pop(&mut self) -> Option<Bytes> {
        let datagram = self.waiting.pop_front()?;
        self.bytes -= datagram.len();
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
        Some(datagram)
    }
}

impl Datagrams {
    /// The most bytes that one to the client may have.
    pub(crate) fn most(&self) -> usize {
        self.carried.unwrap_or(MOST)
    }

    /// The worker's side: one came. False: it is dropped, since too many wait for the handler.
    pub(crate) fn push_inbound(&mut self, datagram: &[u8]) -> bool {
        let kept = self.inbound.push(datagram);
        self.untold |= kept;
        kept
    }

    /// Whether one waits that whoever watches was not told of; from now on it was.
    pub(crate) fn take_untold(&mut self) -> bool {
        std::mem::take(&mut self.untold) && !self.inbound.waiting.is_empty()
    }

    /// The next that came.
    pub(crate) fn pop_inbound(&mut self) -> Option<Bytes> {
        self.inbound.pop()
    }

    /// The length of the next that came.
    pub(crate) fn next_inbound(&self) -> Option<usize> {
        self.inbound.waiting.front().map(Bytes::len)
    }

    /// The handler's side: one is to be sent.
    pub(crate) fn push_outbound(&mut self, datagram: &[u8]) -> Result<(), DatagramError> {
        let most = self.most();
        if datagram.len() > most {
            Err(DatagramError::TooLarge { most })
        } else if self.outbound.push(datagram) {
            Ok(())
        } else {
            Err(DatagramError::Full)
        }
    }

    /// Whether some are to be sent.
    #[cfg(feature = "http3")]
    pub(crate) fn is_sending(&self) -> bool {
        !self.outbound.waiting.is_empty()
    }

    /// The worker's side, where the transport carries them: takes the next to send.
    #[cfg(any(feature = "http3", test))]
    pub(crate) fn pop_outbound(&mut self) -> Option<Bytes> {
        self.outbound.pop()
    }

    /// The worker's side, where the byte stream carries them: takes all that are to be sent, as capsules. `None`: there are none.
    pub(crate) fn pop_capsules(&mut self) -> Option<Bytes> {
        if self.carried.is_some() || self.outbound.waiting.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(self.outbound.bytes + 4 * self.outbound.waiting.len());
        while let Some(datagram) = self.outbound.pop() {
            capsule::write_datagram(&mut out, &datagram);
        }
        Some(out.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_queues_are_bounded_in_number_and_bytes() {
        for (length, taken) in [(0, QUEUED), (1, QUEUED), (4096, QUEUED_BYTES / 4096), (MOST, 2)] {
            let mut datagrams = Datagrams::default();
            let bytes = vec![7; length];
            assert_eq!((0..1000).filter(|_| datagrams.push_inbound(&bytes)).count(), taken, "{length}");
            assert_eq!((0..1000).filter(|_| datagrams.push_outbound(&bytes).is_ok()).count(), taken);
            assert_eq!(datagrams.push_outbound(&bytes), Err(DatagramError::Full));
            // Each that is taken makes room for one.
            assert_eq!(datagrams.pop_inbound().unwrap(), bytes);
            assert!(datagrams.push_inbound(&bytes) && !datagrams.push_inbound(&bytes));
            assert_eq!(std::iter::from_fn(|| datagrams.pop_inbound()).count(), taken);
            assert_eq!(std::iter::from_fn(|| datagrams.pop_outbound()).count(), taken);
            assert_eq!((datagrams.inbound.bytes, datagrams.outbound.bytes), (0, 0));
        }
    }

    #[test]
    fn what_is_too_large_is_told_the_most() {
        let mut datagrams = Datagrams::default();
        let too_large = vec![0; MOST + 1];
        assert_eq!(datagrams.push_outbound(&too_large), Err(DatagramError::TooLarge { most: MOST }));
        datagrams.carried = Some(1200);
        assert_eq!(datagrams.push_outbound(&[0; 1201]), Err(DatagramError::TooLarge { most: 1200 }));
        assert_eq!(datagrams.push_outbound(&[0; 1200]), Ok(()));
        // It waits for the transport, and is no capsule.
        assert_eq!(datagrams.pop_capsules(), None);
    }

    #[test]
    fn the_byte_stream_carries_all_of_them_at_once() {
        let mut datagrams = Datagrams::default();
        assert_eq!(datagrams.pop_capsules(), None);
        for text in [&b"one"[..], b"", b"three"] {
            datagrams.push_outbound(text).unwrap();
        }
        assert_eq!(datagrams.pop_capsules().unwrap(), &b"\x00\x03one\x00\x00\x00\x05three"[..]);
        assert_eq!((datagrams.pop_capsules(), datagrams.outbound.bytes), (None, 0));
    }
}
