//! Why nobody was reached.

use super::{Attempt, Family};
use crate::{ResolveError, Target};
use std::fmt;
use std::io;
use std::time::Duration;

/// Why a [`Dial`](super::Dial) has failed, and for whom it was.
#[derive(Debug)]
pub struct DialError {
    /// Whom to connect to.
    pub target: Target,
    /// What went wrong.
    pub reason: DialFailure,
}

/// What went wrong with a [`Dial`](super::Dial).
#[derive(Debug)]
#[non_exhaustive]
pub enum DialFailure {
    /// The name has no addresses.
    Resolve(ResolveError),
    /// All addresses have failed; at least one, the last to fail last.
    Connect(Vec<Attempt>),
    /// The target has no address of the family that was asked for.
    Family(Family),
    /// The time was over while the name was looked up.
    ResolveTimeout(Duration),
    /// The time was over while addresses were tried. Those that had failed before.
    ConnectTimeout(Duration, Vec<Attempt>),
}

impl DialError {
    /// The kind of error of the system that comes nearest: that of the last attempt, `TimedOut`, or `NotFound` for a name.
    pub fn kind(&self) -> io::ErrorKind {
        match &self.reason {
            DialFailure::Resolve(ResolveError::NotFound) => io::ErrorKind::NotFound,
            DialFailure::Resolve(_) => io::ErrorKind::Other,
            DialFailure::Family(_) => io::ErrorKind::NotFound,
            DialFailure::Connect(attempts) => {
                attempts.last().map_or(io::ErrorKind::Other, |attempt| attempt.error.kind())
            }
            DialFailure::ResolveTimeout(_) | DialFailure::ConnectTimeout(..) => io::ErrorKind::TimedOut,
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        match &self.reason {
            DialFailure::Resolve(error) => write!(f, "can't resolve {target}: {error}"),
            DialFailure::Connect(attempts) => {
                write!(f, "can't connect to {target}")?;
                list(f, ": ", attempts)
            }
            DialFailure::Family(family) => write!(f, "can't connect to {target}: it has no {family} address"),
            DialFailure::ResolveTimeout(after) => {
                write!(f, "can't resolve {target}: no answer within {after:?}")
            }
            DialFailure::ConnectTimeout(after, attempts) => {
                write!(f, "can't connect to {target}: no answer within {after:?}")?;
                list(f, "; before that ", attempts)
            }
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, before: &str, attempts: &[Attempt]) -> fmt::Result {
    for (index, Attempt { address, error }) in attempts.iter().enumerate() {
        let between = if index == 0 { before } else { "; " };
        write!(f, "{between}{address}: {error}")?;
    }
    Ok(())
}

impl std::error::Error for DialError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.reason {
            DialFailure::Resolve(error) => Some(error),
            DialFailure::Connect(attempts) => {
                attempts.last().map(|attempt| &attempt.error as &(dyn std::error::Error + 'static))
            }
            DialFailure::Family(_) | DialFailure::ResolveTimeout(_) | DialFailure::ConnectTimeout(..) => None,
        }
    }
}
