//! Data before the end of the handshake (0-RTT).

use std::io::Write;
use std::sync::Arc;

use flare_tls::{EarlyData, ServerContext};
use rustls::version::TLS13;

use crate::support::{Side, other, plain};

fn early_server(limit: u32) -> (ServerContext, Arc<rustls::ClientConfig>) {
    let (authority, mut tls, _) = plain();
    tls.resumption.tickets = false;
    tls.early_data = Some(EarlyData { limit, unsafe_methods: false });
    tls.alpn = vec![b"http/1.1".to_vec()];
    let mut config = other::config(&authority.pem(), &[&TLS13]);
    config.enable_early_data = true;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    (ServerContext::new(&tls).unwrap(), Arc::new(config))
}

#[test]
fn early_data_is_marked_and_comes_before_the_rest() {
    let (server, config) = early_server(1000);
    let mut side = Side::server(&server);
    other::run(&mut other::client(&config), &mut side);
    assert!(side.seen.complete);

    let mut client = other::client(&config);
    client.early_data().expect("the session allows it").write_all(b"GET /early").unwrap();
    let mut side = Side::server(&server);
    let mut flight = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut flight).unwrap();
    }
    side.receive(&flight);
    assert_eq!(side.seen.early, b"GET /early");
    assert!(!side.seen.complete && !side.connection.may_send());
    assert_eq!(side.session().alpn(), Some(&b"http/1.1"[..]));
    assert_eq!(side.session().server_name(), Some("server.test"));
    assert!(side.session().is_resumed());
    other::send(&mut client, b" late");
    other::run(&mut client, &mut side);
    assert!(side.seen.complete && client.is_early_data_accepted());
    assert_eq!((&*side.seen.early, &*side.seen.data), (&b"GET /early"[..], &b" late"[..]));

    // The same flight again, as somebody who recorded it would: its session is used up, so its data is not taken.
    let mut side = Side::server(&server);
    side.receive(&flight);
    assert!(side.seen.early.is_empty() && !side.seen.complete);
}

#[test]
fn a_flight_with_early_data_may_come_byte_by_byte() {
    let (server, config) = early_server(1000);
    let mut side = Side::server(&server);
    other::run(&mut other::client(&config), &mut side);
    let mut client = other::client(&config);
    client.early_data().unwrap().write_all(&[7; 500]).unwrap();
    let mut side = Side::server(&server);
    let mut flight = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut flight).unwrap();
    }
    flight.chunks(1).for_each(|byte| side.receive(byte));
    other::run(&mut client, &mut side);
    assert!(side.seen.complete);
    assert_eq!(side.seen.early, [7; 500]);
}

#[test]
fn without_the_setting_early_data_is_refused_and_comes_again() {
    let (authority, mut tls, _) = plain();
    tls.resumption.tickets = false;
    let mut config = other::config(&authority.pem(), &[&TLS13]);
    config.enable_early_data = true;
    let config = Arc::new(config);
    let server = ServerContext::new(&tls).unwrap();
    let mut side = Side::server(&server);
    other::run(&mut other::client(&config), &mut side);
    let mut client = other::client(&config);
    assert!(client.early_data().is_none());
    let mut side = Side::server(&server);
    other::run(&mut client, &mut side);
    assert!(side.session().is_resumed() && side.seen.early.is_empty());
}

#[test]
fn early_data_has_a_limit_also_for_who_was_promised_more() {
    let (authority, mut tls, _) = plain();
    tls.resumption.tickets = false;
    tls.early_data = Some(EarlyData { limit: 1000, unsafe_methods: false });
    let mut config = other::config(&authority.pem(), &[&TLS13]);
    config.enable_early_data = true;
    let config = Arc::new(config);
    let server = ServerContext::new(&tls).unwrap();
    other::run(&mut other::client(&config), &mut Side::server(&server));
    let mut client = other::client(&config);
    // The server has told its limit.
    assert_eq!(client.early_data().unwrap().bytes_left(), 1000);
    assert_eq!(client.early_data().unwrap().write(&[7; 2000]).unwrap(), 1000);

    // The limit went down, and the session is one of before.
    tls.early_data = Some(EarlyData { limit: 10, unsafe_methods: false });
    let server = server.reload(&tls).unwrap();
    let mut side = Side::server(&server);
    let mut flight = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut flight).unwrap();
    }
    side.receive(&flight);
    assert!(side.seen.early.len() <= 10, "{}", side.seen.early.len());
}
