//! Writing: whole answers, streams of content, and refusals.

use std::time::Duration;

use bytes::Bytes;
use flare_net::Output;
use flare_proto::http1::{BodyFraming, ContentLength, ResponseParts, SendError};

use super::{Answer, Http1, Input};
use crate::exchange::{Block, Event, Piece};
use crate::log::{AccessRecord, Level};
use crate::message::{Body, Headers, Part, Pull, Request, Response};
use crate::server::environment::Environment;
use crate::server::guard;

/// Bodies up to this size are copied beside their head; larger ones leave from where they are. Below it, one more `iovec`
/// costs more than the copy.
const COPY_LIMIT: usize = 8 * 1024;

impl Http1 {
    /// Sends the answer of the running exchange, whole or its head and what content there is.
    pub(super) fn send(&mut self, env: &mut Environment, out: &mut Output) {
        let Some(request) = self.request.take() else { return };
        let state = &request.block.state;
        let streamed = state.is_streamed();
        if self.expects_continue && self.input != Input::Complete {
            // The client may send the content or not: nothing behind it could be told apart.
            self.wire.close_after_response();
        }
        if self.input == Input::Decide {
            self.leave_unread(&request.block, env);
        }
        let sent = {
            let mut answer = request.block.answer();
            let unharmed = self.on_head(&request, &mut answer, env);
            self.status = status_to_send(&answer);
            if streamed && !unharmed {
                // The content that goes with the head that was lost must not follow this one.
                state.cancel(crate::CancelReason::Reset);
            }
            if streamed && unharmed {
                self.encode_head(&mut answer, env, out)
            } else {
                self.encode(&mut answer, env, out)
            }
        };
        let sent = sent.or_else(|error| {
            env.service.log.tell(Level::Error, "answer can't be sent", || error.to_string());
            self.status = 500;
            self.wire.close_after_response();
            self.encode(&mut Response::status_only(500), env, out)
        });
        match sent {
            Ok(Content::Whole) => return self.finish(request, env),
            Ok(Content::Follows) => {}
            Ok(Content::Pulled(source)) => request.block.stream.lock().source = Some(source),
            Err(_) => {
                self.request = Some(request);
                return self.cut(crate::CancelReason::Reset, env);
            }
        }
        self.request = Some(request);
        self.answer = Answer::Streaming;
        self.answer_deadline = env.now + env.service.config.stream_timeout;
        self.pump(env, out);
    }

    /// The answer is out: counts it, tells who wants to know, and goes on to what follows.
    fn finish(&mut self, request: Request, env: &mut Environment) {
        if request.block.stream.is_used() {
            drop(request.block.stream.close());
        }
        self.answer = Answer::None;
        self.held = false;
        env.leave_flight();
        self.concluded(&request, env);
        env.pool.give_back(request.block);
        self.route = None;
        (self.status, self.body_bytes) = (0, 0);
        if self.end.is_some() {
        } else if self.wire.keeps_alive() {
            self.next_request(env);
        } else if self.wire.request_complete() || self.wire.closes() {
            let linger = !self.wire.request_complete();
            self.close(linger);
        } else {
            self.input = Input::Discard { allowed: env.service.config.discard_limit };
            self.input_deadline = env.now + env.service.config.body_timeout;
        }
    }

    /// Shows the head of an answer to the middlewares that saw the request. False: one of them panicked, so it is a 500 now.
    fn on_head(&self, request: &Request, answer: &mut Response, env: &Environment) -> bool {
        let Some(route) = &self.route else { return true };
        if route.chain.is_empty() {
            return true;
        }
        answer.unprepare();
        let mut unharmed = true;
        for middleware in route.chain.iter().take(self.stage).rev() {
            let seen = guard::unwinding(env, "middleware panicked", || middleware.on_head(request, answer));
            if seen.is_none() {
                unharmed = false;
                answer.set_status_only(500);
            }
        }
        unharmed
    }

    /// Tells middleware and logs that the exchange has ended.
    pub(super) fn concluded(&self, request: &Request, env: &Environment) {
        if self.status != 0 {
            env.counters.answer(self.status);
        }
        let chain = self.route.as_ref().map(|route| route.chain.as_slice()).unwrap_or_default();
        if chain.is_empty() && env.service.access.is_none() {
            return;
        }
        let record = AccessRecord {
            request,
            status: self.status,
            body_bytes: self.body_bytes,
            duration: Duration::from_millis(env.now.0.saturating_sub(self.began.0)),
            whole: self.wire.response_complete(),
        };
        for middleware in chain.iter().take(self.stage).rev() {
            guard::unwinding(env, "middleware panicked", || middleware.on_end(&record));
        }
        if let Some(access) = &env.service.access {
            guard::unwinding(env, "access log panicked", || access(&record));
        }
    }

