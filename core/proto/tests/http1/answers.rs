//! What a server sends (RFC 9110 sections 6, 8.6, 15; RFC 9112 sections 4, 6, 9).

use flare_proto::http1::{
    BodyEvent, BodyFraming, ContentLength, Limits, OriginFields, ResponseParts, SendError, ServerConnection,
};
use flare_proto::{Headers, RequestHead};

/// A connection that received this request, with a body if it is complete in the text.
fn after(request: &str) -> ServerConnection {
    let mut connection = ServerConnection::new();
    let (limits, mut head, mut trailers) = (Limits::default(), RequestHead::new(), Headers::new());
    let (mut at, _) = connection.receive_head(&limits, request.as_bytes(), &mut head).unwrap().unwrap();
    loop {
        match connection.receive_body(&limits, &request.as_bytes()[at..], &mut trailers).unwrap() {
            (len, BodyEvent::Data(_)) => at += len,
            _ => return connection,
        }
    }
}

fn get() -> ServerConnection {
    after("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn head() -> ServerConnection {
    after("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
}

fn http10(fields: &str) -> ServerConnection {
    after(&format!("GET / HTTP/1.0\r\n{fields}\r\n"))
}

fn fields(list: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in list {
        headers.append(name, value).unwrap();
    }
    headers
}

fn origin(server: &str, date: &str) -> OriginFields {
    let mut fields = OriginFields::new();
    fields.set(Some(server.as_bytes()), Some(date.as_bytes()));
    fields
}

fn parts(status: u16, headers: &Headers, body: ContentLength) -> ResponseParts<'_> {
    ResponseParts { status, headers, body, origin: None }
}

/// A whole answer: what was sent, and how the body was framed.
fn answer(
    connection: &mut ServerConnection,
    status: u16,
    list: &[(&str, &str)],
    body: ContentLength,
    data: &[&str],
) -> (String, BodyFraming) {
    let mut out = Vec::new();
    let framing = connection.send_head(&mut out, &parts(status, &fields(list), body)).unwrap();
    for data in data {
        connection.send_data(&mut out, data.as_bytes()).unwrap();
    }
    connection.send_end(&mut out, None).unwrap();
    assert!(connection.response_complete());
    (String::from_utf8(out).unwrap(), framing)
}

#[test]
fn a_plain_answer() {
    let mut connection = get();
    let headers = fields(&[("Content-Type", "text/plain")]);
    let mut out = Vec::new();
    let origin = origin("flare", "the date");
    let parts = ResponseParts { origin: Some(&origin), ..parts(200, &headers, ContentLength::Known(5)) };
    assert_eq!(connection.send_head(&mut out, &parts), Ok(BodyFraming::Raw));
    assert!(!connection.response_complete() && !connection.keeps_alive());
    connection.send_data(&mut out, b"hello").unwrap();
    connection.send_end(&mut out, None).unwrap();
    assert!(connection.response_complete() && connection.keeps_alive());
    let text = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nserver: flare\r\ndate: the date\r\ncontent-length: 5\r\n\r\nhello";
    assert_eq!(String::from_utf8(out).unwrap(), text);
    connection.next_request();
    let mut head = RequestHead::new();
    let next = connection.receive_head(&Limits::default(), b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n", &mut head);
    assert!(next.unwrap().is_some());
}

#[test]
fn the_handlers_date_and_server_replace_the_default() {
    let headers = fields(&[("Date", "mine"), ("Server", "mine")]);
    let mut out = Vec::new();
    let origin = origin("x", "x");
    let parts = ResponseParts { origin: Some(&origin), ..parts(200, &headers, ContentLength::None) };
    get().send_head(&mut out, &parts).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "HTTP/1.1 200 OK\r\ndate: mine\r\nserver: mine\r\ncontent-length: 0\r\n\r\n"
    );
}

#[test]
fn status_lines() {
    let (text, _) = answer(&mut get(), 404, &[], ContentLength::None, &[]);
    assert_eq!(text, "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    let (text, _) = answer(&mut get(), 799, &[], ContentLength::None, &[]);
    assert!(text.starts_with("HTTP/1.1 799 \r\n"));
    for status in [0, 99, 100, 103, 199, 1000] {
        let mut out = b"before".to_vec();
        let refused = get().send_head(&mut out, &parts(status, &Headers::new(), ContentLength::None));
        assert_eq!((refused, &out[..]), (Err(SendError::Status), &b"before"[..]));
    }
}

#[test]
fn chunks_for_an_unknown_length() {
    let (text, framing) =
        answer(&mut get(), 200, &[], ContentLength::Unknown, &["hello", "", "0123456789abcdef"]);
    assert_eq!(framing, BodyFraming::Chunked);
    let body = "5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
    assert_eq!(text, format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{body}"));
}

#[test]
fn trailers_go_with_chunks_only() {
    let trailers = fields(&[("X-T", "v")]);
    let mut connection = get();
    let mut out = Vec::new();
    connection.send_head(&mut out, &parts(200, &Headers::new(), ContentLength::Unknown)).unwrap();
    assert_eq!(connection.send_end(&mut out, Some(&fields(&[("Host", "a")]))), Err(SendError::Trailer));
    connection.send_end(&mut out, Some(&trailers)).unwrap();
    assert!(out.ends_with(b"\r\n\r\n0\r\nx-t: v\r\n\r\n") && connection.keeps_alive());
    let mut connection = get();
    out.clear();
    connection.send_head(&mut out, &parts(200, &Headers::new(), ContentLength::Known(1))).unwrap();
    connection.send_data(&mut out, b"x").unwrap();
    connection.send_end(&mut out, Some(&trailers)).unwrap();
    assert!(out.ends_with(b"\r\n\r\nx"));
}

#[test]
fn data_that_is_written_elsewhere() {
    let mut connection = get();
    let mut out = Vec::new();
    connection.send_head(&mut out, &parts(200, &Headers::new(), ContentLength::Unknown)).unwrap();
    out.clear();
    assert_eq!(connection.begin_data(&mut out, 255), Ok(true));
    connection.end_data(&mut out);
    assert_eq!(out, b"ff\r\n\r\n");
    assert_eq!(connection.begin_data(&mut out, 0), Ok(false));
    let mut connection = head();
    connection.send_head(&mut out, &parts(200, &Headers::new(), ContentLength::Known(9))).unwrap();
    out.clear();
    assert_eq!(connection.begin_data(&mut out, 9), Ok(false));
    assert!(out.is_empty());
}

#[test]
fn answers_without_a_body() {
    let known = ContentLength::Known(5);
    for (mut connection, status, body, list, length) in [
        (head(), 200, known, &[][..], "content-length: 5\r\n"),
        (head(), 200, ContentLength::None, &[("Content-Length", "7")], "content-length: 7\r\n"),
        (head(), 200, ContentLength::None, &[], ""),
        (head(), 200, ContentLength::Unknown, &[], ""),
        (get(), 204, known, &[], ""),
        (get(), 204, ContentLength::None, &[("Content-Length", "0")], ""),
        (get(), 205, known, &[], "content-length: 0\r\n"),
        (get(), 304, ContentLength::Known(0), &[], ""),
        (get(), 304, ContentLength::None, &[("Content-Length", "7")], "content-length: 7\r\n"),
    ] {
        let mut out = Vec::new();
        let framing = connection.send_head(&mut out, &parts(status, &fields(list), body)).unwrap();
        assert_eq!(framing, BodyFraming::Nothing);
        assert!(connection.response_complete() && connection.keeps_alive());
        connection.send_data(&mut out, b"hello").unwrap();
        connection.send_end(&mut out, None).unwrap();
        let text = String::from_utf8(out).unwrap();
        let (_, rest) = text.split_once("\r\n").unwrap();
        assert_eq!(rest, format!("{length}\r\n"), "{status} {body:?}");
    }
}

#[test]
fn the_announced_length_is_kept() {
    let mut connection = get();
    let mut out = Vec::new();
    connection.send_head(&mut out, &parts(200, &Headers::new(), ContentLength::Known(5))).unwrap();
    connection.send_data(&mut out, b"hel").unwrap();
    let len = out.len();
    assert_eq!(connection.send_data(&mut out, b"loo"), Err(SendError::TooLong));
    assert_eq!(out.len(), len);
    assert_eq!(connection.send_end(&mut out, None), Err(SendError::TooShort));
    assert!(!connection.response_complete() && !connection.keeps_alive());
    assert_eq!(connection.send_data(&mut out, b"lo"), Err(SendError::Order));
    let mut connection = get();
    connection.send_head(&mut out, &parts(200, &Headers::new(), ContentLength::None)).unwrap();
    assert_eq!(connection.send_data(&mut out, b"x"), Err(SendError::TooLong));
}

#[test]
fn framing_fields_belong_to_the_connection() {
    let (text, framing) =
        answer(&mut get(), 200, &[("Content-Length", "5")], ContentLength::Unknown, &["hello"]);
    assert_eq!((framing, text.matches("content-length: 5\r\n").count()), (BodyFraming::Raw, 1));
    let (text, _) = answer(&mut get(), 200, &[("Content-Length", "5")], ContentLength::Known(5), &["hello"]);
    assert_eq!(text.matches("content-length").count(), 1);
    let (text, _) = answer(&mut get(), 200, &[("Keep-Alive", "timeout=5")], ContentLength::None, &[]);
    assert!(!text.contains("keep-alive"));
    for (list, error) in [
        (&[("Transfer-Encoding", "chunked")][..], SendError::TransferEncoding),
        (&[("Content-Length", "4")], SendError::ContentLength),
        (&[("Content-Length", "x")], SendError::ContentLength),
        (&[("Content-Length", "5"), ("Content-Length", "5")], SendError::ContentLength),
    ] {
        let (mut connection, mut out) = (get(), Vec::new());
        let refused = connection.send_head(&mut out, &parts(200, &fields(list), ContentLength::Known(5)));
        assert_eq!((refused, out.len()), (Err(error), 0));
        connection.send_head(&mut out, &parts(500, &Headers::new(), ContentLength::None)).unwrap();
        assert!(connection.keeps_alive());
    }
}

#[test]
fn persistence() {
    let close = "connection: close\r\n";
    let none = ContentLength::None;
    let text =
        |connection: &mut ServerConnection, list: &[(&str, &str)]| answer(connection, 200, list, none, &[]).0;
    let mut connection = after("GET / HTTP/1.1\r\nHost: a\r\nConnection: x\r\nConnection: y, CLOSE\r\n\r\n");
    assert!(text(&mut connection, &[]).contains(close) && !connection.keeps_alive());
    let mut connection = get();
    assert!(text(&mut connection, &[("Connection", "close")]).contains(close) && !connection.keeps_alive());
    let mut connection = get();
    connection.close_after_response();
    assert!(text(&mut connection, &[]).contains(close) && !connection.keeps_alive());
    let mut connection = http10("");
    assert!(text(&mut connection, &[]).contains(close) && !connection.keeps_alive());
    let mut connection = http10("Connection: Keep-Alive\r\n");
    assert!(text(&mut connection, &[]).contains("connection: keep-alive\r\n") && connection.keeps_alive());
    let mut connection = http10("Connection: keep-alive, close\r\n");
    assert!(text(&mut connection, &[]).contains(close) && !connection.keeps_alive());
    let mut connection = get();
    assert!(text(&mut connection, &[("Connection", "X-A, keep-alive")]).contains("connection: X-A\r\n"));
    assert!(connection.keeps_alive());
}

#[test]
fn next_request_waits_for_both_messages() {
    let mut connection = ServerConnection::new();
    let (limits, mut request) = (Limits::default(), RequestHead::new());
    let text = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
    connection.receive_head(&limits, text, &mut request).unwrap().unwrap();
    let (early, _) = answer(&mut connection, 200, &[], ContentLength::None, &[]);
    assert!(!early.contains("close") && !connection.keeps_alive() && !connection.request_complete());
    connection.next_request();
    assert!(connection.response_complete(), "nothing was begun anew");
    connection.receive_body(&limits, b"hi", &mut Headers::new()).unwrap();
    assert!(connection.keeps_alive());
}

#[test]
fn http10_clients_never_get_chunks() {
    let mut connection = http10("Connection: keep-alive\r\n");
    let (text, framing) = answer(&mut connection, 200, &[], ContentLength::Unknown, &["hel", "lo"]);
    assert_eq!(framing, BodyFraming::UntilClose);
    assert_eq!(text, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello");
    assert!(!connection.keeps_alive());
}

#[test]
fn interim_answers() {
    let mut connection = get();
    let mut out = Vec::new();
    connection.send_informational(&mut out, 100, &Headers::new()).unwrap();
    connection.send_informational(&mut out, 103, &fields(&[("Link", "</a>")])).unwrap();
    assert_eq!(out, b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n");
    out.clear();
    for status in [101, 200, 99] {
        assert_eq!(connection.send_informational(&mut out, status, &Headers::new()), Err(SendError::Status));
    }
    let length = fields(&[("Content-Length", "0")]);
    assert_eq!(connection.send_informational(&mut out, 103, &length), Err(SendError::ContentLength));
    http10("").send_informational(&mut out, 100, &Headers::new()).unwrap();
    assert!(out.is_empty());
    connection.send_head(&mut out, &parts(200, &Headers::new(), ContentLength::None)).unwrap();
    assert_eq!(connection.send_informational(&mut out, 100, &Headers::new()), Err(SendError::Order));
}

#[test]
fn an_error_is_answered_at_once() {
    for (request, has_body) in [("GET / HTTP/1.1\r\n\r\n", true), ("\r\nHEAD / HTTP/1.1\r\n\r\n", false)] {
        let mut connection = ServerConnection::new();
        let error = connection
            .receive_head(&Limits::default(), request.as_bytes(), &mut RequestHead::new())
            .unwrap_err();
        let (text, _) = answer(
            &mut connection,
            error.status(),
            &[],
            ContentLength::Known(2),
            &[if has_body { "no" } else { "" }],
        );
        assert!(
            text.starts_with("HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\nconnection: close\r\n\r\n")
        );
        assert_eq!(text.ends_with("no"), has_body);
        assert!(!connection.keeps_alive());
    }
    let mut connection = ServerConnection::new();
    let (text, _) = answer(&mut connection, 408, &[], ContentLength::None, &[]);
    assert!(text.contains("connection: close\r\n"), "a time-out before any request");
}

#[test]
fn protocol_switches() {
    let upgrade = fields(&[("Upgrade", "websocket")]);
    let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    let mut connection = after(request);
    let mut out = Vec::new();
    assert_eq!(
        connection.send_head(&mut out, &parts(101, &Headers::new(), ContentLength::None)),
        Err(SendError::Upgrade)
    );
    connection.send_head(&mut out, &parts(101, &upgrade, ContentLength::None)).unwrap();
    assert_eq!(out, b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n");
    assert!(connection.upgraded() && !connection.keeps_alive());
    assert_eq!(
        get().send_head(&mut out, &parts(101, &upgrade, ContentLength::None)),
        Err(SendError::Upgrade)
    );
}

#[test]
fn tunnels() {
    let connect = "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n";
    let mut connection = after(connect);
    let (text, framing) = answer(&mut connection, 200, &[], ContentLength::None, &[]);
    assert_eq!((&text[..], framing), ("HTTP/1.1 200 OK\r\n\r\n", BodyFraming::Nothing));
    assert!(connection.upgraded() && !connection.keeps_alive());
    let mut connection = after(connect);
    let (text, _) = answer(&mut connection, 403, &[], ContentLength::None, &[]);
    assert!(text.contains("content-length: 0\r\n") && !connection.upgraded() && connection.keeps_alive());
}

#[test]
fn calls_in_the_wrong_order() {
    let mut connection = get();
    let mut out = Vec::new();
    assert_eq!(connection.send_data(&mut out, b"x"), Err(SendError::Order));
    assert_eq!(connection.send_end(&mut out, None), Err(SendError::Order));
    assert_eq!(
        ServerConnection::new().send_informational(&mut out, 100, &Headers::new()),
        Err(SendError::Order)
    );
    connection.send_head(&mut out, &parts(200, &Headers::new(), ContentLength::None)).unwrap();
    assert_eq!(
        connection.send_head(&mut out, &parts(200, &Headers::new(), ContentLength::None)),
        Err(SendError::Order)
    );
    assert!(connection.receive_head(&Limits::default(), b"", &mut RequestHead::new()).is_err());
    assert!(ServerConnection::new().receive_body(&Limits::default(), b"", &mut Headers::new()).is_err());
}
