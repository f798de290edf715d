//! Requests before the end of the handshake (0-RTT, RFC 8470).

use std::io::Write;
use std::sync::Arc;

use flare::prelude::*;
use flare::tls::EarlyData;

use super::support::{Authority, connect, start};
use crate::common::one_worker;

/// The answer to a request that is sent early.
fn early(unsafe_methods: bool, request: &str) -> (u16, Vec<u8>) {
    let mut router = Router::new();
    router.get("/", |request: &Request| format!("early: {}", request.is_early())).unwrap();
    router.post("/", |request: &Request| format!("early: {}", request.is_early())).unwrap();
    let authority = Authority::new();
    let mut tls = authority.server();
    tls.resumption.tickets = false;
    tls.early_data = Some(EarlyData { unsafe_methods, ..EarlyData::default() });
    let (_server, address) = start(router, one_worker(), tls);
    let mut config = authority.client();
    config.enable_early_data = true;
    let config = Arc::new(config);
    assert_eq!(connect(address, &config).get("/").1, b"early: false");
    let mut client = connect(address, &config);
    client.tls().early_data().expect("the session allows it").write_all(request.as_bytes()).unwrap();
    let answer = client.answer().unwrap();
    assert!(client.tls().is_early_data_accepted());
    // What comes behind the handshake is not early.
    assert_eq!(client.get("/").1, b"early: false");
    answer
}

#[test]
fn early_requests_are_marked_and_unsafe_ones_refused() {
    let get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    let post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(early(false, get), (200, b"early: true".to_vec()));
    assert_eq!(early(false, post).0, 425);
    assert_eq!(early(true, post), (200, b"early: true".to_vec()));
}
