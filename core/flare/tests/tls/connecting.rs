//! Connecting with TLS: to a server of flare, and to peers that do not do what they should.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use flare::connect::{ConnectConfig, ConnectError, ConnectFailure, Connection, Connector, Phase};
use flare::prelude::*;
use flare::tls::{ClientAuth, ClientTls, Identity, Source, Trust};

use super::common::{PATIENCE, pattern};
use super::support::{Authority, start};

const SHORT: Duration = Duration::from_millis(200);

fn connector(tls: ClientTls) -> Connector {
    Connector::new(ConnectConfig::default().with_tls(tls)).unwrap()
}

fn believing(authority: &Authority) -> ClientTls {
    ClientTls::with_roots(authority.pem())
}

fn fails(result: Result<Connection, ConnectError>) -> ConnectError {
    match result {
        Ok(connection) => panic!("{connection:?}"),
        Err(error) => error,
    }
}

fn router() -> Router {
    let mut router = Router::new();
    router.get("/", |_: &Request| "hello").unwrap();
    router.post("/echo", |request: &Request| request.body().to_vec()).unwrap();
    router
}

fn get(mut connection: &Connection) -> String {
    connection.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn what_was_agreed_is_known_and_bytes_go_both_ways() {
    let authority = Authority::new();
    let (_running, address) = start(router(), ServerConfig::default(), authority.server());
    let mut tls = believing(&authority);
    tls.alpn = vec![b"nothing".to_vec(), b"http/1.1".to_vec()];
    let connector = connector(tls);
    for resumed in [false, true] {
        let connection = connector.connect(&format!("localhost:{}", address.port())).unwrap();
        connection.set_read_timeout(Some(PATIENCE));
        let session = connection.tls().unwrap();
        assert_eq!(session.alpn(), Some(&b"http/1.1"[..]));
        assert_eq!(session.is_resumed(), resumed);
        assert_eq!(session.peer_certificates().len(), 1);
        assert!(get(&connection).ends_with("\r\n\r\nhello"));
    }
}

#[test]
fn much_goes_both_ways_at_the_same_time() {
    let authority = Authority::new();
    let config = ServerConfig { body_limit: 8 << 20, ..ServerConfig::default() };
    let (_running, address) = start(router(), config, authority.server());
    let connection =
        connector(believing(&authority)).connect(&format!("localhost:{}", address.port())).unwrap();
    let content = pattern(4 << 20);
    connection.set_read_timeout(Some(PATIENCE));
    connection.set_write_timeout(Some(PATIENCE));
    let head = format!(
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    thread::scope(|scope| {
        scope.spawn(|| {
            (&connection).write_all(head.as_bytes()).unwrap();
            (&connection).write_all(&content).unwrap();
        });
        let mut answer = Vec::new();
        (&connection).read_to_end(&mut answer).unwrap();
        assert!(answer.ends_with(&content), "{} bytes came", answer.len());
    });
}

#[test]
fn a_loop_does_the_handshake_too() {
    let authority = Authority::new();
    let (_running, address) = start(router(), ServerConfig::default(), authority.server());
    let connecting =
        connector(believing(&authority)).begin(&format!("localhost:{}", address.port())).unwrap();
    let start = Instant::now();
    let connection = loop {
        if let Some(connection) = connecting.poll().unwrap() {
            break connection;
        }
        let mut watched = [rustix::event::PollFd::new(&connecting, rustix::event::PollFlags::IN)];
        let patience = rustix::event::Timespec { tv_sec: 20, tv_nsec: 0 };
        assert_eq!(rustix::event::poll(&mut watched, Some(&patience)).unwrap(), 1, "nothing came");
        assert!(start.elapsed() < PATIENCE);
    };
    connection.set_read_timeout(Some(PATIENCE));
    assert!(get(&connection).ends_with("hello"));
}

#[test]
fn whom_to_believe_is_the_clients_choice() {
    let authority = Authority::new();
    let (_running, address) = start(router(), ServerConfig::default(), authority.server());
    let named = format!("localhost:{}", address.port());

    let others = ClientTls::with_roots(Identity::self_signed(&["other"]).unwrap().chain);
    let error = fails(connector(others).connect(&named));
    assert_eq!((error.phase(), error.kind()), (Phase::Tls, ErrorKind::InvalidData));
    let expected = format!(
        "can't speak TLS to {named}: the certificate of the peer: is of an authority that is not believed"
    );
    assert_eq!(error.to_string(), expected);
    assert!(matches!(error.failure(), ConnectFailure::Tls { kind: "certificate", .. }));

    // The certificate is for localhost, and not for the address.
    let numbers = address.to_string();
    let error = fails(connector(believing(&authority)).connect(&numbers));
    assert!(error.to_string().ends_with("is for another name"), "{error}");
    let overridden = ClientTls { server_name: Some("localhost".to_owned()), ..believing(&authority) };
    assert!(get(&connector(overridden).connect(&numbers).unwrap()).ends_with("hello"));
    let anybody = ClientTls { trust: Trust::InsecureAnyCertificate, ..ClientTls::default() };
    assert!(get(&connector(anybody).connect(&numbers).unwrap()).ends_with("hello"));
}

#[test]
fn a_client_shows_its_certificate() {
    let authority = Authority::new();
    let mut tls = authority.server();
    tls.client_auth = ClientAuth::Required { roots: vec![authority.pem()], revocation_lists: Vec::new() };
    let (_running, address) = start(router(), ServerConfig::default(), tls);
    let target = format!("localhost:{}", address.port());
    let (chain, key) = authority.issue("somebody");
    let identity = Some(Identity::new(Source::bytes(chain), Source::bytes(key)));
    let known = connector(ClientTls { identity, ..believing(&authority) }).connect(&target).unwrap();
    assert!(get(&known).ends_with("hello"));
    // In TLS 1.3 a client that shows none finds out behind its handshake.
    let unknown = connector(believing(&authority)).connect(&target).unwrap();
    let error = unknown.read_within(&mut [0; 16], Some(PATIENCE)).unwrap_err();
    assert_eq!(error.to_string(), "TLS: the peer ended it: certificate_required");
}

#[test]
fn peers_that_do_not_speak_it_are_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let anybody = ClientTls { trust: Trust::InsecureAnyCertificate, ..ClientTls::default() };
    let short = ConnectConfig::default().with_timeout(SHORT).with_tls(anybody.clone());

    // Silent: the deadline ends it.
    let start = Instant::now();
    let error = fails(Connector::new(short).unwrap().connect(&target));
    assert!(start.elapsed() >= SHORT - Duration::from_millis(1));
    assert_eq!((error.phase(), error.kind()), (Phase::Tls, ErrorKind::TimedOut));
    let expected = format!("can't speak TLS to {target}: the handshake had not ended after 200ms");
    assert_eq!(error.to_string(), expected);
    drop(listener.accept().unwrap());

    for (says, kind) in
        [(&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], ErrorKind::InvalidData), (b"", ErrorKind::UnexpectedEof)]
    {
        let connecting = connector(anybody.clone()).begin(&target).unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut other = listener.accept().unwrap().0;
                let hello = other.read(&mut [0; 4096]).unwrap();
                assert!(hello > 0);
                other.write_all(says).unwrap();
            });
            let error = fails(connecting.wait(Some(PATIENCE)).map(|connection| connection.unwrap()));
            assert_eq!((error.phase(), error.kind()), (Phase::Tls, kind), "{error}");
        });
    }
}

