//! One request head: httparse splits it, everything httparse lets pass and RFC 9112 does not is caught here.

use std::mem::MaybeUninit;

use httparse::Status;

use super::error::{Error, Kind};
use super::framing::Framing;
use super::limits::Limits;
use crate::headers::Span;
use crate::known_field::{KnownField, known_field};
use crate::request_head::RequestLine;
use crate::{Method, RequestHead, Version, authority, target};

/// The number of fields that are parsed without an allocation.
pub(super) const FIELDS_ON_STACK: usize = 128;
/// No method in use is longer. A longer one gets 501, as RFC 9112 section 3 asks.
const METHOD_BYTES: usize = 64;

/// What the fields of a request say to the connection.
#[derive(Default)]
pub(super) struct RequestFields {
    pub(super) framing: Framing,
    pub(super) expects_continue: bool,
    pub(super) accepts_trailers: bool,
    has_host: bool,
}

type Parsed = Result<Option<(usize, RequestFields)>, Error>;
type Storage<'h, 'b> = &'h mut [MaybeUninit<httparse::Header<'b>>];

/// Parses a head that begins at the start of `text`. `None`: it is not complete. After an error the contents of `head` mean nothing.
pub(super) fn parse(limits: &Limits, text: &[u8], head: &mut RequestHead) -> Parsed {
    let window = text.get(..limits.head_bytes as usize).unwrap_or(text);
    let count = usize::from(limits.header_count);
    let parsed = if count <= FIELDS_ON_STACK {
        let mut fields = [const { MaybeUninit::uninit() }; FIELDS_ON_STACK];
        parse_into(limits, window, head, fields.get_mut(..count).unwrap_or_default())
    } else {
        parse_into(limits, window, head, &mut vec![MaybeUninit::uninit(); count])
    };
    match parsed {
        Ok(None) => check_incomplete(limits, text).map(|()| None),
        other => other,
    }
}

fn parse_into<'b>(
    limits: &Limits,
    text: &'b [u8],
    head: &mut RequestHead,
    storage: Storage<'_, 'b>,
) -> Parsed {
    let mut request = httparse::Request::new(&mut []);
    let len = match request.parse_with_uninit_headers(text, storage) {
        Ok(Status::Complete(len)) => len,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::Version) => return parse_other_version(limits, text, head),
        Err(httparse::Error::TooManyHeaders) => return Err(Kind::HeadTooLarge.into()),
        Err(httparse::Error::NewLine) => return Err(Kind::LineEnd.into()),
        Err(_) => return Err(Kind::Syntax.into()),
    };
    let raw = text.get(..len).unwrap_or_default();
    let method = request.method.unwrap_or_default().as_bytes();
    let target = request.path.unwrap_or_default().as_bytes();
    let version = if request.version == Some(0) { Version::Http10 } else { Version::Http11 };
    if method.len() > METHOD_BYTES {
        return Err(Kind::MethodTooLong.into());
    }
    if target.len() > limits.target_bytes as usize {
        return Err(Kind::TargetTooLong.into());
    }
    let kind = Method::from_bytes(method);
    let form = target::parse(kind, target).ok_or(Kind::Target)?;
    let target_start = method.len() + 1;
    let target = target_start..target_start + target.len();
    // httparse takes a bare LF for a line end. Each line has to end with CRLF: this one, and by the check of the place where
    // each field begins, all others.
    let line_end = target.end + " HTTP/1.1".len();
    if raw.get(line_end..line_end + 2) != Some(b"\r\n") || !raw.ends_with(b"\r\n\r\n") {
        return Err(Kind::LineEnd.into());
    }
    head.fill(raw, &RequestLine { method: kind, method_len: method.len(), target, form, version });
    let mut fields = RequestFields::default();
    let base = raw.as_ptr() as usize;
    for field in request.headers.iter() {
        let start = field.name.as_ptr() as usize - base;
        let end = start + field.name.len();
        if start < 2 || raw.get(start - 2) != Some(&b'\r') {
            return Err(Kind::LineEnd.into());
        }
        // An empty value has no place of its own: it is put right behind the colon.
        let value_start = if field.value.is_empty() { end + 1 } else { field.value.as_ptr() as usize - base };
        let value_end = value_start + field.value.len();
        let value_span = Span { start: value_start as u32, end: value_end as u32 };
        let (name, value) = head.push_in_place(Span { start: start as u32, end: end as u32 }, value_span);
        if let Some(known) = known_field(name) {
            fields.note(known, value, version)?;
            if known == KnownField::Host {
                head.set_authority_if_none(value_span);
            }
        }
    }
    fields.check(version)?;
    Ok(Some((len, fields)))
}

