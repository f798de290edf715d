//! One response head: httparse splits it, and what it lets pass and RFC 9112 does not is refused here.

use std::mem::MaybeUninit;

use httparse::Status;

use super::error::{Error, Kind};
use super::framing::Framing;
use super::limits::Limits;
use crate::headers::Span;
use crate::known_field::known_field;
use crate::{ResponseHead, Version};

/// The number of fields that are parsed without an allocation.
const FIELDS_ON_STACK: usize = 128;

type Parsed = Result<Option<(usize, Framing)>, Error>;
type Storage<'h, 'b> = &'h mut [MaybeUninit<httparse::Header<'b>>];

/// Parses a head that begins at the start of `text`. `None`: it is not complete. After an error the contents of `head` mean nothing.
pub(super) fn parse(limits: &Limits, text: &[u8], head: &mut ResponseHead) -> Parsed {
    let window = text.get(..limits.head_bytes as usize).unwrap_or(text);
    let count = usize::from(limits.header_count);
    let parsed = if count <= FIELDS_ON_STACK {
        let mut fields = [const { MaybeUninit::uninit() }; FIELDS_ON_STACK];
        parse_into(window, head, fields.get_mut(..count).unwrap_or_default())
    } else {
        parse_into(window, head, &mut vec![MaybeUninit::uninit(); count])
    };
    match parsed {
        Ok(None) => check_incomplete(limits, text).map(|()| None),
        other => other,
    }
}

fn parse_into<'b>(text: &'b [u8], head: &mut ResponseHead, storage: Storage<'_, 'b>) -> Parsed {
    let mut response = httparse::Response::new(&mut []);
    let mut config = httparse::ParserConfig::default();
    // A client has to read folded lines (RFC 9112 section 5.2); a server may refuse them, and does.
    config.allow_obsolete_multiline_headers_in_responses(true);
    let len = match config.parse_response_with_uninit_headers(&mut response, text, storage) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::Version) => return Err(Kind::Version.into()),
        Err(httparse::Error::TooManyHeaders) => return Err(Kind::HeadTooLarge.into()),
        Err(httparse::Error::NewLine) => return Err(Kind::LineEnd.into()),
        Err(_) => return Err(Kind::Syntax.into()),
    };
    let raw = text.get(..len).unwrap_or_default();
    // The head is copied once, so each line end is looked at here, and not only those that fields begin behind.
    if !raw.ends_with(b"\r\n\r\n") || has_bare_line_feed(raw) {
        return Err(Kind::LineEnd.into());
    }
    let status = response.code.filter(|status| (100..=999).contains(status)).ok_or(Kind::Syntax)?;
    let version = if response.version == Some(0) { Version::Http10 } else { Version::Http11 };
    // "HTTP/1.1 200 " stands before the reason; without a reason, the last space may be missing.
    let line_len = memchr::memchr(b'\r', raw).unwrap_or_default();
    let reason = Span { start: line_len.min(13) as u32, end: line_len as u32 };
    head.fill(raw, status, version, reason);
    let mut framing = Framing::default();
    let base = raw.as_ptr() as usize;
    for field in response.headers.iter() {
        let start = field.name.as_ptr() as usize - base;
        let end = start + field.name.len();
        let value_start = if field.value.is_empty() { end + 1 } else { field.value.as_ptr() as usize - base };
        let value_end = value_start + field.value.len();
        let name_span = Span { start: start as u32, end: end as u32 };
        let value_span = Span { start: value_start as u32, end: value_end as u32 };
        let (name, value) = head.push_in_place(name_span, value_span);
        if let Some(known) = known_field(name) {
            framing.note(known, value)?;
        }
    }
    Ok(Some((len, framing)))
}

fn has_bare_line_feed(raw: &[u8]) -> bool {
    memchr::memchr_iter(b'\n', raw).any(|at| at == 0 || raw.get(at - 1) != Some(&b'\r'))
}

/// Whether a head that has not ended can still become one within the limits.
pub(super) fn check_incomplete(limits: &Limits, text: &[u8]) -> Result<(), Error> {
    if text.len() >= limits.head_bytes as usize { Err(Kind::HeadTooLarge.into()) } else { Ok(()) }
}
