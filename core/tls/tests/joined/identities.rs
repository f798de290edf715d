//! Which certificate a client sees.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use flare_tls::{Choice, ClientContext, ClientTls, Resolver, ServerContext, ServerTls};

use crate::support::{Authority, Joined};

/// Whether the server has a certificate for this name.
fn serves(server: &ServerContext, client: &ClientContext, name: &str) -> bool {
    let mut joined = Joined::named(server, client, name);
    joined.run(usize::MAX);
    joined.client.seen.complete
}

#[test]
fn identities_are_chosen_by_name_and_the_first_is_the_default() {
    let authority = Authority::new("tests");
    let client = ClientContext::new(&ClientTls::with_roots(authority.pem())).unwrap();
    let identity = |names: &[&str]| authority.issue(names).identity();
    let mut renamed = identity(&["alias.test", "secret.test"]);
    renamed.names = vec!["alias.test".to_owned()];
    let server = ServerContext::new(&ServerTls::with_identities(vec![
        identity(&["first.test", "127.0.0.1"]),
        identity(&["*.wild.test"]),
        identity(&["exact.wild.test"]),
        renamed,
    ]))
    .unwrap();
    for name in ["first.test", "a.wild.test", "exact.wild.test", "alias.test", "127.0.0.1"] {
        assert!(serves(&server, &client, name), "{name}");
    }
    // The default is shown, and the client does not believe it.
    for name in ["nobody.test", "a.b.wild.test", "wild.test", "secret.test", "127.0.0.2"] {
        assert!(!serves(&server, &client, name), "{name}");
    }
}

#[test]
fn a_resolver_is_asked_first() {
    let authority = Authority::new("tests");
    let client = ClientContext::new(&ClientTls::with_roots(authority.pem())).unwrap();
    let dynamic = Arc::new(authority.issue(&["dynamic.test"]).identity().load().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let mut tls = ServerTls::new(authority.issue(&["static.test"]).identity());
    tls.resolver = Some(Resolver::new(move |hello| {
        counted.fetch_add(1, Ordering::Relaxed);
        (hello.server_name == Some("dynamic.test")).then(|| Arc::clone(&dynamic))
    }));
    let server = ServerContext::new(&tls).unwrap();
    assert!(serves(&server, &client, "dynamic.test"));
    assert!(serves(&server, &client, "static.test"));
    assert!(!serves(&server, &client, "nobody.test"));
    assert_eq!(calls.load(Ordering::Relaxed), 3);

    // Without a default the handshake ends.
    tls.identities.clear();
    let server = ServerContext::new(&tls).unwrap();
    assert!(serves(&server, &client, "dynamic.test"));
    let mut joined = Joined::named(&server, &client, "nobody.test");
    joined.run(usize::MAX);
    assert_eq!(joined.server.seen.failure.map(|failure| failure.kind()), Some("nothing_in_common"));
    assert!(joined.client.seen.failure.is_some());
}

#[test]
fn a_resolver_may_refuse_though_there_is_a_default() {
    let authority = Authority::new("tests");
    let client = ClientContext::new(&ClientTls::with_roots(authority.pem())).unwrap();
    let mut tls = ServerTls::new(authority.issue(&["static.test", "refused.test"]).identity());
    tls.resolver = Some(Resolver::new(|hello| match hello.server_name {
        Some("refused.test") => Choice::Refuse,
        _ => Choice::ByName,
    }));
    let server = ServerContext::new(&tls).unwrap();
    assert!(serves(&server, &client, "static.test"));
    let mut joined = Joined::named(&server, &client, "refused.test");
    joined.run(usize::MAX);
    assert_eq!(joined.server.seen.failure.map(|failure| failure.kind()), Some("nothing_in_common"));
    assert_eq!(joined.client.seen.failure.map(|failure| failure.kind()), Some("alert"));
    assert!(serves(&server, &client, "static.test"));
}

#[test]
fn a_client_may_ask_for_another_name() {
    let authority = Authority::new("tests");
    let server = ServerContext::new(&ServerTls::new(authority.issue(&["inner.test"]).identity())).unwrap();
    let tls =
        ClientTls { server_name: Some("inner.test".to_owned()), ..ClientTls::with_roots(authority.pem()) };
    let client = ClientContext::new(&tls).unwrap();
    let mut joined = Joined::named(&server, &client, "10.0.0.1");
    joined.run(usize::MAX);
    assert!(joined.client.seen.complete);
    assert_eq!(joined.server.session().server_name(), Some("inner.test"));
}

#[test]
fn an_answer_about_the_certificate_is_sent_with_it() {
    let authority = Authority::new("tests");
    let mut identity = authority.issue(&["server.test"]).identity();
    let answer = [vec![0x30, 0x82, 1, 0], vec![0xa5; 256]].concat();
    identity.ocsp = Some(flare_tls::Source::bytes(&answer));
    // In TLS 1.3 it is encrypted, so only its size shows.
    let mut sizes = Vec::new();
    for identity in [identity.clone(), flare_tls::Identity { ocsp: None, ..identity }] {
        let server = ServerContext::new(&ServerTls::new(identity)).unwrap();
        let client = ClientContext::new(&ClientTls::with_roots(authority.pem())).unwrap();
        let mut joined = Joined::new(&server, &client);
        let hello = joined.client.take();
        joined.server.receive(&hello);
        sizes.push(joined.server.out.len());
    }
    let more = sizes[0] - sizes[1];
    assert!((answer.len()..answer.len() + 40).contains(&more), "{more}");
}
