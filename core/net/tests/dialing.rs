//! Connecting by name: whoever answers first wins, and everything ends in time.
#![allow(clippy::unwrap_used)]

mod support;

use flare_net::{
    Address, Clock, Dial, DialError, DialFailure, DialOptions, Driver, Family, Progress, Resolver,
    SocketOptions, Stream, Target,
};
use socket2::{Domain, Socket, Type};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};
use support::DRIVERS;
use support::names::{dial, these, wake};

const SHORT: Duration = Duration::from_millis(150);

fn listener(host: &str, port: u16) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((host, port)).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address where nobody listens, on this port.
fn dead(host: &str, port: u16) -> SocketAddr {
    let address: SocketAddr = format!("{host}:{port}").parse().unwrap();
    assert!(TcpStream::connect(address).is_err(), "{address} answers");
    address
}

/// An address that answers nobody: the queue of its listener is full. With what keeps it so.
fn silent(host: &str) -> (SocketAddr, Vec<Socket>) {
    let wanted: SocketAddr = format!("{host}:0").parse().unwrap();
    let listener = Socket::new(Domain::for_address(wanted), Type::STREAM, None).unwrap();
    listener.bind(&wanted.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    let mut kept = vec![listener];
    for _ in 0..8 {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.set_nonblocking(true).unwrap();
        let _ = socket.connect(&address.into());
        kept.push(socket);
    }
    (address, kept)
}

fn within(timeout: Duration) -> DialOptions {
    DialOptions { timeout, ..DialOptions::default() }
}

/// The stream that a dial has made, and whose it is.
fn reached(driver: &mut Driver, progress: Progress) -> (Stream, Address) {
    match progress {
        Progress::Connected(key, address) => {
            let stream = driver.take(key).unwrap();
            assert!(driver.is_empty(), "the others are closed");
            assert_eq!(stream.peer_address().unwrap(), address);
            (stream, address)
        }
        other => panic!("{other:?}"),
    }
}

fn failed(driver: &Driver, progress: Progress) -> DialError {
    match progress {
        Progress::Failed(error) => {
            assert!(driver.is_empty(), "something is left");
            *error
        }
        other => panic!("{other:?}"),
    }
}

/// A stream leads to this listener.
fn leads_to(mut stream: Stream, listener: &TcpListener) {
    stream.set_nonblocking(false).unwrap();
    let (mut other, from) = listener.accept().unwrap();
    assert_eq!(stream.local_address().unwrap(), from.into());
    stream.write_all(b"ping").unwrap();
    drop(stream);
    let mut text = String::new();
    other.read_to_string(&mut text).unwrap();
    assert_eq!(text, "ping");
}

#[test]
fn a_dead_address_of_the_other_family_is_passed_over_at_once() {
    for driver in DRIVERS {
        let (live, address) = listener("127.0.0.1", 0);
        let options = DialOptions { attempt_delay: Duration::from_secs(10), ..DialOptions::default() };
        let resolver = these(&[dead("[::1]", address.port()), address]);
        let mut driver = driver(64);
        let start = Instant::now();
        let progress = dial(&mut driver, &format!("a.example:{}", address.port()), &options, &resolver);
        let (stream, to) = reached(&mut driver, progress);
        assert!(start.elapsed() < Duration::from_secs(5), "it waited for the delay");
        assert_eq!(to, address.into());
        leads_to(stream, &live);
    }
}

#[test]
fn a_silent_address_does_not_hold_up_the_next() {
    for driver in DRIVERS {
        let (hole, _kept) = silent("127.0.0.2");
        let (live, address) = listener("127.0.0.3", hole.port());
        let delay = Duration::from_millis(50);
        let options = DialOptions { attempt_delay: delay, ..DialOptions::default() };
        let mut driver = driver(64);
        let start = Instant::now();
        let progress =
            dial(&mut driver, &format!("a.example:{}", address.port()), &options, &these(&[hole, address]));
        assert!(start.elapsed() >= delay - Duration::from_millis(1), "the first one has its time");
        let (stream, to) = reached(&mut driver, progress);
        assert_eq!(to, address.into());
        leads_to(stream, &live);
    }
}

#[test]
fn numbers_and_paths_are_not_looked_up() {
    for driver in DRIVERS {
        let (live, address) = listener("127.0.0.1", 0);
        let mut one = driver(64);
        let progress = dial(&mut one, &address.to_string(), &DialOptions::default(), &these(&[]));
        leads_to(reached(&mut one, progress).0, &live);

        let path = std::env::temp_dir().join(format!("flare-net-dial-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let unix = UnixListener::bind(&path).unwrap();
        let mut other = driver(64);
        let progress =
            dial(&mut other, &format!("unix:{}", path.display()), &DialOptions::default(), &these(&[]));
        let (mut stream, _) = reached(&mut other, progress);
        stream.write_all(b"x").unwrap();
        let mut byte = [0];
        unix.accept().unwrap().0.read_exact(&mut byte).unwrap();
        assert_eq!(&byte, b"x");
        std::fs::remove_file(&path).unwrap();
        let mut third = driver(64);
        let progress =
            dial(&mut third, &format!("unix:{}", path.display()), &DialOptions::default(), &these(&[]));
        assert_eq!(failed(&third, progress).kind(), ErrorKind::NotFound);
    }
}

#[test]
fn when_all_refuse_each_is_named() {
    for driver in DRIVERS {
        let port = listener("127.0.0.1", 0).1.port();
        let all = [dead("127.0.0.1", port), dead("[::1]", port), dead("127.0.0.2", port)];
        let mut driver = driver(64);
        let progress = dial(&mut driver, &format!("A.Example:{port}"), &DialOptions::default(), &these(&all));
        let error = failed(&driver, progress);
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("can't connect to a.example:{port}: 127.0.0.1:{port}: ")),
            "{text}"
        );
        for address in all {
            assert!(text.contains(&format!("{address}: Connection refused")), "{text}");
        }
    }
}

#[test]
fn a_name_without_addresses_says_so() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let progress = dial(&mut driver, "a:1", &DialOptions::default(), &these(&[]));
        let error = failed(&driver, progress);
        assert_eq!(error.to_string(), "can't resolve a:1: the name has no address");
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[test]
fn the_deadline_ends_the_race_and_the_lookup() {
    for driver in DRIVERS {
        let (hole, _kept) = silent("127.0.0.4");
        let refused = dead("[::1]", hole.port());
        let mut one = driver(64);
        let start = Instant::now();
        let target = format!("a:{}", hole.port());
        let progress = dial(&mut one, &target, &within(SHORT), &these(&[refused, hole]));
        assert!(start.elapsed() >= SHORT - Duration::from_millis(1));
        let error = failed(&one, progress);
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        let text = error.to_string();
        let expected = format!("can't connect to {target}: no answer within 150ms; before that {refused}: ");
        assert!(text.starts_with(&expected), "{text}");

        let (_held, resolver) = held();
        let mut other = driver(64);
        let progress = dial(&mut other, "a:1", &within(SHORT), &resolver);
        let error = failed(&other, progress);
        assert!(matches!(error.reason, DialFailure::ResolveTimeout(SHORT)), "{error}");
        assert_eq!(error.to_string(), "can't resolve a:1: no answer within 150ms");
    }
}

/// A resolver that waits until the first value is dropped.
fn held() -> (std::sync::mpsc::Sender<()>, Resolver) {
    use flare_net::{HostName, Lookup, ResolveError, ResolverOptions};
    use std::sync::{Mutex, mpsc};
    struct Held(Mutex<mpsc::Receiver<()>>);
    impl Lookup for Held {
        fn lookup(&self, _: &HostName) -> Result<Vec<SocketAddr>, ResolveError> {
            let _ = self.0.lock().unwrap().recv();
            Err(ResolveError::NotFound)
        }
    }
    let (hold, held) = mpsc::channel();
    (hold, Resolver::new(ResolverOptions::default(), Held(Mutex::new(held))))
}

#[test]
fn closing_gives_up_whatever_it_does() {
    for driver in DRIVERS {
        let (hole, _kept) = silent("127.0.0.5");
        let (_held, resolver) = held();
        let clock = Clock::start();
        let mut driver = driver(64);
        let (mailbox, _receiver) = driver.mailbox(8).unwrap();
        let begin = |text: &str| {
            let target = Target::parse(text).unwrap();
            Dial::new(target, &DialOptions::default(), &resolver, clock.now(), wake(&mailbox))
        };
        let mut resolving = begin("a:1");
        assert!(matches!(resolving.advance(&mut driver, clock.now(), |_| ()), Progress::Until(_)));
        assert!(resolving.is_resolving());
        resolving.close(&mut driver);

        let mut racing = begin(&hole.to_string());
        let mut begun = Vec::new();
        assert!(matches!(
            racing.advance(&mut driver, clock.now(), |key| begun.push(key)),
            Progress::Until(_)
        ));
        assert_eq!(begun, racing.keys().collect::<Vec<_>>());
        assert_eq!(driver.len(), 1);
        racing.close(&mut driver);
        assert!(driver.is_empty());
        assert!(!racing.connected(begun[0]), "it is no more one of its own");
    }
}

#[test]
fn a_stream_that_was_taken_still_has_what_was_not_read() {
    for driver in DRIVERS {
        let mut driver = driver(64);
        let (key, mut outside) = support::connect(&mut driver, support::Sort::Tcp);
        outside.write_all(b"hello").unwrap();
        let mut stream = driver.take(key).unwrap();
        assert_eq!(driver.take(key).unwrap_err().kind(), ErrorKind::NotConnected);
        assert!(driver.is_empty());
        assert!(stream.wait(true, false, Some(support::PATIENCE)).unwrap());
        let mut text = [0; 5];
        stream.read_exact(&mut text).unwrap();
        assert_eq!(&text, b"hello");
        assert!(!stream.wait(true, false, Some(Duration::ZERO)).unwrap());
        assert_eq!(stream.read(&mut text).unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}

#[test]
fn only_addresses_of_the_family_are_tried() {
    for driver in DRIVERS {
        let (live, address) = listener("127.0.0.1", 0);
        let resolver = these(&[dead("[::1]", address.port()), address]);
        let target = format!("a.example:{}", address.port());
        let only = |family| DialOptions { family, ..DialOptions::default() };
        let mut one = driver(64);
        let progress = dial(&mut one, &target, &only(Family::Ipv4), &resolver);
        leads_to(reached(&mut one, progress).0, &live);
        let mut one = driver(64);
        let progress = dial(&mut one, &target, &only(Family::Ipv6), &resolver);
        let error = failed(&one, progress);
        assert!(matches!(&error.reason, DialFailure::Connect(attempts) if attempts.len() == 1), "{error}");
        let mut one = driver(64);
        let progress = dial(&mut one, &address.to_string(), &only(Family::Ipv6), &resolver);
        let error = failed(&one, progress);
        assert_eq!(error.to_string(), format!("can't connect to {address}: it has no ipv6 address"));
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }
}

#[test]
fn the_socket_is_made_as_it_should_be() {
    for driver in DRIVERS {
        let (live, address) = listener("127.0.0.1", 0);
        let local = Some("127.0.0.9".parse().unwrap());
        let keep_alive = Some(Duration::from_secs(7));
        let options = DialOptions { socket: SocketOptions { local, keep_alive }, ..DialOptions::default() };
        let mut one = driver(64);
        // The address of IPv6 is left out: this end is one of IPv4.
        let resolver = these(&[dead("[::1]", address.port()), address]);
        let progress = dial(&mut one, &format!("a.example:{}", address.port()), &options, &resolver);
        let (stream, _) = reached(&mut one, progress);
        let Address::Ip(own) = stream.local_address().unwrap() else { panic!("no TCP") };
        assert_eq!(Some(own.ip()), local);
        let socket = socket2::SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        assert_eq!(socket.tcp_keepalive_time().unwrap(), Duration::from_secs(7));
        assert_eq!(socket.tcp_keepalive_interval().unwrap(), Duration::from_secs(7));
        assert_eq!(socket.tcp_keepalive_retries().unwrap(), SocketOptions::PROBES);
        leads_to(stream, &live);

        // An address of somebody else (RFC 5737).
        let local = Some("192.0.2.1".parse().unwrap());
        let options =
            DialOptions { socket: SocketOptions { local, keep_alive: None }, ..DialOptions::default() };
        let mut one = driver(64);
        let progress = dial(&mut one, &address.to_string(), &options, &resolver);
        assert_eq!(failed(&one, progress).kind(), ErrorKind::AddrNotAvailable);
    }
}
