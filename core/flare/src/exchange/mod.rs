//! The exchange: one request, its answer and its cancel state.

mod block;
mod byte_stream;
mod channel;
mod datagram_queues;
mod datagrams;
mod ends;
mod gathered;
mod home;
mod pieces;
mod pool;
mod relay;
mod state;
mod stream;
mod sync;

#[cfg(test)]
mod models;
#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod stream_tests;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;

pub(crate) use block::{Block, Early, SharedBlock, Unrouted};
pub(crate) use byte_stream::ByteStream;
pub(crate) use channel::{Channel, SharedChannel};
pub(crate) use datagram_queues::MOST as MOST_OF_DATAGRAM;
pub use datagrams::DatagramError;
pub(crate) use ends::Ends;
pub(crate) use gathered::Gathered;
pub(crate) use home::{ExchangeKey, Home};
pub(crate) use pool::Pool;
pub use relay::Upstream;
pub(crate) use relay::{RelayRequest, To};
pub use state::CancelReason;
pub(crate) use state::{Progress, State};
pub(crate) use stream::{Arrived, Callback, Inner as StreamInner, Piece, Stream, Told, hears};
pub use stream::{Event, Flow, Read};

use crate::message::{Headers, IntoResponse, Request, Response, Version};

/// The right to answer one request.
///
/// A handler gets it and answers now, or keeps it and answers later from any thread. Dropping it without an answer
/// sends 500; dropping it in the middle of a streamed answer cuts the connection, so that the client sees that it is not whole.
///
/// # A client that only stops sending
///
/// On HTTP/1.1 over TCP the end of what a client sends looks the same whether it has left or waits for its answer. It counts as
/// waiting: the exchange goes on, and a client that has left is noticed when something is sent to it. With
/// [`ServerConfig::half_close`](crate::ServerConfig) `false` it counts as gone.
///
/// # Streams
///
/// [`Exchange::write`] sends the head that was drafted and content piece by piece; [`Exchange::finish`] ends it. A write is taken
/// whole or refused; [`Event::Writable`] says when to go on. On a route with [`RouteOptions::streaming`](crate::RouteOptions)
/// the handler is called at the request's head, and [`Exchange::read`] or [`Exchange::on_event`] gives the content as it comes.
/// Both may happen at once.
#[derive(Debug)]
pub struct Exchange {
    request: Request,
    /// Whether dropping it answers. Not any more, when the right went back to the worker.
    armed: AtomicBool,
    /// Whether a middleware has it, which may let it go on.
    in_middleware: bool,
}

/// An answer was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerError {
    /// The exchange was answered before.
    Answered,
    /// The exchange is over: the client left, a deadline passed, or the server ended.
    Cancelled(CancelReason),
    /// So much waits for the client that no more is taken; [`Event::Writable`] says when to go on.
    WouldBlock,
    /// The status is not one of an interim answer, or a wait on a worker would block all its connections.
    Misuse(&'static str),
}

impl std::fmt::Display for AnswerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Answered => f.write_str("the exchange was answered before"),
            Self::Cancelled(reason) => write!(f, "the exchange is over: {reason}"),
            Self::WouldBlock => f.write_str("the client has to take some of the answer first"),
            Self::Misuse(problem) => f.write_str(problem),
        }
    }
}

impl std::error::Error for AnswerError {}

/// Whether a field may stand in trailers: not one that frames, routes, authenticates or describes the message (RFC 9110, 6.5.1).
///
/// # Errors
/// [`AnswerError::Misuse`] when it may not. An answer with it would be a 500.
pub fn check_trailer(name: &str) -> Result<(), AnswerError> {
    if flare_proto::http1::is_allowed_in_trailers(name.as_bytes()) {
        Ok(())
    } else {
        Err(AnswerError::Misuse("this field may not stand in trailers (RFC 9110, 6.5.1)"))
    }
}

