//! Clients that come back.

use std::time::Duration;

use flare_tls::{ClientAuth, ClientContext, ServerContext, ServerTls};

use crate::support::{Joined, contexts, plain};

/// Whether a second connection is a short one.
fn resumes(first: &ServerContext, second: &ServerContext, client: &ClientContext) -> bool {
    let joined = Joined::shaken(first, client);
    assert!(joined.client.seen.complete && joined.server.seen.complete);
    let joined = Joined::shaken(second, client);
    assert!(joined.client.seen.complete && joined.server.seen.complete);
    assert_eq!(joined.client.session().is_resumed(), joined.server.session().is_resumed());
    joined.server.session().is_resumed()
}

#[test]
fn clients_come_back_by_ticket_or_by_cache_or_not_at_all() {
    for (tickets, cache, expected) in
        [(true, 0, true), (false, 100, true), (true, 100, true), (false, 0, false)]
    {
        let (_, mut server, client) = plain();
        (server.resumption.tickets, server.resumption.cache) = (tickets, cache);
        let (server, client) = contexts(&server, &client);
        assert_eq!(resumes(&server, &server, &client), expected, "tickets {tickets}, cache {cache}");
    }
    let (_, server, mut client) = plain();
    client.resumption = 0;
    let (server, client) = contexts(&server, &client);
    assert!(!resumes(&server, &server, &client));
}

#[test]
fn the_cache_forgets_the_oldest() {
    let (_, mut server, client) = plain();
    (server.resumption.tickets, server.resumption.cache, server.resumption.tickets_sent) = (false, 4, 1);
    let (server, first) = contexts(&server, &client);
    assert!(resumes(&server, &server, &first));
    for _ in 0..20 {
        assert!(Joined::shaken(&server, &ClientContext::new(&client).unwrap()).client.seen.complete);
    }
    let joined = Joined::shaken(&server, &first);
    assert!(joined.client.seen.complete && !joined.server.session().is_resumed());
}

#[test]
fn another_server_does_not_take_a_ticket() {
    let (_, tls, client) = plain();
    let (server, client) = contexts(&tls, &client);
    let other = ServerContext::new(&tls).unwrap();
    assert!(!resumes(&server, &other, &client));
}

#[test]
fn sessions_outlive_a_reload_unless_client_certificates_count() {
    let (authority, mut tls, client) = plain();
    let (server, client) = contexts(&tls, &client);
    assert!(resumes(&server, &server.reload(&tls).unwrap(), &client));
    tls.client_auth = ClientAuth::Optional { roots: vec![authority.pem()], revocation_lists: Vec::new() };
    let strict = server.reload(&tls).unwrap();
    assert!(!resumes(&server, &strict, &client));
    assert!(!resumes(&strict, &strict.reload(&tls).unwrap(), &client));
}

#[test]
fn a_reload_that_fails_leaves_what_is_there() {
    let (_, mut tls, client) = plain();
    let (server, client) = contexts(&tls, &client);
    tls.identities.clear();
    assert_eq!(server.reload(&tls).unwrap_err().setting, "identities");
    assert!(Joined::shaken(&server, &client).client.seen.complete);
}

#[test]
fn a_ticket_dies_with_its_key() {
    let (_, mut tls, client) = plain();
    tls.resumption.ticket_key_lifetime = Duration::from_secs(1);
    tls.resumption.cache = 0;
    let (server, client) = contexts(&tls, &client);
    let began = std::time::Instant::now();
    let joined = Joined::shaken(&server, &client);
    assert!(joined.client.seen.complete);
    // Keys are replaced when they are used after their time, and the one before is still understood: twice, and it is gone.
    let other = ClientContext::new(&plain().2).unwrap();
    for _ in 0..2 {
        let next = began.elapsed().as_secs() + 2;
        while began.elapsed().as_secs() < next {
            std::thread::yield_now();
        }
        let _ = Joined::shaken(&server, &other);
    }
    let joined = Joined::shaken(&server, &client);
    assert!(joined.client.seen.complete && !joined.client.session().is_resumed());
}

#[test]
fn settings_that_cannot_be_are_named() {
    type Change = fn(&mut ServerTls);
    let changes: [(Change, &str); 8] = [
        (|tls| tls.identities.clear(), "identities"),
        (|tls| tls.alpn = vec![Vec::new()], "alpn[0]"),
        (|tls| tls.handshake_timeout = Duration::ZERO, "handshake_timeout"),
        (|tls| tls.max_handshakes = 0, "max_handshakes"),
        (|tls| tls.resumption.ticket_key_lifetime = Duration::ZERO, "resumption.ticket_key_lifetime"),
        (|tls| tls.resumption.tickets_sent = 9, "resumption.tickets_sent"),
        (|tls| tls.early_data = Some(flare_tls::EarlyData::default()), "early_data"),
        (|tls| tls.key_log = Some("/no/such/folder/keys".into()), "key_log"),
    ];
    for (change, setting) in changes {
        let (_, mut tls, _) = plain();
        change(&mut tls);
        assert_eq!(tls.validate().unwrap_err().setting, setting);
    }
}
