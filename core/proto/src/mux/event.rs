//! What the peer did.

/// Something that came from the peer. Bytes are borrowed from the input.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// The peer opened a stream.
    Opened {
        /// The stream.
        id: u64,
    },
    /// Bytes came: at least one. A frame that comes in pieces gives several of these.
    Data {
        /// The stream.
        id: u64,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// The peer sends no more on this stream. It may still receive. If this end had finished too, the stream is over.
    Done {
        /// The stream.
        id: u64,
    },
    /// The stream failed and is over: the peer said so, or sent more than its credit.
    Error {
        /// The stream.
        id: u64,
        /// What the peer says, at most [`MAX_ERROR_TEXT`](super::MAX_ERROR_TEXT) bytes of it.
        text: String,
    },
    /// The peer cancelled the stream, which is over.
    Cancelled {
        /// The stream.
        id: u64,
    },
    /// The peer gave credit to a stream whose last [`Mux::send`](super::Mux::send) did not take all.
    Writable {
        /// The stream.
        id: u64,
    },
}
