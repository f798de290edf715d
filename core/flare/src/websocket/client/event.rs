//! What happens to a socket.

/// What happened to a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A text, whole.
    Text(String),
    /// A message of bytes, whole.
    Binary(Vec<u8>),
    /// The server's Ping, with at most 125 bytes. It is answered already.
    Ping(Vec<u8>),
    /// A Pong, with at most 125 bytes: those of the Ping that it answers.
    Pong(Vec<u8>),
    /// Messages are taken again, after one was refused.
    Writable,
    /// The socket is closed: the last event, which every later call repeats.
    Closed(Closed),
}

/// How a socket ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The code of the server's Close frame, or that of its mistake; 1005: its Close had none; 1006: there was no Close (RFC 6455, 7.4.1).
    pub code: u16,
    /// In the server's words, or what went wrong.
    pub reason: String,
    /// Both sides have sent a Close frame.
    pub clean: bool,
}

/// There was a Close frame without a code.
pub(super) const NO_CODE: u16 = 1005;
/// There was no Close frame.
pub(super) const ABNORMAL: u16 = 1006;

impl Closed {
    pub(super) fn abnormal(reason: &str) -> Self {
        Self { code: ABNORMAL, reason: reason.to_owned(), clean: false }
    }
}

impl std::fmt::Display for Closed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.code.fmt(f)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, ": {}", self.reason) }
    }
}
