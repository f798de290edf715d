//! What a connection is about to send: text of its own, interleaved with bytes that are shared with others.

use bytes::Bytes;
use std::io::IoSlice;

/// Bytes to send, in order. Text is appended to [`Output::buffer`]; large bodies are added by reference with
/// [`Output::push_shared`]. One output serves a whole worker: [`Driver::send`](crate::Driver::send) empties it and its memory is reused.
#[derive(Debug, Default)]
pub struct Output {
    text: Vec<u8>,
    /// Each shared piece, and the place in `text` before which it goes. Places never decrease.
    shared: Vec<(usize, Bytes)>,
    shared_length: usize,
}

impl Output {
    /// An empty output. Allocates nothing.
    pub const fn new() -> Output {
        Output { text: Vec::new(), shared: Vec::new(), shared_length: 0 }
    }

    /// The text, to append to. Text before the last [`Output::push_shared`] must not be removed.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Adds bytes behind everything so far, by reference: they are not copied, and kept alive until they are sent.
    pub fn push_shared(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.shared_length += bytes.len();
            self.shared.push((self.text.len(), bytes));
        }
    }

    /// How many bytes are to be sent.
    pub fn len(&self) -> usize {
        self.text.len() + self.shared_length
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything. The memory of the text stays for the next use, the shared bytes are let go.
    pub fn clear(&mut self) {
        self.text.clear();
        self.shared.clear();
        self.shared_length = 0;
    }

    /// Appends a copy of everything, in order. For tests and for what is no socket.
    pub fn copy_to(&self, into: &mut Vec<u8>) {
        for piece in self.pieces(0) {
            into.extend_from_slice(piece.bytes());
        }
    }

    /// The text if there is nothing else.
    pub(crate) fn flat(&self) -> Option<&[u8]> {
        self.shared.is_empty().then_some(&*self.text)
    }

    /// The pieces in order, without the first `skip` bytes and without empty pieces.
    pub(crate) fn pieces(&self, skip: usize) -> impl Iterator<Item = Piece<'_>> {
        let mut skip = skip;
        let mut place = 0;
        let bodies = self.shared.iter().map(|(at, bytes)| (*at, Some(bytes)));
        bodies
            .chain([(self.text.len(), None)])
            .flat_map(move |(at, bytes)| {
                let text = self.text.get(place..at).unwrap_or_default();
                place = at;
                [Some(Piece::Text(text)), bytes.map(|bytes| Piece::Shared(bytes, 0))]
            })
            .flatten()
            .filter_map(move |piece| piece.after(&mut skip))
    }

    /// Fills `slices` with as much as fits behind the first `skip` bytes; says how many slices and bytes that was.
    pub(crate) fn slices<'a>(&'a self, skip: usize, slices: &mut [IoSlice<'a>]) -> (usize, usize) {
        let (mut count, mut bytes) = (0, 0);
        for (slice, piece) in slices.iter_mut().zip(self.pieces(skip)) {
            *slice = IoSlice::new(piece.bytes());
            count += 1;
            bytes += piece.bytes().len();
        }
        (count, bytes)
    }
}

/// A run of bytes in an output.
pub(crate) enum Piece<'a> {
    Text(&'a [u8]),
    /// Shared bytes, without their first so many.
    Shared(&'a Bytes, usize),
}

impl<'a> Piece<'a> {
    pub(crate) fn bytes(&self) -> &'a [u8] {
        match *self {
            Piece::Text(text) => text,
            Piece::Shared(bytes, skip) => bytes.get(skip..).unwrap_or_default(),
        }
    }

    /// What is left of the piece behind the first `skip` bytes, counting `skip` down.
    fn after(self, skip: &mut usize) -> Option<Piece<'a>> {
        let cut = self.bytes().len().min(*skip);
        *skip -= cut;
        let rest = match self {
            Piece::Text(text) => Piece::Text(text.get(cut..).unwrap_or_default()),
            Piece::Shared(bytes, before) => Piece::Shared(bytes, before + cut),
        };
        (!rest.bytes().is_empty()).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mixed() -> Output {
        let mut output = Output::new();
        output.push_shared(Bytes::from_static(b"ab"));
        output.buffer().extend_from_slice(b"cde");
        output.push_shared(Bytes::new());
        output.push_shared(Bytes::from_static(b"fg"));
        output.push_shared(Bytes::from_static(b"h"));
        output.buffer().extend_from_slice(b"ij");
        output
    }

    #[test]
    fn pieces_are_in_order_from_any_place() {
        let output = mixed();
        assert_eq!(output.len(), 10);
        assert!(output.flat().is_none());
        for skip in 0..=10 {
            let rest: Vec<u8> = output.pieces(skip).flat_map(|piece| piece.bytes().to_vec()).collect();
            assert_eq!(rest, &b"abcdefghij"[skip..]);
            assert!(output.pieces(skip).all(|piece| !piece.bytes().is_empty()));
        }
    }

    #[test]
    fn slices_stop_where_there_is_no_room() {
        let output = mixed();
        let mut slices = [IoSlice::new(&[]); 2];
        assert_eq!(output.slices(1, &mut slices), (2, 4));
        assert_eq!((&*slices[0], &*slices[1]), (&b"b"[..], &b"cde"[..]));
        assert_eq!(output.slices(9, &mut slices), (1, 1));
        assert_eq!(output.slices(10, &mut slices), (0, 0));
    }

    #[test]
    fn clearing_keeps_the_memory_of_the_text() {
        let mut output = mixed();
        let capacity = output.buffer().capacity();
        output.clear();
        assert!(output.is_empty());
        assert_eq!(output.flat(), Some(&b""[..]));
        assert_eq!(output.buffer().capacity(), capacity);
    }
}
