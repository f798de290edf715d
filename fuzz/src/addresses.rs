//! Authorities and targets of requests, and addresses as programs write them: what is accepted is what the oracle accepts, with the same parts, and what is
//! written again is read again as the same.
//!
//! The bytes of an input are a text, which is given to each decoder: as target and as authority to those of HTTP/1 and HTTP/3 (HTTP/2 has the same) and
//! of a head that is built, and as address and as name of a host to those of `flare_net`.

use std::borrow::Cow;
use std::net::SocketAddr;

use flare_net::{Address, HostName, Target as Place};
use flare_proto::http1::{self, ClientConnection, ServerConnection};
use flare_proto::qpack::Encoder;
use flare_proto::{ContentLength, Headers, RequestHead, Version, http3};

use crate::PLANTED;
use crate::oracle::uri::{Target, authority, target};
use crate::oracle::{address, trim};

/// Longer texts say nothing new, and pass other limits.
const MOST_BYTES: usize = 2000;

/// The authority of a request whose target has none.
const HOST: &str = "h";

/// A target in its parts: scheme, authority, path, query.
type Parts = (Option<String>, String, String, Option<String>);

/// Runs the target.
pub fn run(data: &[u8]) {
    let text = &data[..data.len().min(MOST_BYTES)];
    let given = planted(text);
    for method in ["GET", "OPTIONS", "CONNECT"] {
        let said = target(method, text);
        let parts = said.as_ref().map(|said| parts_said(said, text));
        on_http1(method, text, &given, parts.as_ref());
        on_http3(method, &given, said.as_ref());
        if let (Ok(given), Ok(text)) = (std::str::from_utf8(&given), std::str::from_utf8(text)) {
            written(method, given, text, said.as_ref(), parts.as_ref());
        }
    }
    as_authority(text, &given);
    if let (Ok(given), Ok(text)) = (std::str::from_utf8(&given), std::str::from_utf8(text)) {
        as_address(given, text);
    }
}

/// PLANTED: behind `%`, G is a hexadecimal digit.
fn planted(text: &[u8]) -> Cow<'_, [u8]> {
    if !PLANTED {
        return Cow::Borrowed(text);
    }
    let mut text = text.to_vec();
    for at in 2..text.len() {
        if text[at - 2] == b'%' && text[at - 1].is_ascii_hexdigit() && text[at].eq_ignore_ascii_case(&b'g') {
            text[at] = b'f';
        }
    }
    Cow::Owned(text)
}

fn string(text: &[u8]) -> String {
    text.iter().map(|&byte| char::from(byte)).collect()
}

/// What a head has to hold.
fn parts_said(said: &Target<'_>, text: &[u8]) -> Parts {
    let host = HOST.to_owned();
    match said {
        Target::Origin { path, query } => (None, host, string(path), query.map(string)),
        Target::Absolute { scheme, authority, path, query } => {
            let path = if path.is_empty() { b"/" } else { *path };
            (Some(string(scheme)), string(authority), string(path), query.map(string))
        }
        Target::Authority => (None, string(text), String::new(), None),
        Target::Asterisk => (None, host, "*".to_owned(), None),
    }
}

fn parts_of(head: &RequestHead) -> Parts {
    let query = head.query().map(str::to_owned);
    (head.scheme().map(str::to_owned), head.authority().to_owned(), head.path().to_owned(), query)
}

fn read_http1(head: &[u8]) -> Option<RequestHead> {
    let mut read = RequestHead::new();
    let received = ServerConnection::new().receive_head(&http1::Limits::default(), head, &mut read);
    received.ok().flatten().map(|(used, _)| {
        assert_eq!(used, head.len());
        read
    })
}

