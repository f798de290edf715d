//! Writing heads: field lines, and the fields that belong to the connection.

use super::framing::Framing;
use crate::grammar::list_members;
use crate::known_field::{KnownField, known_field};
use crate::{Headers, SendError};

#[inline]
pub(crate) fn push_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// In decimal digits.
#[inline]
pub(crate) fn push_decimal(out: &mut Vec<u8>, number: u64) {
    if number < 10_000 {
        // Few enough to be written together: the first of them become the lowest bytes.
        let (mut digits, mut count, mut rest) = (0, 0, number as u32);
        loop {
            digits = digits << 8 | (b'0' as u32 + rest % 10);
            count += 1;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let end = out.len() + count;
        out.extend_from_slice(&digits.to_le_bytes());
        out.truncate(end);
    } else {
        out.extend_from_slice(decimal(number, &mut [0; 20]));
    }
}

/// The number in decimal digits, at the end of the room for them.
pub(crate) fn decimal(mut number: u64, digits: &mut [u8; 20]) -> &[u8] {
    let mut start = digits.len();
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        start -= 1;
        if number == 0 {
            break;
        }
    }
    digits.get(start..).unwrap_or_default()
}

/// In hexadecimal digits, as before a chunk.
pub(super) fn push_hex(out: &mut Vec<u8>, number: u64) {
    let count = (64 - number.leading_zeros()).div_ceil(4).max(1);
    for place in (0..count).rev() {
        let digit = (number >> (4 * place) & 15) as u8;
        out.push(if digit < 10 { b'0' + digit } else { b'a' + digit - 10 });
    }
}

#[inline]
pub(super) fn push_content_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(b"content-length: ");
    push_decimal(out, length);
    out.extend_from_slice(b"\r\n");
}

/// What the fields of a message that is sent mean to its connection.
#[derive(Default)]
pub(super) struct SentFields {
    pub(super) framing: Framing,
    pub(super) has_date: bool,
    pub(super) has_server: bool,
    has_te: bool,
    has_other_options: bool,
}

/// Writes the fields, but for those that the connection writes itself: Content-Length, Connection, Keep-Alive.
#[inline]
pub(super) fn push_fields(out: &mut Vec<u8>, headers: &Headers) -> Result<SentFields, SendError> {
    if headers.push_lines_to(out) { Ok(SentFields::default()) } else { push_mixed_fields(out, headers) }
}

#[inline(never)]
fn push_mixed_fields(out: &mut Vec<u8>, headers: &Headers) -> Result<SentFields, SendError> {
    let mut sent = SentFields::default();
    for (name, value) in headers.raw() {
        match known_field(name) {
            None => {}
            Some(KnownField::TransferEncoding) => return Err(SendError::TransferEncoding),
            Some(KnownField::KeepAlive) => continue,
            Some(field @ (KnownField::ContentLength | KnownField::Connection)) => {
                sent.framing.note(field, value).map_err(|_| SendError::ContentLength)?;
                sent.has_other_options |= field == KnownField::Connection;
                continue;
            }
            Some(KnownField::Upgrade) => sent.framing.upgrade_field = true,
            Some(KnownField::Date) => sent.has_date = true,
            Some(KnownField::Te) => sent.has_te = true,
            Some(KnownField::Server) => sent.has_server = true,
            Some(KnownField::Host | KnownField::Expect) => {}
        }
        push_field(out, name, value);
    }
    Ok(sent)
}

impl SentFields {
    /// Whether there was a field that the connection writes itself, or that changes what it is.
    pub(super) fn belongs_to_connection(&self) -> bool {
        self.has_date
            || self.has_server
            || self.has_other_options
            || self.framing.upgrade_field
            || self.framing.content_length.is_some()
    }

    /// Writes the Connection field, if there is anything to say. `persistence` is `close`, `keep-alive` or empty.
    pub(super) fn push_connection(&self, out: &mut Vec<u8>, headers: &Headers, persistence: &[u8]) {
        let has_hop_field = self.framing.upgrade_field || self.has_te;
        if persistence.is_empty() && !has_hop_field && !self.has_other_options {
            return;
        }
        let start = out.len();
        out.extend_from_slice(b"connection: ");
        let mut separator: &[u8] = b"";
        let mut push = |option: &[u8]| {
            out.extend_from_slice(separator);
            out.extend_from_slice(option);
            separator = b", ";
        };
        if !persistence.is_empty() {
            push(persistence);
        }
        // Whoever sends Upgrade or TE has to list it here (RFC 9110 sections 7.8, 10.1.4).
        if self.framing.upgrade_field {
            push(b"upgrade");
        }
        if self.has_te {
            push(b"te");
        }
        if self.has_other_options {
            for option in headers.get_all("connection").flat_map(list_members) {
                let ours: [&[u8]; 4] = [b"close", b"keep-alive", b"upgrade", b"te"];
                if !ours.iter().any(|own| own.eq_ignore_ascii_case(option)) {
                    push(option);
                }
            }
        }
        if separator.is_empty() {
            out.truncate(start);
        } else {
            out.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for number in [
            0,
            1,
            9,
            10,
            15,
            16,
            99,
            100,
            255,
            999,
            1000,
            4096,
            9999,
            10_000,
            65_535,
            u64::from(u32::MAX),
            u64::MAX,
        ] {
            let mut out = Vec::new();
            push_decimal(&mut out, number);
            assert_eq!(out, number.to_string().as_bytes());
            out.clear();
            push_hex(&mut out, number);
            assert_eq!(out, format!("{number:x}").as_bytes());
        }
    }
}
