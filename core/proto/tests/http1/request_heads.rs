//! Which request heads are accepted, and what is made of them (RFC 9112 sections 2, 3, 5).

use crate::feeding::{accepted, receive, refused};
use flare_proto::http1::{BodyLength, Limits, ServerConnection};
use flare_proto::{Method, RequestHead, Version};

fn line(line: &str) -> String {
    format!("{line}\r\nHost: a\r\n\r\n")
}

fn field(field: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n")
}

#[test]
fn a_plain_request() {
    let received = accepted(
        "GET /plain?x=%20y HTTP/1.1\r\nHOST: example.invalid:80\r\nX-Mixed-Case:  Value \t\r\nempty:\r\n\r\n",
    );
    let head = &received.head;
    assert_eq!((head.method(), head.method_str(), head.version()), (Method::Get, "GET", Version::Http11));
    assert_eq!((head.path(), head.query()), ("/plain", Some("x=%20y")));
    assert_eq!((head.authority(), head.scheme()), ("example.invalid:80", None));
    let fields: Vec<_> = head.headers().iter().collect();
    assert_eq!(fields, [("host", &b"example.invalid:80"[..]), ("x-mixed-case", b"Value"), ("empty", b"")]);
    assert_eq!(received.info.body, BodyLength::Empty);
    assert!(!received.info.expects_continue && !received.info.upgrade && !received.info.accepts_trailers);
}

#[test]
fn everything_ends_with_nul() {
    let received = accepted("GET /p?q HTTP/1.1\r\nHost:h\r\nA:  b  \r\nEmpty: \r\nNone:\r\n\r\n");
    let head = &received.head;
    assert_eq!(head.method_with_nul(), b"GET\0");
    assert_eq!(head.path_with_nul(), b"/p\0");
    assert_eq!(head.query_with_nul(), Some(&b"q\0"[..]));
    assert_eq!(head.authority_with_nul(), b"h\0");
    let names: Vec<_> = (0..4).map(|index| head.headers().name_with_nul_at(index).unwrap()).collect();
    assert_eq!(names, [&b"host\0"[..], b"a\0", b"empty\0", b"none\0"]);
    let values: Vec<_> = (0..4).map(|index| head.headers().value_with_nul_at(index).unwrap()).collect();
    assert_eq!(values, [&b"h\0"[..], b"b\0", b"\0", b"\0"]);
}

#[test]
fn a_head_is_used_again() {
    let mut head = RequestHead::new();
    let limits = Limits::default();
    let mut connection = ServerConnection::new();
    connection
        .receive_head(&limits, b"GET http://a/b?c HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n", &mut head)
        .unwrap()
        .unwrap();
    let mut connection = ServerConnection::new();
    connection.receive_head(&limits, b"POST /d HTTP/1.0\r\n\r\n", &mut head).unwrap().unwrap();
    assert_eq!((head.method(), head.path(), head.query()), (Method::Post, "/d", None));
    assert_eq!((head.scheme(), head.authority(), head.version()), (None, "", Version::Http10));
    assert!(head.headers().is_empty());
}

#[test]
fn lines_end_with_crlf() {
    assert_eq!(accepted(format!("\r\n{}", line("GET / HTTP/1.1"))).head.path(), "/");
    assert_eq!(accepted(format!("\r\n\r\n{}", line("GET / HTTP/1.1"))).head.path(), "/");
    for bad in [
        "\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\nC: d\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA:\nC: d\r\n\r\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\rC: d\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\r\r\n\r\n",
    ] {
        assert_eq!(refused(bad), 400, "{bad:?}");
    }
}

#[test]
fn request_lines() {
    for bad in [
        " GET / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET\t/\tHTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /\r HTTP/1.1 x",
        "GET HTTP/1.1",
        " / HTTP/1.1",
        "garbage without any sense",
        "\0\u{1}\u{2}",
        "GET / HTTP/1.1 extra",
        "GET /a b HTTP/1.1",
        "GET /",
        "GET / http/1.1",
        "GET / HTTP1.1",
        "GET / HTTP/1",
        "GET / HTTP/1.",
        "GET / HTTP/1.10",
        "GET / HTTP/a.b",
        "GET / HTTP/ 1.1",
        "GET / HTP/1.1",
        "GET / HTTP/01.1",
        "GET / HTTP/+1.1",
        "G<E>T / HTTP/1.1",
        "GET: / HTTP/1.1",
        "GE/T / HTTP/1.1",
        "G\"T / HTTP/1.1",
        "G\0T / HTTP/1.1",
        "G\u{c9}T / HTTP/1.1",
        "GET, / HTTP/1.1",
        "GET\u{7f} / HTTP/1.1",
        "GET / HTTP/1.22",
        "GET / HTTP/1.2 ",
    ] {
        assert_eq!(refused(line(bad)), 400, "{bad:?}");
    }
}

