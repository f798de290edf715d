//! The relay between plain sockets.
#![allow(clippy::unwrap_used)]

use flare_test_relay::{Counts, Relay, Weather};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(20);

/// As many datagrams as an ordinary socket keeps until they are received.
const MANY: u32 = 200;

fn socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> (u32, SocketAddr) {
    let mut room = [0; 4];
    let (length, from) = socket.recv_from(&mut room).unwrap();
    assert_eq!(length, 4);
    (u32::from_be_bytes(room), from)
}

/// A server, and a relay before it.
fn relay(up: Weather, down: Weather) -> (UdpSocket, Relay) {
    let server = socket();
    let relay = Relay::start(server.local_addr().unwrap(), 42, up, down).unwrap();
    (server, relay)
}

/// Sends so many numbers, and gives what the server got of them.
fn through(weather: Weather, count: u32) -> (Vec<u32>, Counts) {
    let (server, relay) = relay(weather, Weather::FAIR);
    let client = socket();
    for number in 0..count {
        client.send_to(&number.to_be_bytes(), relay.address()).unwrap();
    }
    let deadline = Instant::now() + PATIENCE;
    while relay.counts().0.came < u64::from(count) {
        assert!(Instant::now() < deadline, "{:?}", relay.counts());
        std::thread::yield_now();
    }
    let counts = relay.counts().0;
    let expected = u64::from(count) - counts.lost + counts.duplicated;
    let got: Vec<_> = (0..expected).map(|_| receive(&server).0).collect();
    // And nothing behind.
    server.set_nonblocking(true).unwrap();
    assert!(server.recv(&mut [0; 4]).is_err());
    assert_eq!(relay.counts().0.left, expected);
    (got, counts)
}

#[test]
fn in_fair_weather_everything_passes_in_order() {
    let (got, counts) = through(Weather::FAIR, MANY);
    assert_eq!(got, (0..MANY).collect::<Vec<_>>());
    assert_eq!(counts, Counts { came: u64::from(MANY), left: counts.left, ..Counts::default() });
}

#[test]
fn what_is_lost_is_decided_by_the_seed() {
    let weather = Weather { loss: 0.2, ..Weather::FAIR };
    let (got, counts) = through(weather, MANY);
    assert_eq!(got.len() as u64, u64::from(MANY) - counts.lost);
    assert!((20..65).contains(&counts.lost), "{counts:?}");
    assert!(got.is_sorted());
    assert_eq!(through(weather, MANY).0, got);
}

#[test]
fn duplicates_come_twice_and_nothing_else() {
    let (mut got, counts) = through(Weather { duplicate: 0.2, ..Weather::FAIR }, MANY);
    assert!((20..65).contains(&counts.duplicated), "{counts:?}");
    assert_eq!(got.len() as u64, u64::from(MANY) + counts.duplicated);
    got.dedup();
    assert_eq!(got, (0..MANY).collect::<Vec<_>>());
}

#[test]
fn reordering_loses_nothing() {
    let (mut got, counts) = through(Weather { reorder: 0.2, ..Weather::FAIR }, MANY);
    assert!(counts.reordered > 10, "{counts:?}");
    assert!(!got.is_sorted());
    got.sort_unstable();
    assert_eq!(got, (0..MANY).collect::<Vec<_>>());
}

#[test]
fn the_last_one_is_not_held_for_ever() {
    assert_eq!(through(Weather { reorder: 1.0, ..Weather::FAIR }, 1).0, [0]);
}

#[test]
fn a_delay_holds_at_least() {
    let delay = Duration::from_millis(30);
    let (server, relay) = relay(Weather { delay, ..Weather::FAIR }, Weather { delay, ..Weather::FAIR });
    let client = socket();
    let start = Instant::now();
    client.send_to(&[0; 4], relay.address()).unwrap();
    let (_, from) = receive(&server);
    assert!(start.elapsed() >= delay);
    server.send_to(&[0; 4], from).unwrap();
    assert_eq!(receive(&client), (0, relay.address()));
    assert!(start.elapsed() >= 2 * delay);
}

