//! What a client sends, and how it reads answers (RFC 9112 sections 3, 4, 6.3, 9).

use flare_proto::http1::{
    BodyEvent, BodyFraming, ClientConnection, ContentLength, Limits, RequestParts, ResponseLength, SendError,
};
use flare_proto::{Headers, ResponseHead, Version};

fn fields(list: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in list {
        headers.append(name, value).unwrap();
    }
    headers
}

fn send(
    method: &str,
    target: &str,
    list: &[(&str, &str)],
    body: ContentLength,
) -> Result<(ClientConnection, String), SendError> {
    let mut connection = ClientConnection::new();
    let mut out = Vec::new();
    let headers = fields(list);
    let parts = RequestParts { method, target, authority: "a.invalid:80", headers: &headers, body };
    let sent = connection.send_head(&mut out, &parts);
    assert!(sent.is_ok() || out.is_empty());
    sent.map(|_| (connection, String::from_utf8(out).unwrap()))
}

fn text(method: &str, target: &str, list: &[(&str, &str)], body: ContentLength) -> String {
    send(method, target, list, body).unwrap().1
}

const HOST: &str = "host: a.invalid:80\r\n";

#[test]
fn requests() {
    let none = ContentLength::None;
    assert_eq!(text("GET", "/a?b", &[("X", "y")], none), format!("GET /a?b HTTP/1.1\r\n{HOST}x: y\r\n\r\n"));
    assert_eq!(text("POST", "/", &[], none), format!("POST / HTTP/1.1\r\n{HOST}content-length: 0\r\n\r\n"));
    let known = ContentLength::Known(5);
    assert_eq!(text("GET", "/", &[], known), format!("GET / HTTP/1.1\r\n{HOST}content-length: 5\r\n\r\n"));
    let unknown = ContentLength::Unknown;
    assert_eq!(
        text("PUT", "/", &[], unknown),
        format!("PUT / HTTP/1.1\r\n{HOST}transfer-encoding: chunked\r\n\r\n")
    );
    assert_eq!(text("OPTIONS", "*", &[], none), format!("OPTIONS * HTTP/1.1\r\n{HOST}\r\n"));
    assert_eq!(text("CONNECT", "", &[], none), format!("CONNECT a.invalid:80 HTTP/1.1\r\n{HOST}\r\n"));
    assert_eq!(text("GET", "http://b/", &[], none), "GET http://b/ HTTP/1.1\r\nhost: b\r\n\r\n");
    assert_eq!(text("GET", "/", &[("Host", "c")], none), "GET / HTTP/1.1\r\nhost: c\r\n\r\n");
    assert!(text("GET", "/", &[("Connection", "close")], none).ends_with("connection: close\r\n\r\n"));
    assert!(
        text("GET", "/", &[("Upgrade", "x")], none).ends_with("upgrade: x\r\nconnection: upgrade\r\n\r\n")
    );
    assert!(
        text("GET", "/", &[("TE", "trailers")], none).ends_with("te: trailers\r\nconnection: te\r\n\r\n")
    );
}

#[test]
fn refused_requests() {
    for (method, target, list, error) in [
        ("G T", "/", &[][..], SendError::Method),
        ("GET", "/a b", &[], SendError::Target),
        ("GET", "/\r\nX: y", &[], SendError::Target),
        ("GET", "*", &[], SendError::Target),
        ("GET", "/", &[("Host", "a b")], SendError::Authority),
        ("GET", "/", &[("Host", "a"), ("Host", "a")], SendError::Authority),
        ("GET", "/", &[("Transfer-Encoding", "chunked")], SendError::TransferEncoding),
        ("GET", "/", &[("Content-Length", "5")], SendError::ContentLength),
    ] {
        assert_eq!(send(method, target, list, ContentLength::None).unwrap_err(), error, "{method} {target}");
    }
}

/// A whole answer as a client sees it.
#[derive(Debug, Default)]
struct Answer {
    interim: Vec<u16>,
    status: u16,
    length: Option<ResponseLength>,
    fields: Vec<(String, String)>,
    body: String,
    trailers: usize,
    complete: bool,
    keeps_alive: bool,
    upgraded: bool,
    rest: usize,
}