impl RequestFields {
    #[inline]
    fn note(&mut self, field: KnownField, value: &[u8], version: Version) -> Result<(), Error> {
        match field {
            KnownField::Host => {
                if self.has_host || authority::parse(value).is_none() {
                    return Err(Kind::Host.into());
                }
                self.has_host = true;
                Ok(())
            }
            KnownField::Expect if version == Version::Http11 => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(Kind::Expectation.into());
                }
                self.expects_continue = true;
                Ok(())
            }
            KnownField::Te => {
                self.accepts_trailers |= crate::grammar::list_members(value)
                    .any(|member| member.eq_ignore_ascii_case(b"trailers"));
                Ok(())
            }
            other => self.framing.note(other, value),
        }
    }

    fn check(&self, version: Version) -> Result<(), Error> {
        if !self.has_host && version == Version::Http11 {
            return Err(Kind::Host.into());
        }
        if self.framing.has_both_lengths() {
            return Err(Kind::BothLengths.into());
        }
        // RFC 9112 section 6.1: in HTTP/1.0 its framing is to be taken as faulty.
        if self.framing.chunked && version == Version::Http10 {
            return Err(Kind::TransferEncoding.into());
        }
        Ok(())
    }
}

/// HTTP/1.2 to HTTP/1.9 are read as HTTP/1.1 (RFC 9110 section 2.5), which httparse does not do. They do not occur, so the copy
/// that this takes does not matter.
#[cold]
fn parse_other_version(limits: &Limits, text: &[u8], head: &mut RequestHead) -> Parsed {
    let mut words = text.splitn(3, |&byte| byte == b' ');
    let (Some(method), Some(target), Some(rest)) = (words.next(), words.next(), words.next()) else {
        return Err(Kind::Version.into());
    };
    let (Some(b"HTTP/"), Some([major, b'.', minor])) = (rest.get(..5), rest.get(5..8)) else {
        // Not yet there, as far as one can tell?
        let like_a_version = rest
            .iter()
            .zip(b"HTTP/0.0")
            .all(|(&byte, &pattern)| if pattern == b'0' { byte.is_ascii_digit() } else { byte == pattern });
        return if rest.len() < 8 && like_a_version { Ok(None) } else { Err(Kind::Version.into()) };
    };
    if !major.is_ascii_digit() || !minor.is_ascii_digit() {
        return Err(Kind::Version.into());
    }
    if *major != b'1' {
        return Err(Kind::VersionNotSupported.into());
    }
    let mut changed = text.to_vec();
    match changed.get_mut(method.len() + 1 + target.len() + 1 + 7) {
        // Only a minor version other than 0 and 1 comes here, so this calls parse_into once, not for ever.
        Some(minor) if !matches!(minor, b'0' | b'1') => *minor = b'1',
        _ => return Err(Kind::Version.into()),
    }
    let mut storage = vec![MaybeUninit::uninit(); usize::from(limits.header_count)];
    parse_into(limits, &changed, head, &mut storage)
}

/// Whether a head that has not ended can still become one within the limits.
pub(super) fn check_incomplete(limits: &Limits, text: &[u8]) -> Result<(), Error> {
    if text.len() <= METHOD_BYTES.min(limits.target_bytes as usize) {
        return Ok(());
    }
    let Some(space) = memchr::memchr(b' ', text.get(..METHOD_BYTES + 1).unwrap_or(text)) else {
        return Err(Kind::MethodTooLong.into());
    };
    let behind = text.get(space + 1..).unwrap_or_default();
    let limit = limits.target_bytes as usize;
    if behind.len() > limit
        && memchr::memchr2(b' ', b'\r', behind.get(..limit + 1).unwrap_or_default()).is_none()
    {
        return Err(Kind::TargetTooLong.into());
    }
    if text.len() >= limits.head_bytes as usize {
        return Err(Kind::HeadTooLarge.into());
    }
    Ok(())
}