#[test]
fn what_is_too_long_for_the_path_is_lost() {
    let (server, relay) = relay(Weather { longest: 4, ..Weather::FAIR }, Weather::FAIR);
    let client = socket();
    client.send_to(&[9; 5], relay.address()).unwrap();
    client.send_to(&7_u32.to_be_bytes(), relay.address()).unwrap();
    assert_eq!(receive(&server).0, 7);
    assert_eq!(relay.counts().0.too_long, 1);
}

#[test]
fn clients_are_told_apart_and_answered_each() {
    let (server, relay) = relay(Weather::FAIR, Weather::FAIR);
    let clients: Vec<_> = (0..10).map(|_| socket()).collect();
    let mut sources = HashSet::new();
    for (number, client) in clients.iter().enumerate() {
        client.send_to(&(number as u32).to_be_bytes(), relay.address()).unwrap();
        let (got, from) = receive(&server);
        assert_eq!(got, number as u32);
        assert!(sources.insert(from));
        server.send_to(&(got + 100).to_be_bytes(), from).unwrap();
    }
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(receive(client), (number as u32 + 100, relay.address()));
    }
}

#[test]
fn rebinding_gives_another_address_and_the_client_notices_nothing() {
    let (server, relay) = relay(Weather::FAIR, Weather::FAIR);
    let client = socket();
    let mut seen = Vec::new();
    for (round, ip) in [None, None, Some("127.0.0.2".parse().unwrap())].into_iter().enumerate() {
        if round > 0 {
            // Elsewhere than on Linux there is only one loopback address.
            relay.rebind(ip.filter(|_| cfg!(target_os = "linux"))).unwrap();
            server.send_to(&[0; 4], *seen.last().unwrap()).unwrap();
        }
        client.send_to(&1_u32.to_be_bytes(), relay.address()).unwrap();
        let (_, from) = receive(&server);
        assert!(!seen.contains(&from));
        seen.push(from);
        server.send_to(&2_u32.to_be_bytes(), from).unwrap();
        // What went to the old address has not come.
        assert_eq!(receive(&client), (2, relay.address()));
    }
    if cfg!(target_os = "linux") {
        assert_eq!(seen[2].ip().to_string(), "127.0.0.2");
    }
}

#[test]
fn the_weather_changes() {
    let (server, relay) = relay(Weather { loss: 1.0, ..Weather::FAIR }, Weather::FAIR);
    let client = socket();
    client.send_to(&1_u32.to_be_bytes(), relay.address()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while relay.counts().0.lost == 0 {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
    relay.set_weather(Weather::FAIR, Weather::FAIR).unwrap();
    client.send_to(&2_u32.to_be_bytes(), relay.address()).unwrap();
    assert_eq!(receive(&server).0, 2);
}

#[test]
fn the_program_says_where_it_is_and_obeys() {
    let server = socket();
    let to = server.local_addr().unwrap().to_string();
    let mut program = Command::new(env!("CARGO_BIN_EXE_flare-test-relay"))
        .args(["--to", &to, "--loss", "1", "--seed", "9"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut orders = program.stdin.take().unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let address: SocketAddr = lines.next().unwrap().unwrap().parse().unwrap();
    let mut order = |text: &str| {
        writeln!(orders, "{text}").unwrap();
        lines.next().unwrap().unwrap()
    };
    assert_eq!(order("fair"), "fair");
    let client = socket();
    client.send_to(&5_u32.to_be_bytes(), address).unwrap();
    let (number, first) = receive(&server);
    assert_eq!(number, 5);
    assert_eq!(order("rebind"), "rebound");
    client.send_to(&6_u32.to_be_bytes(), address).unwrap();
    let (number, second) = receive(&server);
    assert_eq!(number, 6);
    assert_ne!(first, second);
    assert!(order("counts").starts_with("up came=2 left=2 lost=0"));
    drop(orders);
    assert!(program.wait().unwrap().success());
}
