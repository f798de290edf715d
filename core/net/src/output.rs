//! What a connection is about to send: text of its own, interleaved with shared bytes and parts of files.

use crate::file_part::FilePart;
use bytes::{Buf, Bytes};
use std::fs::File;
use std::io::{self, IoSlice};
use std::sync::Arc;

/// Bytes to send, in order. Text is appended to [`Output::buffer`]; large bodies are added by reference with
/// [`Output::push_shared`] and [`Output::push_file`]. One output serves a whole worker: [`Driver::send`](crate::Driver::send) empties it
/// and its memory is reused.
#[derive(Debug, Default)]
pub struct Output {
    text: Vec<u8>,
    /// Each body, and the place in `text` before which it goes. Places never decrease.
    bodies: Vec<(usize, Body)>,
    bodies_length: usize,
}

/// Bytes that are sent from where they are.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Shared(Bytes),
    File(FilePart),
}

impl Output {
    /// An empty output. Allocates nothing.
    pub const fn new() -> Output {
        Output { text: Vec::new(), bodies: Vec::new(), bodies_length: 0 }
    }

    /// The text, to append to. Text before the last [`Output::push_shared`] or [`Output::push_file`] must not be removed.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Adds bytes behind everything so far, by reference: they are not copied, and kept alive until they are sent.
    pub fn push_shared(&mut self, bytes: Bytes) {
        self.push(Body::Shared(bytes));
    }

    /// Adds `length` bytes of a file, from `offset` on, behind everything so far. They are read when they are sent: on Linux the system
    /// takes them straight from its cache (`sendfile(2)`), and a change of the file until the peer has them may show. The file stays open
    /// until then; its own position is neither used nor moved. Reading blocks while the disk works.
    ///
    /// A file that ends before the part does is an error of the connection, `UnexpectedEof`, from [`Driver::send`](crate::Driver::send) or
    /// with [`Event::Failed`](crate::Event::Failed).
    pub fn push_file(&mut self, file: Arc<File>, offset: u64, length: u64) {
        self.push(Body::File(FilePart::new(file, offset, length)));
    }

    fn push(&mut self, body: Body) {
        if body.len() > 0 {
            // No file has so many bytes: sending it fails long before the count would be wrong.
            self.bodies_length = self.bodies_length.saturating_add(body.len());
            self.bodies.push((self.text.len(), body));
        }
    }

    /// How many bytes are to be sent.
    pub fn len(&self) -> usize {
        self.text.len().saturating_add(self.bodies_length)
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets everything. The memory of the text stays for the next use; shared bytes and files are let go.
    pub fn clear(&mut self) {
        self.text.clear();
        self.bodies.clear();
        self.bodies_length = 0;
    }

    /// Appends a copy of everything, in order. For tests and for what is no socket.
    ///
    /// # Errors
    /// What the system says when it cannot read a file, and `UnexpectedEof` for one that is too short. Everything before that place has been
    /// appended.
    pub fn copy_to(&self, into: &mut Vec<u8>) -> io::Result<()> {
        for piece in self.pieces(0) {
            match piece {
                Piece::File(part, before) => part.behind(before).copy_to(into)?,
                piece => into.extend_from_slice(piece.bytes().unwrap_or_default()),
            }
        }
        Ok(())
    }

    /// The text if there is nothing else.
    pub fn flat(&self) -> Option<&[u8]> {
        self.bodies.is_empty().then_some(&*self.text)
    }

    /// The text and the bytes behind it, if there is nothing else.
    pub(crate) fn pair(&self) -> Option<(&[u8], &[u8])> {
        match self.bodies.as_slice() {
            [(at, Body::Shared(bytes))] if *at == self.text.len() => Some((&self.text, bytes)),
            _ => None,
        }
    }

    /// The pieces in order, without the first `skip` bytes and without empty pieces.
    pub(crate) fn pieces(&self, skip: usize) -> impl Iterator<Item = Piece<'_>> {
        let mut skip = skip;
        let mut place = 0;
        let bodies = self.bodies.iter().map(|(at, body)| (*at, Some(body)));
        bodies
            .chain([(self.text.len(), None)])
            .flat_map(move |(at, body)| {
                let text = self.text.get(place..at).unwrap_or_default();
                place = at;
                [Some(Piece::Text(text)), body.map(Piece::of)]
            })
            .flatten()
            .filter_map(move |piece| piece.after(&mut skip))
    }

    /// Fills `slices` with as much as fits behind the first `skip` bytes and before the next file, at most about `limit` bytes; says how
    /// many slices and bytes that was. No slice: a file comes next, or nothing.
    pub(crate) fn slices<'a>(
        &'a self,
        skip: usize,
        limit: usize,
        slices: &mut [IoSlice<'a>],
    ) -> (usize, usize) {
        fill(slices, limit, self.pieces(skip).map(|piece| piece.bytes()))
    }

    /// The part of a file that comes right behind the first `skip` bytes.
    pub(crate) fn file_at(&self, skip: usize) -> Option<FilePart> {
        match self.pieces(skip).next() {
            Some(Piece::File(part, before)) => Some(part.behind(before)),
            _ => None,
        }
    }
}

/// Fills `slices` until there is no room, `limit` bytes are reached, or a piece has no bytes in memory. Says how many slices and bytes
/// that was.
pub(crate) fn fill<'a>(
    slices: &mut [IoSlice<'a>],
    limit: usize,
    pieces: impl Iterator<Item = Option<&'a [u8]>>,
) -> (usize, usize) {
    let (mut count, mut total) = (0, 0);
    for (slice, bytes) in slices.iter_mut().zip(pieces) {
        let (Some(bytes), true) = (bytes, total < limit) else { break };
        let bytes = bytes.get(..limit - total).unwrap_or(bytes);
        *slice = IoSlice::new(bytes);
        count += 1;
        total += bytes.len();
    }
    (count, total)
}

