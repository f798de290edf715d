//! Connecting by name and address: whoever answers first wins, everything ends in time, and nothing is left open.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{PATIENCE, socket_path};
use flare::connect::{
    ConnectConfig, ConnectError, ConnectFailure, Connecting, Connection, Connector, HostName, Lookup, Phase,
    ResolveError, Resolver, ResolverOptions,
};

/// Short enough to wait for, long enough for what should be done before.
const SHORT: Duration = Duration::from_millis(150);

/// One name after the other has the addresses that the test says, when it says them.
struct Told(Mutex<Receiver<Result<Vec<SocketAddr>, ResolveError>>>);

impl Lookup for Told {
    fn lookup(&self, _name: &HostName) -> Result<Vec<SocketAddr>, ResolveError> {
        self.0.lock().unwrap().recv_timeout(PATIENCE).unwrap_or(Err(ResolveError::NotFound))
    }
}

type Tell = Sender<Result<Vec<SocketAddr>, ResolveError>>;

/// A connector, and how to say what the next name has.
fn held(config: ConnectConfig) -> (Connector, Tell) {
    let (tell, told) = channel();
    let resolver =
        Resolver::new(ResolverOptions { threads: 1, ..ResolverOptions::default() }, Told(Mutex::new(told)));
    (Connector::new(config).unwrap().with_resolver(resolver), tell)
}

/// A connector whose next name has these addresses.
fn knows(config: ConnectConfig, addresses: &[SocketAddr]) -> Connector {
    let (connector, tell) = held(config);
    tell.send(Ok(addresses.to_vec())).unwrap();
    connector
}

fn short() -> ConnectConfig {
    ConnectConfig::default().with_timeout(SHORT)
}

fn listener(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// An address where nobody listens, on this port.
fn refused(host: &str, port: u16) -> SocketAddr {
    let address: SocketAddr = format!("{host}:{port}").parse().unwrap();
    assert!(TcpStream::connect(address).is_err(), "{address} answers");
    address
}

/// A listener whose queue is full: it answers nobody any more.
struct Hole {
    address: SocketAddr,
    _listener: socket2::Socket,
    _queue: Vec<socket2::Socket>,
}

fn black_hole(address: &str) -> Hole {
    let wanted: SocketAddr = address.parse().unwrap();
    let socket =
        socket2::Socket::new(socket2::Domain::for_address(wanted), socket2::Type::STREAM, None).unwrap();
    socket.bind(&wanted.into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let mut queue = Vec::new();
    loop {
        let client =
            socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None).unwrap();
        let connected = client.connect_timeout(&address.into(), Duration::from_millis(50)).is_ok();
        queue.push(client);
        if !connected {
            return Hole { address, _listener: socket, _queue: queue };
        }
        assert!(queue.len() < 100, "the queue has no end");
    }
}

fn fails(result: Result<Connection, ConnectError>) -> ConnectError {
    match result {
        Ok(connection) => panic!("{connection:?}"),
        Err(error) => error,
    }
}

/// A connection really leads to this listener, and blocks.
fn check(mut connection: Connection, listener: &TcpListener) {
    let (mut other, from) = listener.accept().unwrap();
    assert_eq!(connection.local_address().unwrap(), from.into());
    connection.write_all(b"ping").unwrap();
    let mut word = [0; 4];
    other.read_exact(&mut word).unwrap();
    other.write_all(&word).unwrap();
    drop(other);
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "ping");
}

fn wait(connecting: &Connecting) -> Result<Connection, ConnectError> {
    connecting.wait(Some(PATIENCE)).map(|connection| connection.expect("it has an end"))
}

/// What a loop does: waits until the descriptor is readable, and polls.
fn watch(connecting: &Connecting) -> Result<Connection, ConnectError> {
    let start = Instant::now();
    loop {
        if let Some(connection) = connecting.poll()? {
            return Ok(connection);
        }
        let mut watched = [rustix::event::PollFd::new(&connecting, rustix::event::PollFlags::IN)];
        let patience = rustix::event::Timespec { tv_sec: 20, tv_nsec: 0 };
        assert_eq!(rustix::event::poll(&mut watched, Some(&patience)).unwrap(), 1, "nothing came");
        assert!(start.elapsed() < PATIENCE);
    }
}

type Way = fn(&Connecting) -> Result<Connection, ConnectError>;

/// Both ways to wait.
const WAYS: [Way; 2] = [wait, watch];

