//! Handshakes, however their bytes come.

use flare_tls::{ClientAuth, Version};

use crate::support::{Joined, contexts, plain};

#[test]
fn both_sides_agree_and_know_it() {
    for (client_version, server_version, expected) in [
        (Version::Tls12, Version::Tls12, Version::Tls13),
        (Version::Tls12, Version::Tls13, Version::Tls13),
        (Version::Tls13, Version::Tls12, Version::Tls13),
    ] {
        let (_, mut server, mut client) = plain();
        server.alpn = vec![b"http/1.1".to_vec()];
        client.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        (client.min_version, server.min_version) = (client_version, server_version);
        let (server, client) = contexts(&server, &client);
        let joined = Joined::shaken(&server, &client);
        for side in [&joined.client, &joined.server] {
            assert_eq!(side.seen.failure, None);
            assert!(side.seen.complete && side.connection.is_complete() && side.connection.may_send());
            assert_eq!(side.session().version(), expected);
            assert_eq!(side.session().alpn(), Some(&b"http/1.1"[..]));
            assert!(!side.session().is_resumed());
            assert!(side.session().suite().starts_with("TLS_"), "{}", side.session().suite());
            assert_eq!(side.connection.partial(), 0);
        }
        assert_eq!(joined.server.session().server_name(), Some("server.test"));
        assert_eq!(joined.server.session().peer_certificate(), None);
        assert_eq!(joined.client.session().peer_certificates().len(), 1);
    }
}

#[test]
fn a_handshake_may_come_in_pieces_of_any_size() {
    let (authority, mut server, mut client) = plain();
    server.client_auth = ClientAuth::Required { roots: vec![authority.pem()], revocation_lists: Vec::new() };
    client.identity = Some(authority.issue(&["client.test"]).identity());
    let (server, client) = contexts(&server, &client);
    for step in [1, 2, 3, 4, 5, 6, 7, 64, 1000] {
        let mut joined = Joined::new(&server, &client);
        joined.run(step);
        assert!(joined.client.seen.complete && joined.server.seen.complete, "{step}");
        joined.client.send(b"hello");
        joined.server.send(b"welcome");
        joined.run(step);
        assert_eq!((&*joined.server.seen.data, &*joined.client.seen.data), (&b"hello"[..], &b"welcome"[..]));
    }
}

#[test]
fn a_flight_may_be_split_at_every_byte() {
    let (_, server, client) = plain();
    let (server, client) = contexts(&server, &client);
    let mut place = 0;
    loop {
        let mut joined = Joined::new(&server, &client);
        let mut at = place;
        let mut was_split = false;
        loop {
            let (up, down) = (joined.client.take(), joined.server.take());
            if up.is_empty() && down.is_empty() {
                break;
            }
            for (bytes, to_server) in [(up, true), (down, false)] {
                let side = if to_server { &mut joined.server } else { &mut joined.client };
                if at < bytes.len() && !was_split {
                    was_split = true;
                    side.receive(&bytes[..at]);
                    side.receive(&bytes[at..]);
                } else {
                    at = at.saturating_sub(bytes.len());
                    side.receive(&bytes);
                }
            }
        }
        assert!(joined.client.seen.complete && joined.server.seen.complete, "{place}");
        if !was_split {
            break;
        }
        place += 1;
    }
    assert!(place > 1000, "only {place} bytes were exchanged");
}

#[test]
fn data_right_behind_the_handshake_comes_after_its_end() {
    for min in [Version::Tls12, Version::Tls13] {
        let (_, mut server, client) = plain();
        (server.min_version, server.resumption.tickets_sent) = (min, 0);
        let (server, client) = contexts(&server, &client);
        let mut joined = Joined::new(&server, &client);
        let hello = joined.client.take();
        joined.server.receive(&hello);
        let flight = joined.server.take();
        joined.client.receive(&flight);
        assert!(joined.client.connection.may_send());
        joined.client.send(b"first");
        joined.client.close();
        // The end of the handshake, data and the end of it all in one read.
        let all = joined.client.take();
        joined.server.receive(&all);
        assert_eq!(joined.server.seen.data, b"first");
        assert!(joined.server.seen.complete && joined.server.seen.peer_closed);
        assert_eq!(joined.server.seen.late, 0);
    }
}

#[test]
fn nothing_is_sent_before_the_handshake_has_ended() {
    let (_, server, client) = plain();
    let (server, client) = contexts(&server, &client);
    let mut joined = Joined::new(&server, &client);
    let mut out = Vec::new();
    assert!(joined.server.connection.send(b"early", &mut out).is_err());
    assert!(joined.client.connection.send(b"early", &mut out).is_err());
    joined.server.connection.close(&mut out);
    assert!(out.is_empty());
    joined.run(usize::MAX);
    assert!(joined.server.seen.complete, "the attempt must not have harmed the handshake");
}
