//! Who shows which certificate, and who is believed.

use std::collections::HashMap;
use std::sync::Arc;

use flare_quic::{ClientContext, QuicSettings, ServerContext};
use flare_tls::{Choice, ClientAuth, ClientTls, Identity, Resolver, ServerTls, Source, Trust};
use time::Duration;

use crate::support::authority::{Authority, Pair};
use crate::support::{World, insecure, server_tls};

fn context(tls: &ClientTls) -> ClientContext {
    ClientContext::new(tls, &QuicSettings::default()).unwrap()
}

fn world(tls: &ServerTls) -> World {
    World::new(tls, &QuicSettings::default())
}

/// The certificate that a client sees under this name.
fn shown(world: &mut World, context: &ClientContext, name: &str) -> Vec<u8> {
    world.clients.clear();
    world.workers[0].connections.clear();
    world.connect_to(context, name, false);
    world.settle_handshakes();
    world.client().handshake().unwrap().session.peer_certificate().unwrap().to_vec()
}

fn der(identity: &Identity) -> Vec<u8> {
    let loaded = identity.load().unwrap();
    loaded.certificates().next().unwrap().to_vec()
}

/// Why a handshake ended, at the client and at the server.
fn failure(world: &mut World) -> (u64, bool) {
    world.run("the failure", |world| world.client().is_closing());
    let reason = world.client().close_reason().unwrap();
    assert!(!reason.application);
    (reason.code, reason.by_peer)
}

/// CRYPTO_ERROR with an alert (RFC 9001, 4.8).
fn crypto(alert: u64) -> u64 {
    0x100 + alert
}

#[test]
fn identities_are_chosen_by_callback_then_name_then_default() {
    let authority = Authority::new("tests");
    let issue = |names: &[&str]| authority.issue(names).identity();
    let (first, wild, exact, called) =
        (issue(&["first.test"]), issue(&["*.wild.test"]), issue(&["www.wild.test"]), issue(&["called.test"]));
    let loaded = Arc::new(called.load().unwrap());
    let mut tls = ServerTls::with_identities(vec![first.clone(), wild.clone(), exact.clone()]);
    tls.resolver = Some(Resolver::new(move |hello| {
        (hello.server_name == Some("called.test")).then(|| Arc::clone(&loaded))
    }));
    let mut world = world(&tls);
    let context = context(&insecure());
    for (name, expected) in [
        ("first.test", &first),
        ("unknown.test", &first),
        ("10.0.0.1", &first),
        ("a.wild.test", &wild),
        ("A.Wild.Test", &wild),
        ("a.b.wild.test", &first),
        ("www.wild.test", &exact),
        ("called.test", &called),
    ] {
        assert_eq!(shown(&mut world, &context, name), der(expected), "{name}");
    }
}

#[test]
fn without_an_identity_for_a_name_there_is_no_handshake() {
    let called = Authority::new("tests").issue(&["called.test"]).identity();
    let loaded = Arc::new(called.load().unwrap());
    let mut tls = ServerTls::with_identities(Vec::new());
    tls.resolver = Some(Resolver::new(move |hello| {
        (hello.server_name == Some("called.test")).then(|| Arc::clone(&loaded))
    }));
    let mut world = world(&tls);
    let context = context(&insecure());
    assert_eq!(shown(&mut world, &context, "called.test"), der(&called));
    world.clients.clear();
    world.connect_to(&context, "other.test", false);
    let (code, by_peer) = failure(&mut world);
    assert!(by_peer && (0x100..0x200).contains(&code), "{code:#x}");
}

#[test]
fn a_client_may_be_refused_though_there_is_a_default() {
    let first = Authority::new("tests").issue(&["first.test"]).identity();
    let mut tls = ServerTls::new(first.clone());
    tls.resolver = Some(Resolver::new(|hello| match hello.server_name {
        Some("refused.test") => Choice::Refuse,
        _ => Choice::ByName,
    }));
    let mut world = world(&tls);
    let context = context(&insecure());
    assert_eq!(shown(&mut world, &context, "first.test"), der(&first));
    world.clients.clear();
    world.connect_to(&context, "refused.test", false);
    let (code, by_peer) = failure(&mut world);
    assert!(by_peer && (0x100..0x200).contains(&code), "{code:#x}");
}

#[test]
fn all_kinds_of_keys_prove_who_one_is() {
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ECDSA_P384_SHA384, &rcgen::PKCS_RSA_SHA256]
    {
        let key = rcgen::KeyPair::generate_for(algorithm).unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
        let identity = Identity::new(Source::bytes(certificate.pem()), Source::bytes(key.serialize_pem()));
        let mut world = world(&ServerTls::new(identity.clone()));
        assert_eq!(shown(&mut world, &context(&insecure()), "localhost"), der(&identity), "{algorithm:?}");
    }
}