#[test]
fn versions() {
    assert_eq!(accepted(line("GET /x HTTP/1.0")).head.version(), Version::Http10);
    for minor in 1..=9 {
        let head = accepted(line(&format!("GET /x HTTP/1.{minor}"))).head;
        assert_eq!((head.version(), head.path(), head.authority()), (Version::Http11, "/x", "a"));
    }
    for major in ["0.9", "2.0", "3.0", "9.9"] {
        assert_eq!(refused(line(&format!("GET / HTTP/{major}"))), 505);
    }
    assert_eq!(refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, "the preface of HTTP/2");
}

#[test]
fn methods() {
    let head = accepted(line("A!#$%&'*+-.^_`|~9 / HTTP/1.1")).head;
    assert_eq!((head.method(), head.method_str()), (Method::Extension, "A!#$%&'*+-.^_`|~9"));
    assert_eq!(accepted(line("get / HTTP/1.1")).head.method(), Method::Extension);
    assert_eq!(accepted(line(&format!("{} / HTTP/1.1", "M".repeat(64)))).head.method_str().len(), 64);
    assert_eq!(refused(line(&format!("{} / HTTP/1.1", "M".repeat(65)))), 501);
}

#[test]
fn absolute_targets() {
    for (target, scheme, authority, path, query) in [
        ("http://b:80/c?d", "http", "b:80", "/c", Some("d")),
        ("HTTPS://[::1]/", "https", "[::1]", "/", None),
        ("http://b", "http", "b", "/", None),
        ("http://b?c", "http", "b", "/", Some("c")),
        ("http://b?", "http", "b", "/", Some("")),
    ] {
        let head = accepted(line(&format!("GET {target} HTTP/1.1"))).head;
        assert_eq!((head.scheme(), head.authority()), (Some(scheme), authority), "{target}");
        assert_eq!((head.path(), head.query()), (path, query), "{target}");
        assert_eq!(head.path_with_nul(), format!("{path}\0").as_bytes());
        assert_eq!(head.authority_with_nul(), format!("{authority}\0").as_bytes());
        assert_eq!(head.headers().get("host"), Some(&b"a"[..]));
    }
    assert_eq!(refused("GET http://b/ HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(refused("GET http://b/ HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n"), 400);
}

#[test]
fn other_targets() {
    let head = accepted(line("OPTIONS * HTTP/1.1")).head;
    assert_eq!((head.path(), head.path_with_nul(), head.authority()), ("*", &b"*\0"[..], "a"));
    let head = accepted(line("CONNECT b.invalid:443 HTTP/1.1")).head;
    assert_eq!((head.path(), head.path_with_nul(), head.authority()), ("", &b"\0"[..], "b.invalid:443"));
    assert_eq!(head.authority_with_nul(), b"b.invalid:443\0");
    assert_eq!(accepted(line("GET //a//b HTTP/1.1")).head.path(), "//a//b");
    assert_eq!(accepted(line("GET /? HTTP/1.1")).head.query(), Some(""));
    for bad in [
        "GET *",
        "GET a:80",
        "GET index.html",
        "GET http:///x",
        "GET http://u:p@a/",
        "GET /a#b",
        "GET /a\u{1}b",
        "GET /a\0b",
        "GET /\u{e9}",
        "GET /a\u{7f}",
        "GET /%zz",
        "CONNECT a",
        "CONNECT a:",
        "CONNECT a:0",
        "CONNECT a:99999",
        "CONNECT /",
    ] {
        assert_eq!(refused(line(&format!("{bad} HTTP/1.1"))), 400, "{bad:?}");
    }
}

#[test]
fn hosts() {
    for good in ["", "a", "A.Invalid", "a:8080", "a:", "[::1]:80", "a-b_c~d", "a%41", "a.", "a,b"] {
        let head = accepted(format!("GET / HTTP/1.1\r\nHost: {good}\r\n\r\n")).head;
        assert_eq!(head.authority(), good);
    }
    accepted("GET / HTTP/1.0\r\n\r\n");
    for bad in [
        "a b",
        "a/b",
        "u@a",
        "http://a",
        "a:b",
        "a:1:2",
        "[::1",
        "a?b",
        "a#b",
        "a%zz",
        "\"a\"",
        "a\\b",
        "\u{e9}",
        "[12345::]",
    ] {
        assert_eq!(refused(format!("GET / HTTP/1.1\r\nHost: {bad}\r\n\r\n")), 400, "{bad}");
    }
    assert_eq!(refused("GET / HTTP/1.1\r\n\r\n"), 400);
    assert_eq!(refused("GET / HTTP/1.1\r\nHost: a\r\nhOsT: a\r\n\r\n"), 400);
    assert_eq!(refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
}

#[test]
fn field_lines() {
    for bad in [
        "X-A : b",
        "X-A\t: b",
        "X-A",
        ": b",
        "X A: b",
        "X(A): b",
        "X@A: b",
        "X/A: b",
        "X{A}: b",
        "\"XA\": b",
        "X-\u{e9}: b",
        "X\0A: b",
        "X\u{1}A: b",
        "X\rA: b",
        "X-A: b\0c",
        "X-A: b\u{1}c",
        "X-A: b\u{7f}",
        "X-A: b\rc",
        "X-A: b\r\n c",
        "X-A: b\r\n\tc",
        "X-A: b\r\n ",
        "Content-Length:\r\n 5",
        " X-A: b",
        "X-A:\u{b}b",
    ] {
        assert_eq!(refused(field(bad)), 400, "{bad:?}");
    }
    assert_eq!(refused("GET / HTTP/1.1\r\n Content-Length: 5\r\nHost: a\r\n\r\n"), 400);
    let head = accepted(field("X!#$%&'*+-.^_`|~9: b: c\t\u{e9}")).head;
    assert_eq!(head.headers().get("x!#$%&'*+-.^_`|~9"), Some("b: c\t\u{e9}".as_bytes()));
    let head = accepted(field("X-A: b\r\nX-A: c")).head;
    assert_eq!(head.headers().get_all("X-a").collect::<Vec<_>>(), [b"b", b"c"]);
}

#[test]
fn expectations() {
    let post = |version: &str, value: &str, length: usize| {
        format!(
            "POST / HTTP/{version}\r\nHost: a\r\nExpect: {value}\r\nContent-Length: {length}\r\n\r\n{}",
            "x".repeat(length)
        )
    };
    assert!(accepted(post("1.1", "100-continue", 5)).info.expects_continue);
    assert!(accepted(post("1.1", "100-Continue", 5)).info.expects_continue);
    assert!(!accepted(post("1.1", "100-continue", 0)).info.expects_continue, "there is nothing to wait for");
    assert!(!accepted(post("1.0", "100-continue", 5)).info.expects_continue);
    assert!(!accepted(post("1.0", "other", 5)).info.expects_continue);
    assert_eq!(refused(post("1.1", "other", 5)), 417);
}

#[test]
fn upgrades_and_te() {
    let fields = "Connection: x, Upgrade\r\nUpgrade: websocket";
    assert!(accepted(field(fields)).info.upgrade);
    assert!(!accepted(field("Upgrade: websocket")).info.upgrade);
    assert!(!accepted(field("Connection: upgrade")).info.upgrade);
    assert!(!accepted(format!("GET / HTTP/1.0\r\n{fields}\r\n\r\n")).info.upgrade);
    assert!(accepted(field("TE: gzip;q=0.5, Trailers")).info.accepts_trailers);
}

#[test]
fn limits_hold_before_the_end_has_come() {
    let limits = Limits { head_bytes: 400, target_bytes: 200, header_count: 3, ..Limits::default() };
    let status = |message: &str| {
        let bytes: Vec<&[u8]> = message.as_bytes().chunks(7).collect();
        let pieces = receive(&limits, &bytes).map_err(|error| error.status()).err();
        let whole = receive(&limits, &[message.as_bytes()]).map_err(|error| error.status()).err();
        assert_eq!(pieces, whole);
        whole
    };
    let target = |len: usize| format!("/{}", "a".repeat(len - 1));
    assert_eq!(status(&format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target(200))), None);
    assert_eq!(status(&format!("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", target(201))), Some(414));
    assert_eq!(status(&format!("GET {}", target(201))), Some(414));
    assert_eq!(status(&format!("GET {}", target(5000))), Some(414));
    assert_eq!(status(&"M".repeat(100)), Some(501));
    let head = |len: usize| {
        let rest = len - "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "b".repeat(rest))
    };
    assert_eq!(status(&head(400)), None);
    assert_eq!(status(&head(401)), Some(431));
    assert_eq!(status(&head(5000)), Some(431));
    assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\nB: c\r\nD: e\r\n\r\n"), None);
    assert_eq!(status("GET / HTTP/1.1\r\nHost: a\r\nB: c\r\nD: e\r\nF: g\r\n\r\n"), Some(431));
}

#[test]
fn more_fields_than_fit_the_stack() {
    let limits = Limits { header_count: 500, ..Limits::default() };
    let fields: String = (0..400).map(|index| format!("X-{index}: {index}\r\n")).collect();
    let message = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let head = receive(&limits, &[message.as_bytes()]).unwrap().unwrap().head;
    assert_eq!((head.headers().len(), head.headers().get("x-399")), (401, Some(&b"399"[..])));
    assert_eq!(receive(&Limits::default(), &[message.as_bytes()]).unwrap_err().status(), 431);
}

#[test]
fn idle_is_told_from_a_begun_head() {
    for idle in [&b""[..], b"\r", b"\r\n", b"\r\n\r\n"] {
        assert!(!ServerConnection::head_begun(idle));
    }
    assert!(
        ServerConnection::head_begun(b"G")
            && ServerConnection::head_begun(b"\r\nG")
            && ServerConnection::head_begun(b"\n")
    );
}
