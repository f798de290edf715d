//! The server's program: it greets, echoes, and maybe says goodbye.

use std::sync::{Arc, Mutex, PoisonError};

use flare::Request;
use flare::websocket::{Message, SendError, SocketHandler, WebSocket};
use flare_proto::websocket::Opcode;

use super::talk::{SERVER_CODE, Talk, owners};

/// What the handlers of all sockets saw. Clones are the same one.
#[derive(Clone, Default)]
pub struct Saw {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    opened: Vec<usize>,
    closed: Vec<(usize, u16)>,
    faults: Vec<String>,
}

impl Saw {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What must not be, and was.
    pub fn faults(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().faults)
    }

    /// How often a socket was opened, and with which codes it was closed.
    pub fn of(&self, number: usize) -> (usize, Vec<u16>) {
        let inner = self.lock();
        let opened = inner.opened.iter().filter(|opened| **opened == number).count();
        (opened, inner.closed.iter().filter(|(closed, _)| *closed == number).map(|(_, code)| *code).collect())
    }
}

/// The handler of one socket.
pub struct Echo {
    saw: Saw,
    talks: Arc<Vec<Talk>>,
    number: usize,
    heard: usize,
}

impl Echo {
    pub fn new(request: &Request, saw: Saw, talks: Arc<Vec<Talk>>) -> Result<Self, u16> {
        let number = request.param("number").and_then(|number| number.parse().ok());
        let number = number.filter(|number| *number < talks.len()).ok_or(404_u16)?;
        Ok(Self { saw, talks, number, heard: 0 })
    }

    fn fault(&self, what: &str) {
        self.saw.lock().faults.push(format!("socket {}: {what}", self.number));
    }

    fn send(&self, socket: &WebSocket, message: Message<'_>) {
        match socket.send(message) {
            Ok(()) | Err(SendError::Closed) => {}
            Err(error) => self.fault(&format!("a message was refused: {error}")),
        }
    }
}

impl SocketHandler for Echo {
    fn open(&mut self, socket: &WebSocket) {
        self.saw.lock().opened.push(self.number);
        for (place, said) in self.talks[self.number].greetings.iter().enumerate() {
            let (opcode, bytes) = said.message(owners(self.number)[1], place);
            match (opcode, Message::text(&bytes)) {
                (Opcode::Text, Some(text)) => self.send(socket, text),
                _ => self.send(socket, Message::Binary(&bytes)),
            }
        }
    }

    fn message(&mut self, socket: &WebSocket, message: Message<'_>) {
        let talks = Arc::clone(&self.talks);
        let talk = &talks[self.number];
        let Some(said) = talk.messages.get(self.heard) else {
            return self.fault("more messages came than were sent");
        };
        let (opcode, bytes) = said.message(owners(self.number)[0], self.heard);
        if matches!(message, Message::Text(_)) != (opcode == Opcode::Text) || message.as_bytes() != bytes {
            self.fault(&format!("message {} is another", self.heard));
        }
        self.heard += 1;
        self.send(socket, message);
        if talk.server_closes_after == Some(self.heard) {
            // Err: it is closing, or gone.
            let _ = socket.close(SERVER_CODE, "enough");
        }
    }

    fn close(&mut self, _: &WebSocket, code: u16, _: &str) {
        self.saw.lock().closed.push((self.number, code));
    }
}
