//! What a head says, line by line (RFC 9112 sections 2 to 6).

use super::{field, is_token, is_value};

/// Names in lower case, and values.
pub(crate) type Fields = Vec<(String, Vec<u8>)>;

/// A request that may be accepted.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Vec<u8>,
    pub(crate) target: Vec<u8>,
    pub(crate) minor: u8,
    pub(crate) fields: Fields,
    pub(crate) length: Length,
}

/// The length of a body, from the fields.
#[derive(Debug, PartialEq)]
pub(crate) enum Length {
    Absent,
    Known(u64),
    Chunked,
}

/// A response that may be accepted. White space in its values is not exact: folded lines are joined.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) reason: Vec<u8>,
    pub(crate) minor: u8,
    pub(crate) fields: Fields,
}

/// The lines before the empty one; `None` if a line does not end with CRLF, or the empty line is not the last thing.
fn lines(text: &[u8]) -> Option<Vec<&[u8]>> {
    let mut lines = Vec::new();
    for line in text.strip_suffix(b"\r\n\r\n")?.split(|&byte| byte == b'\n') {
        lines.push(line);
    }
    let last = lines.len() - 1;
    for (at, line) in lines.iter_mut().enumerate() {
        if at < last {
            *line = line.strip_suffix(b"\r")?;
        }
        if line.is_empty() || line.contains(&b'\r') {
            return None;
        }
    }
    Some(lines)
}

/// `HTTP/1.x`: the minor version.
fn minor(version: &[u8]) -> Option<u8> {
    match version.strip_prefix(b"HTTP/1.")? {
        [digit] if digit.is_ascii_digit() => Some(digit - b'0'),
        _ => None,
    }
}

fn values<'a>(fields: &'a Fields, name: &str) -> Vec<&'a [u8]> {
    fields.iter().filter(|field| field.0 == name).map(|field| &field.1[..]).collect()
}

/// RFC 9112 section 6; for requests, which must have one clear length.
fn length(fields: &Fields, minor: u8) -> Option<Length> {
    match (&values(fields, "content-length")[..], &values(fields, "transfer-encoding")[..]) {
        ([], []) => Some(Length::Absent),
        ([digits], []) if digits.iter().all(u8::is_ascii_digit) => {
            std::str::from_utf8(digits).ok()?.parse().ok().map(Length::Known)
        }
        ([], [coding]) if minor > 0 && coding.eq_ignore_ascii_case(b"chunked") => Some(Length::Chunked),
        _ => None,
    }
}

/// The request whose head is exactly this text. `None`: it has to be refused.
pub(crate) fn request(mut text: &[u8]) -> Option<Request> {
    for _ in 0..2 {
        text = text.strip_prefix(b"\r\n").unwrap_or(text);
    }
    let lines = lines(text)?;
    let words: Vec<&[u8]> = lines[0].split(|&byte| byte == b' ').collect();
    let [method, target, version] = words[..] else { return None };
    let minor = minor(version)?;
    if !is_token(method) || target.is_empty() || !target.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let fields: Fields = lines[1..].iter().map(|line| field(line)).collect::<Option<_>>()?;
    match values(&fields, "host").len() {
        0 if minor == 0 => {}
        1 => {}
        _ => return None,
    }
    let length = length(&fields, minor)?;
    Some(Request { method: method.to_vec(), target: target.to_vec(), minor, fields, length })
}

impl Request {
    /// Whether nothing about it gives a reason to refuse it: neither its size nor rules this oracle does not know.
    pub(crate) fn is_plain(&self) -> bool {
        let is_simple = |byte: &u8| byte.is_ascii_alphanumeric() || b"/.-".contains(byte);
        let special = ["expect", "connection", "upgrade", "te"];
        self.target[0] == b'/'
            && self.target.iter().all(is_simple)
            && self.method.len() <= 20
            && self.target.len() <= 200
            && self.method != b"CONNECT"
            && self.fields.len() <= 20
            && self.fields.iter().all(|(name, value)| !special.contains(&&name[..]) && value.len() <= 200)
            && values(&self.fields, "host").iter().all(|host| host.iter().all(u8::is_ascii_alphanumeric))
    }
}

/// The response whose head is exactly this text. `None`: it has to be refused.
pub(crate) fn response(text: &[u8]) -> Option<Response> {
    let lines = lines(text)?;
    let minor = minor(lines[0].get(..8)?).filter(|minor| *minor <= 1)?;
    let (digits, reason) = match &lines[0][8..] {
        [b' ', a, b, c] => ([*a, *b, *c], &b""[..]),
        [b' ', a, b, c, b' ', reason @ ..] => ([*a, *b, *c], reason),
        _ => return None,
    };
    let status: u16 = std::str::from_utf8(&digits).ok()?.parse().ok().filter(|status| *status >= 100)?;
    if !digits.iter().all(u8::is_ascii_digit) || !is_value(reason) {
        return None;
    }
    // A line that begins with white space goes on with the one before (RFC 9112 section 5.2).
    let mut joined: Vec<Vec<u8>> = Vec::new();
    for line in &lines[1..] {
        match line.first() {
            Some(b' ' | b'\t') => {
                let before = joined.last_mut()?;
                before.push(b' ');
                before.extend_from_slice(line);
            }
            _ => joined.push(line.to_vec()),
        }
    }
    let fields = joined.iter().map(|line| field(line)).collect::<Option<_>>()?;
    Some(Response { status, reason: reason.to_vec(), minor, fields })
}
