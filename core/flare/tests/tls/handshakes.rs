//! Handshakes that end badly, slowly, or not at all; and client certificates.

use std::io::{Read, Write};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use flare::log::{Level, Log};
use flare::prelude::*;
use flare::tls::ClientAuth;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::support::{Authority, Client, address, connect, start, tcp};
use crate::common::{PATIENCE, one_worker, wait_until};

fn router() -> Router {
    let mut router = Router::new();
    router
        .get("/", |request: &Request| {
            let shown = request.tls().and_then(|tls| tls.peer_certificate());
            shown.map_or("nobody".to_owned(), |der| der.len().to_string())
        })
        .unwrap();
    router
}

#[test]
fn plain_http_gets_a_readable_answer_and_garbage_an_alert() {
    let authority = Authority::new();
    let told = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&told);
    let log = Log::new(Level::Info, move |_, text| sink.lock().unwrap().push(text.to_owned()));
    let server = Server::new(router()).config(one_worker()).log(log);
    let server =
        server.listen_tls("127.0.0.1:0", authority.server()).unwrap().bind().unwrap().start().unwrap();
    let address = address(&server);
    for (sent, expected) in [
        (&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &b"HTTP/1.1 400 Bad Request\r\n"[..]),
        (b"\0\0\0\0\0\0\0\0", &[21, 3, 3, 0, 2, 2]),
        (&[22, 3, 1, 0, 5, 99, 0, 0, 1, 0], &[21, 3, 3, 0, 2, 2]),
    ] {
        let mut stream = tcp(address);
        stream.write_all(sent).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(expected), "{:?}", String::from_utf8_lossy(&answer));
    }
    let handle = server.handle();
    wait_until("all were closed", || handle.stats().open == 0);
    assert_eq!(handle.stats().tls_failed, 3);
    let told = told.lock().unwrap();
    let failures: Vec<_> = told.iter().filter(|text| text.contains("TLS handshake failed")).collect();
    assert_eq!(failures.len(), 3, "{told:?}");
    assert!(failures[0].contains("127.0.0.1:") && failures[0].contains("does not speak TLS"), "{failures:?}");
}

#[test]
fn slow_and_half_open_handshakes_end() {
    let authority = Authority::new();
    let mut tls = authority.server();
    tls.handshake_timeout = Duration::from_millis(200);
    let (server, address) = start(router(), one_worker(), tls);
    let mut silent = tcp(address);
    let mut half = tcp(address);
    half.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    let mut gone = tcp(address);
    gone.write_all(&[22, 3, 1]).unwrap();
    drop(gone);
    for stream in [&mut silent, &mut half] {
        assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0, "the server closes");
    }
    let handle = server.handle();
    wait_until("all were closed", || handle.stats().open == 0);
    assert_eq!((handle.stats().tls_failed, handle.stats().timeouts), (3, 2));
}

#[test]
fn more_handshakes_than_allowed_wait_in_line() {
    let authority = Authority::new();
    let mut tls = authority.server();
    (tls.max_handshakes, tls.handshake_timeout) = (1, Duration::from_secs(10));
    let (server, address) = start(router(), one_worker(), tls);
    let mut holder = tcp(address);
    holder.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    let handle = server.handle();
    wait_until("the only place is taken", || handle.stats().bytes_in == 6);
    let config = Arc::new(authority.client());
    let client = std::thread::spawn(move || connect(address, &config).get("/"));
    wait_until("the second has sent its hello", || handle.stats().bytes_in > 200);
    assert_eq!(handle.stats().tls_handshakes, 0);
    drop(holder);
    assert_eq!(client.join().unwrap().0, 200);
    assert_eq!((handle.stats().tls_handshakes, handle.stats().tls_failed), (1, 1));
}

#[test]
fn a_line_that_is_full_turns_away() {
    let authority = Authority::new();
    let mut tls = authority.server();
    tls.max_handshakes = 1;
    let (server, address) = start(router(), one_worker(), tls);
    let handle = server.handle();
    let mut waiting = Vec::new();
    for number in 1..=5 {
        let mut stream = tcp(address);
        stream.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
        waiting.push(stream);
        wait_until("it was read", || handle.stats().bytes_in == 6 * number);
    }
    let mut one_more = tcp(address);
    one_more.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    wait_until("it was turned away", || handle.stats().tls_failed == 1);
    assert_eq!(handle.stats().open, 5);
}

#[test]
fn who_leaves_the_line_makes_room_in_it() {
    let authority = Authority::new();
    let mut tls = authority.server();
    (tls.max_handshakes, tls.handshake_timeout) = (1, Duration::from_secs(10));
    let (server, address) = start(router(), one_worker(), tls);
    let handle = server.handle();
    let come = || {
        let before = handle.stats().bytes_in;
        let mut stream = tcp(address);
        stream.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
        wait_until("it was read", || handle.stats().bytes_in == before + 6);
        stream
    };
    let holder = come();
    for _ in 0..3 {
        let waiting: Vec<_> = (0..4).map(|_| come()).collect();
        assert_eq!(handle.stats().open, 5);
        drop(waiting);
        wait_until("they are gone", || handle.stats().open == 1);
    }
    let before = handle.stats().bytes_in;
    let config = Arc::new(authority.client());
    let client = std::thread::spawn(move || connect(address, &config).get("/"));
    wait_until("its hello was read", || handle.stats().bytes_in > before);
    drop(holder);
    assert_eq!(client.join().unwrap().0, 200);
    assert_eq!(handle.stats().timeouts, 0);
}

