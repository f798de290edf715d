//! Peers that are not to be talked to.

use flare_tls::{ClientTls, Failure, ServerTls, Source, Trust};
use time::Duration;

use crate::support::{Authority, Joined, contexts, plain};

/// What the client says of a server with this certificate.
fn client_says(server: &ServerTls, client: &ClientTls) -> (Option<Failure>, Option<Failure>) {
    let (server, client) = contexts(server, client);
    let joined = Joined::shaken(&server, &client);
    (joined.client.seen.failure, joined.server.seen.failure)
}

#[test]
fn a_bad_certificate_of_a_server_is_refused_with_its_reason() {
    let authority = Authority::new("tests");
    let client = ClientTls::with_roots(authority.pem());
    let expired = authority.issue_valid(&["server.test"], 1, Duration::days(-9), Duration::days(-1));
    let future = authority.issue_valid(&["server.test"], 1, Duration::days(1), Duration::days(9));
    let cases = [
        (expired, "has expired", "certificate_expired"),
        (future, "is not valid yet", "certificate_expired"),
        (authority.issue(&["other.test"]), "is for another name", "bad_certificate"),
        (
            Authority::new("others").issue(&["server.test"]),
            "is of an authority that is not believed",
            "unknown_c_a",
        ),
    ];
    for (pair, reason, alert) in cases {
        let (client_failure, server_failure) = client_says(&ServerTls::new(pair.identity()), &client);
        assert_eq!(client_failure, Some(Failure::Certificate(reason.to_owned())));
        assert_eq!(server_failure, Some(Failure::Alert(alert.to_owned())));
    }
}

#[test]
fn a_revoked_server_is_refused() {
    let (authority, _, mut client) = plain();
    let pair = authority.issue_valid(&["server.test"], 77, Duration::days(-1), Duration::days(1));
    let server = ServerTls::new(pair.identity());
    client.revocation_lists = vec![authority.revoke(&[], Duration::days(1))];
    assert_eq!(client_says(&server, &client), (None, None));
    client.revocation_lists = vec![authority.revoke(&[&pair], Duration::days(1))];
    assert_eq!(client_says(&server, &client).0, Some(Failure::Certificate("was revoked".to_owned())));
    client.revocation_lists = vec![authority.revoke(&[], Duration::days(-1))];
    let (failure, _) = client_says(&server, &client);
    assert_eq!(failure, Some(Failure::Certificate("its revocation list is too old".to_owned())));
}

#[test]
fn the_insecure_mode_believes_anybody() {
    let authority = Authority::new("nobody");
    let expired = authority.issue_valid(&["other.test"], 1, Duration::days(-9), Duration::days(-1));
    let client = ClientTls { trust: Trust::InsecureAnyCertificate, ..ClientTls::default() };
    assert_eq!(client_says(&ServerTls::new(expired.identity()), &client), (None, None));
}

#[test]
fn another_application_protocol_is_refused() {
    let (_, mut server, mut client) = plain();
    server.alpn = vec![b"http/1.1".to_vec()];
    client.alpn = vec![b"imap".to_vec()];
    let (client_failure, server_failure) = client_says(&server, &client);
    assert_eq!(server_failure.map(|failure| failure.kind()), Some("nothing_in_common"));
    assert_eq!(client_failure, Some(Failure::Alert("no_application_protocol".to_owned())));
    // Who offers none is served.
    client.alpn.clear();
    assert_eq!(client_says(&server, &client), (None, None));
}

#[test]
fn what_is_no_tls_is_known_and_gets_an_alert() {
    for garbage in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        &[0; 64],
        &[0xff; 300],
        b"SSH-2.0-x\r\n",
        &[0x80, 0x2e, 1, 0, 2, 0, 21],
    ] {
        let (_, server, client) = plain();
        let (server, client) = contexts(&server, &client);
        let mut joined = Joined::new(&server, &client);
        joined.server.receive(garbage);
        assert_eq!(joined.server.seen.failure, Some(Failure::NotTls), "{garbage:?}");
        // A fatal alert record (RFC 8446, 6).
        assert_eq!(joined.server.out.first(), Some(&21), "{garbage:?}");
        let again = joined.server.connection.receive(&mut [22], &mut Vec::new(), |_| ());
        assert_eq!(again, Err(Failure::Over));
    }
}

#[test]
fn a_changed_byte_ends_the_connection_with_an_alert() {
    let (_, server, client) = plain();
    let (server, client) = contexts(&server, &client);
    let mut joined = Joined::shaken(&server, &client);
    joined.client.send(b"hello");
    let mut record = joined.client.take();
    let last = record.len() - 1;
    record[last] ^= 1;
    joined.server.receive(&record);
    assert_eq!(joined.server.seen.failure.as_ref().map(Failure::kind), Some("protocol"));
    assert!(joined.server.seen.data.is_empty());
    let alert = joined.server.take();
    joined.client.receive(&alert);
    assert_eq!(joined.client.seen.failure, Some(Failure::Alert("bad_record_mac".to_owned())));
}

#[test]
fn every_changed_byte_of_a_hello_is_survived() {
    let (_, server, client) = plain();
    let (server, client) = contexts(&server, &client);
    let hello = Joined::new(&server, &client).client.take();
    let mut refused = 0;
    for place in 0..hello.len() {
        let mut changed = hello.clone();
        changed[place] ^= 0x55;
        let mut joined = Joined::new(&server, &client);
        joined.client.take();
        joined.server.receive(&changed);
        assert!(!joined.server.seen.complete);
        refused += usize::from(joined.server.seen.failure.is_some());
    }
    assert!(refused > 50, "{refused}");
}

#[test]
fn input_that_waits_is_bounded() {
    let (_, server, client) = plain();
    let (server, client) = contexts(&server, &client);
    let mut joined = Joined::new(&server, &client);
    // A handshake message of 64 KiB that never ends, in records of 16 bytes.
    let mut first = true;
    for _ in 0..20_000 {
        let mut record = vec![22, 3, 1, 0, 16];
        record.extend(if std::mem::take(&mut first) {
            [&[1, 0, 0xff, 0xff][..], &[0; 12]].concat()
        } else {
            vec![0; 16]
        });
        joined.server.receive(&record);
        assert!(joined.server.connection.partial() < 128 << 10, "{}", joined.server.connection.partial());
        if joined.server.seen.failure.is_some() {
            return;
        }
    }
    panic!("it took everything");
}

#[test]
fn roots_of_nonsense_are_refused_before_any_connection() {
    let error = ClientTls::with_roots(Source::bytes("nonsense")).validate().unwrap_err();
    assert_eq!(error.setting, "trust");
}
