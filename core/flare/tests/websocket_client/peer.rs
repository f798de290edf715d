//! Servers that are no servers: a thread with a socket that says what the test wants.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use flare_proto::websocket::handshake::accept_key;

use super::common::PATIENCE;

/// Takes one connection, and does this with it. The URI, and the thread.
pub fn serving(serve: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let (uri, mut threads) = serving_each(vec![Box::new(serve)]);
    (uri, threads.remove(0))
}

type Serve = Box<dyn FnOnce(TcpStream) + Send>;

/// Takes a connection for each of these, in order, one after the other.
pub fn serving_each(serves: Vec<Serve>) -> (String, Vec<JoinHandle<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ws://{}/", listener.local_addr().unwrap());
    let thread = thread::spawn(move || {
        for serve in serves {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(PATIENCE)).unwrap();
            serve(stream);
        }
    });
    (uri, vec![thread])
}

/// Reads the head of a request.
pub fn read_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend_from_slice(&byte);
    }
    String::from_utf8(head).unwrap()
}

/// The value of a field.
pub fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The answer that accepts this request, with more fields.
pub fn accepting(head: &str, more: &str) -> String {
    let accept = accept_key(field(head, "sec-websocket-key").unwrap().as_bytes()).unwrap();
    let accept = std::str::from_utf8(&accept).unwrap();
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    )
}

/// Accepts the socket of whoever connected.
pub fn accept(stream: &mut TcpStream) {
    let head = read_head(stream);
    stream.write_all(accepting(&head, "").as_bytes()).unwrap();
}

/// Reads a frame of a client, of less than 126 bytes: its first byte and its payload.
pub fn read_frame(stream: &mut TcpStream) -> (u8, Vec<u8>) {
    let mut head = [0; 6];
    stream.read_exact(&mut head).unwrap();
    assert!((0x80..0xfe).contains(&head[1]), "not masked, or long: {head:?}");
    let mut payload = vec![0; usize::from(head[1] & 0x7f)];
    stream.read_exact(&mut payload).unwrap();
    payload.iter_mut().zip(head[2..].iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    (head[0], payload)
}
