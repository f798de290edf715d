//! Whatever comes in, nothing panics, what was consumed was there, and an error stays one.

use crate::random::Random;
use flare_proto::http1::{
    BodyEvent, ClientConnection, ContentLength, Limits, RequestParts, ResponseParts, ServerConnection,
};
use flare_proto::{Headers, RequestHead, ResponseHead};

pub const REQUESTS: [&[u8]; 6] = [
    b"GET /a?b=%41 HTTP/1.1\r\nHost: a.invalid:80\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    b"POST http://[::1]:80/x HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;a=\"b\\\"\"\r\nabc\r\n0\r\nX-T: v\r\n\r\n",
    b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
    b"OPTIONS * HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n",
    b"GET http://a?b HTTP/1.9\r\nHost:\r\nConnection: upgrade\r\nUpgrade: x\r\nTE: trailers\r\n\r\n",
];

const ANSWERS: [&[u8]; 6] = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: x\r\n\r\nhello",
    b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.0 404\r\nConnection: keep-alive\r\n\r\nuntil the end",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\n\tc\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
];

/// One of the samples, with a few bytes changed, removed, doubled or moved.
pub fn mutated(random: &mut Random, samples: &[&[u8]]) -> Vec<u8> {
    let mut text = random.pick(samples).to_vec();
    for _ in 0..random.below(4) {
        if text.is_empty() {
            break;
        }
        let at = random.below(text.len());
        match random.below(6) {
            0 => text[at] = random.below(256) as u8,
            1 => text[at] = *random.pick(b"\r\n\0 \t:;,\"%/?#[]@0f"),
            2 => drop(text.remove(at)),
            3 => text.insert(at, *random.pick(b"\r\n\0 \t:;,\"%/?#[]@0f")),
            4 => text.splice(at..at, random.pick(samples).iter().copied().take(40)).for_each(drop),
            _ => text.truncate(at.max(1)),
        }
    }
    text
}

fn small(random: &mut Random) -> Limits {
    match random.below(3) {
        0 => Limits::default(),
        1 => Limits {
            head_bytes: 90,
            target_bytes: 10,
            header_count: 3,
            trailer_bytes: 6,
            chunk_line_bytes: 8,
        },
        _ => {
            Limits { head_bytes: 0, target_bytes: 0, header_count: 0, trailer_bytes: 0, chunk_line_bytes: 0 }
        }
    }
}

#[test]
fn servers_survive_anything() {
    let (mut heads, mut errors) = (0, 0);
    for seed in 0..30_000 {
        let mut random = Random::new(seed);
        let limits = small(&mut random);
        let text = mutated(&mut random, &REQUESTS);
        let mut connection = ServerConnection::new();
        let (mut head, mut trailers, mut out) = (RequestHead::new(), Headers::new(), Vec::new());
        let (mut pending, mut in_body, mut failed, mut last) = (Vec::new(), false, false, false);
        for piece in random.pieces(&text) {
            pending.extend_from_slice(piece);
            while !failed && !last {
                let len = if in_body {
                    match connection.receive_body(&limits, &pending, &mut trailers) {
                        Ok((len, BodyEvent::Data(data))) => {
                            assert!(!data.is_empty() && data.len() <= len);
                            len
                        }
                        Ok((len, BodyEvent::Incomplete)) => {
                            pending.drain(..len);
                            break;
                        }
                        Ok((len, BodyEvent::End)) => {
                            in_body = false;
                            assert!(connection.request_complete());
                            connection.send_head(&mut out, &answer(&Headers::new())).unwrap();
                            connection.send_end(&mut out, None).unwrap();
                            last = !connection.keeps_alive();
                            connection.next_request();
                            len
                        }
                        Err(_) => {
                            failed = true;
                            break;
                        }
                    }
                } else {
                    match connection.receive_head(&limits, &pending, &mut head) {
                        Ok(Some((len, _))) => {
                            heads += 1;
                            assert!(!head.method_str().is_empty());
                            assert_eq!(head.path_with_nul().split_last(), Some((&0, head.path().as_bytes())));
                            assert_eq!(head.headers().iter().filter(|(name, _)| name.is_empty()).count(), 0);
                            in_body = true;
                            len
                        }
                        Ok(None) => break,
                        Err(error) => {
                            assert!([400, 414, 417, 431, 501, 505].contains(&error.status()), "{error:?}");
                            errors += 1;
                            failed = true;
                            break;
                        }
                    }
                };
                assert!(len <= pending.len());
                pending.drain(..len);
            }
        }
        if failed {
            assert!(
                connection.receive_head(&limits, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", &mut head).is_err()
            );
            assert!(!connection.request_complete() && !connection.keeps_alive());
            out.clear();
            connection.send_head(&mut out, &answer(&Headers::new())).unwrap();
            assert!(out.windows(17).any(|line| line == b"connection: close"));
        }
    }
    assert!(heads > 5_000 && errors > 5_000, "both happen often: {heads} {errors}");
}

fn answer(headers: &Headers) -> ResponseParts<'_> {
    ResponseParts { status: 404, headers, body: ContentLength::None, origin: None }
}

#[test]
fn clients_survive_anything() {
    let (mut heads, mut errors, mut ends) = (0, 0, 0);
    for seed in 0..30_000 {
        let mut random = Random::new(seed);
        let limits = small(&mut random);
        let text = mutated(&mut random, &ANSWERS);
        let mut connection = ClientConnection::new();
        let (mut head, mut trailers, mut out) = (ResponseHead::new(), Headers::new(), Vec::new());
        let mut headers = Headers::new();
        headers.append("Upgrade", "x").unwrap();
        let method = *random.pick(&["GET", "HEAD", "CONNECT"]);
        let parts = RequestParts {
            method,
            target: "/",
            authority: "a:80",
            headers: &headers,
            body: ContentLength::None,
        };
        connection.send_head(&mut out, &parts).unwrap();
        let (mut pending, mut in_body, mut failed) = (Vec::new(), false, false);
        for piece in random.pieces(&text) {
            pending.extend_from_slice(piece);
            while !failed && !connection.response_complete() {
                let received = if in_body {
                    connection.receive_body(&limits, &pending, &mut trailers).map(|(len, event)| {
                        let goes_on = !matches!(event, BodyEvent::Incomplete);
                        (len, goes_on)
                    })
                } else {
                    connection.receive_head(&limits, &pending, &mut head).map(|found| match found {
                        Some((len, info)) => {
                            heads += 1;
                            in_body = !info.informational;
                            (len, true)
                        }
                        None => (0, false),
                    })
                };
                match received {
                    Ok((len, goes_on)) => {
                        assert!(len <= pending.len());
                        pending.drain(..len);
                        if !goes_on {
                            break;
                        }
                    }
                    Err(_) => {
                        errors += 1;
                        failed = true;
                    }
                }
            }
        }
        ends += usize::from(connection.receive_eof().is_ok());
        assert!(!connection.keeps_alive());
        assert!(!failed || !connection.response_complete());
    }
    assert!(heads > 5_000 && errors > 5_000 && ends > 5_000, "all happen often: {heads} {errors} {ends}");
}
