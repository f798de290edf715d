//! Content that waits for somebody.

use std::collections::VecDeque;

use bytes::Bytes;

/// Pieces below this size are gathered.
const SMALL: usize = 4096;

/// Content that waits, in order. Small pieces are gathered, so that a peer who sends byte by byte costs no more memory than one who
/// sends the same at once. A pointer while it is empty, since nearly all exchanges have nothing that waits.
#[derive(Default)]
pub(crate) struct Gathered(Option<Box<Waiting>>);

#[derive(Default)]
struct Waiting {
    pieces: VecDeque<Bytes>,
    /// What is being gathered, behind all pieces.
    last: Vec<u8>,
    length: usize,
}

impl Gathered {
    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.length)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Adds a copy behind the rest.
    pub(crate) fn push(&mut self, data: &[u8]) {
        if !data.is_empty() {
            self.0.get_or_insert_default().push(data);
        }
    }

    /// Takes the next piece, or its first so many bytes.
    pub(crate) fn pop(&mut self, most: usize) -> Option<Bytes> {
        let waiting = self.0.as_mut()?;
        let piece = waiting.pop(most);
        if waiting.length == 0 {
            self.0 = None;
        }
        piece
    }

    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

impl Waiting {
    fn push(&mut self, data: &[u8]) {
        self.length += data.len();
        if self.last.len() + data.len() > SMALL && !self.last.is_empty() {
            self.pieces.push_back(Bytes::from(std::mem::take(&mut self.last)));
        }
        if data.len() < SMALL {
            self.last.extend_from_slice(data);
        } else {
            self.pieces.push_back(Bytes::copy_from_slice(data));
        }
    }

    fn pop(&mut self, most: usize) -> Option<Bytes> {
        let gathered = || (!self.last.is_empty()).then(|| Bytes::from(std::mem::take(&mut self.last)));
        let mut piece = self.pieces.pop_front().or_else(gathered)?;
        if piece.len() > most {
            self.pieces.push_front(piece.split_off(most));
        }
        self.length -= piece.len();
        Some(piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_every_size_come_back_in_order() {
        for sizes in [&[1, 1, 1][..], &[5000, 1, 4095, 1, 4096, 2], &[4095, 4095], &[1, 9000, 1]] {
            let all: Vec<u8> = (0..sizes.iter().sum::<usize>()).map(|at| (at % 251) as u8).collect();
            for most in [1, 100, 4096, usize::MAX] {
                let mut waiting = Gathered::default();
                let mut rest = &all[..];
                for size in sizes {
                    let (piece, behind) = rest.split_at(*size);
                    waiting.push(piece);
                    rest = behind;
                }
                assert_eq!(waiting.len(), all.len());
                let mut back = Vec::new();
                while let Some(piece) = waiting.pop(most) {
                    assert!(!piece.is_empty() && piece.len() <= most);
                    back.extend_from_slice(&piece);
                }
                assert!(waiting.is_empty() && back == all, "{sizes:?} by {most}");
            }
        }
    }

    #[test]
    fn single_bytes_are_gathered() {
        let mut waiting = Gathered::default();
        for _ in 0..100_000 {
            waiting.push(b"x");
        }
        let pieces = &waiting.0.as_ref().unwrap().pieces;
        assert!(pieces.len() <= 100_000 / SMALL, "{} pieces", pieces.len());
        assert!(pieces.iter().all(|piece| piece.len() == SMALL));
    }
}