impl Exchange {
    pub(crate) fn new(block: SharedBlock) -> Self {
        Self { request: Request { block }, armed: AtomicBool::new(true), in_middleware: false }
    }

    /// Gives the right to answer back to the worker.
    pub(crate) fn dissolve(mut self) {
        *self.armed.get_mut() = false;
    }

    /// The same, for a middleware or for a handler.
    pub(crate) fn for_middleware(mut self, in_middleware: bool) -> Self {
        self.in_middleware = in_middleware;
        self
    }

    /// Moves the right to answer to a new value; this one can't answer any more. `None` when it was moved before.
    #[must_use]
    pub fn hand_over(&self) -> Option<Exchange> {
        let armed = self.armed.swap(false, Ordering::AcqRel);
        let same =
            || Exchange::new(SharedBlock::clone(&self.request.block)).for_middleware(self.in_middleware);
        armed.then(same)
    }

    /// Lets an exchange go on that a middleware had kept ([`Step::Done`](crate::middleware::Step)): the next middleware sees it, or
    /// the handler. This value must not be used to answer afterwards.
    ///
    /// # Errors
    /// When it went on before, was answered, or is over; [`AnswerError::Misuse`] when a handler has it, behind which nothing comes.
    pub fn proceed(&self) -> Result<(), AnswerError> {
        let channel = self.channel();
        channel.state.check_open()?;
        if !self.in_middleware {
            return Err(AnswerError::Misuse("only a middleware may let an exchange go on"));
        }
        if !self.armed.swap(false, Ordering::AcqRel) {
            return Err(AnswerError::Answered);
        }
        if channel.state.proceed() {
            channel.wake();
        }
        Ok(())
    }

    fn block(&self) -> &Block {
        &self.request.block
    }

    fn channel(&self) -> &Channel {
        &self.request.block.channel
    }