#[test]
fn a_client_believes_whom_it_was_told_to_and_for_its_name_only() {
    let authority = Authority::new("tests");
    let good = authority.issue(&["localhost", "10.0.0.1"]);
    let mut world = world(&ServerTls::new(good.identity()));
    let roots = ClientTls::with_roots(authority.pem());
    shown(&mut world, &context(&roots), "localhost");
    shown(&mut world, &context(&roots), "10.0.0.1");
    shown(
        &mut world,
        &context(&ClientTls { server_name: Some("localhost".into()), ..roots.clone() }),
        "other.test",
    );

    let refuse = |world: &mut World, tls: &ClientTls, name: &str| {
        world.clients.clear();
        world.workers[0].connections.clear();
        world.connect_to(&context(tls), name, false);
        failure(world)
    };
    assert_eq!(refuse(&mut world, &roots, "other.test"), (crypto(42), false), "bad_certificate");
    assert_eq!(refuse(&mut world, &roots, "10.0.0.2"), (crypto(42), false), "bad_certificate");
    let stranger = ClientTls::with_roots(Authority::new("stranger").pem());
    assert_eq!(refuse(&mut world, &stranger, "localhost"), (crypto(48), false), "unknown_ca");
    let revoked =
        ClientTls { revocation_lists: vec![authority.revoke(&[&good], Duration::days(1))], ..roots.clone() };
    assert_eq!(refuse(&mut world, &revoked, "localhost"), (crypto(44), false), "certificate_revoked");
    let old = authority.issue_valid(&["localhost"], 2, Duration::days(-3), Duration::days(-2));
    world.context = ServerContext::new(&ServerTls::new(old.identity()), &QuicSettings::default()).unwrap();
    assert_eq!(refuse(&mut world, &roots, "localhost"), (crypto(45), false), "certificate_expired");
}

#[test]
fn names_that_are_none_are_an_error_before_anything_is_sent() {
    let context = context(&insecure());
    let path =
        flare_quic::Path { local: "10.0.0.2:1".parse().unwrap(), peer: "10.0.0.1:443".parse().unwrap() };
    for name in ["", "a b", "nul\0", "ä.test", "-"] {
        let error = flare_quic::Connection::connect(&context, name, path, false, std::time::Instant::now());
        assert_eq!(error.unwrap_err().setting, "server_name", "{name:?}");
    }
}

fn with_client_auth(authority: &Authority, auth: ClientAuth) -> ServerTls {
    ServerTls { client_auth: auth, ..ServerTls::new(authority.issue(&["localhost"]).identity()) }
}

#[test]
fn client_certificates_are_asked_for_as_the_settings_say() {
    let authority = Authority::new("tests");
    let stranger = Authority::new("stranger");
    let client = authority.issue(&["client.test"]);
    let revoked = authority.issue_valid(&["revoked.test"], 77, Duration::days(-1), Duration::days(1));
    let roots = vec![authority.pem()];
    let lists = vec![authority.revoke(&[&revoked], Duration::days(1))];
    let optional = || ClientAuth::Optional { roots: roots.clone(), revocation_lists: Vec::new() };
    let required = || ClientAuth::Required { roots: roots.clone(), revocation_lists: lists.clone() };
    let with = |pair: Option<&Pair>| ClientTls {
        identity: pair.map(Pair::identity),
        ..ClientTls::with_roots(authority.pem())
    };
    let good = |auth: ClientAuth, pair: Option<&Pair>| {
        let mut world = world(&with_client_auth(&authority, auth));
        world.connect(&context(&with(pair)));
        world.settle_handshakes();
        let session = world.server().handshake().unwrap().session.clone();
        session.peer_certificate().map(<[u8]>::to_vec)
    };
    assert_eq!(good(ClientAuth::None, Some(&client)), None);
    assert_eq!(good(optional(), None), None);
    assert_eq!(good(optional(), Some(&client)), Some(der(&client.identity())));
    assert_eq!(good(required(), Some(&client)), Some(der(&client.identity())));

    let bad = |auth: ClientAuth, pair: Option<&Pair>| {
        let mut world = world(&with_client_auth(&authority, auth));
        world.connect(&context(&with(pair)));
        let failed = failure(&mut world);
        assert!(world.workers[0].connections.values().all(|connection| connection.handshake().is_none()));
        failed
    };
    assert_eq!(bad(required(), None), (crypto(116), true), "certificate_required");
    let other = stranger.issue(&["client.test"]);
    assert_eq!(bad(required(), Some(&other)), (crypto(48), true), "unknown_ca");
    assert_eq!(bad(optional(), Some(&other)), (crypto(48), true), "unknown_ca");
    assert_eq!(bad(required(), Some(&revoked)), (crypto(44), true), "certificate_revoked");
}

