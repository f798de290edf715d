//! Clients that come back, and what they send before the handshake has ended.

use std::time::Duration;

use flare_quic::{ClientContext, QuicSettings, ServerContext, StreamError};
use flare_tls::{ClientAuth, ClientTls, EarlyData, Resumption, ServerTls};

use crate::support::authority::Authority;
use crate::support::{Datagram, World, client_context, insecure, read_all, server_tls};

/// Connects anew; whether the client came back with its session, as both sides see it.
fn again(world: &mut World, context: &ClientContext) -> bool {
    end_all(world);
    world.connect(context);
    world.settle_handshakes();
    let resumed = world.client().handshake().unwrap().session.is_resumed();
    assert_eq!(world.server().handshake().unwrap().session.is_resumed(), resumed);
    // The tickets of this connection.
    world.run_out();
    resumed
}

fn end_all(world: &mut World) {
    world.clients.clear();
    world.workers[0].connections.clear();
    world.to_server.clear();
    world.to_clients.clear();
}

fn early_tls() -> ServerTls {
    ServerTls {
        resumption: Resumption { tickets: false, ..Resumption::default() },
        early_data: Some(EarlyData { limit: 4000, unsafe_methods: false }),
        ..server_tls()
    }
}

#[test]
fn a_client_comes_back_with_its_session() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    let context = client_context();
    assert!(!again(&mut world, &context));
    assert!(again(&mut world, &context));
    assert!(again(&mut world, &context));
    let other = client_context();
    assert!(!again(&mut world, &other), "sessions belong to a context");
    let none =
        ClientContext::new(&ClientTls { resumption: 0, ..insecure() }, &QuicSettings::default()).unwrap();
    assert!(!again(&mut world, &none));
    assert!(!again(&mut world, &none));
}

#[test]
fn without_tickets_nobody_comes_back() {
    for resumption in [
        Resumption { tickets: false, cache: 0, ..Resumption::default() },
        Resumption { tickets_sent: 0, ..Resumption::default() },
    ] {
        let mut world = World::new(&ServerTls { resumption, ..server_tls() }, &QuicSettings::default());
        let context = client_context();
        assert!(!again(&mut world, &context));
        assert!(!again(&mut world, &context));
    }
}

#[test]
fn sessions_live_over_a_reload_but_not_where_client_certificates_or_the_transport_changed() {
    let quic = QuicSettings::default();
    let context = client_context();
    let mut world = World::new(&server_tls(), &quic);
    again(&mut world, &context);
    // Another certificate, the same rules.
    world.context = world.context.reload(&server_tls(), &quic).unwrap();
    assert!(again(&mut world, &context));
    let smaller = QuicSettings { stream_window: 1024, ..quic.clone() };
    world.context = world.context.reload(&server_tls(), &smaller).unwrap();
    assert!(!again(&mut world, &context));
    let roots = vec![Authority::new("tests").pem()];
    let auth = ClientAuth::Optional { roots, revocation_lists: Vec::new() };
    let asking = ServerTls { client_auth: auth, ..server_tls() };
    world.context = world.context.reload(&asking, &smaller).unwrap();
    assert!(!again(&mut world, &context));
    world.context = world.context.reload(&asking, &smaller).unwrap();
    assert!(!again(&mut world, &context));
    // What is wrong changes nothing.
    let wrong = ServerTls::from_files("/nonexistent", "/nonexistent");
    assert!(world.context.reload(&wrong, &smaller).is_err());
    assert!(again(&mut world, &context));
    // A new server knows nobody.
    world.context = ServerContext::new(&server_tls(), &quic).unwrap();
    assert!(!again(&mut world, &context));
}

#[test]
fn a_client_certificate_is_known_when_its_client_comes_back() {
    let authority = Authority::new("tests");
    let auth = ClientAuth::Required { roots: vec![authority.pem()], revocation_lists: Vec::new() };
    let mut world = World::new(&ServerTls { client_auth: auth, ..server_tls() }, &QuicSettings::default());
    let pair = authority.issue(&["client.test"]);
    let tls = ClientTls { identity: Some(pair.identity()), ..insecure() };
    let context = ClientContext::new(&tls, &QuicSettings::default()).unwrap();
    assert!(!again(&mut world, &context));
    assert!(again(&mut world, &context));
    assert_eq!(world.server().handshake().unwrap().session.peer_certificates().len(), 1);
}

/// A client that has a session, and one stream written before anything of the server came.
fn early_client(world: &mut World, context: &ClientContext, content: &[u8]) -> u64 {
    end_all(world);
    world.connect_to(context, "localhost", true);
    // The handshake begins with what is sent first.
    world.send_now();
    assert!(world.client().is_ready() && world.client().is_early());
    let stream = world.client().open_bidirectional().unwrap();
    assert_eq!(world.client().write(stream, content, true), Ok(content.len()));
    stream
}

