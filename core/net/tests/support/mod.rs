//! What the driver's tests share: connected sockets of both sorts, and a loop that gives up when nothing comes.
#![allow(dead_code, clippy::unwrap_used)]

pub mod names;
pub mod udp;

use flare_net::{Driver, DriverOptions, Event, Key, Stream};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Far longer than anything here takes. A test that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Both sorts of socket, for tests that must hold on each.
pub const SORTS: [Sort; 2] = [Sort::Tcp, Sort::Unix];

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Sort {
    Tcp,
    Unix,
}

/// Makes a driver whose read buffers have this size.
pub type Make = fn(usize) -> Driver;

/// Both drivers. Where the system refuses io_uring they are the same.
pub const DRIVERS: [Make; 2] = [driver, ring];

/// Both drivers, each with both sorts of socket.
pub const CASES: [(Make, Sort); 4] =
    [(driver, Sort::Tcp), (driver, Sort::Unix), (ring, Sort::Tcp), (ring, Sort::Unix)];

/// A driver with readiness alone.
pub fn driver(read_buffer: usize) -> Driver {
    Driver::new(DriverOptions { read_buffer, ..DriverOptions::default() }).unwrap()
}

/// A driver with io_uring, if the system permits it.
pub fn ring(read_buffer: usize) -> Driver {
    Driver::new(DriverOptions { read_buffer, io_uring: true, ..DriverOptions::default() }).unwrap()
}

/// Whether the driver uses io_uring: then some things take another turn.
pub fn is_ring(driver: &Driver) -> bool {
    matches!(driver.io_uring(), Some(Ok(())))
}

/// A connection inside the driver, and its other end, which blocks.
pub fn connect(driver: &mut Driver, sort: Sort) -> (Key, Stream) {
    let (inside, outside) = match sort {
        Sort::Unix => Stream::pair().unwrap(),
        Sort::Tcp => {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let outside = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            outside.set_nodelay(true).unwrap();
            (Stream::Tcp(listener.accept().unwrap().0), Stream::Tcp(outside))
        }
    };
    outside.set_read_timeout(Some(PATIENCE)).unwrap();
    (driver.insert(inside).unwrap(), outside)
}

/// Closes a TCP stream so that the peer gets a reset.
pub fn reset(stream: Stream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

/// Turns the driver until `on` breaks off.
pub fn run<T>(driver: &mut Driver, mut on: impl FnMut(&mut Driver, Event) -> ControlFlow<T>) -> T {
    let start = Instant::now();
    loop {
        driver.wait(Some(PATIENCE)).unwrap();
        while let Some(event) = driver.next() {
            if let ControlFlow::Break(value) = on(driver, event) {
                return value;
            }
        }
        assert!(start.elapsed() < PATIENCE, "nothing came");
    }
}

/// The next event.
pub fn event(driver: &mut Driver) -> Event {
    loop {
        if let Some(event) = driver.next() {
            return event;
        }
        let start = Instant::now();
        driver.wait(Some(PATIENCE)).unwrap();
        assert!(start.elapsed() < PATIENCE, "nothing came");
    }
}

/// Receives from `key` until so many bytes have come, and nothing else.
pub fn receive(driver: &mut Driver, from: Key, length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < length {
        match event(driver) {
            Event::Received { key, lease } if key == from => {
                bytes.extend_from_slice(&lease);
                driver.recycle(lease);
            }
            other => panic!("{other:?}"),
        }
    }
    bytes
}

/// What comes without waiting: a short form of each event of the next turn.
pub fn turn(driver: &mut Driver) -> Vec<(Key, String)> {
    driver.wait(Some(Duration::ZERO)).unwrap();
    rest_of_turn(driver)
}

/// The events that are left of this turn.
pub fn rest_of_turn(driver: &mut Driver) -> Vec<(Key, String)> {
    let mut events = Vec::new();
    while let Some(event) = driver.next() {
        events.push(match event {
            Event::Received { key, lease } => {
                let text = String::from_utf8(lease.to_vec()).unwrap();
                driver.recycle(lease);
                (key, text)
            }
            Event::ReadClosed { key } => (key, "<closed>".into()),
            Event::Flushed { key } => (key, "<flushed>".into()),
            Event::Writable { key } => (key, "<writable>".into()),
            Event::Connected { key } => (key, "<connected>".into()),
            Event::Failed { key, error } => (key, format!("<{:?}>", error.kind())),
            other => panic!("{other:?}"),
        });
    }
    events
}

/// An open file without a name, of `length` bytes as `byte_at` describes.
pub fn file(length: usize) -> std::fs::File {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = std::env::temp_dir().join(format!("flare-net-{}-{number}", std::process::id()));
    let mut file = std::fs::File::options().read(true).write(true).create_new(true).open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file.write_all(&(0..length).map(byte_at).collect::<Vec<u8>>()).unwrap();
    file
}

/// Reads to the end and checks each byte against `byte_at`. Gives their number.
pub fn check_to_end(mut stream: Stream) -> JoinHandle<usize> {
    std::thread::spawn(move || {
        let mut place = 0;
        let mut buffer = vec![0; 10_000];
        loop {
            let count = stream.read(&mut buffer).unwrap();
            if count == 0 {
                return place;
            }
            for byte in &buffer[..count] {
                assert_eq!(*byte, byte_at(place), "at {place}");
                place += 1;
            }
        }
    })
}

/// A byte for each place of a long content, such that a piece in the wrong place shows.
pub fn byte_at(place: usize) -> u8 {
    ((place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as u8
}