/// The answer to a request with this method; `None` when it is refused. `ends`: the server closes behind the text.
fn read(method: &str, pieces: &[&[u8]], ends: bool) -> Option<Answer> {
    let (mut connection, _) = send(method, "/", &[("Upgrade", "x")], ContentLength::None).unwrap();
    let (limits, mut head, mut trailers) = (Limits::default(), ResponseHead::new(), Headers::new());
    let mut answer = Answer::default();
    let mut pending: Vec<u8> = Vec::new();
    for piece in pieces {
        pending.extend_from_slice(piece);
        while !connection.response_complete() {
            let len = if answer.length.is_none() {
                let Some((len, info)) = connection.receive_head(&limits, &pending, &mut head).ok()? else {
                    break;
                };
                if info.informational {
                    answer.interim.push(head.status());
                } else {
                    answer.length = Some(info.body);
                    answer.upgraded = info.upgraded;
                }
                len
            } else {
                match connection.receive_body(&limits, &pending, &mut trailers).ok()? {
                    (len, BodyEvent::Data(data)) => {
                        answer.body.push_str(std::str::from_utf8(data).unwrap());
                        len
                    }
                    (len, BodyEvent::Incomplete) => {
                        pending.drain(..len);
                        break;
                    }
                    (len, BodyEvent::End) => len,
                }
            };
            pending.drain(..len);
        }
    }
    if ends {
        connection.receive_eof().ok()?;
    }
    let pairs = head.headers().iter();
    answer.fields =
        pairs.map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned())).collect();
    answer.status = head.status();
    answer.trailers = trailers.len();
    answer.complete = connection.response_complete();
    answer.keeps_alive = connection.keeps_alive();
    answer.rest = pending.len();
    assert_eq!(connection.upgraded(), answer.upgraded);
    Some(answer)
}

/// As `read`, after checking that it does not matter how the text is split.
fn read_all_ways(method: &str, text: &str, ends: bool) -> Option<Answer> {
    let text = text.as_bytes();
    let whole = read(method, &[text], ends);
    for at in 1..text.len() {
        let split = read(method, &[&text[..at], &text[at..]], ends);
        assert_eq!(format!("{split:?}"), format!("{whole:?}"), "split at {at}: {}", text.escape_ascii());
    }
    let dripped = read(method, &text.chunks(1).collect::<Vec<_>>(), ends);
    assert_eq!(format!("{dripped:?}"), format!("{whole:?}"), "byte by byte: {}", text.escape_ascii());
    whole
}

fn complete(method: &str, text: &str) -> Answer {
    let answer = read_all_ways(method, text, false).unwrap();
    assert!(answer.complete && answer.rest == 0, "{text:?}: {answer:?}");
    answer
}

