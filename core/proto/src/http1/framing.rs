//! The fields that say how long a message is and whether the connection persists (RFC 9112 sections 6, 9).

use super::error::{Error, Kind};
use crate::grammar::list_members;
use crate::known_field::KnownField;

/// The length of a request's body (RFC 9112 section 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BodyLength {
    /// There is no body, or it is empty.
    Empty,
    /// So many bytes, at least one.
    Known(u64),
    /// Chunked transfer coding: known at its end.
    Chunked,
}

/// What the fields of one message say, gathered while its fields are gone through.
#[derive(Default)]
pub(super) struct Framing {
    pub(super) content_length: Option<u64>,
    pub(super) chunked: bool,
    pub(super) close: bool,
    pub(super) keep_alive: bool,
    /// `upgrade` among the connection options.
    pub(super) upgrade_option: bool,
    /// There is an Upgrade field.
    pub(super) upgrade_field: bool,
}

impl Framing {
    /// Takes note of a field that counts; others are ignored.
    #[inline]
    pub(super) fn note(&mut self, field: KnownField, value: &[u8]) -> Result<(), Error> {
        match field {
            KnownField::ContentLength => {
                if self.content_length.is_some() {
                    return Err(Kind::ContentLength.into());
                }
                self.content_length = Some(parse_length(value).ok_or(Kind::ContentLength)?);
            }
            KnownField::TransferEncoding => self.note_coding(value)?,
            // Nearly every client sends just this.
            KnownField::Connection if value == b"keep-alive" => self.keep_alive = true,
            KnownField::Connection => {
                for option in list_members(value) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                    self.upgrade_option |= option.eq_ignore_ascii_case(b"upgrade");
                }
            }
            KnownField::Upgrade => self.upgrade_field = true,
            _ => {}
        }
        Ok(())
    }

    /// `chunked`, once, and nothing else. A coding we do not know leaves the length unknown (RFC 9112 section 6.1).
    fn note_coding(&mut self, value: &[u8]) -> Result<(), Error> {
        if self.chunked {
            return Err(Kind::TransferEncoding.into());
        }
        if value.eq_ignore_ascii_case(b"chunked") {
            self.chunked = true;
            return Ok(());
        }
        let is_list_of_tokens = !value.is_empty() && value.split(|&byte| byte == b',').all(is_coding);
        Err(if is_list_of_tokens { Kind::UnknownCoding } else { Kind::TransferEncoding }.into())
    }

    /// Whether the two ways to give a length contradict each other (RFC 9112 section 6.3).
    #[inline]
    pub(super) fn has_both_lengths(&self) -> bool {
        self.chunked && self.content_length.is_some()
    }
}

/// A transfer coding that is a name other than `chunked`: where that one stands beside others, the list is malformed.
fn is_coding(member: &[u8]) -> bool {
    let name = crate::grammar::trim_ows(member);
    crate::grammar::is_token(name) && !name.eq_ignore_ascii_case(b"identity")
}

/// `1*DIGIT` (RFC 9110 section 8.6); `None` also when it does not fit 64 bits.
#[inline]
pub(crate) fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    let mut length: u64 = 0;
    for &digit in value {
        if !digit.is_ascii_digit() {
            return None;
        }
        length = length.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths() {
        assert_eq!(parse_length(b"0005"), Some(5));
        assert_eq!(parse_length(b"18446744073709551615"), Some(u64::MAX));
        for bad in ["", "18446744073709551616", "+5", "-0", "5, 5", "5 ", "0x5", "5.0", "\"5\"", "5a", "1_0"]
        {
            assert_eq!(parse_length(bad.as_bytes()), None, "{bad}");
        }
    }

    fn coding(values: &[&str]) -> Result<bool, u16> {
        let mut framing = Framing::default();
        for value in values {
            framing.note(KnownField::TransferEncoding, value.as_bytes()).map_err(Error::status)?;
        }
        Ok(framing.chunked)
    }

    #[test]
    fn codings() {
        assert_eq!(coding(&["chunked"]), Ok(true));
        assert_eq!(coding(&["ChUnKeD"]), Ok(true));
        assert_eq!(coding(&["gzip, chunked"]), Err(501));
        assert_eq!(coding(&["gzip"]), Err(501));
        assert_eq!(coding(&["chunked", "chunked"]), Err(400));
        assert_eq!(coding(&["chunked", "identity"]), Err(400));
        for bad in [
            "",
            "identity",
            ", chunked",
            "chunked;",
            "chunked;a=b",
            "chunked chunked",
            "\"chunked\"",
            "\u{b}chunked",
        ] {
            assert_eq!(coding(&[bad]), Err(400), "{bad}");
        }
    }

    #[test]
    fn connection_options() {
        let mut framing = Framing::default();
        framing.note(KnownField::Connection, b"x-a, CLOSE,, Keep-Alive").unwrap();
        assert!(framing.close && framing.keep_alive && !framing.upgrade_option);
        framing.note(KnownField::Connection, b"Upgrade").unwrap();
        assert!(framing.upgrade_option && !framing.upgrade_field);
    }
}
