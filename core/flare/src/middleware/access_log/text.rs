//! Text of clients in lines of a log, and times.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use httpdate::fmt_http_date;

/// Writes what stands between two quotes of a plain line: `"`, `\` and everything but printable ASCII as `\xHH`.
pub(super) fn push_plain(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        match byte {
            b'"' | b'\\' => push_hex(out, "\\x", u32::from(*byte), 2),
            b' '..=b'~' => out.push(char::from(*byte)),
            _ => push_hex(out, "\\x", u32::from(*byte), 2),
        }
    }
}

/// As [`push_plain`], but a space is escaped too: for fields without quotes. `-` stands for nothing.
pub(super) fn push_word(out: &mut String, text: &str) {
    if text.is_empty() {
        out.push('-');
    }
    for part in text.split_inclusive(' ') {
        push_plain(out, part.trim_end_matches(' ').as_bytes());
        if part.ends_with(' ') {
            out.push_str("\\x20");
        }
    }
}

/// Writes a string of JSON with its quotes (RFC 8259, section 7), in ASCII. What is not UTF-8 becomes U+FFFD.
pub(super) fn push_json(out: &mut String, bytes: &[u8]) {
    out.push('"');
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                ' '..='~' => out.push(character),
                _ => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        push_hex(out, "\\u", u32::from(*unit), 4);
                    }
                }
            }
        }
        if !chunk.invalid().is_empty() {
            out.push_str("\\ufffd");
        }
    }
    out.push('"');
}

fn push_hex(out: &mut String, start: &str, number: u32, digits: u32) {
    out.push_str(start);
    for place in (0..digits).rev() {
        let digit = number >> (4 * place) & 0xf;
        out.push(char::from_digit(digit, 16).unwrap_or('0'));
    }
}

/// The parts of a time in UTC. The month is a name of three letters.
struct Parts {
    text: String,
}

impl Parts {
    fn new(time: SystemTime) -> Self {
        // What the clock tells may be before 1970 or after 9999, which a date of HTTP can't be.
        const LAST: Duration = Duration::from_secs(253_402_300_799);
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().min(LAST);
        Self { text: fmt_http_date(SystemTime::UNIX_EPOCH + since) }
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7), from the end of the day's name.
    fn part(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }

    fn day(&self) -> &str {
        self.part(5, 7)
    }

    fn month(&self) -> &str {
        self.part(8, 11)
    }

    fn year(&self) -> &str {
        self.part(12, 16)
    }

    fn time(&self) -> &str {
        self.part(17, 25)
    }
}

/// `06/Nov/1994:08:49:37 +0000`.
pub(super) fn push_common_time(out: &mut String, time: SystemTime) {
    let parts = Parts::new(time);
    for part in [parts.day(), "/", parts.month(), "/", parts.year(), ":", parts.time(), " +0000"] {
        out.push_str(part);
    }
}

/// `1994-11-06T08:49:37.123Z` (RFC 3339).
pub(super) fn push_rfc3339(out: &mut String, time: SystemTime) {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let parts = Parts::new(time);
    let month = MONTHS.iter().position(|name| *name == parts.month()).map_or(1, |index| index + 1);
    let millis = time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.subsec_millis());
    // Never Err: a string takes everything.
    let _ = write!(out, "{}-{month:02}-{}T{}.{millis:03}Z", parts.year(), parts.day(), parts.time());
}
