//! One end of a connection: what it knows.

use std::sync::Arc;

use super::deflate::Deflate;
use super::error::ConnectionError;
use super::event::Opcode;
use super::frame::{FrameKind, LONGEST_HEAD};
use super::limits::Limits;
use super::role::Role;
use super::sender::Sender;
use crate::rate::Budget;

/// One end of a WebSocket connection.
///
/// Input and commands append frames to `out`, which the owner sends in this order. Answers to input are Pongs and one Close; Pongs are no longer than
/// their Pings and have a budget. An owner whose peer reads nothing stops its input when `out` is long.
///
/// It belongs to one thread at a time, and is small while no message is on its way. The handshake has to be over: see
/// [`handshake`](super::handshake).
#[derive(Debug)]
pub struct Connection {
    pub(super) limits: Arc<Limits>,
    pub(super) sender: Sender,
    pub(super) inbound: Inbound,
    /// What came of a message, and behind it what came of a control frame in between.
    pub(super) buffer: Vec<u8>,
    /// How much of the buffer is the message's.
    pub(super) message_length: usize,
    /// The message whose last frame is not over.
    pub(super) message: Option<Message>,
    pub(super) budget: Budget,
    /// The time, as the owner says.
    pub(super) now: u64,
    pub(super) close_received: bool,
    pub(super) over: Option<Box<ConnectionError>>,
}

/// Where the input is in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) enum Inbound {
    /// What came of the head of the next frame.
    Head { bytes: [u8; LONGEST_HEAD], have: u8 },
    /// In the payload. The key is that of the next byte.
    Payload { kind: FrameKind, is_last: bool, key: Option<[u8; 4]>, left: u64 },
}

impl Inbound {
    pub(super) const START: Inbound = Inbound::Head { bytes: [0; LONGEST_HEAD], have: 0 };
}

/// A message on its way in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message {
    pub(super) opcode: Opcode,
    pub(super) is_compressed: bool,
    /// How much of the buffer is whole characters. Only of a text.
    pub(super) checked: usize,
}

impl Connection {
    /// An end of a connection whose handshake is over. `deflate`: what was agreed on; `None`: nothing is compressed.
    #[must_use]
    pub fn new(role: Role, limits: Arc<Limits>, deflate: Option<Deflate>) -> Self {
        Connection {
            limits,
            sender: Sender::new(role, deflate),
            inbound: Inbound::START,
            buffer: Vec::new(),
            message_length: 0,
            message: None,
            budget: Budget::default(),
            now: 0,
            close_received: false,
            over: None,
        }
    }

    /// Tells the time, in milliseconds since any start, for the budget of control frames. Call it before a batch of input.
    pub fn set_now(&mut self, milliseconds: u64) {
        self.now = milliseconds;
    }

    /// Whether messages can be sent: neither a Close was sent nor did the connection fail.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.sender.close_sent
    }

    /// Whether both ends have sent a Close, or the connection failed: nothing comes any more, and once `out` was sent, the stream of bytes can end.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.sender.close_sent && (self.close_received || self.over.is_some())
    }

    /// The bytes that are held for messages that are on their way in.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.buffer.capacity()
    }

    /// Whether a message is being sent in fragments: until its last one no other message can be sent.
    #[must_use]
    pub fn is_mid_message(&self) -> bool {
        self.sender.is_mid_message()
    }
}