#[test]
fn stapled_answers_are_sent() {
    let pair = Authority::new("tests").issue(&["localhost"]);
    // Something of the form of an answer: nobody here looks into it.
    let answer = [0x30, 3, 1, 2, 3];
    let identity = Identity { ocsp: Some(Source::bytes(answer)), ..pair.identity() };
    let mut world = world(&ServerTls::new(identity));
    world.connect(&context(&insecure()));
    world.settle_handshakes();
    assert_eq!(world.client().stapled(), Some(&answer[..]));
    let mut world = self::world(&ServerTls::new(pair.identity()));
    world.connect(&context(&insecure()));
    world.settle_handshakes();
    assert_eq!(world.client().stapled(), None);
}

#[test]
fn the_key_exchange_is_post_quantum_and_suites_are_those_of_tls_1_3() {
    let mut world = World::joined();
    assert_eq!(world.client().key_exchange(), Some("X25519MLKEM768"));
    assert_eq!(world.server().key_exchange(), Some("X25519MLKEM768"));
    let suite = world.server().handshake().unwrap().session.suite();
    assert!(suite.starts_with("TLS_AES") || suite.starts_with("TLS_CHACHA20"), "{suite}");
}

#[test]
fn secrets_are_logged_where_the_settings_say() {
    let folder = std::env::temp_dir().join(format!("flare-quic-keys-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let files = [folder.join("server"), folder.join("client")];
    let tls = ServerTls { key_log: Some(files[0].clone()), ..server_tls() };
    let mut world = world(&tls);
    world.connect(&context(&ClientTls { key_log: Some(files[1].clone()), ..insecure() }));
    world.settle_handshakes();
    let read = |file| {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().map(|line| line.split_once(' ').unwrap());
        lines.map(|(label, rest)| (label.to_owned(), rest.to_owned())).collect::<HashMap<_, _>>()
    };
    let (server, client) = (read(&files[0]), read(&files[1]));
    for label in ["SERVER_TRAFFIC_SECRET_0", "CLIENT_TRAFFIC_SECRET_0", "CLIENT_HANDSHAKE_TRAFFIC_SECRET"] {
        assert_eq!(server[label], client[label], "{label}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn settings_that_can_not_be_are_named() {
    let quic = QuicSettings::default();
    let setting = |tls: ServerTls, quic: QuicSettings| ServerContext::new(&tls, &quic).err().unwrap().setting;
    let tls = server_tls();
    assert_eq!(setting(ServerTls::with_identities(Vec::new()), quic.clone()), "identities");
    let missing = ServerTls::from_files("/nonexistent/chain", "/nonexistent/key");
    assert_eq!(setting(missing, quic.clone()), "identities[0].chain");
    let auth = ClientAuth::Required { roots: vec![Source::bytes("x")], revocation_lists: Vec::new() };
    assert_eq!(setting(ServerTls { client_auth: auth, ..tls.clone() }, quic.clone()), "client_auth.roots");
    let log = Some("/nonexistent/keys".into());
    assert_eq!(setting(ServerTls { key_log: log, ..tls.clone() }, quic.clone()), "key_log");
    for (wrong, name) in [
        (QuicSettings { idle_timeout: std::time::Duration::ZERO, ..quic.clone() }, "quic.idle_timeout"),
        (QuicSettings { max_handshakes: 0, ..quic.clone() }, "quic.max_handshakes"),
        (QuicSettings { stream_window: 0, ..quic.clone() }, "quic.stream_window"),
        (QuicSettings { connection_window: 1 << 40, ..quic.clone() }, "quic.connection_window"),
        (QuicSettings { max_streams: 0, ..quic.clone() }, "quic.max_streams"),
        (QuicSettings { qlog: Some("/nonexistent".into()), ..quic.clone() }, "quic.qlog"),
    ] {
        assert_eq!(setting(tls.clone(), wrong), name);
    }
    let client = ClientTls { trust: Trust::Roots(vec![Source::bytes("x")]), ..ClientTls::default() };
    assert_eq!(ClientContext::new(&client, &quic).err().unwrap().setting, "trust");
}