#[test]
fn who_leaves_when_its_turn_has_come_leaves_it_to_the_next() {
    let authority = Authority::new();
    let mut tls = authority.server();
    tls.max_handshakes = 1;
    let (entered, enters) = channel();
    let (release, released) = channel::<()>();
    let (entered, released) = (Mutex::new(entered), Mutex::new(released));
    let mut router = router();
    router
        .get("/block", move |_: &Request| {
            entered.lock().unwrap().send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
        })
        .unwrap();
    let (server, address) = start(router, one_worker(), tls);
    let handle = server.handle();
    let config = Arc::new(authority.client());
    let mut blocker = connect(address, &config);
    assert_eq!(blocker.get("/").0, 200);
    let begin = || {
        let before = handle.stats().bytes_in;
        let mut stream = tcp(address);
        stream.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
        wait_until("it was read", || handle.stats().bytes_in == before + 6);
        stream
    };
    let (shaking, next) = (begin(), begin());
    let before = handle.stats().bytes_in;
    let last = std::thread::spawn(move || connect(address, &config).get("/"));
    wait_until("its hello was read", || handle.stats().bytes_in > before);
    blocker.send("GET /block HTTP/1.1\r\nHost: x\r\n\r\n");
    enters.recv_timeout(PATIENCE).unwrap();
    // The worker sees both ends in one turn.
    drop(shaking);
    socket2::SockRef::from(&next).set_linger(Some(Duration::ZERO)).unwrap();
    drop(next);
    release.send(()).unwrap();
    assert_eq!(last.join().unwrap().0, 200);
    assert_eq!(handle.stats().timeouts, 0);
}

#[test]
fn the_certificate_of_a_client_is_seen_by_handlers() {
    let authority = Authority::new();
    let clients = Authority::new();
    let mut tls = authority.server();
    tls.client_auth = ClientAuth::Required { roots: vec![clients.pem()], revocation_lists: Vec::new() };
    let (server, address) = start(router(), one_worker(), tls);
    let (chain, key) = clients.issue("client");
    let der = CertificateDer::from_pem_slice(chain.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let length = der.len().to_string();
    let config = Arc::new(authority.believers().with_client_auth_cert(vec![der], key).unwrap());
    for resumed in [0, 1] {
        assert_eq!(connect(address, &config).get("/").1, length.as_bytes());
        assert_eq!(server.handle().stats().tls_resumed, resumed);
    }
    let mut nobody = connect(address, &Arc::new(authority.client()));
    let sent = nobody.try_send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(sent.is_err() || nobody.answer().is_err());
    let handle = server.handle();
    wait_until("it was refused", || handle.stats().tls_failed == 1);
}

#[test]
fn a_flood_of_garbage_leaves_nothing_behind() {
    let authority = Authority::new();
    let (server, address) = start(router(), one_worker(), authority.server());
    for number in 0..500_u32 {
        let mut stream = tcp(address);
        let garbage: Vec<u8> = (0..200_u32).map(|at| (number * 31 + at * at * 7) as u8).collect();
        // Err: the server was faster to close.
        let _ = stream.write_all(if number % 3 == 0 { &[22, 3, 1, 255, 255] } else { &garbage });
    }
    let handle = server.handle();
    wait_until("all are closed", || handle.stats().accepted == 500 && handle.stats().open == 0);
    assert_eq!(handle.stats().panics, 0);
    assert_eq!(connect(address, &Arc::new(authority.client())).get("/").0, 200);
}

#[test]
fn a_changed_record_ends_the_connection() {
    let authority = Authority::new();
    let (server, address) = start(router(), one_worker(), authority.server());
    let mut client = connect(address, &Arc::new(authority.client()));
    assert_eq!(client.get("/").0, 200);
    client
        .0
        .get_mut()
        .sock
        .write_all(&[23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
        .unwrap();
    assert!(client.rest().is_err(), "the alert is an error");
    let handle = server.handle();
    drop(client);
    wait_until("it was closed", || handle.stats().open == 0);
    assert_eq!(handle.stats().tls_failed, 0, "the handshake was good");
}

#[test]
fn a_proxy_says_first_for_whom_it_speaks() {
    let authority = Authority::new();
    let mut config = one_worker();
    config.proxy_protocol.from = "127.0.0.0/8".parse().unwrap();
    let mut router = Router::new();
    router.get("/", |request: &Request| format!("{} {}", request.peer(), request.tls().is_some())).unwrap();
    let (server, address) = start(router, config, authority.server());
    let client = Arc::new(authority.client());
    for together in [false, true] {
        let mut tls =
            rustls::ClientConnection::new(Arc::clone(&client), "localhost".try_into().unwrap()).unwrap();
        let mut first = b"PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\n".to_vec();
        if together {
            // The hello in the same segment as the header.
            tls.write_tls(&mut first).unwrap();
        }
        let mut stream = tcp(address);
        stream.write_all(&first).unwrap();
        let mut client = Client(std::io::BufReader::new(rustls::StreamOwned::new(tls, stream)));
        assert_eq!(client.get("/").1, b"192.0.2.1:50000 true");
    }
    assert_eq!(server.handle().stats().tls_handshakes, 2);
}
