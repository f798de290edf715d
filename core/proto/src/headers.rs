//! A field section: the headers or the trailers of a message (RFC 9110 section 5).

use std::fmt;

use crate::grammar::{is_field_value, is_token, trim_ows};
use crate::known_field::known_field;
use crate::lower_case::{make_lower_case, make_plain_lower_case};
use crate::words::is_plain_name;

/// A field section: names with values, in the order they came. A name may occur more than once.
///
/// All text is in one buffer, so a section costs no allocation for each field, and none at all once its capacity suffices.
/// Names are kept in lower case; they are compared without regard to case. Values are bytes: visible ASCII, SP, HTAB and
/// 0x80..=0xFF, without white space at their ends. Each name and each value is followed by a NUL in the buffer.
#[derive(Clone, Default)]
pub struct Headers {
    pub(crate) text: Vec<u8>,
    fields: Vec<Field>,
    /// The text is more than [`Headers::append`] wrote, or a field belongs to the connection: so it can't be sent as it is.
    is_mixed: bool,
}

/// Offsets into the text. Behind each end stands a NUL.
#[derive(Clone, Copy)]
struct Field {
    name: Span,
    value: Span,
}

/// A piece of a text, with a NUL behind it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// What stands behind a name that was appended, and behind its value.
const NAME_END: &[u8] = b"\0 ";
const VALUE_END: &[u8] = b"\0\n";

impl Span {
    #[inline]
    pub(crate) fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn with_nul_of(self, text: &[u8]) -> &[u8] {
        text.get(self.start as usize..self.end as usize + 1).unwrap_or(b"\0")
    }
}

/// Why a field was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InvalidField {
    /// The name is not a token (RFC 9110 section 5.1).
    Name,
    /// The value holds a control character, CR, LF or NUL (RFC 9110 section 5.5).
    Value,
    /// The section would grow beyond 4 GiB.
    TooLong,
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InvalidField::Name => "invalid field name",
            InvalidField::Value => "invalid field value",
            InvalidField::TooLong => "field section too long",
        })
    }
}

impl std::error::Error for InvalidField {}

impl Headers {
    /// An empty section. Does not allocate.
    pub const fn new() -> Self {
        Headers { text: Vec::new(), fields: Vec::new(), is_mixed: false }
    }

    /// The number of fields.
    #[inline]
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is no field.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Removes all fields, and keeps the capacity.
    #[inline]
    pub fn clear(&mut self) {
        self.text.clear();
        self.fields.clear();
        self.is_mixed = false;
    }

    /// Adds a field behind the others. The name is put into lower case; white space around the value is dropped.
    ///
    /// # Errors
    /// The name is no token, or the value holds a forbidden byte. Nothing is added then.
    #[inline]
    pub fn append(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        self.append_bytes(name.as_ref(), value.as_ref())
    }

    pub(crate) fn append_bytes(&mut self, name: &[u8], value: &[u8]) -> Result<(), InvalidField> {
        let value = trim_ows(value);
        let is_lower_case = check(name, value)?;
        self.append_checked(name, is_lower_case, value)
    }

    /// The text becomes a line of HTTP/1, with NULs where colon and CR belong. So the whole section is sent by one copy.
    #[inline(always)]
    fn append_checked(&mut self, name: &[u8], is_lower_case: bool, value: &[u8]) -> Result<(), InvalidField> {
        let start = self.text.len();
        let name_end = start + name.len();
        let value_start = name_end + NAME_END.len();
        let value_end = value_start + value.len();
        let end = value_end + VALUE_END.len();
        if u32::try_from(end).is_err() {
            return Err(InvalidField::TooLong);
        }
        self.text.reserve(end - start);
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(NAME_END);
        self.text.extend_from_slice(value);
        self.text.extend_from_slice(VALUE_END);
        if !is_lower_case && let Some(name) = self.text.get_mut(start..name_end) {
            make_lower_case(name);
        }
        self.is_mixed |= known_field(name).is_some();
        let span = |start, end| Span { start: start as u32, end: end as u32 };
        self.fields.push(Field { name: span(start, name_end), value: span(value_start, value_end) });
        Ok(())
    }

