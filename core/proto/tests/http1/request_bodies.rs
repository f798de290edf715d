//! Where a request's body ends, and what is refused (RFC 9112 sections 6, 7).

use crate::feeding::{accepted, receive, receive_all_ways, refused};
use flare_proto::http1::{BodyLength, Limits};

fn post(fields: &str, body: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\n{fields}\r\n{body}")
}

fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}

const HELLO: &str = "5\r\nhello\r\n0\r\n\r\n";

#[test]
fn content_length() {
    let received = accepted(post("Content-Length: 5\r\n", "hello"));
    assert_eq!((received.info.body, &received.body[..]), (BodyLength::Known(5), &b"hello"[..]));
    assert_eq!(accepted(post("Content-Length:\t0005 \r\n", "hello")).body, b"hello");
    assert_eq!(accepted(post("Content-Length: 0\r\n", "")).info.body, BodyLength::Empty);
    assert_eq!(accepted(post("", "")).info.body, BodyLength::Empty);
    let inner = "GET / HTTP/1.1\r\n\r\n";
    assert_eq!(accepted(post(&format!("Content-Length: {}\r\n", inner.len()), inner)).body, inner.as_bytes());
}

#[test]
fn malformed_content_length() {
    for bad in [
        "5, 5",
        "5, 6",
        "+5",
        "-5",
        "-0",
        "0x5",
        "a",
        "5.0",
        "5e0",
        "1 5",
        "1_0",
        "5;",
        "five",
        "",
        "\"5\"",
        "5a",
        "\u{665}",
        "5,x",
        "18446744073709551621",
        "10000000000000000000000000000000000000000",
    ] {
        assert_eq!(refused(post(&format!("Content-Length: {bad}\r\n"), "hello")), 400, "{bad}");
    }
    for (first, second) in [("5", "5"), ("5", "6"), ("0", "5"), ("5", "x")] {
        let fields = format!("Content-Length: {first}\r\ncontent-length: {second}\r\n");
        assert_eq!(refused(post(&fields, "hello")), 400, "{fields}");
    }
}

#[test]
fn transfer_codings() {
    for good in ["chunked", "ChUnKeD", " chunked ", "\tchunked\t"] {
        assert_eq!(accepted(post(&format!("Transfer-Encoding: {good}\r\n"), HELLO)).body, b"hello");
    }
    for (bad, status) in [
        ("chunked, gzip", 501),
        ("gzip, chunked", 501),
        ("conform", 501),
        ("xchunked", 501),
        ("identity", 400),
        ("", 400),
        ("\"chunked\"", 400),
        ("chunked;", 400),
        ("chunked;a=b", 400),
        ("chunked chunked", 400),
        (", chunked", 400),
    ] {
        assert_eq!(refused(post(&format!("Transfer-Encoding: {bad}\r\n"), HELLO)), status, "{bad}");
    }
    let coding = "Transfer-Encoding: chunked\r\n";
    assert_eq!(refused(post(&format!("{coding}{coding}"), HELLO)), 400);
    assert_eq!(refused(post(&format!("{coding}Transfer-Encoding: identity\r\n"), HELLO)), 400);
    assert_eq!(refused(format!("POST / HTTP/1.0\r\n{coding}\r\n{HELLO}")), 400);
}

#[test]
fn a_length_with_a_coding_is_refused() {
    for length in ["5", "0", "15", "x"] {
        let length = format!("Content-Length: {length}\r\n");
        let coding = "Transfer-Encoding: chunked\r\n";
        assert_eq!(refused(post(&format!("{length}{coding}"), HELLO)), 400);
        assert_eq!(refused(post(&format!("{coding}{length}"), HELLO)), 400);
    }
}

#[test]
fn chunks() {
    for (body, expected) in [
        ("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello"),
        ("A\r\nhellohello\r\n0\r\n\r\n", "hellohello"),
        ("a\r\nhellohello\r\n0\r\n\r\n", "hellohello"),
        ("0005\r\nhello\r\n00000\r\n\r\n", "hello"),
        ("0\r\n\r\n", ""),
        ("7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"),
        ("5;a\r\nhello\r\n0\r\n\r\n", "hello"),
        ("5;a=b;c=\"d;\\\"e\"\r\nhello\r\n0;f\r\n\r\n", "hello"),
        ("5 ; a = b\r\nhello\r\n0\r\n\r\n", "hello"),
    ] {
        let received = accepted(chunked(body));
        assert_eq!(received.body, expected.as_bytes(), "{body:?}");
        assert_eq!(received.info.body, BodyLength::Chunked);
    }
}