#[test]
fn bodies() {
    let answer = complete("GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello");
    assert_eq!((answer.status, &answer.body[..], answer.keeps_alive), (200, "hello", true));
    assert_eq!(answer.fields[1], ("x-a".to_owned(), "b".to_owned()));
    let answer = complete(
        "GET",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5;a\r\nhello\r\n0\r\nX: y\r\n\r\n",
    );
    assert_eq!((&answer.body[..], answer.trailers, answer.keeps_alive), ("hello", 1, true));
    let answer = complete("GET", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert_eq!((answer.length, answer.keeps_alive), (Some(ResponseLength::Empty), true));
    let text = "HTTP/1.1 200 OK\r\n\r\nuntil the end";
    let open = read_all_ways("GET", text, false).unwrap();
    assert_eq!(
        (open.length, open.complete, &open.body[..]),
        (Some(ResponseLength::UntilClose), false, "until the end")
    );
    let closed = read_all_ways("GET", text, true).unwrap();
    assert_eq!((closed.complete, closed.keeps_alive), (true, false));
}

#[test]
fn answers_without_a_body() {
    for (method, head) in [
        ("HEAD", "200 OK\r\nContent-Length: 50\r\n"),
        ("HEAD", "200 OK\r\nTransfer-Encoding: chunked\r\n"),
        ("HEAD", "200 OK\r\n"),
        ("GET", "204 No Content\r\n"),
        ("GET", "304 Not Modified\r\nContent-Length: 50\r\n"),
    ] {
        let answer = complete(method, &format!("HTTP/1.1 {head}\r\n"));
        assert_eq!(
            (answer.length, answer.keeps_alive),
            (Some(ResponseLength::Empty), true),
            "{method} {head:?}"
        );
    }
}

#[test]
fn interim_answers() {
    let text = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let answer = complete("GET", text);
    assert_eq!((answer.interim, answer.status, &answer.body[..]), (vec![100, 103], 200, "hi"));
}

#[test]
fn switches() {
    let answer = read(
        "GET",
        &[b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nraw"],
        false,
    );
    let answer = answer.unwrap();
    assert!(answer.upgraded && answer.complete && !answer.keeps_alive && answer.rest == 3);
    let answer = read("CONNECT", &[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nraw"], false).unwrap();
    assert!(answer.upgraded && answer.complete && answer.rest == 3);
    assert!(!complete("CONNECT", "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n").upgraded);
    assert!(read_all_ways("GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", false).is_none());
    let (mut connection, _) = send("GET", "/", &[], ContentLength::None).unwrap();
    let unasked = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n";
    assert!(connection.receive_head(&Limits::default(), unasked, &mut ResponseHead::new()).is_err());
}

#[test]
fn persistence() {
    for (head, keeps_alive) in [
        ("HTTP/1.1 200 OK\r\n", true),
        ("HTTP/1.1 200 OK\r\nConnection: x, Close\r\n", false),
        ("HTTP/1.0 200 OK\r\n", false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n", true),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive, close\r\n", false),
    ] {
        assert_eq!(
            complete("GET", &format!("{head}Content-Length: 0\r\n\r\n")).keeps_alive,
            keeps_alive,
            "{head:?}"
        );
    }
}

#[test]
fn lenient_where_a_client_has_to_be() {
    let answer = complete("GET", "HTTP/1.1 200 OK\r\nX-A: b\r\n  c\r\n\td\r\nContent-Length: 0\r\n\r\n");
    let value = &answer.fields[0].1;
    assert_eq!(value.split_ascii_whitespace().collect::<Vec<_>>(), ["b", "c", "d"]);
    assert!(!value.contains(['\r', '\n']));
    complete("GET", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n");
    complete("GET", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n");
}

#[test]
fn malformed_answers() {
    for bad in [
        "\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: y\n z\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX : y\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
    ] {
        assert!(read_all_ways("GET", bad, false).is_none(), "{bad:?}");
    }
    let long = format!("HTTP/1.1 200 OK\r\nX: {}", "y".repeat(40_000));
    assert!(read("GET", &[long.as_bytes()], false).is_none());
    assert!(read("GET", &long.as_bytes().chunks(1000).collect::<Vec<_>>(), false).is_none());
}

#[test]
fn an_answer_that_is_cut_short() {
    for text in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    ] {
        assert!(read("GET", &[text.as_bytes()], true).is_none(), "{text:?}");
    }
    assert!(ClientConnection::new().receive_eof().is_ok());
}

#[test]
fn an_early_answer_keeps_the_connection_only_when_the_request_is_sent() {
    let (mut connection, _) = send("POST", "/", &[], ContentLength::Known(5)).unwrap();
    let mut head = ResponseHead::new();
    let text = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    connection.receive_head(&Limits::default(), text, &mut head).unwrap().unwrap();
    assert_eq!((head.version(), head.reason()), (Version::Http11, &b"OK"[..]));
    assert!(connection.response_complete() && !connection.keeps_alive());
    let mut out = Vec::new();
    connection.send_data(&mut out, b"hello").unwrap();
    assert_eq!(connection.send_data(&mut out, b"!"), Err(SendError::TooLong));
    connection.send_end(&mut out, None).unwrap();
    assert!(connection.request_complete() && connection.keeps_alive());
    connection.next_request();
    let headers = Headers::new();
    let parts = RequestParts {
        method: "GET",
        target: "/",
        authority: "a",
        headers: &headers,
        body: ContentLength::None,
    };
    assert_eq!(connection.send_head(&mut out, &parts), Ok(BodyFraming::Nothing));
    assert_eq!(connection.send_head(&mut out, &parts), Err(SendError::Order));
}

#[test]
fn calls_in_the_wrong_order() {
    let mut connection = ClientConnection::new();
    let mut out = Vec::new();
    assert_eq!(connection.send_data(&mut out, b"x"), Err(SendError::Order));
    assert_eq!(connection.send_end(&mut out, None), Err(SendError::Order));
    assert!(
        connection
            .receive_head(&Limits::default(), b"HTTP/1.1 200 OK\r\n\r\n", &mut ResponseHead::new())
            .is_err()
    );
    assert!(connection.receive_body(&Limits::default(), b"x", &mut Headers::new()).is_err());
}
