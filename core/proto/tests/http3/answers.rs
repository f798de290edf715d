//! Answers that go out.

use flare_proto::http3::{Limits, ServerConnection};
use flare_proto::qpack::Decoder;
use flare_proto::{ContentLength, Headers, ResponseParts, SendError};

use crate::feeding::{list, server};
use crate::wire::{GET, POST, headers, shown};

/// What [`ResponseParts`] borrows.
pub struct Parts {
    status: u16,
    headers: Headers,
    body: ContentLength,
}

pub fn parts(status: u16, headers: &Headers, body: ContentLength) -> Parts {
    Parts { status, headers: headers.clone(), body }
}

impl Parts {
    pub fn of(&self) -> ResponseParts<'_> {
        ResponseParts { status: self.status, headers: &self.headers, body: self.body, origin: None }
    }
}

/// A server that was asked with this method, on stream 0.
fn asked(method: &'static str) -> ServerConnection {
    let mut pseudo = GET;
    pseudo[0].1 = method;
    let mut end = server(Limits::default());
    end.feed(0, &headers(&pseudo), true).unwrap();
    assert_eq!(end.told().len(), 1);
    end.connection
}

fn text(out: &[u8]) -> Vec<String> {
    shown(out, &mut Decoder::new(0, 0))
}

#[test]
fn heads_and_their_lengths() {
    for (method, status, body, follows, expected) in [
        ("GET", 200, ContentLength::Known(2), true, "HEADERS :status=200 content-length=2"),
        ("GET", 200, ContentLength::Unknown, true, "HEADERS :status=200"),
        ("GET", 404, ContentLength::None, false, "HEADERS :status=404 content-length=0"),
        ("GET", 204, ContentLength::None, false, "HEADERS :status=204"),
        ("HEAD", 200, ContentLength::Known(9), false, "HEADERS :status=200 content-length=9"),
        ("GET", 299, ContentLength::Known(0), false, "HEADERS :status=299 content-length=0"),
    ] {
        let (mut connection, mut out) = (asked(method), Vec::new());
        let parts = parts(status, &Headers::new(), body);
        assert_eq!(connection.send_head(0, &parts.of(), &mut out), Ok(follows));
        assert_eq!(text(&out), [expected]);
        assert_eq!((connection.has_sent_all(0), connection.is_open(0)), (!follows, follows));
    }
}

#[test]
fn fields_that_are_not_of_this_wire_stay_behind() {
    let (mut connection, mut out) = (asked("GET"), Vec::new());
    let fields = list(&[
        ("Connection", "close"),
        ("Keep-Alive", "5"),
        ("Upgrade", "x"),
        ("Proxy-Connection", "x"),
        ("X-Mixed", "Yes"),
        ("Set-Cookie", "a=b"),
    ]);
    connection.send_head(0, &parts(200, &fields, ContentLength::None).of(), &mut out).unwrap();
    assert_eq!(text(&out), ["HEADERS :status=200 x-mixed=Yes set-cookie=a=b content-length=0"]);
}

#[test]
fn interim_answers_content_and_trailers() {
    let (mut connection, mut out) = (asked("GET"), Vec::new());
    connection.send_informational(0, 103, &list(&[("link", "</a>")]), &mut out).unwrap();
    connection.send_head(0, &parts(200, &Headers::new(), ContentLength::Unknown).of(), &mut out).unwrap();
    connection.send_data(0, b"hello", false, &mut out).unwrap();
    connection.send_data(0, b"", false, &mut out).unwrap();
    connection.begin_data(0, 70, false, &mut out).unwrap();
    out.extend_from_slice(&[b'x'; 70]);
    connection.send_end(0, Some(&list(&[("x-sum", "1")])), &mut out).unwrap();
    let content = format!("DATA {}", "x".repeat(70));
    let expected =
        ["HEADERS :status=103 link=</a>", "HEADERS :status=200", "DATA hello", &content, "HEADERS x-sum=1"];
    assert_eq!(text(&out), expected);
    assert!(!connection.is_open(0));
    assert_eq!(connection.send_end(0, None, &mut out), Err(SendError::Closed));
}

#[test]
fn what_can_not_be_sent_changes_nothing() {
    let (mut connection, mut out) = (asked("GET"), Vec::new());
    let none = Headers::new();
    let known = parts(200, &none, ContentLength::Known(3));
    assert_eq!(connection.send_data(0, b"x", false, &mut out), Err(SendError::Order));
    assert_eq!(connection.send_end(0, None, &mut out), Err(SendError::Order));
    assert_eq!(connection.send_informational(0, 101, &none, &mut out), Err(SendError::Status));
    assert_eq!(connection.send_informational(0, 200, &none, &mut out), Err(SendError::Status));
    assert_eq!(connection.send_informational(4, 103, &none, &mut out), Err(SendError::Closed));
    for (status, fields, error) in [
        (101, list(&[]), SendError::Status),
        (1000, list(&[]), SendError::Status),
        (200, list(&[("transfer-encoding", "chunked")]), SendError::TransferEncoding),
        (200, list(&[("content-length", "4")]), SendError::ContentLength),
    ] {
        let wrong = parts(status, &fields, ContentLength::Known(3));
        assert_eq!(connection.send_head(0, &wrong.of(), &mut out), Err(error));
    }
    assert!(out.is_empty());
    assert_eq!(connection.send_head(0, &known.of(), &mut out), Ok(true));
    out.clear();
    assert_eq!(connection.send_head(0, &known.of(), &mut out), Err(SendError::Order));
    assert_eq!(connection.send_informational(0, 103, &none, &mut out), Err(SendError::Order));
    assert_eq!(connection.send_data(0, b"1234", false, &mut out), Err(SendError::TooLong));
    assert_eq!(connection.send_data(0, b"12", true, &mut out), Err(SendError::TooShort));
    assert!(out.is_empty());
    assert_eq!(connection.send_end(0, None, &mut out), Err(SendError::TooShort));
    assert!(out.is_empty() && !connection.is_open(0));
    // A trailer that may not be one.
    let (mut connection, mut out) = (asked("GET"), Vec::new());
    connection.send_head(0, &parts(200, &none, ContentLength::Unknown).of(), &mut out).unwrap();
    out.clear();
    let trailers = list(&[("content-length", "1")]);
    assert_eq!(connection.send_end(0, Some(&trailers), &mut out), Err(SendError::Trailer));
    assert_eq!(connection.send_data(0, b"", true, &mut out), Ok(()));
    assert!(out.is_empty() && !connection.is_open(0));
}

#[test]
fn an_answer_may_end_before_its_request() {
    let mut end = server(Limits::default());
    end.feed(0, &headers(&POST), false).unwrap();
    let mut out = Vec::new();
    end.connection.send_head(0, &parts(413, &Headers::new(), ContentLength::None).of(), &mut out).unwrap();
    assert!(end.connection.is_open(0) && end.connection.has_sent_all(0));
    end.connection.stop_receiving(0);
    assert!(!end.connection.is_open(0));
    end.told();
    end.feed(0, b"anything at all", true).unwrap();
    assert_eq!(end.told(), Vec::<String>::new());
}
