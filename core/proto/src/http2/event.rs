//! What the peer did.

use super::error::ErrorCode;
use super::stream::StreamKey;

/// Something that came from the peer. Content is borrowed from the input. `I` is [`RequestInfo`](super::RequestInfo) at a server,
/// [`ResponseInfo`](super::ResponseInfo) at a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a, I> {
    /// The head of a message is whole: the one that was given to [`Connection::receive`](super::Connection::receive). At a server the stream is
    /// new.
    Head {
        /// The stream.
        stream: StreamKey,
        /// What the head says to the connection's owner.
        info: I,
    },
    /// At a client: an interim answer, 1xx. The head that was given holds it.
    Interim {
        /// The stream.
        stream: StreamKey,
    },
    /// At a server: a new request that passes a limit, or whose target is malformed. Answer it with the status: 400, 414, 417, 431 or 501. The head has the method, and what else
    /// could be read.
    Refused {
        /// The stream.
        stream: StreamKey,
        /// The status to answer with.
        status: u16,
        /// What was wrong, in fixed words.
        reason: &'static str,
        /// The request has no content; otherwise it follows.
        ended: bool,
    },
    /// At a server: a request was malformed. The stream was reset before the owner knew it; this is to be counted.
    Malformed {
        /// What was wrong, in fixed words.
        reason: &'static str,
    },
    /// Content came: at least one byte. A frame that comes in pieces gives several of these. Whoever has used it calls
    /// [`Connection::consumed`](super::Connection::consumed).
    Data {
        /// The stream.
        stream: StreamKey,
        /// The content.
        bytes: &'a [u8],
    },
    /// The peer's message has ended. Not told when its head ended it already. The stream is over if this end's message has ended too, or if a server
    /// that had sent all content of its answer ended it by a reset with [`ErrorCode::NoError`].
    End {
        /// The stream.
        stream: StreamKey,
        /// The trailers that were given to [`Connection::receive`](super::Connection::receive) hold those of the message. Otherwise they are as
        /// they were.
        has_trailers: bool,
    },
    /// The stream is over before both messages were whole.
    Reset {
        /// The stream.
        stream: StreamKey,
        /// Why.
        code: ErrorCode,
        /// The peer reset it. Otherwise this end did, because the peer broke a rule; the peer was told.
        by_peer: bool,
    },
    /// The peer takes no new streams. At a client those behind the last are then told as [`Event::Reset`] with
    /// [`ErrorCode::RefusedStream`]: they can be tried again.
    Goaway {
        /// The id of the last stream of this end that the peer has done, or will do, something about.
        last: u32,
        /// Why.
        code: ErrorCode,
    },
    /// The peer answered a [`Connection::ping`](super::Connection::ping).
    Pong {
        /// What the ping carried.
        payload: [u8; 8],
    },
}
