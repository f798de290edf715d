//! One request head, by the rules of RFC 9112 and no others, in one pass.

use super::error::{Error, Kind};
use super::framing::Framing;
use super::limits::Limits;
use crate::grammar::{TOKEN, is};
use crate::headers::Span;
use crate::known_field::{KnownField, known_field};
use crate::request_head::RequestLine;
use crate::target;
use crate::words::{no_control_behind, plain_name_behind, plain_path_behind, visible_behind};
use crate::{Method, RequestHead, Version, authority};

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

/// Why a head was not read to its end.
enum Stop {
    /// It has not come whole.
    Incomplete,
    Refused(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Refused(error)
    }
}

impl From<Kind> for Stop {
    fn from(kind: Kind) -> Self {
        Stop::Refused(kind.into())
    }
}

/// Parses a head that begins at the start of `text`. `None`: it is not complete. After an error the contents of `head` mean nothing.
#[inline]
pub(super) fn parse(
    limits: &Limits,
    text: &[u8],
    head: &mut RequestHead,
) -> Result<Option<(usize, RequestFields)>, Error> {
    let window = text.get(..limits.head_bytes as usize).unwrap_or(text);
    match parse_whole(limits, window, head) {
        Ok(parsed) => Ok(Some(parsed)),
        Err(Stop::Incomplete) => check_incomplete(limits, text).map(|()| None),
        Err(Stop::Refused(error)) => Err(error),
    }
}

/// Checks the text and finds where its parts are; then copies it, and cuts it up in the copy.
///
/// Each step takes what is left of the text and gives what is left behind it. So places are lengths that are left, and are made
/// offsets at the end.
#[inline(never)]
fn parse_whole(limits: &Limits, text: &[u8], head: &mut RequestHead) -> Result<(usize, RequestFields), Stop> {
    let (line, mut rest) = request_line(limits, text)?;
    let mut fields = RequestFields::default();
    let mut host = None;
    let mut room = limits.header_count;
    let mut is_plain = true;
    head.begin_fields();
    while let Some(field) = field_line(rest)? {
        if room == 0 {
            return Err(Kind::HeadTooLarge.into());
        }
        room -= 1;
        let place = |left: usize| (text.len() - left) as u32;
        let name = Span { start: place(rest.len()), end: place(field.colon.len()) };
        let value =
            Span { start: place(field.value_left), end: place(field.value_left) + field.value.len() as u32 };
        if let Some(known) = known_field(before(rest, field.colon)) {
            fields.note(known, field.value, line.version)?;
            if known == KnownField::Host {
                host = Some(value);
            }
        }
        head.push_field(name, value);
        is_plain &= field.is_plain;
        rest = field.next;
    }
    fields.check(line.version)?;
    let len = text.len() - rest.len() + EMPTY_LINE.len();
    head.fill(text.get(..len).unwrap_or(text), is_plain, &line, host);
    Ok((len, fields))
}

const EMPTY_LINE: &[u8] = b"\r\n";

/// The part of the text before what is left of it.
#[inline(always)]
fn before<'a>(text: &'a [u8], left: &[u8]) -> &'a [u8] {
    text.get(..text.len() - left.len()).unwrap_or_default()
}

/// `method SP request-target SP HTTP-version CRLF` (RFC 9112 section 3), and what is left behind it.
#[inline(always)]
fn request_line<'a>(limits: &Limits, text: &'a [u8]) -> Result<(RequestLine, &'a [u8]), Stop> {
    let (method, target) = method(text)?;
    // Nearly all targets are a path of plain characters. Others are looked at when the version is known: a client that speaks another
    // one should hear that, whatever its targets are.
    let (is_path, space) = match plain_path_behind(target) {
        space @ [b' ', ..] if target.first() == Some(&b'/') && method != Method::Connect => (true, space),
        _ => (false, target_behind(target)?),
    };
    if target.len() - space.len() > limits.target_bytes as usize {
        return Err(Kind::TargetTooLong.into());
    }
    let (version, rest) = version(space)?;
    let form =
        if is_path { None } else { Some(target::parse(method, before(target, space)).ok_or(Kind::Target)?) };
    let line = RequestLine {
        method,
        method_len: text.len() - target.len() - 1,
        target_end: text.len() - space.len(),
        form,
        version,
    };
    Ok((line, rest))
}

/// The method, and what is left behind it and its space.
#[inline(always)]
fn method(text: &[u8]) -> Result<(Method, &[u8]), Stop> {
    if let Some((name, rest)) = text.split_first_chunk()
        && name == b"GET "
    {
        return Ok((Method::Get, rest));
    }
    other_method(text)
}

#[inline(never)]
fn other_method(text: &[u8]) -> Result<(Method, &[u8]), Stop> {
    let len = text.iter().take_while(|&&byte| is(byte, TOKEN)).count();
    if len > METHOD_BYTES {
        return Err(Kind::MethodTooLong.into());
    }
    match text.split_at_checked(len) {
        Some((name, [b' ', rest @ ..])) if len > 0 => Ok((Method::from_bytes(name), rest)),
        Some((_, [])) => Err(Stop::Incomplete),
        _ => Err(Kind::Syntax.into()),
    }
}