    /// Makes this the only value of the field, behind the others. See [`Headers::append`].
    ///
    /// # Errors
    /// As [`Headers::append`]; the former values stay then.
    pub fn set(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Result<(), InvalidField> {
        let name = name.as_ref();
        let value = trim_ows(value.as_ref());
        let is_lower_case = check(name, value)?;
        self.remove(name);
        self.append_checked(name, is_lower_case, value)
    }

    /// Removes every field of this name; how many there were.
    pub fn remove(&mut self, name: impl AsRef<[u8]>) -> usize {
        let name = name.as_ref();
        let before = self.fields.len();
        let mut index = 0;
        while let Some(field) = self.fields.get(index).copied() {
            if !field.name.of(&self.text).eq_ignore_ascii_case(name) {
                index += 1;
                continue;
            }
            self.fields.remove(index);
            let end = field.value.end + 1;
            let is_line = self.text.get(end as usize) == Some(&b'\n');
            self.cut(field.name.start, end + u32::from(is_line));
        }
        before - self.fields.len()
    }

    /// The first value of the field. Names are compared without case.
    #[inline]
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.find(name).map(|field| field.value.of(&self.text))
    }

    /// The first value of the field, if it is UTF-8.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// All values of the field, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.raw().filter(|(field, _)| field.eq_ignore_ascii_case(name.as_bytes())).map(|(_, value)| value)
    }

    /// All fields, in order: the name in lower case, and the value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.raw().map(|(name, value)| (as_str(name), value))
    }

    /// The name of the field at this index, in lower case.
    pub fn name_at(&self, index: usize) -> Option<&str> {
        Some(as_str(self.fields.get(index)?.name.of(&self.text)))
    }

    /// The value of the field at this index.
    pub fn value_at(&self, index: usize) -> Option<&[u8]> {
        Some(self.fields.get(index)?.value.of(&self.text))
    }

    /// As [`Headers::name_at`], with its final NUL.
    pub fn name_with_nul_at(&self, index: usize) -> Option<&[u8]> {
        Some(self.fields.get(index)?.name.with_nul_of(&self.text))
    }

    /// As [`Headers::value_at`], with its final NUL.
    pub fn value_with_nul_at(&self, index: usize) -> Option<&[u8]> {
        Some(self.fields.get(index)?.value.with_nul_of(&self.text))
    }

    /// As [`Headers::get`], with its final NUL.
    pub fn get_with_nul(&self, name: &str) -> Option<&[u8]> {
        self.find(name).map(|field| field.value.with_nul_of(&self.text))
    }

    /// All fields as bytes, without the check that makes names `str`.
    #[inline]
    pub(crate) fn raw(&self) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
        self.fields.iter().map(|field| (field.name.of(&self.text), field.value.of(&self.text)))
    }

    /// Makes a field of text that is there, with a NUL behind its name and its value.
    #[inline]
    pub(crate) fn push(&mut self, name: Span, value: Span) {
        self.is_mixed = true;
        self.fields.push(Field { name, value });
    }

    /// Writes the section as lines of HTTP/1, if it can be sent as it is: none of its fields belongs to the connection. False: nothing
    /// was written.
    #[inline]
    pub(crate) fn push_lines_to(&self, out: &mut Vec<u8>) -> bool {
        if self.is_mixed {
            return false;
        }
        let start = out.len();
        out.extend_from_slice(&self.text);
        let lines = out.get_mut(start..).unwrap_or_default();
        for field in &self.fields {
            for (end, byte) in [(field.name.end, b':'), (field.value.end, b'\r')] {
                if let Some(nul) = lines.get_mut(end as usize) {
                    *nul = byte;
                }
            }
        }
        true
    }

    /// Makes a field of a field line that is in the text already: puts the name into lower case, and the NULs over the colon
    /// and over the byte behind the value. Returns the name and the value.
    #[inline]
    pub(crate) fn push_in_place(&mut self, name: Span, value: Span) -> (&[u8], &[u8]) {
        if let Some(name_and_colon) = self.text.get_mut(name.start as usize..name.end as usize + 1)
            && let Some((colon, name)) = name_and_colon.split_last_mut()
        {
            make_lower_case(name);
            *colon = 0;
        }
        if let Some(behind) = self.text.get_mut(value.end as usize) {
            *behind = 0;
        }
        self.push(name, value);
        (name.of(&self.text), value.of(&self.text))
    }

    /// Copies the text of field lines whose places were pushed: puts names into lower case, and the NULs over the colon and over the byte
    /// behind the value. `is_plain`: names are of letters and `-` alone.
    #[inline(always)]
    pub(crate) fn fill(&mut self, text: &[u8], is_plain: bool) {
        self.text.clear();
        self.text.extend_from_slice(text);
        if is_plain {
            self.terminate(make_plain_lower_case);
        } else {
            self.terminate(make_lower_case);
        }
    }

    #[inline(always)]
    fn terminate(&mut self, make_lower_case: impl Fn(&mut [u8])) {
        let text = self.text.as_mut_slice();
        for Field { name, value } in &self.fields {
            if let Some(name) = text.get_mut(name.start as usize..name.end as usize) {
                make_lower_case(name);
            }
            for end in [name.end, value.end] {
                if let Some(behind) = text.get_mut(end as usize) {
                    *behind = 0;
                }
            }
        }
    }

    /// Adds text that is no field, and a NUL.
    pub(crate) fn append_text(&mut self, text: &[u8]) -> Result<Span, InvalidField> {
        self.is_mixed = true;
        let start = u32::try_from(self.text.len()).map_err(|_| InvalidField::TooLong)?;
        // One more than the end has to fit too: the NUL is addressed by it.
        let end = u32::try_from(self.text.len() + text.len() + 1).map_err(|_| InvalidField::TooLong)? - 1;
        self.text.reserve(text.len() + 1);
        self.text.extend_from_slice(text);
        self.text.push(0);
        Ok(Span { start, end })
    }

    /// Puts all values of a name into one field behind the others, with this separator. False: the text would grow beyond 4 GiB.
    pub(crate) fn join(&mut self, name: &[u8], separator: &[u8]) -> bool {
        let start = self.text.len();
        self.text.extend_from_slice(name);
        self.text.push(0);
        let value_start = self.text.len();
        for at in 0..self.fields.len() {
            let Some(field) = self.fields.get(at).copied() else { break };
            if field.name.of(&self.text) == name {
                if self.text.len() > value_start {
                    self.text.extend_from_slice(separator);
                }
                self.text.extend_from_within(field.value.start as usize..field.value.end as usize);
            }
        }
        let value_end = self.text.len();
        self.text.push(0);
        if u32::try_from(self.text.len()).is_err() {
            self.text.truncate(start);
            return false;
        }
        self.fields.retain(|field| field.name.of(&self.text) != name);
        let span = |start, end| Span { start: start as u32, end: end as u32 };
        self.push(span(start, start + name.len()), span(value_start, value_end));
        true
    }

    #[inline]
    fn find(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name.of(&self.text).eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Takes a removed field's text out, so that setting a field again and again does not grow the buffer.
    fn cut(&mut self, start: u32, end: u32) {
        let len = end - start;
        self.text.drain(start as usize..end as usize);
        for field in &mut self.fields {
            for span in [&mut field.name, &mut field.value] {
                if span.start >= end {
                    span.start -= len;
                    span.end -= len;
                }
            }
        }
    }
}

