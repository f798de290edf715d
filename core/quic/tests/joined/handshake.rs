//! What is agreed, and with whom.

use flare_quic::{ClientContext, QuicSettings};
use flare_tls::{ClientTls, ServerTls, Version};

use crate::support::authority::Authority;
use crate::support::{World, client_context, server_tls};

#[test]
fn a_handshake_says_what_was_agreed_on_both_sides() {
    let mut world = World::joined();
    let agreed = world.server().handshake().unwrap().session.clone();
    assert_eq!(agreed.version(), Version::Tls13);
    assert!(agreed.suite().starts_with("TLS_"), "{}", agreed.suite());
    assert_eq!(agreed.server_name(), Some("localhost"));
    assert_eq!(agreed.alpn(), Some(&b"h3"[..]));
    assert_eq!(agreed.peer_certificates().len(), 0);
    assert!(!agreed.is_resumed());
    assert!(world.server().is_ready() && !world.server().is_early());

    let agreed = world.client().handshake().unwrap().session.clone();
    assert_eq!(agreed.server_name(), None);
    assert_eq!(agreed.peer_certificates().len(), 1);
    assert!(world.client().is_ready() && !world.client().is_early());
    assert_eq!(world.client().close_reason(), None);
}

#[test]
fn a_server_that_is_not_believed_is_not_talked_to() {
    let identity = Authority::new("one").issue(&["localhost"]).identity();
    let mut world = World::new(&ServerTls::new(identity), &QuicSettings::default());
    let tls = ClientTls::with_roots(Authority::new("other").pem());
    let context = ClientContext::new(&tls, &QuicSettings::default()).unwrap();
    world.connect(&context);
    world.run("the failure", |world| world.client().is_closing());
    let reason = world.client().close_reason().unwrap();
    // CRYPTO_ERROR with the alert unknown_ca (RFC 9001, 4.8).
    assert_eq!((reason.by_peer, reason.application, reason.code), (false, false, 0x100 + 48));
    assert!(world.client().handshake().is_none());
    world.run("the end at the server", |world| world.server().close_reason().is_some());
    let reason = world.server().close_reason().unwrap();
    assert_eq!((reason.by_peer, reason.code), (true, 0x100 + 48));
}

#[test]
fn connections_of_one_context_are_many() {
    let mut world = World::new(&server_tls(), &QuicSettings::default());
    let context = client_context();
    for _ in 0..20 {
        world.connect(&context);
    }
    world.settle_handshakes();
    assert_eq!(world.connections(), 20);
    assert_eq!(world.workers[0].endpoint.handshakes(), 0);
}