/// What is left behind a target of any form, which is still to be checked: it begins with a space.
#[inline(never)]
fn target_behind(target: &[u8]) -> Result<&[u8], Stop> {
    match visible_behind(target) {
        space @ [b' ', ..] if space.len() < target.len() => Ok(space),
        [] => Err(Stop::Incomplete),
        _ => Err(Kind::Syntax.into()),
    }
}

/// The version that follows a space, and what is left behind the end of its line.
#[inline(always)]
fn version(space: &[u8]) -> Result<(Version, &[u8]), Stop> {
    if let Some((version, rest)) = space.split_first_chunk()
        && version == b" HTTP/1.1\r\n"
    {
        return Ok((Version::Http11, rest));
    }
    other_version(space)
}

/// HTTP/1.2 to HTTP/1.9 are read as HTTP/1.1 (RFC 9110 section 2.5).
#[inline(never)]
fn other_version(space: &[u8]) -> Result<(Version, &[u8]), Stop> {
    let mut pairs = space.iter().zip(b" HTTP/0.0");
    if !pairs.all(|(&byte, &own)| if own == b'0' { byte.is_ascii_digit() } else { byte == own }) {
        return Err(Kind::Version.into());
    }
    let Some((&[.., major, _, minor], behind)) = space.split_first_chunk::<9>() else {
        return Err(Stop::Incomplete);
    };
    if major != b'1' {
        return Err(Kind::VersionNotSupported.into());
    }
    let [b'\r', b'\n', rest @ ..] = behind else { return Err(no_line_end(behind)) };
    Ok((if minor == b'0' { Version::Http10 } else { Version::Http11 }, rest))
}

/// CRLF does not come next: perhaps it has not come yet.
#[cold]
fn no_line_end(rest: &[u8]) -> Stop {
    if let [] | [b'\r'] = rest { Stop::Incomplete } else { Kind::LineEnd.into() }
}

/// `field-name ":" OWS field-value OWS CRLF` (RFC 9112 section 5).
struct FieldLine<'a> {
    /// The name is of letters and `-` alone.
    is_plain: bool,
    /// What is left from the colon on.
    colon: &'a [u8],
    value: &'a [u8],
    /// How much is left from the value on. An empty value has no place of its own: it is put right behind the colon.
    value_left: usize,
    /// What is left behind the line.
    next: &'a [u8],
}

/// The field line that comes next; `None` when the empty line does.
#[inline(always)]
fn field_line(rest: &[u8]) -> Result<Option<FieldLine<'_>>, Stop> {
    if let [b'\r', b'\n', ..] = rest {
        return Ok(None);
    }
    let mut colon = plain_name_behind(rest);
    let is_plain = colon.first() == Some(&b':') && colon.len() < rest.len();
    if !is_plain {
        colon = other_name_behind(rest)?;
    }
    let begin = match colon {
        [_, b' ', begin @ ..] if matches!(begin, [b'!'..=b'~', ..]) => begin,
        _ => space_behind(colon.get(1..).unwrap_or_default()),
    };
    let mut end = no_control_behind(begin);
    // Nearly no value has a HTAB in it.
    while let [b'\t', more @ ..] = end {
        end = no_control_behind(more);
    }
    let [b'\r', b'\n', next @ ..] = end else { return Err(no_value_end(end)) };
    let mut value = before(begin, end);
    while let [shorter @ .., b' ' | b'\t'] = value {
        value = shorter;
    }
    let value_left = if value.is_empty() { colon.len() - 1 } else { begin.len() };
    Ok(Some(FieldLine { is_plain, colon, value, value_left, next }))
}

/// What is left behind a name that is not of letters and `-` alone: it begins with a colon.
#[inline(never)]
fn other_name_behind(rest: &[u8]) -> Result<&[u8], Stop> {
    let len = rest.iter().take_while(|&&byte| is(byte, TOKEN)).count();
    match rest.get(len..).unwrap_or_default() {
        colon @ [b':', ..] if len > 0 => Ok(colon),
        [] => Err(Stop::Incomplete),
        [b'\r'] if len == 0 => Err(Stop::Incomplete),
        [b'\r' | b'\n', ..] => Err(Kind::LineEnd.into()),
        // Also white space before the colon, and a folded line (RFC 9112 sections 5.1 and 5.2).
        _ => Err(Kind::Syntax.into()),
    }
}

/// What is left behind white space.
#[inline(never)]
fn space_behind(mut rest: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', behind @ ..] = rest {
        rest = behind;
    }
    rest
}

/// A value ends with something other than CRLF.
#[cold]
fn no_value_end(rest: &[u8]) -> Stop {
    if let [b'\r' | b'\n', ..] | [] = rest { no_line_end(rest) } else { Kind::Syntax.into() }
}

impl RequestFields {
    #[inline]
    fn note(&mut self, field: KnownField, value: &[u8], version: Version) -> Result<(), Error> {
        match field {
            KnownField::Host => {
                if self.has_host || !authority::is_valid(value) {
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
