//! Who answers an exchange, and whether anybody still waits for it.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::exchange::AnswerError;

/// Why an exchange is over before its answer was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// The client closed or reset the connection.
    PeerGone,
    /// The deadline for the handler passed.
    Deadline,
    /// The server ended before the answer came.
    Drain,
}

impl std::fmt::Display for CancelReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PeerGone => "the client is gone",
            Self::Deadline => "the deadline of the handler passed",
            Self::Drain => "the server ended",
        })
    }
}

/// The answer was stored. Set once, by whoever answers.
const ANSWERED: u32 = 1;
/// The handler returned, so an answer from now on must be posted to the worker.
const DETACHED: u32 = 2;
const PEER_GONE: u32 = 4;
const DEADLINE: u32 = 8;
const DRAIN: u32 = 16;
const CANCELLED: u32 = PEER_GONE | DEADLINE | DRAIN;

/// The state of an exchange, shared by the worker and whoever answers.
#[derive(Debug, Default)]
pub(crate) struct State(AtomicU32);

impl State {
    /// Back to the start. Only the sole holder of the block may do this.
    pub(crate) fn reset(&mut self) {
        *self.0.get_mut() = 0;
    }

    pub(crate) fn cancelled(&self) -> Option<CancelReason> {
        reason(self.0.load(Ordering::Acquire))
    }

    /// An error unless the exchange still waits for its answer.
    pub(crate) fn check_open(&self) -> Result<(), AnswerError> {
        refused(self.0.load(Ordering::Acquire))
    }

    /// Marks the answer as stored. True: the handler has returned, so the worker has to be told.
    pub(crate) fn answer(&self) -> Result<bool, AnswerError> {
        let before = self.0.fetch_or(ANSWERED, Ordering::AcqRel);
        refused(before)?;
        Ok(before & DETACHED != 0)
    }

    /// The worker's side, after the handler returned. True: the answer is there.
    pub(crate) fn detach(&self) -> bool {
        self.0.fetch_or(DETACHED, Ordering::AcqRel) & ANSWERED != 0
    }

    /// Ends the exchange. True: it was not answered before, so the worker answers or closes instead.
    pub(crate) fn cancel(&self, why: CancelReason) -> bool {
        let bit = match why {
            CancelReason::PeerGone => PEER_GONE,
            CancelReason::Deadline => DEADLINE,
            CancelReason::Drain => DRAIN,
        };
        self.0.fetch_or(bit, Ordering::AcqRel) & (ANSWERED | CANCELLED) == 0
    }
}

fn reason(bits: u32) -> Option<CancelReason> {
    if bits & PEER_GONE != 0 {
        Some(CancelReason::PeerGone)
    } else if bits & DEADLINE != 0 {
        Some(CancelReason::Deadline)
    } else if bits & DRAIN != 0 {
        Some(CancelReason::Drain)
    } else {
        None
    }
}

fn refused(bits: u32) -> Result<(), AnswerError> {
    match reason(bits) {
        Some(reason) => Err(AnswerError::Cancelled(reason)),
        None if bits & ANSWERED != 0 => Err(AnswerError::Answered),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_the_call_is_not_posted() {
        let state = State::default();
        assert_eq!(state.answer(), Ok(false));
        assert!(state.detach());
    }

    #[test]
    fn a_later_answer_is_posted() {
        let state = State::default();
        assert!(!state.detach());
        assert_eq!(state.answer(), Ok(true));
    }

    #[test]
    fn the_second_answer_is_refused() {
        let state = State::default();
        assert_eq!(state.answer(), Ok(false));
        assert_eq!(state.answer(), Err(AnswerError::Answered));
    }

    #[test]
    fn an_answer_after_a_cancel_says_why() {
        let state = State::default();
        assert!(state.cancel(CancelReason::Deadline));
        assert!(!state.cancel(CancelReason::PeerGone), "cancelled twice");
        assert!(matches!(state.answer(), Err(AnswerError::Cancelled(_))));
    }

    #[test]
    fn a_cancel_after_the_answer_is_too_late() {
        let state = State::default();
        assert_eq!(state.answer(), Ok(false));
        assert!(!state.cancel(CancelReason::PeerGone));
    }
}