    /// Sends interim answers that were given before the head.
    pub(super) fn send_interim(&mut self, block: &Block, out: &mut Output) {
        while let Some((status, headers)) = block.stream.lock().pop_informational() {
            // Err: HTTP/1.0, or too late; an interim answer may be left out.
            let _ = self.wire.send_informational(out.buffer(), status, &headers);
        }
    }

    fn write_head(
        &mut self,
        answer: &Response,
        length: ContentLength,
        env: &Environment,
        out: &mut Output,
    ) -> Result<BodyFraming, SendError> {
        let parts = ResponseParts {
            status: status_to_send(answer),
            headers: &answer.headers,
            body: length,
            origin: Some(env.date.fields()),
        };
        self.body_bytes = 0;
        let framing = self.wire.send_head(out.buffer(), &parts)?;
        self.until_close = framing == BodyFraming::UntilClose;
        Ok(framing)
    }

    /// Writes a whole answer, or as much of it as there is.
    pub(super) fn encode(
        &mut self,
        answer: &mut Response,
        env: &Environment,
        out: &mut Output,
    ) -> Result<Content, SendError> {
        if !answer.headers.is_empty() || answer.trailers.is_some() {
            answer.unprepare();
        }
        if let Some(prepared) = &answer.prepared {
            self.wire.send_prepared(out.buffer(), &prepared.http1, env.date.fields())?;
            self.body_bytes = prepared.body.len() as u64;
            return Ok(Content::Whole);
        }
        let length = match answer.body.length() {
            _ if answer.trailers.is_some() => ContentLength::Unknown,
            Some(length) => ContentLength::Known(length),
            None => ContentLength::Unknown,
        };
        let framing = self.write_head(answer, length, env, out)?;
        if framing != BodyFraming::Nothing {
            match &mut answer.body {
                Body::Source(_) => {
                    if let Body::Source(source) = std::mem::take(&mut answer.body) {
                        return Ok(Content::Pulled(source));
                    }
                }
                Body::File(file) => {
                    let part = Part::File(file.clone());
                    self.parts(part.length(), [part], out)?;
                }
                Body::Parts(parts) => {
                    let parts = std::mem::take(parts);
                    let length = parts.iter().map(Part::length).fold(0, u64::saturating_add);
                    self.parts(length, parts, out)?;
                }
                body => {
                    let length = body.as_slice().len();
                    self.body_bytes = length as u64;
                    if length <= COPY_LIMIT {
                        self.wire.send_data(out.buffer(), body.as_slice())?;
                    } else {
                        self.content(body.take_bytes(), out)?;
                    }
                }
            }
        }
        self.wire.send_end(out.buffer(), answer.trailers.as_deref())?;
        Ok(Content::Whole)
    }

    /// Writes the head of a stream.
    fn encode_head(
        &mut self,
        answer: &mut Response,
        env: &Environment,
        out: &mut Output,
    ) -> Result<Content, SendError> {
        let announced = answer.headers.get_str("content-length").and_then(|text| text.parse().ok());
        let length = announced.map_or(ContentLength::Unknown, ContentLength::Known);
        let framing = self.write_head(answer, length, env, out)?;
        Ok(if framing == BodyFraming::Nothing { Content::Whole } else { Content::Follows })
    }

    /// Writes content that lies elsewhere.
    fn content(&mut self, data: Bytes, out: &mut Output) -> Result<(), SendError> {
        if data.len() <= COPY_LIMIT {
            return self.wire.send_data(out.buffer(), &data);
        }
        if self.wire.begin_data(out.buffer(), data.len())? {
            out.push_shared(data);
            self.wire.end_data(out.buffer());
        }
        Ok(())
    }

    /// Writes content of several pieces, `length` bytes in all.
    fn parts(
        &mut self,
        length: u64,
        parts: impl IntoIterator<Item = Part>,
        out: &mut Output,
    ) -> Result<(), SendError> {
        self.body_bytes = length;
        let length = usize::try_from(length).map_err(|_| SendError::TooLong)?;
        if self.wire.begin_data(out.buffer(), length)? {
            for part in parts {
                match part {
                    Part::Bytes(bytes) if bytes.len() <= COPY_LIMIT => out.buffer().extend_from_slice(&bytes),
                    Part::Bytes(bytes) => out.push_shared(bytes),
                    Part::File(file) => out.push_file(file.file, file.offset, file.length),
                }
            }
            self.wire.end_data(out.buffer());
        }
        Ok(())
    }

