//! Bytes that wait, in order: text, shared bytes and parts of files.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;

use crate::Output;
use crate::output::{Body, Piece};

/// Bytes that wait for their turn. [`Queue::append`] takes over an [`Output`]; [`Queue::take`] hands the bytes out again, for a layer that
/// changes them before they are sent. Shared bytes and files are not copied while they wait; a file takes no memory at all.
#[derive(Debug, Default)]
pub struct Queue {
    pub(crate) bodies: VecDeque<Body>,
    /// Text behind the bodies: kept apart so that many small additions share one allocation.
    tail: Vec<u8>,
    length: usize,
}

impl Queue {
    /// An empty queue. Allocates nothing.
    #[must_use]
    pub const fn new() -> Queue {
        Queue { bodies: VecDeque::new(), tail: Vec::new(), length: 0 }
    }

    /// How many bytes wait. Bytes of files count.
    #[must_use]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Takes over everything in `output`, and empties it. Text is copied, shared bytes and files are not.
    pub fn append(&mut self, output: &mut Output) {
        self.append_behind(output, 0);
    }

    /// Takes over everything in `output` but the first `skip` bytes, and empties it.
    pub(crate) fn append_behind(&mut self, output: &mut Output, skip: usize) {
        self.length = self.length.saturating_add(output.len().saturating_sub(skip));
        for piece in output.pieces(skip) {
            let body = match piece {
                Piece::Text(text) => {
                    self.tail.extend_from_slice(text);
                    continue;
                }
                Piece::Shared(bytes, before) => Body::Shared(bytes.slice(before..)),
                Piece::File(part, before) => Body::File(part.behind(before)),
            };
            self.seal();
            self.bodies.push_back(body);
        }
        output.clear();
    }

    /// Moves the tail behind the bodies.
    pub(crate) fn seal(&mut self) {
        if !self.tail.is_empty() {
            self.bodies.push_back(Body::Shared(Bytes::from(std::mem::take(&mut self.tail))));
        }
    }

    /// Hands out the first bytes in one piece: `most` of them, or all if there are fewer. They lie where they are if that is one place in
    /// memory; otherwise they are gathered in `scratch`, and files are read into it. Reading a file blocks while the disk works.
    ///
    /// # Errors
    /// What the system says when it cannot read a file, and `UnexpectedEof` for one that is too short. The queue is not to be used any more.
    pub fn take<R>(
        &mut self,
        most: usize,
        scratch: &mut Vec<u8>,
        work: impl FnOnce(&[u8]) -> R,
    ) -> io::Result<R> {
        self.seal();
        let wanted = most.min(self.length);
        if let Some(Body::Shared(bytes)) = self.bodies.front()
            && let Some(front) = bytes.get(..wanted)
        {
            let result = work(front);
            self.advance(wanted);
            return Ok(result);
        }
        scratch.clear();
        while scratch.len() < wanted {
            let missing = wanted - scratch.len();
            let count = match self.bodies.front() {
                Some(Body::Shared(bytes)) => {
                    let front = bytes.get(..missing).unwrap_or(bytes);
                    scratch.extend_from_slice(front);
                    front.len()
                }
                Some(Body::File(part)) => {
                    let begin = scratch.len();
                    scratch.resize(wanted, 0);
                    let count = part.read(scratch.get_mut(begin..).unwrap_or_default())?;
                    scratch.truncate(begin + count);
                    count
                }
                None => break,
            };
            self.advance(count);
        }
        Ok(work(scratch))
    }

    /// Leaves out the first `count` bytes.
    fn advance(&mut self, count: usize) {
        self.removed(count);
        let mut left = count;
        while let Some(front) = self.bodies.front_mut() {
            if front.len() > left {
                return front.advance(left);
            }
            left -= front.len();
            self.bodies.pop_front();
        }
    }

    /// Counts bytes that were removed from the bodies.
    pub(crate) fn removed(&mut self, count: usize) {
        self.length = self.length.saturating_sub(count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_part::tests::file_of;

    fn queue() -> Queue {
        let mut queue = Queue::new();
        let mut output = Output::new();
        output.buffer().extend_from_slice(b"ab");
        output.push_shared(Bytes::from_static(b"cdefgh"));
        queue.append(&mut output);
        output.buffer().extend_from_slice(b"ij");
        output.push_file(file_of(b"..klmno.."), 2, 5);
        queue.append(&mut output);
        assert!(output.is_empty());
        output.buffer().extend_from_slice(b"p");
        queue.append(&mut output);
        output.buffer().extend_from_slice(b"q");
        queue.append(&mut output);
        queue
    }

    #[test]
    fn bytes_come_out_in_order_in_pieces_of_the_wanted_size() {
        for most in 1..20 {
            let mut queue = queue();
            let (mut all, mut scratch) = (Vec::new(), Vec::new());
            while !queue.is_empty() {
                let before = queue.len();
                let count = queue
                    .take(most, &mut scratch, |bytes| {
                        all.extend_from_slice(bytes);
                        bytes.len()
                    })
                    .unwrap();
                assert_eq!(count, most.min(before));
                assert_eq!(queue.len(), before - count);
            }
            assert_eq!(all, b"abcdefghijklmnopq", "{most}");
        }
    }

    #[test]
    fn shared_bytes_are_not_copied() {
        let bytes = Bytes::from(vec![7; 100]);
        let place = bytes.as_ptr();
        let mut output = Output::new();
        output.push_shared(bytes);
        let mut queue = Queue::new();
        queue.append(&mut output);
        let mut scratch = Vec::new();
        let first = queue.take(40, &mut scratch, |bytes| bytes.as_ptr()).unwrap();
        assert_eq!((first, scratch.capacity()), (place, 0));
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error() {
        let mut output = Output::new();
        output.push_file(file_of(b"abc"), 0, 10);
        let mut queue = Queue::new();
        queue.append(&mut output);
        let error = queue.take(100, &mut Vec::new(), |_| ()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn nothing_gives_nothing() {
        let mut queue = Queue::new();
        assert_eq!(queue.take(10, &mut Vec::new(), <[u8]>::len).unwrap(), 0);
        assert!(queue.is_empty());
    }
}
