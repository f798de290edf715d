//! Content that is pulled while the client takes it.

use bytes::Bytes;

use crate::message::Request;

/// What a source gives.
#[derive(Debug)]
pub enum Pull {
    /// Some content; 16 to 64 KiB are a good size. Empty content is asked for again at once.
    Data(Bytes),
    /// Nothing yet. [`Request::wake`] makes the worker ask again.
    WouldBlock,
    /// The content has ended.
    End,
    /// The content can't be had. The connection is cut, so that the client sees that it is not whole.
    Failed,
}

/// Gives the content of an answer piece by piece, on the worker, when the client has taken what came before. Must not block.
pub trait Source: Send {
    /// The number of bytes in all, if it is known. Then exactly so many must come.
    fn length(&self) -> Option<u64> {
        None
    }

    /// The next content.
    fn pull(&mut self, request: &Request) -> Pull;
}
