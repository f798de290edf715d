//! The client's side of a connection.

use super::body_decoder::{BodyDecoder, BodyEvent};
use super::body_encoder::{BodyEncoder, BodyFraming};
use super::error::{Error, Kind};
use super::framing::{BodyLength, Framing};
use super::head_end;
use super::head_writer::{push_content_length, push_field, push_fields};
use super::limits::Limits;
use super::response_parser;
use crate::target::{self, Target};
use crate::{ContentLength, Headers, Method, ResponseHead, SendError, Version, authority, grammar};

/// The client's side of one HTTP/1 connection: it writes requests and takes answers apart, one exchange after the other.
///
/// For each request: [`send_head`](Self::send_head), [`send_data`](Self::send_data), [`send_end`](Self::send_end), and
/// [`receive_head`](Self::receive_head) until it is a final one, then [`receive_body`](Self::receive_body) until the end, if
/// there is a body; then, if [`keeps_alive`](Self::keeps_alive), [`next_request`](Self::next_request). An answer may come
/// before the request was sent whole. Requests are not pipelined.
#[derive(Debug)]
pub struct ClientConnection {
    body: BodyDecoder,
    request: BodyEncoder,
    /// Bytes of an unfinished head that were looked at.
    scanned: u32,
    phase: Phase,
    is_head: bool,
    is_connect: bool,
    asked_upgrade: bool,
    /// No request follows this one.
    close: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Before the final answer's head.
    Head,
    /// Behind it: the body decoder knows whether the answer has ended.
    Body,
    /// The connection is a byte stream.
    Switched,
    /// An error was found. Nothing more is received.
    Failed,
}

/// The head of a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// The method, a token.
    pub method: &'a str,
    /// The target in any form that goes with the method (RFC 9112 section 3.2): `/path?query`; `http://host/path` to a proxy;
    /// `*` with OPTIONS. With CONNECT it is ignored: `authority` is the target.
    pub target: &'a str,
    /// Host and port for the Host field, unless `headers` has one. May be empty, but for CONNECT.
    pub authority: &'a str,
    /// The fields. Content-Length has to agree with `body`; `Connection: close` closes; Keep-Alive is ignored;
    /// Transfer-Encoding is refused. The connection adds what it needs.
    pub headers: &'a Headers,
    /// The length of the body.
    pub body: ContentLength,
}

/// The length of an answer's body (RFC 9112 section 6.3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResponseLength {
    /// There is no body, or it is empty.
    Empty,
    /// So many bytes, at least one.
    Known(u64),
    /// Chunked transfer coding: known at its end.
    Chunked,
    /// The body ends when the peer closes the connection: see [`ClientConnection::receive_eof`].
    UntilClose,
}

/// What an answer's head says to the connection's owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ResponseInfo {
    /// An interim answer, 1xx but not 101: another head follows.
    pub informational: bool,
    /// Whether and how a body follows. If it is not empty, go on with [`ClientConnection::receive_body`].
    pub body: ResponseLength,
    /// The connection is a byte stream behind this head: 101, or 2xx to CONNECT.
    pub upgraded: bool,
}

impl ClientConnection {
    /// A connection without a request. Does not allocate.
    pub const fn new() -> Self {
        ClientConnection {
            body: BodyDecoder::ended(),
            request: BodyEncoder::new(),
            scanned: 0,
            phase: Phase::Head,
            is_head: false,
            is_connect: false,
            asked_upgrade: false,
            close: false,
        }
    }

    /// Sends the head of a request, as HTTP/1.1. The result says how its body will be put onto the wire: chunked if its length
    /// is not known, which only a server known to speak HTTP/1.1 understands.
    ///
    /// # Errors
    /// Nothing is written then, and another head can be sent.
    pub fn send_head(
        &mut self,
        out: &mut Vec<u8>,
        parts: &RequestParts<'_>,
    ) -> Result<BodyFraming, SendError> {
        if self.request.has_begun() || self.phase != Phase::Head {
            return Err(SendError::Order);
        }
        let start = out.len();
        let sent = self.push_head(out, parts);
        if sent.is_err() {
            out.truncate(start);
        }
        sent
    }

