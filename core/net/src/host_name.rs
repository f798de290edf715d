//! Names of hosts, checked before anything is asked about them.

use std::fmt;

/// The name of a host, in lower case, such as `example.com` or `printer`: one that means the same to whoever looks at it.
///
/// Labels of letters, digits, `-` and `_` (1 to 63, not beginning or ending with `-`), with dots between them, at most 253 bytes; a dot at the
/// end says that the name is complete. `_` is beyond RFC 1123, but names in private networks have it. The last label is no number:
/// such a name is an address in one of the forms that only some readers know (`127.1`, `0x7f000001`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostName(Box<str>);

/// Why a text is no name of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostNameError {
    /// It is empty, or longer than 253 bytes.
    Length,
    /// It has a label that is empty or longer than 63 bytes, or begins or ends with `-`.
    Label,
    /// It has a character that no name has. International names have to be written in their ASCII form (`xn--...`, RFC 5890).
    Character,
    /// It ends in a number: it is meant to be an address, and is none that everybody reads alike.
    Number,
}

impl fmt::Display for HostNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HostNameError::Length => "a host name has 1 to 253 bytes",
            HostNameError::Label => "each part of a host name has 1 to 63 bytes, and no \"-\" at its ends",
            HostNameError::Character => {
                "a host name is made of letters, digits, \"-\", \"_\" and dots (international ones in their xn-- form)"
            }
            HostNameError::Number => "a host name does not end in a number, and this is no address",
        })
    }
}

impl std::error::Error for HostNameError {}

/// The longest name, without a dot at its end (RFC 1035, 2.3.4, as text).
const LONGEST: usize = 253;

impl HostName {
    /// Checks a name.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub fn new(text: &str) -> Result<HostName, HostNameError> {
        let relative = text.strip_suffix('.').unwrap_or(text);
        if relative.is_empty() || relative.len() > LONGEST {
            return Err(HostNameError::Length);
        }
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || byte == b'.';
        if !relative.bytes().all(is_good) {
            return Err(HostNameError::Character);
        }
        let mut last = "";
        for label in relative.split('.') {
            if label.is_empty() || label.len() > 63 || label.starts_with('-') || label.ends_with('-') {
                return Err(HostNameError::Label);
            }
            last = label;
        }
        let hexadecimal = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
        let is_number = last.bytes().all(|byte| byte.is_ascii_digit())
            || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_number {
            return Err(HostNameError::Number);
        }
        Ok(HostName(text.to_ascii_lowercase().into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_in_lower_case() {
        let longest = format!("{}.{}.{}.{}", "a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61));
        for text in
            ["a", "Example.COM", "xn--bcher-kva.example.", "my_service_1", "1.a", "a-b.c", "0x7g", &longest]
        {
            assert_eq!(HostName::new(text).unwrap().as_str(), text.to_ascii_lowercase(), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_a_reason() {
        let long = format!("{}.a", "a".repeat(64));
        let too_long = ["a"; 128].join(".");
        for (text, reason) in [
            ("", HostNameError::Length),
            (".", HostNameError::Length),
            (too_long.as_str(), HostNameError::Length),
            ("a..b", HostNameError::Label),
            (".a", HostNameError::Label),
            ("a..", HostNameError::Label),
            ("-a", HostNameError::Label),
            ("a-.b", HostNameError::Label),
            (long.as_str(), HostNameError::Label),
            ("a b", HostNameError::Character),
            ("a\0b", HostNameError::Character),
            ("a\r\nb", HostNameError::Character),
            ("a/b", HostNameError::Character),
            ("a@b", HostNameError::Character),
            ("a%b", HostNameError::Character),
            ("[a]", HostNameError::Character),
            ("a:b", HostNameError::Character),
            ("b\u{fc}cher.example", HostNameError::Character),
            ("127.1", HostNameError::Number),
            ("2130706433", HostNameError::Number),
            ("0x7f000001", HostNameError::Number),
            ("0x7F.0X", HostNameError::Number),
            ("1.2.3.4.5", HostNameError::Number),
            ("a.1.", HostNameError::Number),
        ] {
            assert_eq!(HostName::new(text), Err(reason), "{text:?}");
        }
    }
}
