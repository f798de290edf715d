//! One stream: its exchange, content that waits for the handler, and content that waits for the client.

use bytes::Bytes;
use flare_net::Millis;

use super::outgoing::Outgoing;
use crate::exchange::Gathered;
use crate::message::{Headers, Part};
use crate::server::environment::Environment;
use crate::server::running::{Answer, Content, Running, Supply};

/// The answer can't become whole: its source failed.
#[derive(Debug)]
pub(crate) struct Broken;

/// A stream whose exchange runs.
pub(crate) struct Stream {
    pub(crate) running: Running,
    /// Content that came before the handler took it; the stream's window bounds it.
    waiting: Gathered,
    /// The client has sent the whole request; its end may still be behind what waits.
    pub(crate) received_all: bool,
    /// What of the answer has no room in the windows yet.
    pub(crate) outgoing: Outgoing,
    /// More of the answer comes from the exchange, behind what is in `outgoing`.
    pub(crate) flows: bool,
    /// What ends the answer.
    pub(crate) trailers: Option<Box<Headers>>,
}

impl Stream {
    pub(crate) fn new(running: Running, received_all: bool) -> Self {
        Self {
            running,
            waiting: Gathered::default(),
            received_all,
            outgoing: Outgoing::default(),
            flows: false,
            trailers: None,
        }
    }

    /// Keeps content until the handler takes it.
    pub(crate) fn keep(&mut self, data: &[u8]) {
        self.waiting.push(data);
    }

    /// Whether content that comes now goes to the handler, and not behind what waits.
    pub(crate) fn takes_content(&self) -> bool {
        self.waiting.is_empty() && self.running.takes_content()
    }

    /// The next content that waits, if the handler takes it.
    pub(crate) fn next_waiting(&mut self) -> Option<Bytes> {
        if self.running.takes_content() { self.waiting.pop(usize::MAX) } else { None }
    }

    /// Whether the handler has all content and should learn that it was all.
    pub(crate) fn ends_now(&self) -> bool {
        let open = matches!(self.running.content, Content::Collected { .. } | Content::Flowing { .. });
        self.received_all && self.waiting.is_empty() && open
    }

    /// When something of it has lasted too long. `unread`: the client is not read. `unsent`: it takes no output.
    pub(crate) fn deadline(&self, unread: bool, unsent: bool) -> Millis {
        let content =
            if self.received_all || unread { Millis::NEVER } else { self.running.content_deadline() };
        let answer = match self.running.answer {
            Answer::None => Millis::NEVER,
            Answer::Waiting => self.running.answer_deadline,
            // What waits for the client's window has a time limit of its own.
            Answer::Streaming if unsent || !self.outgoing.is_empty() => Millis::NEVER,
            Answer::Streaming => self.running.answer_deadline,
        };
        content.min(answer)
    }

    /// Takes content from the exchange until so much waits, or there is no more for now.
    pub(crate) fn fill(&mut self, most: u64, env: &Environment) -> Result<(), Broken> {
        while self.flows && self.outgoing.len() < most {
            match self.running.next_content(env) {
                Supply::Data(data) => self.outgoing.push(Part::Bytes(data)),
                Supply::File(file) => self.outgoing.push(Part::File(file)),
                Supply::Nothing => break,
                Supply::End(trailers) => {
                    self.flows = false;
                    if trailers.is_some() {
                        self.trailers = trailers;
                    }
                }
                Supply::Broken => return Err(Broken),
            }
        }
        Ok(())
    }
}
