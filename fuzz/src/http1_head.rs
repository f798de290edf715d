//! Request and response heads: whatever comes in, however it is split, what is accepted is what the text says.
//!
//! | byte | means |
//! |---|---|
//! | 0, bit 0 | 0: a request for a server. 1: a response for a client |
//! | 0, bits 1 to 2 | the limits: the defaults or small ones |
//! | 0, bits 3 to 4 | what the client asked for: GET, HEAD, CONNECT, GET with Upgrade |
//! | 1 | how the text is split |
//! | the rest | the text |

use std::borrow::Cow;

use flare_proto::http1::{
    BodyLength, ClientConnection, ContentLength, Limits, RequestInfo, RequestParts, ResponseInfo,
    ResponseLength, ServerConnection,
};
use flare_proto::{Headers, RequestHead, ResponseHead, Version};

use crate::input::Input;
use crate::oracle::head::{self as oracle, Length};
use crate::{PLANTED, splits};

/// How a text ended that was fed in pieces.
#[derive(Debug)]
enum Outcome<T> {
    Accepted(T),
    Incomplete,
    /// With this status.
    Refused(u16),
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let seed = input.byte();
    let limits = limits(options >> 1 & 3);
    let text = input.rest();
    if options & 1 == 0 {
        requests(&limits, seed, text);
    } else {
        responses(&limits, seed, text, options >> 3 & 3);
    }
}

fn limits(choice: u8) -> Limits {
    let defaults = Limits::default();
    match choice {
        0 => defaults,
        1 => Limits { head_bytes: 100, target_bytes: 64, ..defaults },
        2 => Limits { head_bytes: 300, header_count: 3, ..defaults },
        _ => Limits { target_bytes: 70, header_count: 200, ..defaults },
    }
}

/// Two outcomes of one text. Which of several faults is found first, and whether before the end came, may depend on the pieces; what
/// is accepted may not.
fn compare<T: std::fmt::Debug>(whole: &Outcome<T>, other: &Outcome<T>, text: &[u8]) {
    let accepted = |outcome: &Outcome<T>| match outcome {
        Outcome::Accepted(value) => format!("{value:?}"),
        _ => String::new(),
    };
    assert_eq!(
        accepted(whole),
        accepted(other),
        "split matters: {whole:?} {other:?}: {}",
        text.escape_ascii()
    );
}

/// PLANTED: folded lines in requests are taken for spaces.
fn planted(text: &[u8]) -> Cow<'_, [u8]> {
    if !PLANTED {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_vec();
    for at in 0..text.len().saturating_sub(2) {
        if text[at..].starts_with(b"\r\n ") {
            text[at..at + 2].fill(b' ');
        }
    }
    Cow::Owned(text)
}

fn requests(limits: &Limits, seed: u8, text: &[u8]) {
    let given = planted(text);
    let mut ways = splits::all_ways(&given, seed).into_iter().map(|way| request(limits, &way));
    let whole = ways.next().unwrap_or(Outcome::Incomplete);
    for other in ways {
        compare(&whole, &other, text);
    }
    match &whole {
        Outcome::Accepted((head, info, used)) => {
            let raw = text.get(..*used).expect("no more is consumed than was there");
            check_request(raw, head, info);
            assert!(
                raw.len() <= limits.head_bytes as usize + 4
                    && head.headers().len() <= limits.header_count.into()
            );
        }
        Outcome::Refused(status) => {
            assert!([400, 414, 417, 431, 501, 505].contains(status), "{status}");
            let is_roomy = limits.head_bytes >= Limits::default().head_bytes;
            let said = text
                .windows(4)
                .position(|four| four == b"\r\n\r\n")
                .and_then(|at| oracle::request(&text[..at + 4]));
            // Only what needs no further rule: so a refusal can be called wrong.
            assert!(!said.is_some_and(|said| is_roomy
                && said.is_plain()
                && said.target.len() < 70
                && said.fields.len() < 4));
        }
        Outcome::Incomplete => {}
    }
}

type Received = (RequestHead, RequestInfo, usize);

fn request(limits: &Limits, pieces: &[&[u8]]) -> Outcome<Received> {
    let (mut connection, mut head) = (ServerConnection::new(), RequestHead::new());
    let mut pending = Vec::new();
    for piece in pieces {
        pending.extend_from_slice(piece);
        match connection.receive_head(limits, &pending, &mut head) {
            Ok(Some((used, info))) => return Outcome::Accepted((head, info, used)),
            Ok(None) => {}
            Err(error) => {
                assert!(!connection.keeps_alive() && head.headers().is_empty() && !error.reason().is_empty());
                assert!(
                    connection.receive_head(limits, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &mut head).is_err()
                );
                return Outcome::Refused(error.status());
            }
        }
    }
    Outcome::Incomplete
}

fn check_fields(headers: &Headers, said: &oracle::Fields, exact: bool) {
    let squeeze = |value: &[u8]| {
        value.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).collect::<Vec<_>>().concat()
    };
    assert_eq!(headers.len(), said.len());
    for (index, (name, value)) in said.iter().enumerate() {
        assert_eq!(headers.name_at(index), Some(&name[..]));
        let found = headers.value_at(index).expect("as many as the length says");
        if exact {
            assert_eq!(found, &value[..]);
        }
        assert_eq!(squeeze(found), squeeze(value));
        check_nul(headers.name_with_nul_at(index), name.as_bytes());
        check_nul(headers.value_with_nul_at(index), found);
    }
    for (name, _) in headers.iter() {
        let first = said.iter().find(|field| field.0 == name).map(|field| squeeze(&field.1));
        assert_eq!(headers.get(&name.to_ascii_uppercase()).map(squeeze), first);
    }
}

