//! One request and its answer (RFC 9114 section 4.1).

use super::frame::PartialHeader;
use crate::Headers;
use crate::qpack::SectionPrefix;
use crate::section::priority::Priority;
use crate::section::{Phase, UNKNOWN_LENGTH};

/// What is known of a stream that is open.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) receiving: Phase,
    pub(super) sending: Phase,
    pub(super) is_head: bool,
    /// Only content may come: what is asked is a tunnel, at a client only once it was granted.
    pub(super) is_connect: bool,
    /// At a client: a tunnel was asked for.
    pub(super) asks_tunnel: bool,
    /// The owner does not want the rest of the peer's message.
    pub(super) is_unwanted: bool,
    pub(super) priority: Priority,
    /// Content that has to come, or [`UNKNOWN_LENGTH`].
    pub(super) receive_left: u64,
    /// Content that has to be sent, or [`UNKNOWN_LENGTH`].
    pub(super) send_left: u64,
    pub(super) inbound: Inbound,
    /// What came of a field section that is not whole, or that is blocked. The connection counts it.
    pub(super) kept: Vec<u8>,
    /// Trailers that came before the end of their stream: nothing may follow them, and only the end makes the message whole.
    pub(super) trailers: Option<Box<Headers>>,
}

/// What the next byte belongs to.
#[derive(Debug)]
pub(super) enum Inbound {
    /// The head of a frame.
    Header(PartialHeader),
    /// A field section, of which so much is to come.
    Section { left: u64 },
    /// A field section that waits for the peer's QPACK; nothing behind it is looked at.
    Blocked(SectionPrefix),
    /// One that waits no longer.
    Unblocked(SectionPrefix),
    /// Content.
    Data { left: u64 },
    /// Nothing that anybody wants.
    Skipped { left: u64 },
}

impl Inbound {
    /// Before a frame.
    pub(super) fn start() -> Self {
        Inbound::Header(PartialHeader::default())
    }
}

/// Takes at most `left` bytes from the front of the input, and counts them off.
#[inline]
pub(super) fn take<'a>(input: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let count = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
    let (taken, rest) = input.split_at(count);
    *input = rest;
    *left -= count as u64;
    taken
}

impl Stream {
    pub(super) fn new() -> Self {
        Stream {
            receiving: Phase::Head,
            sending: Phase::Head,
            is_head: false,
            is_connect: false,
            asks_tunnel: false,
            is_unwanted: false,
            priority: Priority::UNKNOWN,
            receive_left: UNKNOWN_LENGTH,
            send_left: UNKNOWN_LENGTH,
            inbound: Inbound::start(),
            kept: Vec::new(),
            trailers: None,
        }
    }

    /// Whether what came of it is whole frames, without trailers.
    pub(super) fn is_between_frames(&self) -> bool {
        matches!(&self.inbound, Inbound::Header(header) if header.is_empty()) && self.trailers.is_none()
    }

    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.receiving == Phase::Ended && self.sending == Phase::Ended
    }
}
