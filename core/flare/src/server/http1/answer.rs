//! Writing: whole answers, streams of content, and refusals.

use bytes::Bytes;
use flare_net::Output;
use flare_proto::http1::{
    BodyFraming, BodyLength, ContentLength, ResponseParts, SendError, ServerConnection,
};

use super::{Becomes, Http1, Input};
use crate::CancelReason;
use crate::log::Level;
use crate::message::{Body, Part, Response, Source};
use crate::server::environment::Environment;
use crate::server::pieces::{self, COPY_LIMIT};
use crate::server::running::{Answer, Content, Running, Supply, status_to_send};
use crate::server::tunnel::Tunnel;

impl Http1 {
    /// Sends the answer of the running exchange, whole or its head and what content there is.
    pub(super) fn send(&mut self, env: &mut Environment, out: &mut Output) {
        let Some(running) = &mut self.running else { return };
        if running.content != Content::Complete
            // The client may send the content or not: nothing behind it could be told apart.
            && (running.expects_continue || leaves_much_unread(running, env))
        {
            self.wire.close_after_response();
        }
        let streamed = running.request.block.channel.state.is_streamed();
        let (status, sent) = if !streamed && let Some(answer) = running.own_answer(env) {
            (status_to_send(answer), write(&mut self.wire, answer, env, out))
        } else {
            let block = &running.request.block;
            let mut answer = block.answer();
            let unharmed = running.on_head(&mut answer, env);
            if streamed && !unharmed {
                // The content that goes with the head that was lost must not follow this one.
                block.channel.state.cancel(CancelReason::Reset);
            }
            let sent = if streamed && unharmed {
                write_stream_head(&mut self.wire, &mut answer, env, out)
            } else {
                write(&mut self.wire, &mut answer, env, out)
            };
            (status_to_send(&answer), sent)
        };
        running.status = status;
        let sent = sent.or_else(|error| {
            env.service.log.tell(Level::Error, "answer can't be sent", || error.to_string());
            running.status = 500;
            self.wire.close_after_response();
            write(&mut self.wire, &mut Response::status_only(500), env, out)
        });
        let Ok(Written { rest, body_bytes, until_close }) = sent else {
            return self.cut(CancelReason::Reset, env);
        };
        running.body_bytes = body_bytes;
        self.until_close = until_close;
        match rest {
            Rest::Nothing => return self.finish(env),
            Rest::Written => {}
            Rest::Pulled(source) => running.request.block.channel.stream.lock().source = Some(source),
        }
        running.answer = Answer::Streaming;
        if self.wire.upgraded() {
            return self.become_tunnel(env);
        }
        running.answer_deadline = env.now + env.service.config.stream_timeout;
        self.pump(env, out);
    }

    /// The head that accepts the switch is out: what follows it, both ways, are bytes of the new protocol.
    #[cold]
    fn become_tunnel(&mut self, env: &mut Environment) {
        if let Some(running) = self.running.take() {
            self.becomes = Some(Becomes::Tunnel(Box::new(Tunnel::new(running, env))));
        }
    }

