//! A client and a server joined: random messages, split at random places, arrive as they were sent.

use crate::random::Random;
use flare_proto::http1::{
    BodyEvent, ClientConnection, ContentLength, Limits, OriginFields, RequestParts, ResponseParts,
    ServerConnection,
};
use flare_proto::{Headers, RequestHead, ResponseHead};

struct Message {
    headers: Headers,
    body: Vec<u8>,
    length: ContentLength,
    trailers: Headers,
}

fn section(random: &mut Random, most: usize) -> Headers {
    let mut headers = Headers::new();
    for _ in 0..random.below(most + 1) {
        let name = *random.pick(&[
            "X-A",
            "x-b",
            "Accept",
            "!#$%&'*+-.^_`|~",
            "Cookies",
            "Datum",
            "X-Long-Field-Name",
        ]);
        let visible: Vec<u8> =
            (0..random.below(60)).map(|_| *random.pick(b"abc \tXYZ:;,\"\\\x80\xff")).collect();
        headers.append(name, &visible).unwrap();
    }
    headers
}

fn message(random: &mut Random) -> Message {
    let size = *random.pick(&[0, 1, 15, 16, 17, 1000, 70_000]);
    let body = random.bytes(size);
    let length = match random.below(3) {
        0 => ContentLength::Unknown,
        _ if body.is_empty() && random.one_in(2) => ContentLength::None,
        _ => ContentLength::Known(body.len() as u64),
    };
    Message { headers: section(random, 20), body, length, trailers: section(random, 3) }
}

/// The fields of the message, whatever the connection has added.
fn own_fields(headers: &Headers) -> Vec<(&str, &[u8])> {
    let added = ["host", "content-length", "transfer-encoding", "connection", "date", "server"];
    headers.iter().filter(|(name, _)| !added.contains(name)).collect()
}

fn check(sent: &Message, headers: &Headers, body: &[u8], trailers: &Headers) {
    assert_eq!(own_fields(headers), sent.headers.iter().collect::<Vec<_>>());
    assert!(body == sent.body, "{} bytes of {}", body.len(), sent.body.len());
    let expected = if sent.length == ContentLength::Unknown { sent.trailers.len() } else { 0 };
    assert_eq!(trailers.len(), expected);
    assert!(expected == 0 || *trailers == sent.trailers);
}

/// Takes the pieces of a body until it ends, with `receive` as the connection.
fn body<E: std::fmt::Debug>(
    pending: &mut Vec<u8>,
    pieces: &mut dyn Iterator<Item = &[u8]>,
    mut receive: impl FnMut(&[u8], &mut Vec<u8>) -> Result<(usize, bool, bool), E>,
) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let (len, needs_more, ended) = receive(pending, &mut body).unwrap();
        pending.drain(..len);
        if ended {
            return body;
        }
        if needs_more {
            pending.extend_from_slice(pieces.next().unwrap());
        }
    }
}

fn event(received: (usize, BodyEvent<'_>), body: &mut Vec<u8>) -> (usize, bool, bool) {
    match received {
        (len, BodyEvent::Data(data)) => {
            body.extend_from_slice(data);
            (len, false, false)
        }
        (len, BodyEvent::Incomplete) => (len, true, false),
        (len, BodyEvent::End) => (len, false, true),
    }
}

fn request(random: &mut Random, client: &mut ClientConnection, server: &mut ServerConnection) -> bool {
    let limits = Limits::default();
    let sent = message(random);
    let method = *random.pick(&["GET", "POST", "HEAD", "PURGE"]);
    let target = *random.pick(&["/", "/a/b?c=d", "http://a.invalid:80/x", "http://a.invalid:80?y"]);
    let parts =
        RequestParts { method, target, authority: "a.invalid:80", headers: &sent.headers, body: sent.length };
    let mut wire = Vec::new();
    client.send_head(&mut wire, &parts).unwrap();
    for piece in random.pieces(&sent.body) {
        client.send_data(&mut wire, piece).unwrap();
    }
    client.send_end(&mut wire, Some(&sent.trailers)).unwrap();
    assert!(client.request_complete());

    let pieces = random.pieces(&wire);
    let mut pieces = pieces.into_iter();
    let (mut head, mut trailers, mut pending) = (RequestHead::new(), Headers::new(), Vec::new());
    while let Ok(None) = server
        .receive_head(&limits, &pending, &mut head)
        .map(|found| found.map(|(len, _)| pending.drain(..len).for_each(drop)))
    {
        pending.extend_from_slice(pieces.next().unwrap());
    }
    assert_eq!((head.method_str(), head.authority()), (method, "a.invalid:80"));
    let received = body(&mut pending, &mut pieces, |input, body| {
        server.receive_body(&limits, input, &mut trailers).map(|received| event(received, body))
    });
    check(&sent, head.headers(), &received, &trailers);
    assert!(server.request_complete() && pending.is_empty() && pieces.next().is_none());
    method == "HEAD"
}

fn answer(random: &mut Random, client: &mut ClientConnection, server: &mut ServerConnection, is_head: bool) {
    let limits = Limits::default();
    let mut sent = message(random);
    let mut origin = OriginFields::new();
    origin.set(None, Some(b"Thu, 01 Jan 1970 00:00:00 GMT"));
    let parts = ResponseParts {
        status: *random.pick(&[200, 404, 599]),
        headers: &sent.headers,
        body: sent.length,
        origin: Some(&origin),
    };
    let mut wire = Vec::new();
    if random.one_in(3) {
        server.send_informational(&mut wire, 103, &section(random, 2)).unwrap();
    }
    server.send_head(&mut wire, &parts).unwrap();
    for piece in random.pieces(&sent.body) {
        server.send_data(&mut wire, piece).unwrap();
    }
    server.send_end(&mut wire, Some(&sent.trailers)).unwrap();

    let pieces = random.pieces(&wire);
    let mut pieces = pieces.into_iter();
    let (mut head, mut trailers, mut pending) = (ResponseHead::new(), Headers::new(), Vec::new());
    loop {
        match client.receive_head(&limits, &pending, &mut head).unwrap() {
            Some((len, info)) => {
                pending.drain(..len);
                if !info.informational {
                    break;
                }
            }
            None => pending.extend_from_slice(pieces.next().unwrap()),
        }
    }
    assert_eq!(head.status(), parts.status);
    let received = body(&mut pending, &mut pieces, |input, body| {
        client.receive_body(&limits, input, &mut trailers).map(|received| event(received, body))
    });
    if is_head {
        sent.body.clear();
        sent.length = ContentLength::None;
    }
    check(&sent, head.headers(), &received, &trailers);
    assert!(client.response_complete() && pending.is_empty() && pieces.next().is_none());
}

#[test]
fn exchanges_arrive_as_they_were_sent() {
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let (mut client, mut server) = (ClientConnection::new(), ServerConnection::new());
        for _ in 0..4 {
            let is_head = request(&mut random, &mut client, &mut server);
            answer(&mut random, &mut client, &mut server, is_head);
            assert!(client.keeps_alive() && server.keeps_alive());
            client.next_request();
            server.next_request();
        }
    }
}
