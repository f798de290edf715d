//! Connections that end while their peer takes nothing.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use flare::prelude::*;
use rustls::ClientConnection;

use super::support::{Authority, connect, start};
use crate::common::{PATIENCE, one_worker, socket_path, wait_until};

#[test]
fn the_end_of_tls_has_a_deadline_too() {
    let mut router = Router::new();
    router
        .get("/:size", |request: &Request| vec![b'x'; request.param("size").unwrap().parse().unwrap()])
        .unwrap();
    let authority = Authority::new();
    let path = socket_path();
    let config = ServerConfig {
        idle_timeout: Duration::from_millis(300),
        write_timeout: Duration::from_millis(300),
        ..one_worker()
    };
    let server = Server::new(router).config(config);
    let server = server.listen_tls(&format!("unix:{}", path.display()), authority.server()).unwrap();
    let server = server.bind().unwrap().start().unwrap();
    let config = Arc::new(authority.client());
    // Of some answers the last byte fits just so, and nothing behind it.
    let clients: Vec<_> = (0..60)
        .map(|step| {
            let mut tls =
                ClientConnection::new(Arc::clone(&config), "localhost".try_into().unwrap()).unwrap();
            let mut stream = UnixStream::connect(&path).unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            while tls.is_handshaking() {
                tls.complete_io(&mut stream).unwrap();
            }
            write!(tls.writer(), "GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", 8000 * step).unwrap();
            tls.complete_io(&mut stream).unwrap();
            (stream, tls)
        })
        .collect();
    let handle = server.handle();
    wait_until("all were closed", || handle.stats().open == 0);
    drop(clients);
}

#[test]
fn the_reason_comes_behind_output_that_waited() {
    const LARGE: usize = 16 << 20;
    let mut router = Router::new();
    router.get("/", |_: &Request| vec![b'x'; LARGE]).unwrap();
    let authority = Authority::new();
    // The server goes on reading beside an answer that waits.
    let config = ServerConfig { output_limit: 2 * LARGE, ..one_worker() };
    let (server, address) = start(router, config, authority.server());
    let handle = server.handle();
    let mut client = connect(address, &Arc::new(authority.client()));
    // So that much is still in the system when the server has given it all away.
    socket2::SockRef::from(&client.0.get_ref().sock).set_recv_buffer_size(16 << 10).unwrap();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    let (mut sent, mut looks) = (0, 0);
    wait_until("the system takes no more", || {
        let now = handle.stats().bytes_out;
        looks = if now == sent { looks + 1 } else { 0 };
        sent = now;
        sent > 100_000 && looks > 100
    });
    let before = handle.stats().bytes_in;
    // A record that nobody can read, and more than is read of what follows.
    let stream = client.0.get_mut();
    stream
        .sock
        .write_all(&[23, 3, 3, 0, 20, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0])
        .unwrap();
    stream.sock.write_all(&[0; 200_000]).unwrap();
    wait_until("it was read", || handle.stats().bytes_in > before);
    let mut rest = Vec::new();
    let error = stream.read_to_end(&mut rest).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData, "{error} behind {} bytes", rest.len());
    assert!(error.to_string().contains("BadRecordMac"), "{error}");
}