/// Whether the name is known to be in lower case.
#[inline]
fn check(name: &[u8], value: &[u8]) -> Result<bool, InvalidField> {
    // Nearly all names are plain, which is quicker to find out than what other tokens hold.
    let is_plain = is_plain_name(name) && !name.is_empty();
    if !is_plain && !is_token(name) {
        return Err(InvalidField::Name);
    }
    if !is_field_value(value) {
        return Err(InvalidField::Value);
    }
    Ok(is_plain)
}

/// Names are tokens, hence ASCII: the empty text is never returned.
fn as_str(name: &[u8]) -> &str {
    std::str::from_utf8(name).unwrap_or_default()
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value))))
            .finish()
    }
}

impl PartialEq for Headers {
    /// The same fields in the same order.
    fn eq(&self, other: &Self) -> bool {
        self.raw().eq(other.raw())
    }
}

impl Eq for Headers {}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Headers {
        let mut headers = Headers::new();
        headers.append("Accept", "a").unwrap();
        headers.append("X-One", " 1\t").unwrap();
        headers.append("ACCEPT", b"\xff").unwrap();
        headers
    }

    #[test]
    fn names_are_lower_case_and_values_trimmed() {
        let headers = sample();
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("accept", &b"a"[..]), ("x-one", b"1"), ("accept", b"\xff")]);
        assert_eq!(headers.get_all("aCCEPT").count(), 2);
        assert_eq!(headers.get("x-ONE"), Some(&b"1"[..]));
        assert_eq!(headers.get("x-two"), None);
        assert_eq!(headers.get_str("accept"), Some("a"));
        assert_eq!((headers.name_at(2), headers.value_at(2)), (Some("accept"), Some(&b"\xff"[..])));
        assert_eq!((headers.name_at(3), headers.value_at(3)), (None, None));
    }

    #[test]
    fn each_text_ends_with_nul() {
        let headers = sample();
        assert_eq!(headers.name_with_nul_at(0), Some(&b"accept\0"[..]));
        assert_eq!(headers.value_with_nul_at(1), Some(&b"1\0"[..]));
        assert_eq!(headers.get_with_nul("x-one"), Some(&b"1\0"[..]));
        assert_eq!(headers.get_with_nul("x-two"), None);
    }

    #[test]
    fn bad_fields_change_nothing() {
        let mut headers = sample();
        assert_eq!(headers.append("a b", "c"), Err(InvalidField::Name));
        assert_eq!(headers.append("", "c"), Err(InvalidField::Name));
        assert_eq!(headers.append("a", "c\r\nd: e"), Err(InvalidField::Value));
        assert_eq!(headers.append("a", "c\0"), Err(InvalidField::Value));
        assert_eq!(headers.set("accept", "\n"), Err(InvalidField::Value));
        assert_eq!(headers, sample());
    }

    #[test]
    fn set_replaces_all() {
        let mut headers = sample();
        headers.set("Accept", "new").unwrap();
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("x-one", &b"1"[..]), ("accept", b"new")]);
    }

    #[test]
    fn removal_keeps_the_rest_and_gives_the_text_back() {
        let mut headers = sample();
        assert_eq!(headers.remove("accept"), 2);
        assert_eq!(headers.remove("accept"), 0);
        assert_eq!(headers.iter().collect::<Vec<_>>(), [("x-one", &b"1"[..])]);
        let len = headers.text.len();
        for _ in 0..100 {
            headers.set("x-one", "2").unwrap();
        }
        assert_eq!(headers.text.len(), len);
    }

    #[test]
    fn empty_values_are_values() {
        let mut headers = Headers::new();
        headers.append("a", "  ").unwrap();
        assert_eq!(headers.get("a"), Some(&b""[..]));
        assert_eq!(headers.get_with_nul("a"), Some(&b"\0"[..]));
        headers.clear();
        assert!(headers.is_empty());
        assert_eq!(headers.get("a"), None);
    }
}
