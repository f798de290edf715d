//! One line for each exchange.

use std::time::Duration;

use crate::message::Request;

/// What the access log tells of one exchange that ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct AccessRecord<'a> {
    /// The request.
    pub request: &'a Request,
    /// The status of the answer.
    pub status: u16,
    /// Bytes of content in the answer.
    pub body_bytes: u64,
    /// Whether the answer was sent whole; otherwise it was cut, or there was none (status 0).
    pub whole: bool,
    /// From the end of the request's head to the answer, at the resolution of the worker's clock (1 ms).
    pub duration: Duration,
}
