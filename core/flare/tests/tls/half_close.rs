//! Clients that say that they send nothing more, and wait for their answers.

use std::io::{Read, Write};
use std::sync::Arc;

use flare::prelude::*;
use flare_proto::http2::{ClientConnection, Event, Limits, RequestParts};
use flare_proto::{ContentLength, Headers, ResponseHead};

use super::support::{Authority, connect, start};
use crate::common::one_worker;

#[test]
fn requests_behind_blocked_output_are_answered_after_the_end_of_input() {
    const REQUESTS: usize = 30;
    let mut router = Router::new();
    router.get("/", |_: &Request| vec![b'x'; 2000]).unwrap();
    let authority = Authority::new();
    let config = ServerConfig { output_limit: 4096, ..one_worker() };
    let (_server, address) = start(router, config, authority.server());
    let mut config = authority.client();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let mut client = connect(address, &Arc::new(config));

    let (mut wire, mut out) = (ClientConnection::new(Arc::new(Limits::default())), Vec::new());
    wire.start(&mut out);
    let headers = Headers::new();
    for _ in 0..REQUESTS {
        let parts = RequestParts {
            method: "GET",
            scheme: "https",
            authority: "localhost",
            target: "/",
            protocol: None,
            headers: &headers,
            body: ContentLength::None,
        };
        wire.send_request(&parts, &mut out).unwrap();
    }
    // All requests and the end of them leave together.
    let stream = client.0.get_mut();
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    stream.conn.writer().write_all(&out).unwrap();
    stream.conn.send_close_notify();
    let mut together = Vec::new();
    while stream.conn.wants_write() {
        stream.conn.write_tls(&mut together).unwrap();
    }
    stream.sock.write_all(&together).unwrap();

    let mut input = Vec::new();
    stream.read_to_end(&mut input).unwrap();
    let (mut rest, mut answered) = (input.as_slice(), 0);
    let (mut head, mut trailers) = (ResponseHead::new(), Headers::new());
    while let Some(event) = wire.receive(&mut rest, &mut head, &mut trailers, &mut out).unwrap() {
        answered += usize::from(matches!(event, Event::End { .. }));
    }
    assert_eq!(answered, REQUESTS);
}