/// As the target in a request line.
fn on_http1(method: &str, text: &[u8], given: &[u8], parts: Option<&Parts>) {
    // Those end the line.
    if given.contains(&b'\r') || given.contains(&b'\n') {
        return;
    }
    let line = [method.as_bytes(), b" ", given, b" HTTP/1.1\r\nhost: ", HOST.as_bytes(), b"\r\n\r\n"];
    let read = read_http1(&line.concat()).map(|head| parts_of(&head));
    assert_eq!(read.as_ref(), parts, "{method} {}", text.escape_ascii());
}

/// What became of a request on HTTP/3.
#[derive(Debug, PartialEq)]
enum Read {
    Head(Parts),
    Refused(u16),
    Rejected,
}

fn read_http3(bytes: &[u8]) -> Read {
    let mut end = http3::ServerConnection::new(Default::default());
    let (mut head, mut trailers) = (RequestHead::new(), Headers::new());
    match end.receive(0, &mut &bytes[..], true, &mut head, &mut trailers) {
        Ok(Some(http3::Event::Head { .. })) => Read::Head(parts_of(&head)),
        Ok(Some(http3::Event::Refused { status, .. })) => Read::Refused(status),
        Ok(Some(http3::Event::Rejected { .. })) => Read::Rejected,
        other => panic!("{other:?}"),
    }
}

/// The HEADERS of a request.
fn headers(fields: &[(&[u8], &[u8])]) -> Vec<u8> {
    let (mut encoder, mut section) = (Encoder::new(0, 0), Vec::new());
    encoder.begin(0);
    fields.iter().for_each(|(name, value)| encoder.encode(name, value));
    encoder.end(&mut section);
    [&[1, 0x40 | (section.len() >> 8) as u8, section.len() as u8], &section[..]].concat()
}

/// As `:path`, or the `:authority` of CONNECT.
fn on_http3(method: &str, given: &[u8], said: Option<&Target<'_>>) {
    let name = (&b":method"[..], method.as_bytes());
    if method == "CONNECT" {
        let read = read_http3(&headers(&[name, (b":authority", given)]));
        let expected = (None, string(given), String::new(), None);
        let expected = if said.is_some() { Read::Head(expected) } else { Read::Rejected };
        return assert_eq!(read, expected);
    }
    let authority = (&b":authority"[..], HOST.as_bytes());
    let read = read_http3(&headers(&[name, (b":scheme", b"https"), authority, (b":path", given)]));
    let expected = match said {
        Some(said @ (Target::Origin { .. } | Target::Asterisk)) => {
            let (_, host, path, query) = parts_said(said, given);
            Read::Head((Some("https".to_owned()), host, path, query))
        }
        // One that could be a request but for its target gets an answer.
        _ if given.starts_with(b"/") => Read::Refused(400),
        _ => Read::Rejected,
    };
    assert_eq!(read, expected, "{method} {}", given.escape_ascii());
}

/// What can be written is what can be read, and it is the same again.
fn written(method: &str, given: &str, text: &str, said: Option<&Target<'_>>, parts: Option<&Parts>) {
    let is_connect = method == "CONNECT";
    let authority = if is_connect { given } else { HOST };
    let (headers, body) = (Headers::new(), ContentLength::None);
    let request = http1::RequestParts { method, target: given, authority, headers: &headers, body };
    let mut out = Vec::new();
    let sent = ClientConnection::new().send_head(&mut out, &request);
    assert_eq!(sent.is_ok(), said.is_some(), "{method} {text:?}");
    if sent.is_ok() {
        assert_eq!(read_http1(&out).map(|head| parts_of(&head)).as_ref(), parts);
    }
    let request = http3::RequestParts {
        method,
        scheme: "https",
        authority,
        target: given,
        protocol: None,
        headers: &headers,
        body,
    };
    let (mut end, mut out) = (http3::ClientConnection::new(Default::default()), Vec::new());
    let sent = end.send_request(&request, &mut out).is_ok();
    assert_eq!(sent, said.is_some_and(|said| !matches!(said, Target::Absolute { .. })), "{method} {text:?}");
    let scheme = (!is_connect).then_some("https");
    if sent {
        let expected = parts.map(|(_, host, path, query)| {
            (scheme.map(str::to_owned), host.clone(), path.clone(), query.clone())
        });
        assert_eq!(Some(read_http3(&out)), expected.map(Read::Head));
    }
    // An absolute target, too, is built of its parts.
    let mut head = RequestHead::new();
    match parts {
        Some((scheme, host, path, query)) => {
            let query = query.as_ref().map(|query| format!("?{query}")).unwrap_or_default();
            let target = format!("{path}{query}");
            let built = head.build(method, scheme.as_deref(), host, &target, Version::Http11);
            assert_eq!(built, Ok(()));
            assert_eq!(Some(&parts_of(&head)), parts);
        }
        None => assert!(head.build(method, None, authority, given, Version::Http11).is_err(), "{text:?}"),
    }
}