#[test]
fn early_data_is_read_before_the_handshake_has_ended_and_said_to_be_early() {
    let mut world = World::new(&early_tls(), &QuicSettings::default());
    let context = client_context();
    again(&mut world, &context);
    let stream = early_client(&mut world, &context, b"early");
    // One flight of the client, and nothing back yet.
    world.send_now();
    world.turn();
    let session = world.server().handshake().unwrap().session.clone();
    assert!(session.is_resumed());
    assert_eq!(session.alpn(), Some(&b"h3"[..]));
    assert!(world.server().is_early() && world.server().is_ready());
    assert_eq!(world.server().next_readable(), Some(stream));
    let mut got = Vec::new();
    assert!(read_all(world.server(), stream, &mut got));
    assert_eq!(got, b"early");
    // An answer may be sent before the handshake has ended.
    assert_eq!(world.server().write(stream, b"soon", true), Ok(4));
    let mut answer = Vec::new();
    world.run("the answer", |world| {
        world.client().next_readable().is_some_and(|stream| read_all(world.client(), stream, &mut answer))
    });
    assert_eq!(answer, b"soon");
    world.run("the end of the handshake", |world| !world.server().is_early() && !world.client().is_early());
    assert!(!world.client().is_early_refused());
    assert!(world.server().is_ready());
    assert!(std::sync::Arc::ptr_eq(&session, &world.server().handshake().unwrap().session), "the same one");
}

#[test]
fn early_data_beyond_the_limit_waits_for_the_end_of_the_handshake() {
    let mut world = World::new(&early_tls(), &QuicSettings::default());
    let context = client_context();
    again(&mut world, &context);
    let stream = early_client(&mut world, &context, &[7; 6000]);
    world.send_now();
    world.turn();
    assert_eq!(world.server().next_readable(), Some(stream));
    let mut got = Vec::new();
    assert!(!read_all(world.server(), stream, &mut got));
    assert!(world.server().is_early());
    assert_eq!(got.len(), 4000);
    assert_eq!(world.server().next_readable(), None);
    world.run("the rest", |world| {
        let named = world.server().next_readable();
        named.is_some_and(|stream| read_all(world.server(), stream, &mut got))
    });
    assert!(!world.server().is_early());
    assert_eq!(got.len(), 6000);
}

#[test]
fn early_data_that_somebody_recorded_is_not_taken_twice() {
    let mut world = World::new(&early_tls(), &QuicSettings::default());
    let context = client_context();
    again(&mut world, &context);
    let stream = early_client(&mut world, &context, b"pay");
    world.send_now();
    let recorded: Vec<Datagram> =
        world.to_server.iter().map(|each| Datagram { bytes: each.bytes.clone(), path: each.path }).collect();
    world.turn();
    assert_eq!(world.server().next_readable(), Some(stream));
    assert!(world.server().is_early());
    // The same again, from elsewhere, to the same server.
    world.workers[0].connections.clear();
    for mut datagram in recorded {
        datagram.path.peer.set_port(9);
        world.to_server.push_back(datagram);
    }
    world.turn();
    assert!(!world.server().is_early() && !world.server().is_ready());
    assert_eq!(world.server().next_readable(), None);
}

#[test]
fn a_server_that_takes_no_early_data_says_so() {
    let quic = QuicSettings::default();
    let mut world = World::new(&early_tls(), &quic);
    let context = client_context();
    again(&mut world, &context);
    // Another server, with other keys.
    world.context = ServerContext::new(&early_tls(), &quic).unwrap();
    early_client(&mut world, &context, b"early");
    world.settle_handshakes();
    assert!(!world.client().handshake().unwrap().session.is_resumed());
    assert!(world.client().is_early_refused());
    assert_eq!(world.server().next_readable(), None);
}

#[test]
fn without_the_setting_there_is_no_early_data() {
    let tls = ServerTls { early_data: None, ..early_tls() };
    let mut world = World::new(&tls, &QuicSettings::default());
    let context = client_context();
    again(&mut world, &context);
    end_all(&mut world);
    world.connect_to(&context, "localhost", true);
    world.send_now();
    assert!(!world.client().is_ready());
    assert_eq!(world.client().write(0, b"early", true), Err(StreamError::Blocked));
    assert_eq!(world.client().open_bidirectional(), Err(StreamError::Limit));
    world.settle_handshakes();
    assert!(world.client().handshake().unwrap().session.is_resumed());
}

#[test]
fn a_client_that_does_not_want_to_sends_nothing_early() {
    let mut world = World::new(&early_tls(), &QuicSettings::default());
    let context = client_context();
    again(&mut world, &context);
    end_all(&mut world);
    world.connect_to(&context, "localhost", false);
    world.send_now();
    assert!(!world.client().is_ready());
    world.settle_handshakes();
    assert!(world.client().handshake().unwrap().session.is_resumed());
    assert!(!world.client().is_early_refused());
    assert!(world.server().handshake().unwrap().session.is_resumed());
}

#[test]
fn tickets_that_are_too_old_are_not_taken() {
    let resumption = Resumption { ticket_key_lifetime: Duration::from_secs(1), ..Resumption::default() };
    let mut world = World::new(&ServerTls { resumption, ..server_tls() }, &QuicSettings::default());
    let context = client_context();
    again(&mut world, &context);
    assert!(again(&mut world, &context));
    // Two lifetimes of the key; there is no clock to turn in BoringSSL.
    std::thread::sleep(Duration::from_millis(2100));
    assert!(!again(&mut world, &context));
}
