//! Why a connection is closed (RFC 6455 section 7.4).

use std::fmt;

use super::error::ConnectionError;

/// A number that may stand in a Close frame: those that are registered for it, and 3000 to 4999, which belong to libraries and applications.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose was fulfilled.
    pub const NORMAL: CloseCode = CloseCode(1000);
    /// The server stops, or the page is left.
    pub const GOING_AWAY: CloseCode = CloseCode(1001);
    /// The protocol was broken.
    pub const PROTOCOL_ERROR: CloseCode = CloseCode(1002);
    /// A kind of message that can't be taken.
    pub const UNSUPPORTED_DATA: CloseCode = CloseCode(1003);
    /// What a message holds is not what its kind says: a text that is not UTF-8.
    pub const INVALID_PAYLOAD: CloseCode = CloseCode(1007);
    /// Something that is against the rules of this end.
    pub const POLICY_VIOLATION: CloseCode = CloseCode(1008);
    /// A message is too long.
    pub const MESSAGE_TOO_BIG: CloseCode = CloseCode(1009);
    /// A client misses an extension.
    pub const MANDATORY_EXTENSION: CloseCode = CloseCode(1010);
    /// A server made a mistake.
    pub const INTERNAL_ERROR: CloseCode = CloseCode(1011);
    /// The service restarts.
    pub const SERVICE_RESTART: CloseCode = CloseCode(1012);
    /// The service has too much to do.
    pub const TRY_AGAIN_LATER: CloseCode = CloseCode(1013);
    /// A gateway got no good answer.
    pub const BAD_GATEWAY: CloseCode = CloseCode(1014);

    /// The code with this number, if it may be sent: 1000 to 1014 without 1004, 1005 and 1006, and 3000 to 4999.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        match number {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(CloseCode(number)),
            _ => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

/// The payload of a Close: code and reason.
pub(super) fn parse(payload: &[u8]) -> Result<(Option<CloseCode>, &str), ConnectionError> {
    match payload {
        [] => Ok((None, "")),
        [_] => Err(ConnectionError::protocol("a Close with half a code")),
        [high, low, reason @ ..] => {
            let code = CloseCode::new(u16::from_be_bytes([*high, *low]))
                .ok_or(ConnectionError::protocol("a Close with a code that may not be sent"))?;
            let reason = std::str::from_utf8(reason)
                .map_err(|_| ConnectionError::payload("the reason of a Close is not UTF-8"))?;
            Ok((Some(code), reason))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CloseCode;

    #[test]
    fn codes_that_may_be_sent() {
        let good: Vec<u16> = (0..=u16::MAX).filter(|number| CloseCode::new(*number).is_some()).collect();
        let expected: Vec<u16> = (1000..=1003).chain(1007..=1014).chain(3000..=4999).collect();
        assert_eq!(good, expected);
        assert_eq!(CloseCode::new(4000).map(CloseCode::number), Some(4000));
        assert_eq!(CloseCode::GOING_AWAY.to_string(), "1001");
    }
}
