//! A chunked body, decoded whole (RFC 9112 section 7.1).

use flare_proto::http1::Limits;

use super::{field, is_token, is_value, trim};

/// What a text is.
#[derive(Debug)]
pub(crate) enum Said {
    /// A whole body: its content, its trailers, and how many bytes it takes.
    Whole(Vec<u8>, Vec<(String, Vec<u8>)>, usize),
    /// The start of one, with so much of its content. `open_line`: it ends within a line, which may be wrong already.
    Start { content: Vec<u8>, open_line: bool },
    /// Not one.
    Bad,
}

/// Those that RFC 9110 section 6.5.1 forbids in trailers, by what they do to a message.
const FORBIDDEN: [&str; 30] = [
    // framing
    "transfer-encoding",
    "content-length",
    "trailer",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "upgrade",
    // routing
    "host",
    // modifiers of the request
    "cache-control",
    "expect",
    "max-forwards",
    "pragma",
    "range",
    // authentication
    "authorization",
    "proxy-authenticate",
    "proxy-authorization",
    "www-authenticate",
    "cookie",
    "set-cookie",
    // control data of the response
    "age",
    "date",
    "expires",
    "location",
    "retry-after",
    "vary",
    "warning",
    // what the content is
    "content-encoding",
    "content-type",
    "content-range",
];

fn is_forbidden(name: &str) -> bool {
    name.starts_with("if-") || FORBIDDEN.contains(&name)
}

/// The first line, without its CRLF, and its length with it. `Ok(None)`: it has no end yet. `Err`: it ends with a bare LF.
fn line(text: &[u8]) -> Result<Option<(&[u8], usize)>, ()> {
    let Some(end) = text.iter().position(|&byte| byte == b'\n') else { return Ok(None) };
    Ok(Some((text[..end].strip_suffix(b"\r").ok_or(())?, end + 1)))
}

/// `chunk-size [ chunk-ext ]`: the size.
fn size(line: &[u8]) -> Option<u64> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, extensions) = line.split_at(digits);
    let size = u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    extensions_are_good(extensions).then_some(size)
}

/// `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`
fn extensions_are_good(mut rest: &[u8]) -> bool {
    while !rest.is_empty() {
        let Some(after) = trim_start(rest).strip_prefix(b";") else { return false };
        let (name, after) = word(trim_start(after));
        if !is_token(name) {
            return false;
        }
        rest = after;
        let Some(after) = trim_start(rest).strip_prefix(b"=") else { continue };
        let after = trim_start(after);
        if let Some(quoted) = after.strip_prefix(b"\"") {
            let Some(end) = quote_end(quoted) else { return false };
            rest = &quoted[end..];
        } else {
            let (value, after) = word(after);
            if !is_token(value) {
                return false;
            }
            rest = after;
        }
    }
    true
}

fn trim_start(text: &[u8]) -> &[u8] {
    &text[text.iter().take_while(|byte| b" \t".contains(byte)).count()..]
}

fn word(text: &[u8]) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| is_token(&[**byte])).count())
}

/// Behind the closing quote.
fn quote_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        match text.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' if is_value(text.get(at + 1..at + 2)?) && text.len() > at + 1 => at += 2,
            byte if is_value(&[*byte]) && *byte != b'\\' => at += 1,
            _ => return None,
        }
    }
}

/// Decodes a text from its start.
pub(crate) fn decode(limits: &Limits, text: &[u8]) -> Said {
    let (mut at, mut content) = (0, Vec::new());
    loop {
        let (line, len) = match line(&text[at..]) {
            Err(()) => return Said::Bad,
            Ok(None) => return Said::Start { content, open_line: at < text.len() },
            Ok(Some(found)) => found,
        };
        let Some(size) = size(line).filter(|_| len <= limits.chunk_line_bytes as usize) else {
            return Said::Bad;
        };
        at += len;
        if size == 0 {
            return trailers(limits, text, at, content);
        }
        let rest = &text[at..];
        let taken = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        content.extend_from_slice(&rest[..taken]);
        match &rest[taken..] {
            _ if (taken as u64) < size => return Said::Start { content, open_line: false },
            [] | [b'\r'] => return Said::Start { content, open_line: false },
            [b'\r', b'\n', ..] => at += taken + 2,
            _ => return Said::Bad,
        }
    }
}

fn trailers(limits: &Limits, text: &[u8], start: usize, content: Vec<u8>) -> Said {
    let (mut at, mut kept, mut count) = (start, Vec::new(), 0);
    loop {
        let (line, len) = match line(&text[at..]) {
            Err(()) => return Said::Bad,
            Ok(None) => return Said::Start { content, open_line: true },
            Ok(Some(found)) => found,
        };
        at += len;
        if at - start > limits.trailer_bytes as usize {
            return Said::Bad;
        }
        if line.is_empty() {
            return Said::Whole(content, kept, at);
        }
        count += 1;
        match field(line) {
            Some((name, value)) if count <= limits.header_count => {
                if !is_forbidden(&name) {
                    kept.push((name, trim(&value).to_vec()));
                }
            }
            _ => return Said::Bad,
        }
    }
}