    fn push_head(&mut self, out: &mut Vec<u8>, parts: &RequestParts<'_>) -> Result<BodyFraming, SendError> {
        if !grammar::is_token(parts.method.as_bytes()) {
            return Err(SendError::Method);
        }
        let method = Method::from_bytes(parts.method.as_bytes());
        let target = if method == Method::Connect { parts.authority } else { parts.target };
        let form = target::parse(method, target.as_bytes()).ok_or(SendError::Target)?;
        let host = host_field(parts, target, &form)?;
        out.extend_from_slice(parts.method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        if let Some(host) = host {
            push_field(out, b"host", host.as_bytes());
        }
        let sent = push_fields(out, parts.headers)?;
        let field = sent.framing.content_length;
        let length = match (parts.body, field) {
            (ContentLength::None, None | Some(0)) => Some(0),
            (ContentLength::Known(length), None) => Some(length),
            (ContentLength::Known(length), Some(field)) if length == field => Some(length),
            (ContentLength::Unknown, field) => field,
            _ => return Err(SendError::ContentLength),
        };
        let framing = match length {
            None => {
                out.extend_from_slice(b"transfer-encoding: chunked\r\n");
                BodyFraming::Chunked
            }
            Some(length) => {
                // Only a method that expects content says that there is none (RFC 9110 section 8.6).
                let expects_content = matches!(method, Method::Post | Method::Put | Method::Patch);
                if length > 0 || field.is_some() || parts.body != ContentLength::None || expects_content {
                    push_content_length(out, length);
                }
                if length > 0 { BodyFraming::Raw } else { BodyFraming::Nothing }
            }
        };
        // Nothing may fail from here on.
        self.close |= sent.framing.close;
        self.is_head = method == Method::Head;
        self.is_connect = method == Method::Connect;
        self.asked_upgrade = sent.framing.upgrade_field;
        sent.push_connection(out, parts.headers, if self.close { b"close" } else { b"" });
        out.extend_from_slice(b"\r\n");
        self.request.begin(framing, length.unwrap_or(0), false);
        Ok(framing)
    }

    /// Sends some of the request's body.
    ///
    /// # Errors
    /// [`SendError::TooLong`]: more than was announced. [`SendError::Order`]: no head was sent.
    pub fn send_data(&mut self, out: &mut Vec<u8>, data: &[u8]) -> Result<(), SendError> {
        self.request.send_data(out, data)
    }

    /// As [`send_data`](Self::send_data) for data that is written elsewhere: what goes before `len` bytes of it. If the result
    /// is false, nothing was written, and neither the data nor [`end_data`](Self::end_data) may follow.
    ///
    /// # Errors
    /// As [`send_data`](Self::send_data).
    pub fn begin_data(&mut self, out: &mut Vec<u8>, len: usize) -> Result<bool, SendError> {
        self.request.begin_data(out, len)
    }

    /// What goes behind the data announced by [`begin_data`](Self::begin_data).
    pub fn end_data(&mut self, out: &mut Vec<u8>) {
        self.request.end_data(out);
    }

    /// Ends the request. Trailers are sent with chunks, and dropped otherwise.
    ///
    /// # Errors
    /// [`SendError::TooShort`]: less than was announced was sent; the connection has to close. [`SendError::Trailer`]: a
    /// field may not be sent in trailers; nothing was written. [`SendError::Order`]: no head was sent.
    pub fn send_end(&mut self, out: &mut Vec<u8>, trailers: Option<&Headers>) -> Result<(), SendError> {
        let ended = self.request.end(out, trailers);
        if ended == Err(SendError::TooShort) {
            self.close = true;
        }
        ended
    }

    /// Whether the request was sent whole. A request without a body is complete with its head.
    pub fn request_complete(&self) -> bool {
        self.request.has_ended()
    }

    /// Takes the head of an answer. `None`: it is incomplete; call again with the same bytes and more behind them. Otherwise
    /// `head` is filled; the result says how many bytes were consumed. After an interim answer, call again.
    ///
    /// # Errors
    /// The answer is malformed, or none is due: the connection has to close.
    pub fn receive_head(
        &mut self,
        limits: &Limits,
        input: &[u8],
        head: &mut ResponseHead,
    ) -> Result<Option<(usize, ResponseInfo)>, Error> {
        if self.phase != Phase::Head || !self.request.has_begun() {
            return Err(Kind::Order.into());
        }
        match self.try_head(limits, input, head) {
            Ok(done) => Ok(done),
            Err(error) => {
                head.clear();
                self.fail();
                Err(error)
            }
        }
    }

    fn try_head(
        &mut self,
        limits: &Limits,
        input: &[u8],
        head: &mut ResponseHead,
    ) -> Result<Option<(usize, ResponseInfo)>, Error> {
        // Empty lines are skipped before a request only (RFC 9112 section 2.2).
        if matches!(input.first(), Some(b'\r' | b'\n')) {
            return Err(Kind::Syntax.into());
        }
        if self.scanned > 0 {
            let window = input.get(..limits.head_bytes as usize).unwrap_or(input);
            if !head_end::has_end(window, self.scanned)? {
                self.scanned = window.len() as u32;
                return response_parser::check_incomplete(limits, input).map(|()| None);
            }
        }
        match response_parser::parse(limits, input, head)? {
            Some((len, framing)) => Ok(Some((len, self.begin_answer(head, &framing)?))),
            // Its end was seen, so it cannot be incomplete.
            None if self.scanned > 0 => Err(Kind::Syntax.into()),
            None => {
                self.scanned = input.len() as u32;
                Ok(None)
            }
        }
    }

    fn begin_answer(&mut self, head: &ResponseHead, framing: &Framing) -> Result<ResponseInfo, Error> {
        self.scanned = 0;
        let status = head.status();
        let is_http11 = head.version() == Version::Http11;
        if status == 101 && !(self.asked_upgrade && framing.upgrade_field && is_http11) {
            return Err(Kind::UnexpectedUpgrade.into());
        }
        if (100..200).contains(&status) && status != 101 {
            return Ok(ResponseInfo { informational: true, body: ResponseLength::Empty, upgraded: false });
        }
        if status == 101 || (self.is_connect && (200..300).contains(&status)) {
            self.phase = Phase::Switched;
            return Ok(ResponseInfo { informational: false, body: ResponseLength::Empty, upgraded: true });
        }
        let body = self.answer_length(status, is_http11, framing)?;
        self.body = match body {
            ResponseLength::Empty => BodyDecoder::ended(),
            ResponseLength::Known(length) => BodyDecoder::new(BodyLength::Known(length)),
            ResponseLength::Chunked => BodyDecoder::new(BodyLength::Chunked),
            ResponseLength::UntilClose => BodyDecoder::until_close(),
        };
        self.phase = Phase::Body;
        // RFC 9112 section 9.3.
        let persists = is_http11 || framing.keep_alive;
        self.close |= framing.close || !persists || body == ResponseLength::UntilClose;
        Ok(ResponseInfo { informational: false, body, upgraded: false })
    }

    /// RFC 9112 section 6.3.
    fn answer_length(
        &self,
        status: u16,
        is_http11: bool,
        framing: &Framing,
    ) -> Result<ResponseLength, Error> {
        if self.is_head || status == 204 || status == 304 {
            return Ok(ResponseLength::Empty);
        }
        if framing.has_both_lengths() {
            return Err(Kind::BothLengths.into());
        }
        match framing.content_length {
            _ if framing.chunked && is_http11 => Ok(ResponseLength::Chunked),
            _ if framing.chunked => Err(Kind::TransferEncoding.into()),
            Some(0) => Ok(ResponseLength::Empty),
            Some(length) => Ok(ResponseLength::Known(length)),
            None => Ok(ResponseLength::UntilClose),
        }
    }

    /// Takes the next piece of the answer's body. As [`ServerConnection::receive_body`](super::ServerConnection::receive_body).
    ///
    /// # Errors
    /// The body is malformed, or there is no answer: the connection has to close.
    pub fn receive_body<'a>(
        &mut self,
        limits: &Limits,
        input: &'a [u8],
        trailers: &mut Headers,
    ) -> Result<(usize, BodyEvent<'a>), Error> {
        if self.phase != Phase::Body {
            return Err(Kind::Order.into());
        }
        let received = self.body.receive(limits, input, trailers);
        if received.is_err() {
            self.fail();
        }
        received
    }

