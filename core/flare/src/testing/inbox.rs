//! What a connection without a worker is told by other threads.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use crate::exchange::{ExchangeKey, Home};
use crate::websocket::{self, Budget, Publication, SendError, TopicCommand};

/// What the connection is told.
pub(crate) enum Message {
    Wake(ExchangeKey),
    Topic(TopicCommand),
    Publish(Arc<Publication>),
}

/// Where it is told.
pub(crate) struct Inbox {
    sender: Mutex<Sender<Message>>,
    budget: Arc<Budget>,
}

impl Inbox {
    pub(crate) fn new() -> (Arc<Self>, Receiver<Message>) {
        let (sender, receiver) = channel();
        (Arc::new(Self { sender: Mutex::new(sender), budget: Arc::default() }), receiver)
    }

    fn post(&self, message: Message) {
        // Err: the test is over.
        let _ = self.sender.lock().unwrap_or_else(PoisonError::into_inner).send(message);
    }
}

impl Home for Inbox {
    fn wake(&self, key: ExchangeKey) {
        self.post(Message::Wake(key));
    }

    fn topic(&self, command: TopicCommand) {
        self.post(Message::Topic(command));
    }

    fn publish(&self, topic: &str, message: websocket::Message<'_>) -> Result<(), SendError> {
        let publication = Publication::new(topic, message, &self.budget).ok_or(SendError::WouldBlock)?;
        self.post(Message::Publish(publication));
        Ok(())
    }
}