impl Body {
    pub(crate) fn len(&self) -> usize {
        match self {
            Body::Shared(bytes) => bytes.len(),
            Body::File(part) => part.len(),
        }
    }

    /// The bytes, unless they are in a file.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Body::Shared(bytes) => Some(bytes),
            Body::File(_) => None,
        }
    }

    /// Leaves out the first `count` bytes: at most as many as there are.
    pub(crate) fn advance(&mut self, count: usize) {
        match self {
            Body::Shared(bytes) => bytes.advance(count.min(bytes.len())),
            Body::File(part) => part.advance(count),
        }
    }
}

/// A run of bytes in an output.
pub(crate) enum Piece<'a> {
    Text(&'a [u8]),
    /// Shared bytes, without their first so many.
    Shared(&'a Bytes, usize),
    /// A part of a file, without its first so many bytes.
    File(&'a FilePart, usize),
}

impl<'a> Piece<'a> {
    fn of(body: &'a Body) -> Piece<'a> {
        match body {
            Body::Shared(bytes) => Piece::Shared(bytes, 0),
            Body::File(part) => Piece::File(part, 0),
        }
    }

    /// The bytes, unless they are in a file.
    pub(crate) fn bytes(&self) -> Option<&'a [u8]> {
        match *self {
            Piece::Text(text) => Some(text),
            Piece::Shared(bytes, before) => Some(bytes.get(before..).unwrap_or_default()),
            Piece::File(..) => None,
        }
    }

    fn len(&self) -> usize {
        match *self {
            Piece::Text(text) => text.len(),
            Piece::Shared(bytes, before) => bytes.len().saturating_sub(before),
            Piece::File(part, before) => part.len().saturating_sub(before),
        }
    }

    /// What is left of the piece behind the first `skip` bytes, counting `skip` down.
    fn after(self, skip: &mut usize) -> Option<Piece<'a>> {
        let cut = self.len().min(*skip);
        *skip -= cut;
        let rest = match self {
            Piece::Text(text) => Piece::Text(text.get(cut..).unwrap_or_default()),
            Piece::Shared(bytes, before) => Piece::Shared(bytes, before + cut),
            Piece::File(part, before) => Piece::File(part, before + cut),
        };
        (rest.len() > 0).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file_part::tests::file_of;

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

    fn with_file() -> Output {
        let mut output = Output::new();
        output.buffer().extend_from_slice(b"ab");
        output.push_file(file_of(b"..cde.."), 2, 3);
        output.push_file(file_of(b"none"), 0, 0);
        output.push_file(file_of(b"f"), 0, 1);
        output.push_shared(Bytes::from_static(b"gh"));
        output.buffer().extend_from_slice(b"ij");
        output
    }

    #[test]
    fn pieces_are_in_order_from_any_place() {
        for output in [mixed(), with_file()] {
            assert_eq!(output.len(), 10);
            assert!(output.flat().is_none());
            for skip in 0..=10 {
                let mut rest = Vec::new();
                for piece in output.pieces(skip) {
                    assert!(piece.len() > 0);
                    match piece {
                        Piece::File(part, before) => part.behind(before).copy_to(&mut rest).unwrap(),
                        piece => rest.extend_from_slice(piece.bytes().unwrap()),
                    }
                }
                assert_eq!(rest, &b"abcdefghij"[skip..]);
            }
            let mut copy = Vec::new();
            output.copy_to(&mut copy).unwrap();
            assert_eq!(copy, b"abcdefghij");
        }
    }

    #[test]
    fn slices_stop_where_there_is_no_room() {
        let output = mixed();
        let mut slices = [IoSlice::new(&[]); 2];
        assert_eq!(output.slices(1, 100, &mut slices), (2, 4));
        assert_eq!((&*slices[0], &*slices[1]), (&b"b"[..], &b"cde"[..]));
        assert_eq!(output.slices(1, 2, &mut slices), (2, 2));
        assert_eq!((&*slices[0], &*slices[1]), (&b"b"[..], &b"c"[..]));
        assert_eq!(output.slices(9, 100, &mut slices), (1, 1));
        assert_eq!(output.slices(10, 100, &mut slices), (0, 0));
    }

    #[test]
    fn slices_stop_before_a_file() {
        let output = with_file();
        let mut slices = [IoSlice::new(&[]); 8];
        assert_eq!(output.slices(1, 100, &mut slices), (1, 1));
        assert!(output.file_at(1).is_none());
        assert!(output.file_at(2).is_some() && output.file_at(6).is_none());
        assert_eq!(output.slices(3, 100, &mut slices), (0, 0));
        let part = output.file_at(3).unwrap();
        assert_eq!((part.offset(), part.len()), (3, 2));
        assert_eq!(output.slices(6, 100, &mut slices), (2, 4));
    }

    #[test]
    fn a_length_that_no_file_has_does_not_overflow() {
        let mut output = Output::new();
        let file = file_of(b"");
        output.push_file(Arc::clone(&file), 0, u64::MAX);
        output.push_file(file, u64::MAX, u64::MAX);
        output.buffer().push(b'x');
        assert_eq!(output.len(), usize::MAX);
        assert!(output.copy_to(&mut Vec::new()).is_err());
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