    /// Sends content that flows, as much as the client takes.
    pub(super) fn pump(&mut self, env: &mut Environment, out: &mut Output) {
        if self.answer != Answer::Streaming {
            return;
        }
        let Some(request) = self.request.clone() else { return };
        let block = &request.block;
        let mut ended = false;
        while !self.blocked && !ended {
            if out.len() >= env.service.config.output_limit {
                self.blocked = true;
                break;
            }
            let step = self.next_content(&request, env);
            let written = match step {
                Supply::Data(data) => {
                    self.answer_deadline = env.now + env.service.config.stream_timeout;
                    self.body_bytes += data.len() as u64;
                    self.content(data, out)
                }
                Supply::Nothing => break,
                Supply::End(trailers) => {
                    ended = true;
                    self.wire.send_end(out.buffer(), trailers.as_deref())
                }
                Supply::Broken => Err(SendError::TooShort),
            };
            if let Err(error) = written {
                env.service.log.tell(Level::Error, "stream broken", || error.to_string());
                return self.cut(crate::CancelReason::Reset, env);
            }
        }
        if ended {
            // Only one of the two goes back to the pool.
            self.request = None;
            self.finish(request, env);
        } else if block.stream.lock().became_writable() {
            block.stream.notify();
            if guard::unwinding(env, "callback panicked", || block.stream.call(Event::Writable)).is_none() {
                self.cut(crate::CancelReason::Reset, env);
            }
        }
    }

    /// The next content of a stream: what was written, or what its source gives.
    fn next_content(&self, request: &Request, env: &Environment) -> Supply {
        let block = &request.block;
        let mut stream = block.stream.lock();
        match stream.pop_piece() {
            Some(Piece::Data(data)) => return Supply::Data(data),
            // Given in the same moment as the head: too late.
            Some(Piece::Informational(..)) => return Supply::Data(Bytes::new()),
            None if stream.sent_all => return Supply::End(stream.answer_trailers.take()),
            None => {}
        }
        let Some(mut source) = stream.source.take() else { return Supply::Nothing };
        drop(stream);
        let pulled = guard::unwinding(env, "source panicked", || source.pull(request));
        match pulled {
            Some(Pull::Data(data)) => {
                block.stream.lock().source = Some(source);
                Supply::Data(data)
            }
            Some(Pull::WouldBlock) => {
                block.stream.lock().source = Some(source);
                Supply::Nothing
            }
            Some(Pull::End) => {
                block.stream.lock().sent_all = true;
                Supply::End(None)
            }
            Some(Pull::Failed) | None => Supply::Broken,
        }
    }

    /// Refuses the running exchange, whose handler may hold it.
    pub(super) fn refuse_running(&mut self, status: u16, env: &mut Environment, out: &mut Output) {
        if self.answer == Answer::Waiting {
            self.dismiss(crate::CancelReason::PeerGone, env);
            self.refuse(status, env, out);
        } else {
            self.cut(crate::CancelReason::PeerGone, env);
        }
    }

    /// Answers with a plain error that echoes nothing, and closes.
    pub(super) fn refuse(&mut self, status: u16, env: &mut Environment, out: &mut Output) {
        self.wire.close_after_response();
        let mut answer = Response::status_only(status);
        if status == 503 {
            let set = answer.headers.set("retry-after", "1");
            debug_assert!(set.is_ok());
        }
        if let Some(request) = &self.request {
            self.on_head(request, &mut answer, env);
        }
        // Err: an answer has begun already, so closing is all that is left.
        if self.encode(&mut answer, env, out).is_ok() {
            self.status = status_to_send(&answer);
        }
        if self.request.is_some() {
            self.conclude(env);
        } else if self.status != 0 {
            // There was no whole head, so this is no exchange.
            env.counters.answer(self.status);
        }
        self.route = None;
        self.close(true);
    }
}

/// The status of an answer; one that is none is the handler's mistake.
fn status_to_send(answer: &Response) -> u16 {
    if (200..600).contains(&answer.status) { answer.status } else { 500 }
}

/// What is left of an answer after its head.
pub(super) enum Content {
    /// Nothing.
    Whole,
    /// What the handler writes.
    Follows,
    /// What a source gives.
    Pulled(Box<dyn crate::message::Source>),
}

/// The next step of a stream.
enum Supply {
    Data(Bytes),
    Nothing,
    End(Option<Box<Headers>>),
    Broken,
}