#[test]
fn an_end_that_nobody_announced_is_an_error() {
    let authority = Authority::new();
    let (chain, key) = authority.issue("localhost");
    let server = rustls_server(&chain, &key);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = format!("localhost:{}", listener.local_addr().unwrap().port());
    for announced in [true, false] {
        let server = server.clone();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut socket = listener.accept().unwrap().0;
                let mut tls = rustls::ServerConnection::new(server).unwrap();
                let mut stream = rustls::Stream::new(&mut tls, &mut socket);
                stream.write_all(b"all of it").unwrap();
                if announced {
                    tls.send_close_notify();
                    tls.write_tls(&mut socket).unwrap();
                }
                // What the client sends is read, or the end would be a reset.
                socket.shutdown(std::net::Shutdown::Write).unwrap();
                let _ = socket.read_to_end(&mut Vec::new());
            });
            let mut connection = connector(believing(&authority)).connect(&target).unwrap();
            connection.set_read_timeout(Some(PATIENCE));
            let mut text = Vec::new();
            let end = connection.read_to_end(&mut text);
            assert_eq!(text, b"all of it");
            match announced {
                true => assert_eq!(end.unwrap(), 9),
                false => assert_eq!(end.unwrap_err().kind(), ErrorKind::UnexpectedEof),
            }
            connection.close_write().unwrap();
            assert_eq!(connection.write(b"more").unwrap_err().kind(), ErrorKind::BrokenPipe);
        });
    }
}

fn rustls_server(chain: &str, key: &str) -> std::sync::Arc<rustls::ServerConfig> {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let chain = CertificateDer::pem_slice_iter(chain.as_bytes()).collect::<Result<_, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    std::sync::Arc::new(config.unwrap().with_no_client_auth().with_single_cert(chain, key).unwrap())
}

#[test]
fn a_path_has_no_name_for_a_certificate() {
    let error = fails(connector(ClientTls::default()).connect("unix:/nowhere"));
    assert_eq!((error.phase(), error.kind()), (Phase::Target, ErrorKind::InvalidInput));
    assert!(error.to_string().ends_with("set server_name"), "{error}");
}
