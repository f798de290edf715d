//! One stream (RFC 9113 section 5.1).

use super::scheduler::Link;
use super::window::{ReceiveWindow, SendWindow};
pub(super) use crate::section::Phase;
use crate::section::UNKNOWN_LENGTH;
use crate::section::priority::Priority;

/// A stream, as its owner names it. Once the stream is over, the key names nothing, also when its slot is used again.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct StreamKey {
    pub(super) id: u32,
    pub(super) slot: u32,
}

impl StreamKey {
    /// The id of the stream on the wire: 1..=2^31 - 1.
    #[must_use]
    pub fn id(self) -> u32 {
        self.id
    }

    /// A small number that no other open stream of the connection has: less than the most streams that were ever open at a time. For tables of the
    /// owner.
    #[must_use]
    pub fn slot(self) -> usize {
        self.slot as usize
    }

    /// The key as a number.
    #[must_use]
    pub fn to_number(self) -> u64 {
        u64::from(self.id) << 32 | u64::from(self.slot)
    }

    /// The key that gave this number. Of any other number it is a key that names nothing, or some stream.
    #[must_use]
    pub fn from_number(number: u64) -> Self {
        StreamKey { id: (number >> 32) as u32, slot: number as u32 }
    }
}

/// What is known of a stream that is open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stream {
    /// 0: the slot is free.
    pub(super) id: u32,
    pub(super) receiving: Phase,
    pub(super) sending: Phase,
    pub(super) is_head: bool,
    pub(super) is_connect: bool,
    pub(super) priority: Priority,
    pub(super) send_window: SendWindow,
    pub(super) receive_window: ReceiveWindow,
    /// Content that the owner was given and has not used.
    pub(super) held: u32,
    /// Content that has to come, or [`UNKNOWN_LENGTH`].
    pub(super) receive_left: u64,
    /// Content that has to be sent, or [`UNKNOWN_LENGTH`].
    pub(super) send_left: u64,
    /// The owner has content to send.
    pub(super) wants: bool,
    /// It is in the scheduler's list.
    pub(super) queued: bool,
    pub(super) link: Link,
    /// Since when the content waits, in milliseconds, and what was sent since.
    pub(super) waits_since: u64,
    pub(super) sent_since: u32,
}

impl Stream {
    pub(super) fn new(id: u32, send_window: u32, receive_window: u32) -> Self {
        Stream {
            id,
            receiving: Phase::Head,
            sending: Phase::Head,
            is_head: false,
            is_connect: false,
            priority: Priority::UNKNOWN,
            send_window: SendWindow::new(send_window),
            receive_window: ReceiveWindow::new(receive_window),
            held: 0,
            receive_left: UNKNOWN_LENGTH,
            send_left: UNKNOWN_LENGTH,
            wants: false,
            queued: false,
            link: Link::NONE,
            waits_since: 0,
            sent_since: 0,
        }
    }

    #[inline]
    pub(super) fn is_over(&self) -> bool {
        self.receiving == Phase::Ended && self.sending == Phase::Ended
    }
}

const _: () = assert!(size_of::<Stream>() <= 128);
