//! Connecting without blocking.
#![allow(clippy::unwrap_used)]

mod support;

use flare_net::{Address, Event, Output, Sent};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use support::{DRIVERS, PATIENCE, event, receive, turn};

fn socket_path(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("flare-net-{name}-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    path
}

/// An address that takes no more connections: they stay on their way. With what keeps it so.
fn full() -> (Address, impl Drop) {
    struct Kept(Vec<Socket>);
    impl Drop for Kept {
        fn drop(&mut self) {
            self.0.clear();
        }
    }
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    listener.listen(0).unwrap();
    let to = listener.local_addr().unwrap();
    let mut kept = vec![listener];
    for _ in 0..8 {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        let _ = socket.connect(&to);
        kept.push(socket);
    }
    (to.as_socket().unwrap().into(), Kept(kept))
}

#[test]
fn connected_comes_first_and_bytes_go_both_ways() {
    for driver in DRIVERS {
        let path = socket_path("connect");
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(&path).unwrap();
        for address in [tcp.local_addr().unwrap().into(), Address::Unix(Some(path.clone()))] {
            let mut driver = driver(64);
            let key = driver.connect(&address).unwrap();
            let mut server = match address {
                Address::Ip(_) => flare_net::Stream::Tcp(tcp.accept().unwrap().0),
                Address::Unix(_) => flare_net::Stream::Unix(unix.accept().unwrap().0),
            };
            // There before the driver has looked.
            server.write_all(b"welcome").unwrap();
            assert!(matches!(event(&mut driver), Event::Connected { key: of } if of == key));
            assert_eq!(receive(&mut driver, key, 7), b"welcome");
            assert_eq!(driver.peer_address(key).unwrap(), address);
            let mut output = Output::new();
            output.buffer().extend_from_slice(b"thanks");
            assert_eq!(driver.send(key, &mut output).unwrap(), Sent::All);
            assert_eq!(turn(&mut driver), []);
            driver.close(key);
            let mut text = String::new();
            server.read_to_string(&mut text).unwrap();
            assert_eq!(text, "thanks");
        }
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn what_is_sent_before_waits() {
    for driver in DRIVERS {
        let path = socket_path("early");
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let unix = UnixListener::bind(&path).unwrap();
        for address in [tcp.local_addr().unwrap().into(), Address::Unix(Some(path.clone()))] {
            for text in ["", "early"] {
                let mut driver = driver(64);
                let key = driver.connect(&address).unwrap();
                let mut output = Output::new();
                output.buffer().extend_from_slice(text.as_bytes());
                let expected = if text.is_empty() { Sent::All } else { Sent::Queued };
                assert_eq!(driver.send(key, &mut output).unwrap(), expected);
                assert_eq!((driver.backlog(key), driver.sent(key)), (text.len(), 0));
                driver.shutdown_write(key).unwrap();
                assert!(matches!(event(&mut driver), Event::Connected { .. }));
                if !text.is_empty() {
                    assert!(matches!(event(&mut driver), Event::Flushed { .. }));
                }
                let mut server = match address {
                    Address::Ip(_) => flare_net::Stream::Tcp(tcp.accept().unwrap().0),
                    Address::Unix(_) => flare_net::Stream::Unix(unix.accept().unwrap().0),
                };
                server.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut got = String::new();
                server.read_to_string(&mut got).unwrap();
                assert_eq!(got, text);
                assert_eq!(driver.sent(key), text.len() as u64);
            }
        }
        std::fs::remove_file(path).unwrap();
    }
}

#[test]
fn nobody_listens() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let key = driver.connect(&address.into()).unwrap();
        match event(&mut driver) {
            Event::Failed { key: of, error } => {
                assert_eq!((of, error.kind()), (key, ErrorKind::ConnectionRefused));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(turn(&mut driver), []);
        driver.close(key);

        let path = socket_path("nobody");
        let address = Address::Unix(Some(path.clone()));
        assert_eq!(driver.connect(&address).unwrap_err().kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(driver.connect(&address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
        std::fs::remove_file(path).unwrap();
        assert_eq!(driver.connect(&Address::Unix(None)).unwrap_err().kind(), ErrorKind::InvalidInput);
        assert!(driver.is_empty());
    }
}

#[test]
fn closing_gives_up() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (address, _kept) = full();
        let key = driver.connect(&address).unwrap();
        let mut output = Output::new();
        output.buffer().extend_from_slice(b"never");
        assert_eq!(driver.send(key, &mut output).unwrap(), Sent::Queued);
        driver.pause_read(key);
        driver.resume_read(key);
        driver.set_low_water(key, 100);
        // Nothing is told of a connection that is on its way.
        assert_eq!(turn(&mut driver), []);
        assert_eq!((driver.len(), driver.backlog(key)), (1, 5));
        driver.close(key);
        assert!(driver.is_empty());
        assert_eq!(turn(&mut driver), []);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_unix_listener_whose_queue_is_full_says_so_at_once() {
    for driver in DRIVERS {
        use flare_net::{ListenOptions, Listener};

        let path = socket_path("queue");
        let address = Address::Unix(Some(path));
        let options = ListenOptions { backlog: 1, ..ListenOptions::default() };
        let _listener = Listener::bind(&address, &options).unwrap();
        let mut driver = driver(64);
        let error = (0..10).find_map(|_| driver.connect(&address).err()).unwrap();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_credentials_of_a_unix_peer() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (unix, _one) = support::connect(&mut driver, support::Sort::Unix);
        let (tcp, _other) = support::connect(&mut driver, support::Sort::Tcp);
        let us = driver.peer_credentials(unix).unwrap();
        assert_eq!(us.pid, std::process::id() as i32);
        let own = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap());
        assert_eq!(us.uid, own);
        assert_eq!(driver.peer_credentials(tcp).unwrap_err().kind(), ErrorKind::Unsupported);
        driver.close(unix);
        assert_eq!(driver.peer_credentials(unix).unwrap_err().kind(), ErrorKind::NotConnected);
    }
}