/// As the authority of a request with a path.
fn as_authority(text: &[u8], given: &[u8]) {
    let host = authority(text).map(|(host, _)| host);
    let parts = |text| (Some("http".to_owned()), string(text), "/".to_owned(), None);
    // RFC 9110 section 4.2.1: no URI of HTTP is without a host.
    let is_there = host.is_some_and(|host| !host.is_empty());
    let expected = if is_there { Read::Head(parts(given)) } else { Read::Rejected };
    for name in [&b":authority"[..], b"host"] {
        let section =
            headers(&[(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (name, given)]);
        assert_eq!(read_http3(&section), expected, "{}", text.escape_ascii());
    }
    if !given.contains(&b'\r') && !given.contains(&b'\n') {
        let read = read_http1(&[b"GET / HTTP/1.1\r\nhost: ", given, b"\r\n\r\n"].concat());
        let is_good = authority(trim(text)).is_some();
        assert_eq!(read.is_some(), is_good, "{}", text.escape_ascii());
        assert!(read.is_none_or(|head| head.authority() == string(trim(given))));
    }
    let Ok(given) = std::str::from_utf8(given) else { return };
    let mut head = RequestHead::new();
    let built = head.build("GET", Some("http"), given, "/", Version::Http2);
    assert_eq!(built.is_ok(), host.is_some(), "{}", text.escape_ascii());
    assert!(built.is_err() || parts_of(&head) == parts(given.as_bytes()));
}

/// As an address, and as the name of a host.
fn as_address(given: &str, text: &str) {
    let read = Place::parse(given);
    let found = read.as_ref().ok().map(|place| match place {
        Place::Address(Address::Ip(SocketAddr::V4(ip))) => address::Place::V4(ip.ip().octets(), ip.port()),
        Place::Address(Address::Ip(SocketAddr::V6(ip))) => {
            assert_eq!(ip.flowinfo(), 0);
            address::Place::V6(ip.ip().segments(), ip.scope_id(), ip.port())
        }
        Place::Address(Address::Unix(path)) => {
            let path = path.as_ref().and_then(|path| path.to_str());
            address::Place::Unix(path.expect("a path that was text").to_owned())
        }
        Place::Name { host, port } => address::Place::Name(host.as_str().to_owned(), *port),
    });
    assert_eq!(found, address::place(text), "{text:?}");
    // A host of this name, which only capitals make one, is written as the begin of a path.
    let is_unix = |place: &Place| matches!(place, Place::Name { host, .. } if host.as_str() == "unix");
    if let Ok(place) = read
        && !is_unix(&place)
    {
        assert_eq!(Place::parse(&place.to_string()).ok().as_ref(), Some(&place), "{text:?}");
    }
    let name = HostName::new(given);
    let found = name.as_ref().map(|name| name.as_str().to_owned()).map_err(|reason| *reason);
    assert_eq!(found, address::host_name(text), "{text:?}");
    if let Ok(name) = name {
        assert_eq!(HostName::new(&name.to_string()).as_ref(), Ok(&name));
    }
}
