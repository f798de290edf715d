//! One stream, as both directions are now.

use super::limits::INITIAL_CREDIT;

/// A stream that is open in at least one direction.
#[derive(Debug)]
pub(super) struct Stream {
    /// How many bytes this end may send.
    pub(super) send_credit: u32,
    /// How many bytes the peer may send.
    pub(super) receive_credit: u32,
    /// This end has sent DONE.
    pub(super) finished: bool,
    /// The peer has sent DONE.
    pub(super) peer_done: bool,
    /// The last send did not take all.
    pub(super) blocked: bool,
    /// The peer opened it.
    pub(super) from_peer: bool,
}

impl Stream {
    pub(super) fn new(from_peer: bool) -> Self {
        Self {
            send_credit: INITIAL_CREDIT,
            receive_credit: INITIAL_CREDIT,
            finished: false,
            peer_done: false,
            blocked: false,
            from_peer,
        }
    }
}
