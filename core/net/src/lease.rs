//! Input buffers that the driver lends out and takes back.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// The most buffers kept for reuse. A worker usually holds one lease at a time; more only stand for a burst.
const KEPT: usize = 16;

/// Received bytes in a buffer that belongs to the driver. Give it back with [`Driver::recycle`](crate::Driver::recycle); a lease that is
/// dropped instead costs the driver an allocation later, and nothing else.
pub struct Lease {
    buffer: Box<[u8]>,
    length: usize,
}

impl Lease {
    /// The buffer, or its first so many bytes, to read into. Its content beyond the last read is that of earlier reads.
    pub(crate) fn space(&mut self, most: usize) -> &mut [u8] {
        let length = self.buffer.len().min(most);
        &mut self.buffer[..length]
    }

    /// A buffer whose first so many bytes were received.
    #[cfg(ring)]
    pub(crate) fn new(buffer: Box<[u8]>, length: usize) -> Lease {
        let length = length.min(buffer.len());
        Lease { buffer, length }
    }

    /// How many bytes the buffer has room for.
    #[cfg(ring)]
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.len()
    }

    #[cfg(ring)]
    pub(crate) fn into_buffer(self) -> Box<[u8]> {
        self.buffer
    }

    /// Says how many bytes of the buffer were received.
    pub(crate) fn set_len(&mut self, length: usize) {
        self.length = length.min(self.buffer.len());
    }
}

impl Deref for Lease {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

impl DerefMut for Lease {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[..self.length]
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes are a peer's: they do not belong in a log by accident.
        f.debug_struct("Lease").field("length", &self.length).finish_non_exhaustive()
    }
}

/// The buffers that are not lent out.
pub(crate) struct Leases {
    size: usize,
    spare: Vec<Lease>,
}

impl Leases {
    /// Buffers of `size` bytes, at least 1.
    pub(crate) fn new(size: usize) -> Leases {
        Leases { size: size.max(1), spare: Vec::with_capacity(KEPT) }
    }

    pub(crate) fn take(&mut self) -> Lease {
        match self.spare.pop() {
            Some(lease) => lease,
            None => Lease { buffer: vec![0; self.size].into_boxed_slice(), length: 0 },
        }
    }

    pub(crate) fn give_back(&mut self, lease: Lease) {
        // A lease of another driver may have another size.
        if self.spare.len() < KEPT && lease.buffer.len() == self.size {
            self.spare.push(lease);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_shows_only_what_was_received() {
        let mut leases = Leases::new(4);
        let mut lease = leases.take();
        assert!(lease.is_empty());
        lease.space(usize::MAX).copy_from_slice(b"abcd");
        lease.set_len(2);
        assert_eq!(&*lease, b"ab");
        lease[0] = b'x';
        assert_eq!(&*lease, b"xb");
        lease.set_len(9);
        assert_eq!(&*lease, b"xbcd");
    }

    #[test]
    fn buffers_are_reused_and_bounded() {
        let mut leases = Leases::new(4);
        let lease = leases.take();
        let place = lease.buffer.as_ptr();
        leases.give_back(lease);
        assert_eq!(leases.take().buffer.as_ptr(), place);

        let many: Vec<_> = (0..KEPT + 5).map(|_| leases.take()).collect();
        many.into_iter().for_each(|lease| leases.give_back(lease));
        assert_eq!(leases.spare.len(), KEPT);
    }

    #[test]
    fn a_buffer_of_another_size_is_not_kept() {
        let mut leases = Leases::new(4);
        leases.give_back(Leases::new(8).take());
        assert!(leases.spare.is_empty());
    }
}