#[test]
fn malformed_chunks() {
    for bad in [
        "x\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "-5\r\nhello\r\n",
        "+5\r\nhello\r\n",
        "\r\nhello\r\n",
        ";a=b\r\nhello\r\n",
        " 5\r\nhello\r\n",
        "5h\r\nhello\r\n",
        "5,\r\nhello\r\n",
        "0_5\r\nhello\r\n",
        "0 5\r\nhello\r\n",
        "5\0\r\nhello\r\n",
        "10000000000000005\r\nhello\r\n",
        "5\r\nhelloXX\r\n",
        "6\r\nhello\r\n",
        "5\r\nhello",
        "5\r\nhello\r",
        "5\rhello\r\n",
        "5\nhello\r\n",
        "5\r\nhello\n",
        "5;a\nb\r\nhello\r\n",
        "5;a\rb\r\nhello\r\n",
        "5 \r\nhello\r\n",
    ] {
        assert_eq!(refused(chunked(&format!("{bad}0\r\n\r\n"))), 400, "{bad:?}");
    }
    assert_eq!(refused(chunked("5\r\nhello\r\n0\n\r\n")), 400);
}

#[test]
fn trailers() {
    let received = accepted(chunked("5\r\nhello\r\n0\r\nX-T:  v \r\nX-U: w\r\n\r\n"));
    assert_eq!(received.trailers.iter().collect::<Vec<_>>(), [("x-t", &b"v"[..]), ("x-u", b"w")]);
    assert!(received.head.headers().get("x-t").is_none());
    for dropped in [
        "Content-Length: 50",
        "Transfer-Encoding: chunked",
        "Host: other.invalid",
        "If-Match: a",
        "TE: trailers",
    ] {
        let received = accepted(chunked(&format!("5\r\nhello\r\n0\r\n{dropped}\r\nX: y\r\n\r\n")));
        assert_eq!(received.trailers.iter().collect::<Vec<_>>(), [("x", &b"y"[..])], "{dropped}");
    }
    for bad in ["X T: v", "XT", ": v", "X-T : v", "X\0T: v", "X: a\r\n b", "X: a\rb", "X: \0"] {
        assert_eq!(refused(chunked(&format!("0\r\n{bad}\r\n\r\n"))), 400, "{bad:?}");
    }
    assert_eq!(refused(chunked("0\r\nX: y\n\r\n")), 400);
    assert_eq!(refused(chunked("0\r\nX: y\r\n\n")), 400);
}

#[test]
fn limits_hold_before_the_end_has_come() {
    let limits = Limits { trailer_bytes: 20, chunk_line_bytes: 10, header_count: 2, ..Limits::default() };
    let status = |body: &str| receive_all_ways(&limits, chunked(body).as_bytes()).err();
    assert_eq!(status("5;a=bcde\r\nhello\r\n0\r\n\r\n"), None);
    assert_eq!(status("5;a=bcdef\r\nhello\r\n0\r\n\r\n"), Some(400));
    assert_eq!(status("5;a=bcdefghijklmnop"), Some(400));
    assert_eq!(status("0000000000000000000"), Some(400));
    assert_eq!(status("0\r\nX: 890123456789\r\n\r\n"), None, "16 + 2 + 2 bytes");
    assert_eq!(status("0\r\nX: 8901234567890123\r\n\r\n"), Some(431));
    assert_eq!(status("0\r\nX: 89012345678901234567890"), Some(431));
    assert_eq!(status("0\r\nA: b\r\nC: d\r\n\r\n"), None);
    assert_eq!(status("0\r\nA: \r\nB:\r\nC:\r\n\r\n"), Some(431));
}

#[test]
fn an_unfinished_body_is_no_request() {
    for message in [
        post("Content-Length: 50\r\n", "hello"),
        post("Content-Length: 18446744073709551615\r\n", "hello"),
        chunked("50\r\nhello"),
        chunked("ffffffffffffffff\r\nhello"),
        chunked("5\r\nhello\r\n"),
        chunked("5\r\nhello\r\n0\r\nX-T: v\r\n"),
        chunked("5\r\nhello\r\n0\r\nX-T: v\r\n\r"),
    ] {
        assert!(receive(&Limits::default(), &[message.as_bytes()]).unwrap().is_none(), "{message:?}");
    }
}