    /// The answer is out: tells who wants to know, and goes on to what follows.
    fn finish(&mut self, env: &mut Environment) {
        let Some(running) = self.running.take() else { return };
        let stream = &running.request.block.channel.stream;
        if stream.is_used() {
            drop(stream.close());
        }
        running.conclude(self.wire.response_complete(), env);
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

    /// Sends interim answers that were given before the head.
    pub(super) fn send_interim(&mut self, out: &mut Output) {
        let Some(running) = &self.running else { return };
        while let Some((status, headers)) = running.next_interim() {
            // Err: HTTP/1.0, or too late; an interim answer may be left out.
            let _ = self.wire.send_informational(out.buffer(), status, &headers);
        }
    }

    /// Sends content that flows, as much as the client takes.
    pub(super) fn pump(&mut self, env: &mut Environment, out: &mut Output) {
        let Some(running) = &mut self.running else { return };
        if running.answer != Answer::Streaming {
            return;
        }
        let mut ended = false;
        while !self.blocked && !ended {
            if out.len() >= env.service.config.output_limit {
                self.blocked = true;
                break;
            }
            let written = match running.next_content(env) {
                Supply::Data(data) => {
                    running.stays_alive(env);
                    running.body_bytes += data.len() as u64;
                    write_data(&mut self.wire, data, out)
                }
                Supply::File(file) => {
                    running.stays_alive(env);
                    running.body_bytes += file.length;
                    write_parts(&mut self.wire, file.length, [Part::File(file)], out)
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
                return self.cut(CancelReason::Reset, env);
            }
        }
        if ended {
            self.finish(env);
        } else if !running.tell_writable(env) {
            self.cut(CancelReason::Reset, env);
        }
    }

    /// Refuses the running exchange, whose handler may hold it.
    pub(super) fn refuse_running(&mut self, status: u16, env: &mut Environment, out: &mut Output) {
        match &self.running {
            Some(running) if running.answer == Answer::Waiting => {
                running.dismiss(CancelReason::PeerGone, env);
                self.refuse(status, env, out);
            }
            _ => self.cut(CancelReason::PeerGone, env),
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
        if let Some(running) = &self.running {
            running.on_head(&mut answer, env);
        }
        // Err: an answer has begun already, so closing is all that is left.
        let sent = write(&mut self.wire, &mut answer, env, out).ok();
        match (self.running.take(), sent) {
            (Some(mut running), sent) => {
                if let Some(sent) = sent {
                    (running.status, running.body_bytes) = (status_to_send(&answer), sent.body_bytes);
                }
                running.conclude(self.wire.response_complete(), env);
            }
            // There was no whole head, so this is no exchange.
            (None, Some(_)) => env.counters.answer(status_to_send(&answer)),
            (None, None) => {}
        }
        self.close(true);
    }
}

/// Whether content that nobody asked for is too much to be read and dropped behind the answer.
fn leaves_much_unread(running: &Running, env: &Environment) -> bool {
    let length = running.request.block.length;
    running.content == Content::Undecided
        && matches!(length, BodyLength::Known(length) if length > env.service.config.discard_limit)
}

/// What was written of an answer.
struct Written {
    rest: Rest,
    /// Content.
    body_bytes: u64,
    /// The end of the connection is the end of the answer.
    until_close: bool,
}

/// What is left of an answer after its head.
enum Rest {
    /// Nothing.
    Nothing,
    /// What the handler writes.
    Written,
    /// What a source gives.
    Pulled(Box<dyn Source>),
}

/// Writes a whole answer, or as much of it as there is.
fn write(
    wire: &mut ServerConnection,
    answer: &mut Response,
    env: &Environment,
    out: &mut Output,
) -> Result<Written, SendError> {
    if answer.prepared.is_some() && (!answer.headers.is_empty() || answer.trailers.is_some()) {
        answer.unprepare();
    }
    if let Some(prepared) = &answer.prepared {
        wire.send_prepared(out.buffer(), &prepared.http1, env.date.fields())?;
        let body_bytes = prepared.body.len() as u64;
        return Ok(Written { rest: Rest::Nothing, body_bytes, until_close: false });
    }
    if let Some(content) = answer.content_in_memory().filter(|content| content.len() <= COPY_LIMIT) {
        let parts = parts(answer, ContentLength::Known(content.len() as u64), env);
        let framing = wire.send_whole(out.buffer(), &parts, content)?;
        let body_bytes = if framing == BodyFraming::Nothing { 0 } else { content.len() as u64 };
        let until_close = framing == BodyFraming::UntilClose;
        return Ok(Written { rest: Rest::Nothing, body_bytes, until_close });
    }
    let length = match answer.body.length() {
        _ if answer.trailers.is_some() => ContentLength::Unknown,
        Some(length) => ContentLength::Known(length),
        None => ContentLength::Unknown,
    };
    let framing = write_head(wire, answer, length, env, out)?;
    let until_close = framing == BodyFraming::UntilClose;
    let mut body_bytes = 0;
    if framing != BodyFraming::Nothing {
        match &mut answer.body {
            Body::Source(_) => {
                if let Body::Source(source) = std::mem::take(&mut answer.body) {
                    return Ok(Written { rest: Rest::Pulled(source), body_bytes, until_close });
                }
            }
            Body::File(file) => {
                let part = Part::File(file.clone());
                body_bytes = part.length();
                write_parts(wire, body_bytes, [part], out)?;
            }
            Body::Parts(parts) => {
                let parts = std::mem::take(parts);
                body_bytes = parts.iter().map(Part::length).fold(0, u64::saturating_add);
                write_parts(wire, body_bytes, parts, out)?;
            }
            body => {
                let content = body.take_bytes();
                body_bytes = content.len() as u64;
                write_data(wire, content, out)?;
            }
        }
    }
    wire.send_end(out.buffer(), answer.trailers.as_deref())?;
    Ok(Written { rest: Rest::Nothing, body_bytes, until_close })
}

/// Writes the head of a stream.
fn write_stream_head(
    wire: &mut ServerConnection,
    answer: &mut Response,
    env: &Environment,
    out: &mut Output,
) -> Result<Written, SendError> {
    let announced = answer.headers.get_str("content-length").and_then(|text| text.parse().ok());
    let length = announced.map_or(ContentLength::Unknown, ContentLength::Known);
    let framing = write_head(wire, answer, length, env, out)?;
    let rest =
        if framing == BodyFraming::Nothing && !wire.upgraded() { Rest::Nothing } else { Rest::Written };
    Ok(Written { rest, body_bytes: 0, until_close: framing == BodyFraming::UntilClose })
}

fn write_head(
    wire: &mut ServerConnection,
    answer: &Response,
    length: ContentLength,
    env: &Environment,
    out: &mut Output,
) -> Result<BodyFraming, SendError> {
    wire.send_head(out.buffer(), &parts(answer, length, env))
}

fn parts<'a>(answer: &'a Response, length: ContentLength, env: &'a Environment) -> ResponseParts<'a> {
    ResponseParts {
        status: status_to_send(answer),
        headers: &answer.headers,
        body: length,
        origin: Some(env.date.fields()),
    }
}

/// Writes content that lies elsewhere.
fn write_data(wire: &mut ServerConnection, data: Bytes, out: &mut Output) -> Result<(), SendError> {
    if data.len() <= COPY_LIMIT {
        return wire.send_data(out.buffer(), &data);
    }
    if wire.begin_data(out.buffer(), data.len())? {
        out.push_shared(data);
        wire.end_data(out.buffer());
    }
    Ok(())
}

/// Writes content of several pieces, `length` bytes in all.
fn write_parts(
    wire: &mut ServerConnection,
    length: u64,
    parts: impl IntoIterator<Item = Part>,
    out: &mut Output,
) -> Result<(), SendError> {
    let length = usize::try_from(length).map_err(|_| SendError::TooLong)?;
    if wire.begin_data(out.buffer(), length)? {
        for part in parts {
            pieces::push(part, out);
        }
        wire.end_data(out.buffer());
    }
    Ok(())
}
