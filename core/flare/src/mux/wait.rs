//! Waiting for a change, with an end.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use super::error::MuxError;
use crate::embed::Changed;

/// When a wait ends; None: never.
pub(super) fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}

/// Waits until somebody tells of a change, or the deadline passes. May return without a change.
pub(super) fn wait<'a, T>(
    changed: &Changed,
    guard: MutexGuard<'a, T>,
    deadline: Option<Instant>,
) -> Result<MutexGuard<'a, T>, MuxError> {
    let Some(deadline) = deadline else {
        return Ok(changed.wait(guard));
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(MuxError::Timeout);
    }
    Ok(changed.wait_timeout(guard, left))
}
