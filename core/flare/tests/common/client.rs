//! A client that knows just enough of HTTP/1.1, written apart from the library's own parser so that both can't be wrong alike.

use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use flare::Address;
use flare_net::Stream;

use super::PATIENCE;

/// A connection that blocks, but never for longer than [`PATIENCE`].
pub struct Client {
    pub stream: Stream,
    /// Received, and not taken yet.
    input: Vec<u8>,
}

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    /// The status line and the fields, in lower case.
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// Whether the server said that it closes.
    pub fn closes(&self) -> bool {
        self.header("connection") == Some("close")
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub fn connect(address: &Address) -> Client {
        Client::new(Stream::connect(address).unwrap())
    }

    pub fn new(stream: Stream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        socket2::SockRef::from(&stream).set_write_timeout(Some(PATIENCE)).unwrap();
        if let Stream::Tcp(stream) = &stream {
            // Else a small write waits for the server to acknowledge the one before.
            stream.set_nodelay(true).unwrap();
        }
        Client { stream, input: Vec::new() }
    }

    /// A connection that holds little on its way, so that a reader that stops is felt at once.
    pub fn connect_narrow(address: &Address) -> Client {
        let client = Client::connect(address);
        socket2::SockRef::from(&client.stream).set_recv_buffer_size(4096).unwrap();
        socket2::SockRef::from(&client.stream).set_send_buffer_size(4096).unwrap();
        client
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends until nobody takes any more for a while. Says how many bytes were taken.
    pub fn send_until_full(&mut self, bytes: &[u8], a_while: Duration) -> usize {
        socket2::SockRef::from(&self.stream).set_write_timeout(Some(a_while)).unwrap();
        let mut sent = 0;
        while let Some(rest) = bytes.get(sent..).filter(|rest| !rest.is_empty()) {
            match self.stream.write(rest) {
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        socket2::SockRef::from(&self.stream).set_write_timeout(Some(PATIENCE)).unwrap();
        sent
    }

    /// Sends GET and waits for the answer.
    pub fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
        self.answer()
    }

    /// Sends POST with content and waits for the answer.
    pub fn post(&mut self, path: &str, body: &[u8]) -> Answer {
        self.send(format!("POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\r\n", body.len()));
        self.send(body);
        self.answer()
    }

    /// The next answer. Fails when the connection ends within it.
    pub fn answer(&mut self) -> Answer {
        self.try_answer().expect("the connection ended instead of an answer")
    }

    /// The next answer; `None` when the connection ended, or was reset, before its first byte.
    pub fn try_answer(&mut self) -> Option<Answer> {
        let head = self.try_head()?;
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        if status >= 200 && status != 204 && status != 304 {
            answer.body = match (answer.header("content-length"), answer.header("transfer-encoding")) {
                (Some(length), None) => self.exactly(length.parse().unwrap()),
                (None, None) => self.rest(),
                other => panic!("{other:?}"),
            };
        }
        Some(answer)
    }

    /// The next head alone, in lower case: that of an answer to HEAD.
    pub fn head(&mut self) -> String {
        self.try_head().expect("the connection ended instead of an answer")
    }

    fn try_head(&mut self) -> Option<String> {
        while find(&self.input, b"\r\n\r\n").is_none() {
            if !self.fill() {
                assert!(self.input.is_empty(), "cut: {:?}", String::from_utf8_lossy(&self.input));
                return None;
            }
        }
        let end = find(&self.input, b"\r\n\r\n").unwrap() + 4;
        Some(String::from_utf8(self.take(end)).unwrap().to_lowercase())
    }

    /// So many bytes.
    pub fn exactly(&mut self, length: usize) -> Vec<u8> {
        self.input.reserve(length.saturating_sub(self.input.len()));
        while self.input.len() < length {
            assert!(self.fill(), "the connection ended {} bytes early", length - self.input.len());
        }
        self.take(length)
    }

    /// Everything up to the end of the connection, which must be a clean one.
    pub fn rest(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.input);
        self.stream.read_to_end(&mut bytes).unwrap();
        bytes
    }

    /// The server closes, cleanly and without another word.
    pub fn expect_end(&mut self) {
        let rest = self.rest();
        assert!(rest.is_empty(), "{:?}", String::from_utf8_lossy(&rest));
    }

    /// The connection ends, with or without a reset, and without another word.
    pub fn expect_lost(&mut self) {
        assert!(!self.fill(), "{:?}", String::from_utf8_lossy(&self.input));
    }

    /// Says that nothing more will be sent.
    pub fn close_write(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Closes so that the server gets a reset (TCP).
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).unwrap();
    }

    /// Reads once. False: the connection has ended.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    return true;
                }
                // A read with a limit is not begun again by the system. The end of a ring that this thread made is enough.
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                    return false;
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.input.split_off(length);
        std::mem::replace(&mut self.input, rest)
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}