#[test]
fn numbers_paths_and_names_are_connected_to() {
    let (tcp, address) = listener("127.0.0.1:0");
    let connector = Connector::default();
    check(connector.connect(&address.to_string()).unwrap(), &tcp);
    check(connector.connect(&format!("localhost:{}", address.port())).unwrap(), &tcp);

    let path = socket_path();
    let unix = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let mut connection = connector.connect(&format!("unix:{}", path.display())).unwrap();
    connection.write_all(b"x").unwrap();
    let mut byte = [0];
    unix.accept().unwrap().0.read_exact(&mut byte).unwrap();
    assert_eq!(&byte, b"x");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_loop_watches_the_descriptor_and_blocks_nowhere() {
    let (tcp, address) = listener("127.0.0.1:0");
    let (connector, tell) = held(ConnectConfig::default());
    let connecting = connector.begin(&format!("a.example:{}", address.port())).unwrap();
    assert!(connecting.poll().unwrap().is_none(), "its name is not known");
    tell.send(Ok(vec!["127.0.0.1:0".parse().unwrap()])).unwrap();
    check(watch(&connecting).unwrap(), &tcp);
    assert!(matches!(fails(watch(&connecting)).failure(), ConnectFailure::Over));
}

#[test]
fn the_next_address_is_tried_at_once_when_one_refuses() {
    let (tcp, address) = listener("127.0.0.2:0");
    let dead = refused("127.0.0.3", address.port());
    for way in WAYS {
        let slow = ConnectConfig::default().with_attempt_delay(Duration::from_secs(10));
        let connector = knows(slow, &[dead, address]);
        let start = Instant::now();
        let connecting = connector.begin(&format!("a:{}", address.port())).unwrap();
        let connection = way(&connecting).unwrap();
        assert_eq!(*connection.peer_address(), address.into());
        assert!(start.elapsed() < Duration::from_secs(5));
        check(connection, &tcp);
    }
}

#[test]
fn an_address_that_is_silent_does_not_hold_up_the_next_one() {
    let hole = black_hole("127.0.0.4:0");
    let (tcp, address) = {
        let listener = TcpListener::bind(("127.0.0.5", hole.address.port())).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    };
    for way in WAYS {
        let connector = knows(
            ConnectConfig::default().with_attempt_delay(Duration::from_millis(50)),
            &[hole.address, address],
        );
        let start = Instant::now();
        let connecting = connector.begin(&format!("a:{}", address.port())).unwrap();
        let connection = way(&connecting).unwrap();
        assert!(start.elapsed() >= Duration::from_millis(49), "the first one has its time");
        assert_eq!(*connection.peer_address(), address.into());
        check(connection, &tcp);
    }
}

#[test]
fn both_families_are_tried() {
    let Ok(six) = TcpListener::bind("[::1]:0") else {
        eprintln!("this host has no IPv6");
        return;
    };
    let address = six.local_addr().unwrap();
    let dead = refused("127.0.0.6", address.port());
    let connector = knows(ConnectConfig::default(), &[dead, address]);
    check(connector.connect(&format!("a:{}", address.port())).unwrap(), &six);
}

#[test]
fn when_all_refuse_each_is_named() {
    let port = listener("127.0.0.1:0").1.port();
    let dead = ["127.0.0.1", "127.0.0.2"].map(|host| refused(host, port));
    for way in WAYS {
        let connecting = knows(ConnectConfig::default(), &dead).begin(&format!("A.Example:{port}")).unwrap();
        let error = fails(way(&connecting));
        assert_eq!((error.phase(), error.attempts().len()), (Phase::Connect, 2));
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        let refused = "Connection refused (os error 111)";
        let expected = format!(
            "can't connect to a.example:{port}: 127.0.0.1:{port}: {refused}; 127.0.0.2:{port}: {refused}"
        );
        assert_eq!(error.to_string(), expected);
    }
    let error = fails(Connector::default().connect(&format!("127.0.0.1:{port}")));
    assert_eq!((error.kind(), error.attempts().len()), (ErrorKind::ConnectionRefused, 1), "{error}");
}

#[test]
fn a_path_that_nobody_answers_is_an_error() {
    let error = fails(Connector::default().connect(&format!("unix:{}", socket_path().display())));
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[test]
fn texts_that_are_no_target_are_refused_before_anything_is_asked() {
    let (connector, _tell) = held(ConnectConfig::default());
    for text in
        ["", "a", "a:x", "a b:80", "a\0b:80", "a\r\n:80", "127.1:80", "2130706433:80", "-a:80", "unix:"]
    {
        let error = connector.begin(text).expect_err(text);
        assert!(matches!(error.failure(), ConnectFailure::Target(_)), "{text:?}: {error}");
        assert_eq!(error.target(), text);
    }
}

#[test]
fn a_name_that_is_not_found_says_so() {
    for (told, text) in [
        (ResolveError::NotFound, "can't resolve a:1: the name has no address"),
        (ResolveError::Failed("on fire".into()), "can't resolve a:1: on fire"),
    ] {
        let (connector, tell) = held(ConnectConfig::default());
        tell.send(Err(told)).unwrap();
        let error = fails(connector.connect("a:1"));
        assert_eq!((error.phase(), error.to_string()), (Phase::Resolve, text.to_owned()));
    }
}

#[test]
fn the_deadline_ends_each_phase() {
    let hole = black_hole("127.0.0.7:0");
    for way in WAYS {
        let (connector, _tell) = held(short());
        let start = Instant::now();
        let error = fails(way(&connector.begin("a:1").unwrap()));
        assert!(start.elapsed() >= SHORT - Duration::from_millis(1) && start.elapsed() < PATIENCE / 2);
        assert_eq!(error.to_string(), "can't resolve a:1: no answer within 150ms");

        // By address: a name might use up the time on a busy machine.
        let connector = Connector::new(short()).unwrap();
        let error = fails(way(&connector.begin(&hole.address.to_string()).unwrap()));
        assert_eq!((error.phase(), error.kind()), (Phase::Connect, ErrorKind::TimedOut));
    }
}

#[test]
fn it_can_be_cancelled_in_each_phase_and_by_another_thread() {
    let hole = black_hole("127.0.0.8:0");
    for way in WAYS {
        let (connector, tell) = held(ConnectConfig::default());
        let resolving = connector.begin("a:1").unwrap();
        resolving.cancel();
        let error = fails(way(&resolving));
        assert!(matches!(error.failure(), ConnectFailure::Cancelled), "{error}");
        assert_eq!(error.phase(), Phase::Resolve);
        drop(tell);

        // By address: nothing tells when a name is known.
        let racing = Arc::new(Connector::default().begin(&hole.address.to_string()).unwrap());
        assert!(racing.wait(Some(SHORT)).unwrap().is_none());
        let other = Arc::clone(&racing);
        let thread = std::thread::spawn(move || other.cancel());
        let error = fails(way(&racing));
        assert!(matches!(error.failure(), ConnectFailure::Cancelled), "{error}");
        assert_eq!(error.phase(), Phase::Connect);
        thread.join().unwrap();
        racing.cancel();
    }
}

#[test]
fn each_call_has_its_own_limit_and_a_limit_of_zero_tries() {
    let (tcp, address) = listener("127.0.0.1:0");
    let connection = Connector::default().connect(&address.to_string()).unwrap();
    let (mut other, _) = tcp.accept().unwrap();
    let mut buffer = [0; 16];
    let error = connection.read_within(&mut buffer, Some(Duration::ZERO)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let start = Instant::now();
    assert_eq!(connection.read_within(&mut buffer, Some(SHORT)).unwrap_err().kind(), ErrorKind::TimedOut);
    assert!(start.elapsed() >= SHORT);
    let much = vec![0; 1 << 20];
    // The system moves bytes on by itself for a while, so what is full may take some again.
    for (limit, kind) in [(Duration::ZERO, ErrorKind::WouldBlock), (SHORT, ErrorKind::TimedOut)] {
        let full = loop {
            if let Err(error) = connection.write_within(&much, Some(limit)) {
                break error;
            }
        };
        assert_eq!(full.kind(), kind);
    }
    other.write_all(b"hello").unwrap();
    assert_eq!(connection.read_within(&mut buffer, Some(PATIENCE)).unwrap(), 5);
}

#[test]
fn closing_ends_a_read_of_another_thread_and_writes_are_no_signal() {
    let (tcp, address) = listener("127.0.0.1:0");
    let connection = Arc::new(Connector::default().connect(&address.to_string()).unwrap());
    let (_other, _) = tcp.accept().unwrap();
    let reader = Arc::clone(&connection);
    let reading = std::thread::spawn(move || reader.read_within(&mut [0], Some(PATIENCE)).unwrap());
    assert_eq!(connection.read_within(&mut [], None).unwrap(), 0);
    connection.close().unwrap();
    assert_eq!(reading.join().unwrap(), 0);
    assert_eq!(connection.write_within(b"x", Some(PATIENCE)).unwrap_err().kind(), ErrorKind::BrokenPipe);
}

#[test]
fn settings_are_checked() {
    let none = Connector::new(ConnectConfig::default().with_timeout(Duration::ZERO)).unwrap_err();
    assert_eq!(none.to_string(), "setting timeout_ms: 0 is not within 1 to 86400000");
    let short = ConnectConfig::default().with_attempt_delay(Duration::from_millis(9));
    assert!(Connector::new(short).unwrap_err().to_string().starts_with("setting attempt_delay_ms: 9 is not"));
}

#[test]
fn what_a_peer_says_first_is_not_lost() {
    let (listener, address) = listener("127.0.0.1:0");
    let connecting = Connector::default().begin(&address.to_string()).unwrap();
    // The attempt is begun; whether it is done is not looked at before the peer has spoken.
    assert!(connecting.poll().unwrap().is_none());
    let (mut peer, _) = listener.accept().unwrap();
    peer.write_all(b"220 welcome\r\n").unwrap();
    let mut connection = connecting.wait(Some(PATIENCE)).unwrap().unwrap();
    connection.set_read_timeout(Some(PATIENCE));
    let mut said = [0; 13];
    connection.read_exact(&mut said).unwrap();
    assert_eq!(&said, b"220 welcome\r\n");
}
