//! What the peer did.

use super::error::ErrorCode;
use crate::section::priority::Priority;

/// Something that came from the peer. Streams are named by the transport's ids. Content is borrowed from the input. `I` is
/// [`RequestInfo`](super::RequestInfo) at a server, [`ResponseInfo`](super::ResponseInfo) at a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event<'a, I> {
    /// The head of a message is whole: the one that was given to [`Connection::receive`](super::Connection::receive). At a server the stream is
    /// new.
    Head {
        /// The stream.
        stream: u64,
        /// What the head says to the connection's owner.
        info: I,
    },
    /// At a client: an interim answer, 1xx. The head that was given holds it.
    Interim {
        /// The stream.
        stream: u64,
    },
    /// At a server: a new request that passes a limit, or whose target is malformed. Answer it with the status: 400, 414, 417, 431 or 501. The head
    /// has the method, and what else could be read.
    Refused {
        /// The stream.
        stream: u64,
        /// The status to answer with.
        status: u16,
        /// What was wrong, in fixed words.
        reason: &'static str,
        /// The request has no content; otherwise it follows.
        ended: bool,
    },
    /// At a server: a request that was told to nobody, because it is malformed, cut, or one too many. The owner resets the stream in both directions,
    /// and counts this.
    Rejected {
        /// The stream. It is over.
        stream: u64,
        /// What the peer is told.
        code: ErrorCode,
        /// What was wrong, in fixed words.
        reason: &'static str,
    },
    /// Content came: at least one byte. A frame that comes in pieces gives several of these.
    Data {
        /// The stream.
        stream: u64,
        /// The content.
        bytes: &'a [u8],
    },
    /// The peer's message has ended. Not told when its head ended it already. The stream is over if this end's message has ended too. So ends an answer
    /// of which all content came, if the server resets it with [`ErrorCode::NoError`].
    End {
        /// The stream.
        stream: u64,
        /// The trailers that were given to [`Connection::receive`](super::Connection::receive) hold those of the message. Otherwise they are as
        /// they were.
        has_trailers: bool,
    },
    /// The stream is over before both messages were whole. Unless the peer reset it, the owner does, in both directions.
    Reset {
        /// The stream.
        stream: u64,
        /// Why, which is what the peer is told.
        code: ErrorCode,
        /// The peer did it.
        by_peer: bool,
    },
    /// The peer does not want the rest of this end's message: it counts as ended. The peer's own message may go on.
    Stopped {
        /// The stream.
        stream: u64,
        /// Why.
        code: ErrorCode,
    },
    /// The stream waited for the peer's QPACK, and goes on now: call [`Connection::receive`](super::Connection::receive) for it again, with what it has
    /// left.
    Unblocked {
        /// The stream.
        stream: u64,
    },
    /// The client wants the answer earlier or later than it said before.
    Priority {
        /// The stream.
        stream: u64,
        /// How urgent it is now.
        priority: Priority,
    },
    /// The peer said what it can take: [`Connection::peer_settings`](super::Connection::peer_settings).
    Settings,
    /// The peer takes no new requests. At a client those at and behind `first` are then told as [`Event::Reset`] with
    /// [`ErrorCode::RequestRejected`]: they can be tried again.
    Goaway {
        /// At a client: the id of the first stream that the server will do nothing about. At a server: of no use.
        first: u64,
    },
    /// A unidirectional stream of a kind that means nothing here. What comes on it is dropped; the owner may tell the transport to read no more of
    /// it, with [`ErrorCode::StreamCreation`].
    UnknownStream {
        /// The stream.
        stream: u64,
        /// Its kind.
        kind: u64,
    },
    /// A datagram of a request came.
    Datagram {
        /// The request's stream.
        stream: u64,
        /// What it carries.
        bytes: &'a [u8],
    },
}