    /// The peer closed its side. A body that ends with the connection ends now.
    ///
    /// # Errors
    /// An answer was due, or was cut short (RFC 9112 section 8).
    pub fn receive_eof(&mut self) -> Result<(), Error> {
        self.close = true;
        let is_idle =
            self.phase == Phase::Switched || (self.phase == Phase::Head && !self.request.has_begun());
        let ended = match self.phase {
            _ if is_idle => Ok(()),
            Phase::Body => self.body.end_of_input(),
            _ => Err(Kind::EndOfInput.into()),
        };
        if ended.is_err() {
            self.fail();
        }
        ended
    }

    fn fail(&mut self) {
        self.phase = Phase::Failed;
        self.close = true;
    }

    /// Whether the final answer was received whole, with its body and its trailers.
    pub fn response_complete(&self) -> bool {
        self.phase == Phase::Switched || (self.phase == Phase::Body && self.body.has_ended())
    }

    /// Whether the connection is a byte stream: a 101, or a 2xx answer to CONNECT, was received. Input that follows is not HTTP/1.
    pub fn upgraded(&self) -> bool {
        self.phase == Phase::Switched
    }

    /// Whether another request may be sent: both messages are complete, and nobody said that the connection closes (RFC 9112
    /// section 9.3).
    pub fn keeps_alive(&self) -> bool {
        !self.close && self.phase == Phase::Body && self.body.has_ended() && self.request_complete()
    }

    /// Closes the connection after this answer. Said in the request's head, if that is still to come.
    pub fn close_after_response(&mut self) {
        self.close = true;
    }

    /// Goes on to the next request. Does nothing unless the connection [`keeps_alive`](Self::keeps_alive).
    pub fn next_request(&mut self) {
        if self.keeps_alive() {
            *self = Self::new();
        }
    }
}

impl Default for ClientConnection {
    fn default() -> Self {
        Self::new()
    }
}

/// The value of the Host field to add: that of an absolute target has to agree with it, so it is taken from there (RFC 9112
/// section 3.2.2). `None`: the fields have one.
fn host_field<'a>(
    parts: &RequestParts<'a>,
    target: &'a str,
    form: &Target,
) -> Result<Option<&'a str>, SendError> {
    let mut given = parts.headers.get_all("host");
    let field = given.next();
    if given.next().is_some() || field.is_some_and(|field| authority::parse(field).is_none()) {
        return Err(SendError::Authority);
    }
    let host = match form {
        Target::Absolute { authority, .. } => target.get(authority.clone()).unwrap_or_default(),
        _ => parts.authority,
    };
    if field.is_none() && authority::parse(host.as_bytes()).is_none() {
        return Err(SendError::Authority);
    }
    Ok(field.is_none().then_some(host))
}

const _: () = assert!(size_of::<ClientConnection>() <= 64);
