//! Why a route was refused at registration.

use std::error::Error;
use std::fmt;

/// What is wrong with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteProblem {
    /// The pattern does not start with `/`.
    MissingSlash,
    /// Two slashes follow each other.
    EmptySegment,
    /// A name after `:` or `*` is not `[A-Za-z_][A-Za-z0-9_]*`.
    BadName,
    /// Two parameters have the same name.
    DuplicateName,
    /// A `*name` is not the last segment.
    RestNotLast,
    /// A `%` is not followed by two hexadecimal digits (RFC 3986 section 2.1).
    BadEncoding,
    /// The pattern has a control character, or `%00`.
    ControlCharacter,
    /// The pattern has a `?` or `#`, which end a path (RFC 3986 section 3.3).
    QueryOrFragment,
    /// More than [`MAX_SEGMENTS`](super::MAX_SEGMENTS) segments.
    TooManySegments,
    /// More than [`MAX_PATTERN`](super::MAX_PATTERN) bytes.
    TooLong,
    /// The method is not a token (RFC 9110 section 5.6.2).
    BadMethod,
    /// More than 64 different methods in one table.
    TooManyMethods,
    /// Another route has the same method and a pattern of the same shape.
    Conflict,
    /// The prefix of a mount ends with `/` and is not just `/`.
    PrefixSlash,
    /// The prefix of a mount has a `*name`.
    PrefixRest,
}

impl RouteProblem {
    /// The problem in words, to follow the name of the route.
    pub const fn text(self) -> &'static str {
        match self {
            Self::MissingSlash => "a pattern must start with '/'",
            Self::EmptySegment => "a pattern must not have an empty segment before its end",
            Self::BadName => "a name must be a letter or '_', then letters, digits or '_'",
            Self::DuplicateName => "two parameters have the same name",
            Self::RestNotLast => "'*name' must be the last segment",
            Self::BadEncoding => "'%' must be followed by two hexadecimal digits",
            Self::ControlCharacter => "a pattern must not have control characters or %00",
            Self::QueryOrFragment => "a pattern must not have '?' or '#' (write %3F or %23)",
            Self::TooManySegments => "a pattern must not have more than 32 segments",
            Self::TooLong => "a pattern must not be longer than 4096 bytes",
            Self::BadMethod => "a method must be a token, or \"*\" for any method",
            Self::TooManyMethods => "a table must not have more than 64 different methods",
            Self::Conflict => "the same method and the same shape as another route",
            Self::PrefixSlash => "the prefix of a mount must not end with '/'",
            Self::PrefixRest => "the prefix of a mount must not have a '*name'",
        }
    }
}

/// A route that a table refuses. Its text names the route, what is wrong, and for a conflict the other route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteError {
    problem: RouteProblem,
    method: String,
    pattern: String,
    other: Option<String>,
}

impl RouteError {
    pub(super) fn new(problem: RouteProblem, method: &str, pattern: &str) -> Self {
        Self { problem, method: method.to_owned(), pattern: pattern.to_owned(), other: None }
    }

    pub(super) fn conflict(method: &str, pattern: &str, other: &str) -> Self {
        Self { other: Some(other.to_owned()), ..Self::new(RouteProblem::Conflict, method, pattern) }
    }

    /// What is wrong.
    pub fn problem(&self) -> RouteProblem {
        self.problem
    }

    /// The method of the refused route; empty if the prefix of a mount is at fault.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The pattern of the refused route, with the prefix if it was mounted.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The pattern that was there first, for [`RouteProblem::Conflict`].
    pub fn other(&self) -> Option<&str> {
        self.other.as_deref()
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug quotes, so that control characters and empty texts show in a log.
        write!(f, "route {:?} {:?}: {}", self.method, self.pattern, self.problem.text())?;
        match &self.other {
            Some(other) => write!(f, ": {other:?}"),
            None => Ok(()),
        }
    }
}

impl Error for RouteError {}

#[cfg(test)]
mod tests {
    use super::super::allow::MAX_METHODS;
    use super::super::{MAX_PATTERN, MAX_SEGMENTS};
    use super::*;

    /// The texts are `const`, so the numbers in them are written by hand.
    #[test]
    fn says_the_right_numbers() {
        assert!(RouteProblem::TooManySegments.text().contains(&format!(" {MAX_SEGMENTS} ")));
        assert!(RouteProblem::TooLong.text().contains(&format!(" {MAX_PATTERN} ")));
        assert!(RouteProblem::TooManyMethods.text().contains(&format!(" {MAX_METHODS} ")));
    }
}
