//! Outputs that leave together.

use crate::Key;
use crate::output::{Output, Piece};

/// An output up to this size is copied into the batch. A larger one costs so much by itself that a call more does not count.
pub(super) const SMALL: usize = 16 * 1024;
/// The most outputs of a batch: so long the first waits for the last.
const MOST: usize = 64;
/// The most bytes of a batch.
const BYTES: usize = 64 * 1024;

/// Copies of outputs, in one piece of memory that does not move. While the batch is being sent, it is not touched.
pub(super) struct Batch {
    bytes: Box<[u8]>,
    used: usize,
    sends: Vec<Piled>,
}

/// One output in a batch, or several of one connection.
#[derive(Copy, Clone)]
pub(super) struct Piled {
    pub(super) key: Key,
    from: usize,
    pub(super) length: usize,
}

impl Batch {
    pub(super) fn new() -> Batch {
        Batch { bytes: vec![0; BYTES].into_boxed_slice(), used: 0, sends: Vec::with_capacity(MOST) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.used = 0;
        self.sends.clear();
    }

    /// Whether the batch takes this output, which is small and has no files. `has`: there is some of this connection already, which must
    /// be right before it: two sends of one connection could overtake each other when the first is short.
    pub(super) fn add(&mut self, key: Key, has: bool, output: &Output) -> bool {
        let length = output.len();
        let Some(room) = self.bytes.get_mut(self.used..self.used + length) else { return false };
        if has {
            match self.sends.last_mut() {
                Some(last) if last.key == key => last.length += length,
                _ => return false,
            }
        } else {
            if self.sends.len() == MOST {
                return false;
            }
            self.sends.push(Piled { key, from: self.used, length });
        }
        copy(output, room);
        self.used += length;
        true
    }

    pub(super) fn len(&self) -> usize {
        self.sends.len()
    }

    pub(super) fn get(&self, number: usize) -> Option<Piled> {
        self.sends.get(number).copied()
    }

    pub(super) fn bytes(&self, piled: Piled) -> &[u8] {
        self.bytes.get(piled.from..piled.from + piled.length).unwrap_or_default()
    }
}

/// Whether an output can be copied into a batch at all.
pub(super) fn fits(output: &Output) -> bool {
    output.len() <= SMALL
        && (output.flat().is_some() || output.pieces(0).all(|piece| piece.bytes().is_some()))
}

fn copy(output: &Output, mut room: &mut [u8]) {
    if let Some(text) = output.flat() {
        room.copy_from_slice(text);
        return;
    }
    for bytes in output.pieces(0).filter_map(|piece: Piece<'_>| piece.bytes()) {
        let Some((here, rest)) = room.split_at_mut_checked(bytes.len()) else { return };
        here.copy_from_slice(bytes);
        room = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn output(length: usize, shared: usize) -> Output {
        let mut output = Output::new();
        output.buffer().extend(vec![b't'; length]);
        output.push_shared(Bytes::from(vec![b's'; shared]));
        output
    }

    fn key(index: u32) -> Key {
        Key { index, generation: 0 }
    }

    #[test]
    fn outputs_of_one_connection_are_one_if_nothing_is_between() {
        let mut batch = Batch::new();
        assert!(batch.add(key(1), false, &output(2, 3)));
        assert!(batch.add(key(1), true, &output(1, 0)));
        assert!(batch.add(key(2), false, &output(0, 1)));
        assert!(!batch.add(key(1), true, &output(1, 0)));
        let texts: Vec<_> =
            (0..batch.len()).map(|number| batch.bytes(batch.get(number).unwrap()).to_vec()).collect();
        assert_eq!(texts, [b"ttssst".to_vec(), b"s".to_vec()]);
        batch.clear();
        assert!(batch.is_empty() && batch.get(0).is_none());
    }

    #[test]
    fn a_batch_is_bounded_in_number_and_in_bytes() {
        let mut batch = Batch::new();
        let taken = (0..).take_while(|index| batch.add(key(*index), false, &output(1, 0))).count();
        assert_eq!(taken, MOST);
        batch.clear();
        let taken = (0..).take_while(|index| batch.add(key(*index), false, &output(SMALL, 0))).count();
        assert_eq!(taken, BYTES / SMALL);
    }

    #[test]
    fn only_small_outputs_without_files_fit() {
        assert!(fits(&output(SMALL, 0)) && fits(&output(SMALL - 1, 1)));
        assert!(!fits(&output(SMALL, 1)));
        let mut output = Output::new();
        output.push_file(crate::file_part::tests::file_of(b"abc"), 0, 3);
        assert!(!fits(&output));
    }
}