/// The text with one NUL at its end, and none before.
fn check_nul(found: Option<&[u8]>, text: &[u8]) {
    let found = found.and_then(<[u8]>::split_last);
    assert_eq!(found, Some((&0, text)));
    assert!(!text.contains(&0));
}

fn check_request(raw: &[u8], head: &RequestHead, info: &RequestInfo) {
    let Some(said) = oracle::request(raw) else { panic!("accepted: {}", raw.escape_ascii()) };
    assert_eq!(head.method_str().as_bytes(), &said.method[..]);
    assert_eq!(head.version(), if said.minor == 0 { Version::Http10 } else { Version::Http11 });
    check_fields(head.headers(), &said.fields, true);
    check_other_parser(raw, &said);
    let length = match said.length {
        Length::Absent | Length::Known(0) => BodyLength::Empty,
        Length::Known(length) => BodyLength::Known(length),
        Length::Chunked => BodyLength::Chunked,
    };
    assert_eq!(info.body, length);
    check_nul(Some(head.method_with_nul()), head.method_str().as_bytes());
    check_nul(Some(head.path_with_nul()), head.path().as_bytes());
    check_nul(Some(head.authority_with_nul()), head.authority().as_bytes());
    if let Some(query) = head.query() {
        check_nul(head.query_with_nul(), query.as_bytes());
    }
    // The parts, put together again, are the target.
    let query = head.query().map(|query| format!("?{query}")).unwrap_or_default();
    let path_and_query = format!("{}{query}", head.path());
    let target = String::from_utf8_lossy(&said.target).into_owned();
    match (head.scheme(), &said.method[..]) {
        (None, b"CONNECT") => assert_eq!((head.authority(), head.path()), (&target[..], "")),
        (None, _) => {
            assert_eq!(path_and_query, target);
            let host = said.fields.iter().find(|field| field.0 == "host").map(|field| &field.1[..]);
            assert_eq!(head.authority().as_bytes(), host.unwrap_or_default());
        }
        (Some(scheme), _) => {
            let (start, rest) = target.split_at(scheme.len());
            assert!(start.eq_ignore_ascii_case(scheme));
            let full = format!("://{}{path_and_query}", head.authority());
            let without_path = format!("://{}{query}", head.authority());
            assert!(rest == full || (head.path() == "/" && rest == without_path), "{target} as {head:?}");
        }
    }
}

/// What is accepted, another parser accepts too. It is lenient, but does not know the versions 1.2 to 1.9.
fn check_other_parser(raw: &[u8], said: &oracle::Request) {
    let start = raw.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let mut storage = [httparse::EMPTY_HEADER; 256];
    let mut request = httparse::Request::new(&mut storage);
    if said.minor > 1 {
        return;
    }
    let parsed = request.parse(&raw[start..]);
    assert_eq!(parsed, Ok(httparse::Status::Complete(raw.len() - start)), "{}", raw.escape_ascii());
    assert_eq!(request.method.map(str::as_bytes), Some(&said.method[..]));
    assert_eq!(request.path.map(str::as_bytes), Some(&said.target[..]));
    let values = request.headers.iter().map(|field| field.value);
    assert!(values.eq(said.fields.iter().map(|(_, value)| &value[..])), "{}", raw.escape_ascii());
}

fn responses(limits: &Limits, seed: u8, text: &[u8], asked: u8) {
    let mut ways = splits::all_ways(text, seed).into_iter().map(|way| response(limits, &way, asked));
    let whole = ways.next().unwrap_or(Outcome::Incomplete);
    for other in ways {
        compare(&whole, &other, text);
    }
    let Outcome::Accepted((head, info, used)) = whole else { return };
    let raw = text.get(..used).expect("no more is consumed than was there");
    let Some(said) = oracle::response(raw) else { panic!("accepted: {}", raw.escape_ascii()) };
    assert_eq!((head.status(), head.reason()), (said.status, &said.reason[..]));
    assert_eq!(head.version(), if said.minor == 0 { Version::Http10 } else { Version::Http11 });
    check_fields(head.headers(), &said.fields, false);
    let is_empty = asked == 1 || matches!(said.status, 100..=199 | 204 | 304);
    assert!(!is_empty || info.body == ResponseLength::Empty);
    assert!(info.informational == ((100..200).contains(&said.status) && said.status != 101));
    let may_switch = (asked == 3 && said.status == 101) || (asked == 2 && (200..300).contains(&said.status));
    assert_eq!(info.upgraded, may_switch);
}

fn response(limits: &Limits, pieces: &[&[u8]], asked: u8) -> Outcome<(ResponseHead, ResponseInfo, usize)> {
    let (mut connection, mut head) = (ClientConnection::new(), ResponseHead::new());
    let mut headers = Headers::new();
    if asked == 3 {
        headers.append("upgrade", "x").expect("a field");
    }
    let method = ["GET", "HEAD", "CONNECT", "GET"][usize::from(asked)];
    let parts =
        RequestParts { method, target: "/", authority: "a:80", headers: &headers, body: ContentLength::None };
    connection.send_head(&mut Vec::new(), &parts).expect("a request");
    let mut pending = Vec::new();
    for piece in pieces {
        pending.extend_from_slice(piece);
        match connection.receive_head(limits, &pending, &mut head) {
            Ok(Some((used, info))) => return Outcome::Accepted((head, info, used)),
            Ok(None) => {}
            Err(error) => {
                assert!(!connection.keeps_alive() && head.headers().is_empty());
                return Outcome::Refused(error.status());
            }
        }
    }
    Outcome::Incomplete
}
