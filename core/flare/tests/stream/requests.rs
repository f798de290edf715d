//! Content of requests that is read.

use flare::Read;

use super::{POST, begin, body, holding, text};

#[test]
fn content_is_read_by_the_piece_and_the_client_is_stopped() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step(), "the first read asks for content");
    connection.send(b"5\r\nhello\r\n");
    assert_eq!(exchange.read(), Ok(Read::Data("hello".into())));
    let chunk = [format!("{:x}\r\n", 100_000).as_bytes(), &[b'y'; 100_000], b"\r\n"].concat();
    for _ in 0..10 {
        connection.send(&chunk);
    }
    assert!(!connection.wants_input(), "the client is not stopped");
    let mut taken = 0;
    while taken < 1_000_000 {
        match exchange.read().unwrap() {
            Read::Data(data) => taken += data.len(),
            Read::WouldBlock => assert!(connection.step()),
            Read::End => panic!("ended at {taken}"),
        }
    }
    connection.send(b"0\r\nX-Sum: 9\r\n\r\n");
    assert_eq!(exchange.read(), Ok(Read::End));
    assert_eq!(exchange.request().trailers().get_str("x-sum"), Some("9"));
    exchange.respond(taken.to_string());
    assert!(connection.wait());
    assert_eq!(body(&mut connection), "1000000");
}

#[test]
fn both_ways_at_once() {
    let (client, held) = holding();
    let (mut connection, exchange) = begin(&client, &held, POST);
    exchange.write("ready;").unwrap();
    assert!(connection.step());
    assert!(body(&mut connection).contains("ready;"));
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    for word in ["one", "two"] {
        connection.send(format!("3\r\n{word}\r\n").as_bytes());
        let Ok(Read::Data(data)) = exchange.read() else { panic!("nothing to read") };
        exchange.write(data).unwrap();
        assert!(connection.step());
        assert_eq!(text(&mut connection), format!("3\n{word}\n"));
    }
}

#[test]
fn continue_is_sent_by_the_first_read_only() {
    let (client, held) = holding();
    let head = "POST /hold HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let (mut connection, exchange) = begin(&client, &held, head);
    assert_eq!(text(&mut connection), "");
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    assert_eq!(text(&mut connection), "HTTP/1.1 100 Continue\n\n");
    connection.send(b"abc");
    assert_eq!(exchange.read(), Ok(Read::Data("abc".into())));
    assert_eq!(exchange.read(), Ok(Read::End));
    exchange.respond("got it");
    assert!(connection.wait());
    assert_eq!(body(&mut connection), "got it");

    let (mut refused, exchange) = begin(&client, &held, head);
    exchange.respond(403_u16);
    assert!(refused.wait());
    assert!(text(&mut refused).starts_with("HTTP/1.1 403 Forbidden\n"));
    assert!(!refused.is_open(), "the client may or may not send the content: nothing can follow");
}

#[test]
fn continue_goes_before_the_head_of_an_answer_that_began_with_the_first_read() {
    let (client, held) = holding();
    let head = POST.replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let (mut connection, exchange) = begin(&client, &held, &head);
    exchange.start().unwrap();
    assert_eq!(exchange.read(), Ok(Read::WouldBlock));
    assert!(connection.step());
    let both = text(&mut connection);
    assert!(both.starts_with("HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\n"), "{both}");
    connection.send(b"1\r\na\r\n0\r\n\r\n");
    assert_eq!(exchange.read(), Ok(Read::Data("a".into())));
    exchange.finish().unwrap();
    assert!(connection.wait());
    assert!(connection.is_open(), "all content has come");
}
