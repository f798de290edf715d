//! Who answers an exchange, and whether anybody still waits for it.

use super::AnswerError;
use super::sync::{AtomicU32, Ordering};

/// Why an exchange is over before its answer was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CancelReason {
    /// The client closed or reset the connection, or broke the protocol.
    PeerGone,
    /// A deadline passed.
    Deadline,
    /// The server ended before the answer came.
    Drain,
    /// The handler gave the exchange up.
    Reset,
}

impl std::fmt::Display for CancelReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::PeerGone => "the client is gone",
            Self::Deadline => "a deadline passed",
            Self::Drain => "the server ended",
            Self::Reset => "the handler gave it up",
        })
    }
}

/// The head of the answer is fixed: it was stored whole, or its stream was started. Set once, by whoever answers.
const ANSWERED: u32 = 1;
/// The answer is a stream: its content comes piece by piece.
const STREAMED: u32 = 2;
/// The handler returned, so from now on the worker has to be told of everything.
const DETACHED: u32 = 4;
/// The worker was told, and has not looked yet.
const TOLD: u32 = 8;
const PEER_GONE: u32 = 16;
const DEADLINE: u32 = 32;
const DRAIN: u32 = 64;
const RESET: u32 = 128;
/// A middleware that kept the exchange lets it go on.
const PROCEED: u32 = 256;
const CANCELLED: u32 = PEER_GONE | DEADLINE | DRAIN | RESET;

/// The state of an exchange, shared by the worker and whoever answers.
#[derive(Debug, Default)]
pub(crate) struct State(AtomicU32);

/// What the worker finds when it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// No answer yet.
    Open,
    /// No answer yet, and a middleware lets the exchange go on.
    Proceed,
    /// The answer is there, whole.
    Whole,
    /// The answer is a stream.
    Streamed,
    /// The handler gave the exchange up.
    Reset,
}

impl State {
    /// Back to the start. Only the sole holder of the block may do this.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn cancelled(&self) -> Option<CancelReason> {
        reason(self.0.load(Ordering::Acquire))
    }

    /// An error unless the head of the answer may still be changed.
    #[inline]
    pub(crate) fn check_open(&self) -> Result<(), AnswerError> {
        let bits = self.0.load(Ordering::Acquire);
        if bits & (ANSWERED | CANCELLED) == 0 { Ok(()) } else { refused(bits) }
    }

    /// Whether the answer was begun as a stream.
    pub(crate) fn is_streamed(&self) -> bool {
        self.0.load(Ordering::Acquire) & STREAMED != 0
    }

    /// Fixes the head of the answer. True: the worker has to be told.
    pub(crate) fn answer(&self, streamed: bool) -> Result<bool, AnswerError> {
        let bits = if streamed { ANSWERED | STREAMED } else { ANSWERED };
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |before| {
            let told = if before & DETACHED != 0 { TOLD } else { 0 };
            (before & (ANSWERED | CANCELLED) == 0).then_some(before | bits | told)
        });
        match before {
            Ok(before) => Ok(before & DETACHED != 0 && before & TOLD == 0),
            Err(before) => Err(refused(before).err().unwrap_or(AnswerError::Answered)),
        }
    }

    /// Something happened that the worker should look at. True: it has to be told, because it is not about to look anyway.
    pub(crate) fn tell(&self) -> bool {
        self.0.fetch_or(TOLD, Ordering::AcqRel) & (TOLD | DETACHED) == DETACHED
    }

    /// Lets the exchange go on to the next middleware. True: the worker has to be told.
    pub(crate) fn proceed(&self) -> bool {
        self.0.fetch_or(PROCEED | TOLD, Ordering::AcqRel) & (TOLD | DETACHED) == DETACHED
    }

    /// The worker's side, after the handler returned. The flag says that there is more to look at than the answer.
    pub(crate) fn detach(&self) -> (Progress, bool) {
        let before = self.0.fetch_or(DETACHED, Ordering::AcqRel);
        (progress(before), before & TOLD != 0)
    }

    /// The same, when nobody else holds the exchange any more.
    pub(crate) fn detach_alone(&mut self) -> (Progress, bool) {
        let before = self.0.load(Ordering::Relaxed);
        self.0.store(before | DETACHED, Ordering::Relaxed);
        (progress(before), before & TOLD != 0)
    }

    /// The worker's side, before it calls the handler again and looks when that returns: until [`State::detach`] it is told of nothing.
    pub(crate) fn attend(&self) {
        self.0.fetch_and(!DETACHED, Ordering::AcqRel);
    }

    /// The worker's side, before it hands an exchange on that went on.
    pub(crate) fn reattach(&self) {
        self.0.fetch_and(!(DETACHED | TOLD | PROCEED), Ordering::AcqRel);
    }

    /// The worker looks: what happens from now on is told again.
    pub(crate) fn look(&self) -> Progress {
        progress(self.0.fetch_and(!TOLD, Ordering::AcqRel))
    }

    /// Ends the exchange. True: it was not cancelled before.
    pub(crate) fn cancel(&self, why: CancelReason) -> bool {
        let bit = match why {
            CancelReason::PeerGone => PEER_GONE,
            CancelReason::Deadline => DEADLINE,
            CancelReason::Drain => DRAIN,
            CancelReason::Reset => RESET,
        };
        let before = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, |before| {
            (before & CANCELLED == 0).then_some(before | bit)
        });
        before.is_ok()
    }
}

fn progress(bits: u32) -> Progress {
    if bits & RESET != 0 {
        Progress::Reset
    } else if bits & STREAMED != 0 {
        Progress::Streamed
    } else if bits & ANSWERED != 0 {
        Progress::Whole
    } else if bits & PROCEED != 0 {
        Progress::Proceed
    } else {
        Progress::Open
    }
}

fn reason(bits: u32) -> Option<CancelReason> {
    if bits & PEER_GONE != 0 {
        Some(CancelReason::PeerGone)
    } else if bits & DEADLINE != 0 {
        Some(CancelReason::Deadline)
    } else if bits & DRAIN != 0 {
        Some(CancelReason::Drain)
    } else if bits & RESET != 0 {
        Some(CancelReason::Reset)
    } else {
        None
    }
}

#[cold]
fn refused(bits: u32) -> Result<(), AnswerError> {
    match reason(bits) {
        Some(reason) => Err(AnswerError::Cancelled(reason)),
        None if bits & ANSWERED != 0 => Err(AnswerError::Answered),
        None => Ok(()),
    }
}
