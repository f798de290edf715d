//! An exchange that runs, on any wire: from its head, by its route and its middleware, to the end of its answer.
//!
//! It knows nothing of how bytes look. The connection that owns it is told what to do next by a [`Turn`], asks it what to send, and
//! hands it the content that comes. `dispatch.rs` brings it to its handler, `content.rs` gives it the request's content
//! (`pace.rs`: in time), `answer.rs` takes the answer out, `switch.rs` makes a byte stream of both, and `datagrams.rs` datagrams of that; `listener.rs` calls
//! whoever listens.

mod answer;
mod content;
mod datagrams;
mod dispatch;
mod listener;
mod pace;
mod switch;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use answer::{Supply, status_to_send};

use flare_net::Millis;
use flare_proto::capsule;
use flare_proto::http1::BodyLength;

use crate::exchange::{CancelReason, Progress};
use crate::message::Request;
use crate::router::{Route, RouteId};
use crate::server::environment::Environment;

/// What a head says to its exchange besides its fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Opening {
    /// Whether and how content follows.
    pub(crate) length: BodyLength,
    /// The client waits for `100 Continue` before it sends content.
    pub(crate) expects_continue: bool,
    /// The client offers to go on with a byte stream of another protocol.
    pub(crate) offers_switch: bool,
}

/// What becomes of the request's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// The head has come, and somebody decides.
    Undecided,
    /// It is collected for the handler; so much more is allowed.
    Collected {
        /// Bytes.
        allowed: u64,
    },
    /// It flows to the handler; so much more is allowed.
    Flowing {
        /// Bytes.
        allowed: u64,
    },
    /// The whole request has come.
    Complete,
}

/// What is being answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing: nobody has the exchange yet.
    None,
    /// Somebody has the exchange and has not answered.
    Waiting,
    /// The head is out, and content follows.
    Streaming,
}

/// What the connection has to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Turn {
    /// Nothing: somebody has the exchange.
    Wait,
    /// Something happened already that has to be looked at.
    Look,
    /// Send the answer, which is whole.
    Send,
    /// Read the content: the handler gets it whole.
    Collect,
}

/// What happened to an exchange that somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// Nothing for the connection; or interim answers, or a wish for content.
    Open,
    /// A middleware lets it go on.
    Proceed,
    /// The answer is there, or its head.
    Answer,
    /// The answer that is being sent goes on.
    Content,
    /// It was given up.
    Reset,
}

/// One exchange, as its connection sees it.
pub(crate) struct Running {
    pub(crate) request: Request,
    route: RouteId,
    /// How many of the route's middlewares have seen it.
    stage: usize,
    pub(crate) content: Content,
    pub(crate) answer: Answer,
    /// The handler takes no more content for now.
    pub(crate) held: bool,
    /// Since when.
    held_since: Millis,
    /// Both sides are a byte stream of another protocol.
    pub(crate) switched: bool,
    /// The byte stream is one of capsules, which carry datagrams.
    capsules: Option<Box<capsule::Datagrams>>,
    /// The deadline of the answer is when the handler wants to be called.
    alarmed: bool,
    /// The client waits for `100 Continue` before it sends content.
    pub(crate) expects_continue: bool,
    /// Status of the answer; 0 before it is sent.
    pub(crate) status: u16,
    /// Content of the answer that was written.
    pub(crate) body_bytes: u64,
    /// When the head was complete.
    began: Millis,
    /// When the next of the content must have come.
    pub(crate) content_deadline: Millis,
    /// When the answer has lasted too long.
    pub(crate) answer_deadline: Millis,
}

impl Running {
    /// What happened since the connection looked last.
    pub(crate) fn news(&self) -> News {
        match (self.answer, self.request.block.channel.state.look()) {
            (_, Progress::Reset) => News::Reset,
            (Answer::Streaming, _) => News::Content,
            (Answer::None, _) | (Answer::Waiting, Progress::Open) => News::Open,
            (Answer::Waiting, Progress::Proceed) => News::Proceed,
            (Answer::Waiting, Progress::Whole | Progress::Streamed) => News::Answer,
        }
    }

    /// Whether content that comes has a place to go to.
    #[inline]
    pub(crate) fn takes_content(&self) -> bool {
        match self.content {
            Content::Collected { .. } => true,
            Content::Flowing { .. } => !self.held,
            Content::Undecided | Content::Complete => false,
        }
    }

    /// When the next of the content must have come.
    #[inline]
    pub(crate) fn content_deadline(&self) -> Millis {
        // A byte stream has one time limit for both directions, which is that of the answer.
        if self.takes_content() && !self.switched { self.content_deadline } else { Millis::NEVER }
    }

    #[inline]
    fn route<'e>(&self, env: &'e Environment) -> &'e Arc<Route> {
        env.service.router.get(self.route)
    }

    /// How long the handler may take.
    fn handler_timeout(&self, env: &Environment) -> Duration {
        self.route(env).options.handler_timeout.unwrap_or(env.service.config.handler_timeout)
    }

    /// The connection answers in place of the handler. What the client still sends has no place to go to.
    #[cfg(feature = "http3")]
    pub(crate) fn overrule(&mut self, env: &mut Environment) {
        if self.content != Content::Complete {
            self.content = Content::Undecided;
        }
        if self.answer == Answer::None {
            env.enter_flight();
        }
        self.answer = Answer::Streaming;
        self.answer_deadline = env.now + env.service.config.stream_timeout;
    }

    /// Tells whoever has the exchange that it is over.
    pub(crate) fn dismiss(&self, reason: CancelReason, env: &Environment) {
        self.request.block.channel.dismiss(reason, env);
    }

    /// Ends it. `whole`: the answer was sent whole. Also one whose content was still being collected: middleware has seen it.
    #[inline(always)]
    pub(crate) fn conclude(self, whole: bool, env: &mut Environment) {
        self.tell_end_of_answer(whole, env);
        if self.answer != Answer::None {
            env.leave_flight();
        }
        env.pool.give_back(self.request.block);
    }
}