    /// The answer, locked, while its head may be changed.
    #[inline(always)]
    fn open_answer(&self) -> Result<std::sync::MutexGuard<'_, Response>, AnswerError> {
        let (block, channel) = (self.block(), self.channel());
        // Also before the lock: the worker holds it while middleware looks at an answer, and that may come here.
        channel.state.check_open()?;
        let answer = block.answer();
        channel.state.check_open()?;
        Ok(answer)
    }

    /// The request.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Answers, and lets the exchange go. A client that has left does not matter to the caller: the answer is dropped.
    pub fn respond(self, answer: impl IntoResponse) {
        // Err: the exchange is over, which `Request::cancelled` tells to those who ask.
        let _ = self.answer(answer);
    }

    /// Answers, and says whether the answer was taken.
    ///
    /// # Errors
    /// When the exchange was answered before or is over.
    pub fn answer(&self, answer: impl IntoResponse) -> Result<(), AnswerError> {
        self.finish_with(|response| {
            answer.write_to(response);
            Ok(())
        })
    }

    /// Changes the answer while its head is not sent. What several calls write stays until the answer is sent.
    ///
    /// # Errors
    /// When it was sent before, or the exchange is over.
    #[inline(always)]
    pub fn draft<T>(&self, change: impl FnOnce(&mut Response) -> T) -> Result<T, AnswerError> {
        Ok(change(&mut *self.open_answer()?))
    }

    /// Sends the answer that was drafted (without a draft it is an empty 200), or ends the stream that was started.
    ///
    /// # Errors
    /// When it was sent before, or the exchange is over.
    pub fn finish(&self) -> Result<(), AnswerError> {
        let channel = self.channel();
        if channel.state.is_streamed() {
            return self.end_stream();
        }
        // Under the lock, so that a draft in another thread is either whole or refused.
        let tell = {
            let _answer = self.open_answer()?;
            channel.state.answer(false)?
        };
        if tell {
            channel.wake();
        }
        Ok(())
    }

    /// Whether the answer was begun as a stream.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.channel().state.is_streamed()
    }

    /// Changes the answer and sends it, in one step. When `change` fails nothing is sent, and what it wrote stays in the draft.
    ///
    /// # Errors
    /// As [`Exchange::draft`], or what `change` gives.
    #[inline(always)]
    pub fn finish_with<E: From<AnswerError>>(
        &self,
        change: impl FnOnce(&mut Response) -> Result<(), E>,
    ) -> Result<(), E> {
        let channel = self.channel();
        let tell = {
            let mut answer = self.open_answer()?;
            change(&mut answer)?;
            channel.state.answer(false)?
        };
        if tell {
            channel.wake();
        }
        Ok(())
    }

    fn end_stream(&self) -> Result<(), AnswerError> {
        self.check_alive()?;
        let before = std::mem::replace(&mut self.channel().stream.lock().sent_all, true);
        if before {
            return Err(AnswerError::Answered);
        }
        self.tell();
        Ok(())
    }

    fn check_alive(&self) -> Result<(), AnswerError> {
        self.channel().check_alive()
    }

    fn tell(&self) {
        self.channel().tell();
    }

    /// Sends the head that was drafted; the content follows with [`Exchange::write`] and ends with [`Exchange::finish`]. Its length is
    /// what a drafted `content-length` says; without one it is sent in chunks. Drafted content of any kind (bytes, files, a source) goes
    /// first: what is written waits behind it. Drafted trailers are sent at the end.
    ///
    /// # Errors
    /// When the answer was begun before, or the exchange is over.
    pub fn start(&self) -> Result<(), AnswerError> {
        let channel = self.channel();
        let tell = {
            let mut answer = self.open_answer()?;
            answer.unprepare();
            let first = std::mem::take(&mut answer.body);
            channel.stream.lock().begin_with(first, answer.trailers.take());
            channel.state.answer(true)?
        };
        if tell {
            channel.wake();
        }
        Ok(())
    }

    /// Accepts a protocol that the client offers ([`Request::offered_protocol`]), with the header fields that were drafted (the status
    /// is set here). From then on both directions are a byte stream of that protocol: [`Exchange::read`] and events give what the
    /// client sends, [`Exchange::write`] sends, [`Exchange::finish`] closes. Whoever listens should begin behind this call.
    ///
    /// A stream on which nothing goes either way ends after the setting `stream_timeout`.
    ///
    /// # Errors
    /// [`AnswerError::Misuse`] when the client does not offer the protocol, or it can't be a field value; otherwise as
    /// [`Exchange::start`].
    pub fn switch_protocol(&self, protocol: &str) -> Result<(), AnswerError> {
        self.check_offer(protocol)?;
        self.draft(|response| {
            if self.request.version() == Version::Http11 {
                response.set_status(101);
                response.headers_mut().set("upgrade", protocol)
            } else {
                response.set_status(200);
                Ok(())
            }
        })?
        .map_err(|_| AnswerError::Misuse("the name of the protocol can't be a field value"))?;
        // On a route that takes content as it comes it was told that there is none.
        self.channel().stream.lock().begin_again();
        self.start()
    }

    fn check_offer(&self, protocol: &str) -> Result<(), AnswerError> {
        // An empty element of a list offers nothing (RFC 9110, 5.6.1).
        let offered = self.request.offered_protocol().filter(|_| !protocol.is_empty());
        let is_offered =
            |offered: &str| offered.split(',').any(|one| one.trim().eq_ignore_ascii_case(protocol));
        if offered.is_some_and(is_offered) {
            Ok(())
        } else {
            Err(AnswerError::Misuse("the client does not offer this protocol"))
        }
    }

    /// Gives some content of the answer, which is taken whole or refused. Starts the answer if it was not started.
    ///
    /// Small writes in one turn of the worker leave together. `Bytes` are not copied.
    ///
    /// # Errors
    /// [`AnswerError::WouldBlock`] when so much waits for the client that nothing was taken; otherwise the answer has ended or the
    /// exchange is over.
    pub fn write(&self, data: impl Into<Bytes>) -> Result<(), AnswerError> {
        if !self.channel().state.is_streamed() {
            self.start()?;
        }
        self.channel().write(data.into())
    }

    /// Asks for [`Event::Alarm`] after a while, at a resolution of 1 ms, on an exchange that became a byte stream of another protocol
    /// ([`Exchange::switch_protocol`]). A second call replaces the first. While an alarm is set, the setting `stream_timeout` does not count: the
    /// handler sees for itself that the stream ends. While output waits for the client the alarm waits too; `write_timeout` counts then.
    pub fn set_alarm(&self, after: Duration) {
        self.channel().set_alarm(after);
    }

    pub(crate) fn home(&self) -> &dyn Home {
        &*self.channel().home
    }

    /// Gives some content and waits while the client has to take some first. Not for use on a worker.
    ///
    /// # Errors
    /// As [`Exchange::write`], but for [`AnswerError::WouldBlock`]; [`AnswerError::Misuse`] on a worker.
    pub fn write_blocking(&self, data: impl Into<Bytes>) -> Result<(), AnswerError> {
        let data: Bytes = data.into();
        loop {
            match self.write(data.clone()) {
                Err(AnswerError::WouldBlock) => {}
                other => return other,
            }
            if crate::server::local::must_not_block() {
                return Err(AnswerError::Misuse(
                    "a blocking write on a worker would block all its connections",
                ));
            }
            let stream = &self.channel().stream;
            let mut inner = stream.lock();
            while inner.is_refused() && !inner.over {
                inner = stream.wait(inner);
            }
        }
    }

    /// Sends an interim answer, 102 to 199, before the head of the final one (RFC 9110, 15.2). HTTP/1.0 clients don't get it.
    ///
    /// # Errors
    /// [`AnswerError::Misuse`] for another status, [`AnswerError::WouldBlock`] when 64 wait for the client; otherwise the final answer was begun, or the exchange is over.
    pub fn inform(&self, status: u16, headers: Headers) -> Result<(), AnswerError> {
        if !(102..200).contains(&status) {
            return Err(AnswerError::Misuse("an interim answer has a status of 102 to 199"));
        }
        let channel = self.channel();
        {
            let _answer = self.open_answer()?;
            if !channel.stream.lock().push_informational(status, headers) {
                return Err(AnswerError::WouldBlock);
            }
        }
        self.tell();
        Ok(())
    }

    /// Adds a trailer to a streamed answer (RFC 9110, 6.5). HTTP/1.0 clients don't get it.
    ///
    /// # Errors
    /// When the field can't be sent, as `Ok(Err(_))`; [`AnswerError::Misuse`] for one that may not stand in trailers (RFC 9110, 6.5.1);
    /// when the answer has ended or the exchange is over.
    pub fn add_trailer(
        &self,
        name: &str,
        value: impl AsRef<[u8]>,
    ) -> Result<Result<(), crate::InvalidField>, AnswerError> {
        self.check_alive()?;
        check_trailer(name)?;
        let mut stream = self.channel().stream.lock();
        if stream.sent_all {
            return Err(AnswerError::Answered);
        }
        Ok(stream.answer_trailers.get_or_insert_default().append(name, value))
    }

    /// Takes some of the request's content, on a route with [`RouteOptions::streaming`](crate::RouteOptions). The first read sends
    /// `100 Continue` to a client that waits for it.
    ///
    /// # Errors
    /// When the exchange is over.
    pub fn read(&self) -> Result<Read, AnswerError> {
        self.read_up_to(usize::MAX)
    }

    /// As [`Exchange::read`], but takes at most so many bytes; the rest stays for the next read.
    ///
    /// # Errors
    /// When the exchange is over.
    pub fn read_up_to(&self, most: usize) -> Result<Read, AnswerError> {
        let (read, tell) = {
            let mut stream = self.channel().stream.lock();
            if stream.over {
                return Err(self.channel().over());
            }
            stream.pop_content(most)
        };
        if tell {
            self.tell();
        }
        Ok(read)
    }

    /// Takes some of the request's content and waits for it; `None` at its end. Not for use on a worker.
    ///
    /// # Errors
    /// When the exchange is over; [`AnswerError::Misuse`] on a worker.
    pub fn read_blocking(&self) -> Result<Option<Bytes>, AnswerError> {
        loop {
            match self.read()? {
                Read::Data(data) => return Ok(Some(data)),
                Read::End => return Ok(None),
                Read::WouldBlock => {}
            }
            if crate::server::local::must_not_block() {
                return Err(AnswerError::Misuse(
                    "a blocking read on a worker would block all its connections",
                ));
            }
            let stream = &self.channel().stream;
            let mut inner = stream.lock();
            while !inner.is_readable() && !inner.over {
                inner = stream.wait(inner);
            }
        }
    }

    /// Calls back for everything that happens: content of the request as it comes ([`Event::Data`] is not copied), its end, room for
    /// writes, the end of the exchange. Calls are made on the worker, one at a time, and must not block. What came before, and nobody took or heard,
    /// comes first. A second call replaces the first. The callback is dropped when the exchange ends: without an event when its answer was sent whole, also
    /// if the request had not ended.
    pub fn on_event(&self, callback: impl FnMut(Event<'_>) -> Flow + Send + 'static) {
        self.channel().listen(hears(callback), false, true);
    }

    /// As [`Exchange::on_event`], but the callback hears [`Event::Readable`] instead of the content, which waits for
    /// [`Exchange::read`].
    pub fn watch(&self, callback: impl FnMut(Event<'_>) -> Flow + Send + 'static) {
        self.channel().listen(hears(callback), true, true);
    }

    /// As [`Exchange::watch`], but does not ask for content: that is begun by the first [`Exchange::read`]. So it may be called for
    /// every exchange, to hear of its end, without a `100 Continue` for a client whose content nobody wants.
    pub fn notice(&self, callback: impl FnMut(Event<'_>) -> Flow + Send + 'static) {
        self.channel().listen(hears(callback), true, false);
    }

    /// Hands the exchange to its own callback, which lives until the exchange ends. See [`Exchange::on_event`].
    pub fn drive(self, mut callback: impl FnMut(&Exchange, Event<'_>) -> Flow + Send + 'static) {
        let channel = SharedChannel::clone(&self.request.block.channel);
        channel.listen(hears(move |event| callback(&self, event)), false, true);
    }

    /// Events with content, and the one of its end, go on after [`Flow::Pause`].
    pub fn resume(&self) {
        self.channel().resume();
    }

    /// What was written leaves without waiting for more. It does so at the end of the worker's turn anyway.
    pub fn flush(&self) {
        self.tell();
    }

    /// Ends the exchange because the code behind it failed: an answer that was begun is cut, otherwise it is 500. The message goes
    /// to the server's log, at the level error, and never to the client.
    ///
    /// # Errors
    /// When it was answered before, or is over. The message is logged all the same.
    pub fn fail(&self, message: &str) -> Result<(), AnswerError> {
        self.channel().home.failed(message);
        if self.is_started() {
            self.check_alive()?;
            self.reset();
            return Ok(());
        }
        self.finish_with(|response| {
            *response = Response::status_only(500);
            Ok(())
        })
    }

    /// Gives the exchange up: the client sees a cut connection (on HTTP/1) instead of the rest of the answer.
    pub fn reset(&self) {
        self.channel().give_up();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !*self.armed.get_mut() {
            return;
        }
        let channel = self.channel();
        if channel.state.is_streamed() {
            channel.abandon();
        } else if channel.state.check_open().is_ok() {
            // The only error left is a cancel that came in between; then nobody waits for the 500.
            let _ = self.draft(|response| response.set_status_only(500)).and_then(|()| self.finish());
        }
    }
}
