//! Content of an answer that waits until its stream may send it.

use std::collections::VecDeque;
#[cfg(feature = "http3")]
use std::{io, os::unix::fs::FileExt};

#[cfg(feature = "http3")]
use bytes::Bytes;
use flare_net::Output;

use crate::message::{Body, FileBody, Part, Source};
use crate::server::pieces;

/// Pieces of content, in order. Allocates nothing while it is empty.
#[derive(Default)]
pub(crate) struct Outgoing {
    parts: VecDeque<Part>,
    length: u64,
}

impl Outgoing {
    /// Adds a piece behind the others.
    pub(crate) fn push(&mut self, part: Part) {
        if part.length() > 0 {
            self.length = self.length.saturating_add(part.length());
            self.parts.push_back(part);
        }
    }

    /// Takes over the content of an answer, all but what a source will give.
    pub(crate) fn push_body(&mut self, body: &mut Body) -> Option<Box<dyn Source>> {
        match std::mem::take(body) {
            Body::File(file) => self.push(Part::File(file)),
            Body::Parts(parts) => parts.into_iter().for_each(|part| self.push(part)),
            Body::Source(source) => return Some(source),
            mut bytes => self.push(Part::Bytes(bytes.take_bytes())),
        }
        None
    }

    /// How many bytes wait.
    pub(crate) fn len(&self) -> u64 {
        self.length
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Moves exactly `count` bytes, which must be here, to the output.
    pub(crate) fn move_to(&mut self, out: &mut Output, count: u64) {
        let mut left = count.min(self.length);
        self.length -= left;
        while left > 0
            && let Some(mut front) = self.parts.pop_front()
        {
            let taken = front.length().min(left);
            left -= taken;
            if front.length() > taken {
                let rest = split(&mut front, taken);
                self.parts.push_front(rest);
            }
            pieces::push(front, out);
        }
    }
}

#[cfg(feature = "http3")]
impl Outgoing {
    /// Takes the first piece into `out` if it is small enough to be copied.
    pub(crate) fn copy_small(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(Part::Bytes(bytes)) =
            self.parts.front().filter(|part| part.length() <= pieces::COPY_LIMIT as u64)
        else {
            return false;
        };
        self.length -= bytes.len() as u64;
        out.extend_from_slice(bytes);
        self.parts.pop_front();
        true
    }

    /// Takes a piece off the front, which a file is read for: of a file at most so many bytes. Empty when nothing waits.
    ///
    /// # Errors
    /// The file can't be read, or is shorter than it was.
    pub(crate) fn take(&mut self, most_of_file: usize) -> io::Result<Bytes> {
        let taken = match self.parts.front_mut() {
            None => return Ok(Bytes::new()),
            Some(Part::Bytes(bytes)) => std::mem::take(bytes),
            Some(Part::File(file)) => {
                let taken = read(file, most_of_file)?;
                file.offset += taken.len() as u64;
                file.length -= taken.len() as u64;
                taken
            }
        };
        self.length -= taken.len() as u64;
        if self.parts.front().is_some_and(|part| part.length() == 0) {
            self.parts.pop_front();
        }
        Ok(taken)
    }

    /// Puts what is left of a piece that was taken back to the front.
    pub(crate) fn put_back(&mut self, rest: Bytes) {
        if !rest.is_empty() {
            self.length += rest.len() as u64;
            self.parts.push_front(Part::Bytes(rest));
        }
    }
}

/// Reads the begin of a part of a file: at least a byte.
#[cfg(feature = "http3")]
fn read(part: &FileBody, most: usize) -> io::Result<Bytes> {
    let count = usize::try_from(part.length).map_or(most, |length| length.min(most));
    let mut bytes = vec![0; count];
    loop {
        match part.file.read_at(&mut bytes, part.offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                bytes.truncate(read);
                return Ok(Bytes::from(bytes));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Cuts a piece behind `at` bytes, which it has. Returns the rest.
fn split(part: &mut Part, at: u64) -> Part {
    match part {
        // The place is within the bytes, so it fits.
        Part::Bytes(bytes) => Part::Bytes(bytes.split_off(usize::try_from(at).unwrap_or(usize::MAX))),
        Part::File(file) => {
            let rest = FileBody::new(file.file.clone(), file.offset + at, file.length - at);
            file.length = at;
            Part::File(rest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::pieces::COPY_LIMIT;
    use bytes::Bytes;

    fn text(out: &Output) -> Vec<u8> {
        let mut copy = Vec::new();
        out.copy_to(&mut copy).unwrap();
        copy
    }

    #[test]
    fn pieces_leave_in_order_and_in_any_size() {
        for step in 1..=7 {
            let mut outgoing = Outgoing::default();
            for part in ["ab", "", "cdef", "g"] {
                outgoing.push(Part::Bytes(Bytes::from_static(part.as_bytes())));
            }
            let mut out = Output::new();
            while !outgoing.is_empty() {
                let before = outgoing.len();
                outgoing.move_to(&mut out, step.min(before));
                assert_eq!(outgoing.len(), before - step.min(before));
            }
            assert_eq!(text(&out), b"abcdefg");
        }
    }

    #[test]
    fn large_pieces_are_not_copied() {
        let mut outgoing = Outgoing::default();
        outgoing.push(Part::Bytes(Bytes::from(vec![b'x'; 3 * COPY_LIMIT])));
        let mut out = Output::new();
        outgoing.move_to(&mut out, 2 * COPY_LIMIT as u64);
        assert_eq!((out.len(), out.buffer().len()), (2 * COPY_LIMIT, 0));
        outgoing.move_to(&mut out, COPY_LIMIT as u64);
        assert_eq!((out.len(), out.buffer().len()), (3 * COPY_LIMIT, COPY_LIMIT));
    }
}
