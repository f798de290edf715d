//! The answer on its way to the client: its head by the middleware, its content from wherever it comes.

use std::time::Duration;

use bytes::Bytes;

use super::Running;
use super::listener::next_written;
use crate::exchange::{Block, SharedBlock};
use crate::log::AccessRecord;
use crate::message::{FileBody, Headers, Pull, Response};
use crate::server::environment::Environment;
use crate::server::guard;

/// The next step of an answer whose content flows.
pub(crate) enum Supply {
    /// Content.
    Data(Bytes),
    /// Content that is part of a file.
    File(FileBody),
    /// Nothing for now.
    Nothing,
    /// The end, with the trailers.
    End(Option<Box<Headers>>),
    /// Its source failed: the answer can't become whole.
    Broken,
}

impl Running {
    /// Shows the head of an answer to the middlewares that saw the request. False: one of them panicked, so it is a 500 now.
    #[inline]
    pub(crate) fn on_head(&self, answer: &mut Response, env: &Environment) -> bool {
        if !env.service.alternatives.is_empty() {
            let block = &self.request.block;
            env.service.alternatives.tell(&block.ends, block.head.version(), answer);
        }
        self.route(env).chain.is_empty() || self.show_head(answer, env)
    }

    /// The answer without its lock, where nobody else can come to it: whoever had the exchange has let it go, and nobody changes the head.
    #[inline]
    pub(crate) fn own_answer(&mut self, env: &Environment) -> Option<&mut Response> {
        if !env.service.alternatives.is_empty() || !self.route(env).chain.is_empty() {
            return None;
        }
        SharedBlock::get_mut(&mut self.request.block).map(Block::own_answer)
    }

    #[inline(never)]
    fn show_head(&self, answer: &mut Response, env: &Environment) -> bool {
        answer.unprepare();
        let mut unharmed = true;
        for middleware in self.route(env).chain.iter().take(self.stage).rev() {
            let seen =
                guard::unwinding(env, "middleware panicked", || middleware.on_head(&self.request, answer));
            if seen.is_none() {
                unharmed = false;
                answer.set_status_only(500);
            }
        }
        unharmed
    }

    /// Tells middleware and logs that the exchange has ended. `whole`: the answer was sent whole.
    #[inline]
    pub(super) fn tell_end_of_answer(&self, whole: bool, env: &Environment) {
        if self.status != 0 {
            env.counters.answer(self.status);
        }
        if !self.route(env).chain.is_empty() || env.service.access.is_some() {
            self.tell_listeners(whole, env);
        }
    }

    #[inline(never)]
    fn tell_listeners(&self, whole: bool, env: &Environment) {
        let chain = self.route(env).chain.as_slice();
        let record = AccessRecord {
            request: &self.request,
            status: self.status,
            body_bytes: self.body_bytes,
            duration: Duration::from_millis(env.now.0.saturating_sub(self.began.0)),
            whole,
        };
        for middleware in chain.iter().take(self.stage).rev() {
            guard::unwinding(env, "middleware panicked", || middleware.on_end(&record));
        }
        if let Some(access) = &env.service.access {
            guard::unwinding(env, "access log panicked", || access(&record));
        }
    }

    /// The next interim answer that was given before the head.
    pub(crate) fn next_interim(&self) -> Option<(u16, Headers)> {
        self.request.block.channel.stream.lock().pop_informational()
    }

    /// The next content of an answer that flows: what its source gives, then what was written.
    pub(crate) fn next_content(&self, env: &Environment) -> Supply {
        let block = &self.request.block;
        let mut stream = block.channel.stream.lock();
        if let Some(mut source) = stream.source.take() {
            drop(stream);
            let pulled = guard::unwinding(env, "source panicked", || source.pull(&self.request));
            let supply = match pulled {
                Some(Pull::Data(data)) => Supply::Data(data),
                Some(Pull::WouldBlock) => Supply::Nothing,
                Some(Pull::Failed) | None => return Supply::Broken,
                // Its destructor is the application's, as is the source: nothing is locked now.
                Some(Pull::End) if block.channel.state.is_streamed() => {
                    drop(source);
                    return self.next_content(env);
                }
                Some(Pull::End) => {
                    block.channel.stream.lock().sent_all = true;
                    return Supply::End(None);
                }
            };
            block.channel.stream.lock().source = Some(source);
            return supply;
        }
        next_written(&mut stream)
    }

    /// Tells the handler that writes are taken again, if one was refused. False: its callback panicked.
    pub(crate) fn tell_writable(&self, env: &Environment) -> bool {
        self.request.block.channel.tell_writable(env)
    }
}

/// The status of an answer; one that is none is the handler's mistake. 101 is refused later, where nobody asked for a switch.
pub(crate) fn status_to_send(answer: &Response) -> u16 {
    if (200..600).contains(&answer.status) || answer.status == 101 { answer.status } else { 500 }
}
