//! Peers of TLS 1.2.

use std::sync::Arc;

use flare_tls::{ServerContext, Version};
use rustls::version::TLS12;

use crate::support::{Side, other, plain};

#[test]
fn a_client_of_tls_1_2_is_served_and_comes_back() {
    let (authority, tls, _) = plain();
    let server = ServerContext::new(&tls).unwrap();
    let config = Arc::new(other::config(&authority.pem(), &[&TLS12]));
    for resumed in [false, true] {
        let mut client = other::client(&config);
        let mut side = Side::server(&server);
        other::send(&mut client, b"hello");
        other::run(&mut client, &mut side);
        assert!(side.seen.complete);
        assert_eq!((side.session().version(), side.session().is_resumed()), (Version::Tls12, resumed));
        assert_eq!(side.session().server_name(), Some("server.test"));
        let large: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
        side.send(&large);
        other::send(&mut client, &large[..50_000]);
        assert_eq!(other::run(&mut client, &mut side), large);
        assert!(side.seen.data[5..] == large[..50_000]);
        client.send_close_notify();
        other::run(&mut client, &mut side);
        assert!(side.seen.peer_closed);
    }
}

#[test]
fn a_server_of_tls_1_3_alone_refuses_it() {
    let (authority, mut tls, _) = plain();
    tls.min_version = Version::Tls13;
    let server = ServerContext::new(&tls).unwrap();
    let mut client = other::client(&Arc::new(other::config(&authority.pem(), &[&TLS12])));
    let mut side = Side::server(&server);
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    side.receive(&hello);
    assert_eq!(side.seen.failure.map(|failure| failure.kind()), Some("nothing_in_common"));
    assert_eq!(side.out.first(), Some(&21), "an alert");
}

#[test]
fn new_keys_of_a_peer_are_taken() {
    let (authority, tls, _) = plain();
    let server = ServerContext::new(&tls).unwrap();
    let mut client = other::client(&Arc::new(other::config(&authority.pem(), &[&rustls::version::TLS13])));
    let mut side = Side::server(&server);
    other::run(&mut client, &mut side);
    for round in 0..5_u8 {
        // Asks the server to change its keys too (RFC 8446, 4.6.3).
        client.refresh_traffic_keys().unwrap();
        other::send(&mut client, &[round]);
        other::run(&mut client, &mut side);
        side.send(&[100 + round]);
        assert_eq!(other::run(&mut client, &mut side), [100 + round]);
    }
    assert_eq!(side.seen.data, [0, 1, 2, 3, 4]);
    assert_eq!(side.seen.failure, None);
}
