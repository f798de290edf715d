//! Messages of a WebSocket on their way to Python, and who waits for what happens to it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;

/// A message that waits for Python.
pub(crate) enum Kept {
    Text(String),
    Binary(Vec<u8>),
}

impl Kept {
    fn size(&self) -> usize {
        /// What a message costs beside its content.
        const OWN: usize = 64;
        let content = match self {
            Self::Text(text) => text.len(),
            Self::Binary(data) => data.len(),
        };
        content + OWN
    }
}

/// From so many bytes on no more messages are taken from the peer,
const HIGH: usize = 64 * 1024;
/// and below so many they are again.
const LOW: usize = 16 * 1024;

/// Messages on their way to Python, and functions without arguments that are called when something happens. The worker fills it without the
/// GIL; what it calls for is called with it.
#[derive(Default)]
pub(crate) struct Inbox(Mutex<State>);

#[derive(Default)]
struct State {
    messages: VecDeque<Kept>,
    size: usize,
    /// A message was taken, and nobody waited for another since.
    busy: bool,
    /// The peer is not read, because so much waits here.
    full: bool,
    /// Sends are taken again, and nobody was told.
    writable: bool,
    /// How the socket ended.
    ended: Option<(u16, String)>,
    /// Called once for a message, or the end.
    reader: Option<Py<PyAny>>,
    /// Called once when sends are taken, or at the end.
    writers: Vec<Py<PyAny>>,
    /// Called once at the end.
    enders: Vec<Py<PyAny>>,
    /// Called whenever something happens.
    listener: Option<Py<PyAny>>,
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    Message,
    Room,
    End,
}

impl Inbox {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a message. True: that is enough, and the peer must not be read any more.
    pub(crate) fn push(&self, message: Kept) -> bool {
        let mut state = self.state();
        state.size += message.size();
        state.messages.push_back(message);
        state.full = state.size >= HIGH;
        state.full
    }

    /// The next message, and whether the peer may be read again.
    pub(crate) fn pop(&self) -> (Option<Kept>, bool) {
        let mut state = self.state();
        let message = state.messages.pop_front();
        state.busy |= message.is_some();
        state.size -= message.as_ref().map_or(0, Kept::size);
        let again = state.full && state.size < LOW;
        state.full &= !again;
        (message, again)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.state().messages.is_empty()
    }

    /// Whether all messages that came were worked off, as far as can be seen: a program is done with one when it waits for the next.
    pub(crate) fn is_idle(&self) -> bool {
        let state = self.state();
        state.messages.is_empty() && (!state.busy || state.listener.is_some())
    }

    pub(crate) fn set_writable(&self) {
        self.state().writable = true;
    }

    /// Whether sends are taken again and nobody was told.
    pub(crate) fn take_writable(&self) -> bool {
        std::mem::take(&mut self.state().writable)
    }

    pub(crate) fn end(&self, code: u16, reason: &str) {
        self.state().ended.get_or_insert_with(|| (code, reason.to_owned()));
    }

    /// How the socket ended.
    pub(crate) fn ended(&self) -> Option<(u16, String)> {
        self.state().ended.clone()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.state().ended.is_some()
    }

    /// Calls a function once when something happens. False: it has happened, or somebody else waits for messages already.
    pub(crate) fn wait(&self, wait: Wait, waiting: Py<PyAny>) -> bool {
        let mut state = self.state();
        let ended = state.ended.is_some();
        match wait {
            Wait::Message if ended || !state.messages.is_empty() || state.reader.is_some() => false,
            Wait::Message => {
                state.busy = false;
                state.reader.replace(waiting).is_none()
            }
            _ if ended => false,
            Wait::Room => {
                state.writers.push(waiting);
                true
            }
            Wait::End => {
                state.enders.push(waiting);
                true
            }
        }
    }

    /// Nobody waits for a message any more.
    pub(crate) fn forget_reader(&self) {
        let before = self.state().reader.take();
        // Without the lock: its destructor may be anything.
        drop(before);
    }

    /// Calls a function whenever something happens.
    pub(crate) fn listen(&self, listener: Option<Py<PyAny>>) {
        let before = std::mem::replace(&mut self.state().listener, listener);
        drop(before);
    }

    /// Who is to be called for what has happened.
    pub(crate) fn due(&self, py: Python<'_>) -> Vec<Py<PyAny>> {
        let mut state = self.state();
        let ended = state.ended.is_some();
        let mut due = Vec::new();
        if ended {
            // The last call; and it may hold the socket.
            due.extend(state.listener.take());
        } else if let Some(listener) = &state.listener {
            due.push(listener.clone_ref(py));
        } else if std::mem::take(&mut state.writable) {
            due.append(&mut state.writers);
        }
        if ended || !state.messages.is_empty() {
            due.extend(state.reader.take());
        }
        if ended {
            due.append(&mut state.writers);
            due.append(&mut state.enders);
        }
        due
    }
}
