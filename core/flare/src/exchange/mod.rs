//! The exchange: one request, its answer and its cancel state.

mod block;
mod pool;
mod state;

use std::sync::Arc;

pub(crate) use block::{Block, ExchangeKey, Home};
pub(crate) use pool::Pool;
pub use state::CancelReason;
pub(crate) use state::State;

use crate::message::{IntoResponse, Request, Response};

/// The right to answer one request.
///
/// A handler gets it and answers now, or keeps it and answers later from any thread. Dropping it without an answer
/// sends 500.
#[derive(Debug)]
pub struct Exchange {
    request: Request,
}

/// An answer came too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerError {
    /// The exchange was answered before.
    Answered,
    /// The exchange is over: the client left, a deadline passed, or the server ended.
    Cancelled(CancelReason),
}

impl std::fmt::Display for AnswerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered => f.write_str("the exchange was answered before"),
            Self::Cancelled(reason) => write!(f, "the exchange is over: {reason}"),
        }
    }
}

impl std::error::Error for AnswerError {}

impl Exchange {
    pub(crate) fn new(block: Arc<Block>) -> Self {
        Self { request: Request { block } }
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Answers. A client that has left does not matter to the caller: the answer is dropped.
    pub fn respond(self, answer: impl IntoResponse) {
        // Err: the exchange is over, which `Request::cancelled` tells to those who ask.
        let _ = self.try_respond(answer);
    }

    /// Answers, and says whether the answer was taken.
    ///
    /// # Errors
    /// When the exchange is over: the client left, a deadline passed, or the server ended.
    pub fn try_respond(self, answer: impl IntoResponse) -> Result<(), AnswerError> {
        self.draft(|response| answer.write_to(response))?;
        self.finish()
    }

    /// Changes the answer while it is not sent. What several calls write stays until [`Exchange::finish`] sends it.
    ///
    /// # Errors
    /// When it was sent before, or the exchange is over.
    pub fn draft<T>(&self, change: impl FnOnce(&mut Response) -> T) -> Result<T, AnswerError> {
        let block = &self.request.block;
        let mut answer = block.answer();
        block.state.check_open()?;
        Ok(change(&mut answer))
    }

    /// Sends the answer that was drafted. Without a draft it is an empty 200.
    ///
    /// # Errors
    /// When it was sent before, or the exchange is over.
    pub fn finish(&self) -> Result<(), AnswerError> {
        let block = &self.request.block;
        let late = {
            // Under the lock, so that a draft in another thread is either whole or refused.
            let _answer = block.answer();
            block.state.answer()?
        };
        if late {
            block.home.answered(block.key);
        }
        Ok(())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if self.request.block.state.check_open().is_ok() {
            // The only errors left are a cancel that came in between; then nobody waits for the 500.
            let _ = self.draft(|response| response.set_status_only(500));
            let _ = self.finish();
        }
    }
}
