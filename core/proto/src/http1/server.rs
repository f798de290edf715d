//! The server's side of a connection.

use super::body_decoder::{BodyDecoder, BodyEvent};
use super::body_encoder::{BodyEncoder, BodyFraming};
use super::error::{Error, Kind};
use super::framing::BodyLength;
use super::head_end;
use super::head_writer::{SentFields, push_content_length, push_decimal, push_field, push_fields};
use super::limits::Limits;
use super::request_parser::{self, RequestFields};
use crate::{ContentLength, Headers, Method, RequestHead, ResponseParts, SendError, Version, reason};

/// The server's side of one HTTP/1 connection: it takes requests apart and writes answers, one exchange after the other.
///
/// For each request: [`receive_head`](Self::receive_head); [`receive_body`](Self::receive_body) until the end, if there is a
/// body; [`send_head`](Self::send_head), [`send_data`](Self::send_data), [`send_end`](Self::send_end); then, if
/// [`keeps_alive`](Self::keeps_alive), [`next_request`](Self::next_request). Receiving and sending do not wait for each
/// other: an answer may begin, and end, before the request has.
#[derive(Debug)]
pub struct ServerConnection {
    body: BodyDecoder,
    answer: BodyEncoder,
    /// Bytes of an unfinished head that were looked at.
    scanned: u32,
    phase: Phase,
    request: Request,
    /// No request follows this one.
    close: bool,
    /// The answer made the connection a byte stream, at once or as soon as the request has ended.
    switched: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    /// Before or within a request's head.
    Head,
    /// Behind it: the body decoder knows whether the request has ended.
    Body,
    /// An error was found. Nothing more is received.
    Failed,
}

/// What has to be remembered of the request for its answer.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// HTTP/1.1: it understands chunks and interim answers.
    is_http11: bool,
    is_head: bool,
    is_connect: bool,
    wants_upgrade: bool,
}

impl Request {
    const NONE: Request =
        Request { is_http11: false, is_head: false, is_connect: false, wants_upgrade: false };
}

/// What a request's head says to the connection's owner.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestInfo {
    /// Whether and how a body follows. If it is not empty, go on with [`ServerConnection::receive_body`].
    pub body: BodyLength,
    /// The client waits for a 100 before it sends the body (RFC 9110 section 10.1.1). Never without a body.
    pub expects_continue: bool,
    /// The client offers to switch protocols: HTTP/1.1, an Upgrade field, and `Connection: upgrade` (RFC 9110 section 7.8).
    pub upgrade: bool,
    /// The client said `TE: trailers`: it will look at trailers (RFC 9110 section 6.5.1).
    pub accepts_trailers: bool,
}

impl ServerConnection {
    /// A connection that waits for its first request. Does not allocate.
    pub const fn new() -> Self {
        ServerConnection {
            body: BodyDecoder::ended(),
            answer: BodyEncoder::new(),
            scanned: 0,
            phase: Phase::Head,
            request: Request::NONE,
            close: false,
            switched: false,
        }
    }

    /// Whether input that has not been consumed holds the start of a request, not just empty lines before one.
    pub fn head_begun(input: &[u8]) -> bool {
        !matches!(head_end::skip_empty_lines(input), Ok(None))
    }

    /// Takes the head of the next request. `None`: it is incomplete; call again with the same bytes and more behind them.
    /// Otherwise `head` is filled; the result says how many bytes were consumed.
    ///
    /// # Errors
    /// The request has to be refused with [`Error::status`]; an answer can be sent at once, and the connection closes after it.
    #[inline]
    pub fn receive_head(
        &mut self,
        limits: &Limits,
        input: &[u8],
        head: &mut RequestHead,
    ) -> Result<Option<(usize, RequestInfo)>, Error> {
        if self.phase != Phase::Head {
            return Err(Kind::Order.into());
        }
        match self.try_head(limits, input, head) {
            Ok(Some((consumed, fields))) => Ok(Some((consumed, self.begin_request(head, &fields)))),
            Ok(None) => Ok(None),
            Err(error) => {
                head.clear();
                self.fail(input);
                Err(error)
            }
        }
    }

    #[inline]
    fn try_head(
        &mut self,
        limits: &Limits,
        input: &[u8],
        head: &mut RequestHead,
    ) -> Result<Option<(usize, RequestFields)>, Error> {
        let Some(skipped) = head_end::skip_empty_lines(input)? else { return Ok(None) };
        let text = input.get(skipped..).unwrap_or_default();
        if self.scanned > 0 {
            let window = text.get(..limits.head_bytes as usize).unwrap_or(text);
            if !head_end::has_end(window, self.scanned)? {
                self.scanned = window.len() as u32;
                return request_parser::check_incomplete(limits, text).map(|()| None);
            }
        }
        match request_parser::parse(limits, text, head)? {
            Some((len, fields)) => Ok(Some((skipped + len, fields))),
            // Its end was seen, so it cannot be incomplete.
            None if self.scanned > 0 => Err(Kind::Syntax.into()),
            None => {
                self.scanned = text.len() as u32;
                Ok(None)
            }
        }
    }

    #[inline]
    fn begin_request(&mut self, head: &RequestHead, fields: &RequestFields) -> RequestInfo {
        let framing = &fields.framing;
        let is_http11 = head.version() == Version::Http11;
        let body = match framing.content_length {
            _ if framing.chunked => BodyLength::Chunked,
            None | Some(0) => BodyLength::Empty,
            Some(length) => BodyLength::Known(length),
        };
        self.body = BodyDecoder::new(body);
        self.phase = Phase::Body;
        self.request = Request {
            is_http11,
            is_head: head.method() == Method::Head,
            is_connect: head.method() == Method::Connect,
            wants_upgrade: is_http11 && framing.upgrade_option && framing.upgrade_field,
        };
        // RFC 9112 section 9.3.
        self.close |= framing.close || !(is_http11 || framing.keep_alive);
        RequestInfo {
            body,
            expects_continue: fields.expects_continue && body != BodyLength::Empty,
            upgrade: self.request.wants_upgrade,
            accepts_trailers: fields.accepts_trailers,
        }
    }

    /// After an error only one more answer is possible. If the request was a HEAD, it has no content either.
    #[cold]
    fn fail(&mut self, input: &[u8]) {
        self.phase = Phase::Failed;
        self.close = true;
        let skipped = input.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.request.is_head = input.get(skipped..).unwrap_or_default().starts_with(b"HEAD ");
    }

    /// Takes the next piece of the body: how many bytes were consumed, and what they held. The consumed bytes are not to be
    /// given again, also with [`BodyEvent::Incomplete`]; the others are. The end may come together with the last bytes, seen
    /// by [`request_complete`](Self::request_complete), or as [`BodyEvent::End`]. Trailers are added to `trailers`; those that
    /// RFC 9110 section 6.5.1 forbids are dropped.
    ///
    /// # Errors
    /// The body is malformed, or there is no request. As for [`receive_head`](Self::receive_head).
    #[inline]
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
            self.phase = Phase::Failed;
            self.close = true;
        }
        received
    }

    /// Whether a request was received whole, with its body and its trailers.
    #[inline]
    pub fn request_complete(&self) -> bool {
        self.phase == Phase::Body && self.body.has_ended()
    }

    /// Sends an interim answer: 100, 102..=199. To a client of HTTP/1.0 nothing is sent (RFC 9110 section 15.2).
    ///
    /// # Errors
    /// Another status; fields that frame a message; the final answer was begun; no request was received.
    pub fn send_informational(
        &mut self,
        out: &mut Vec<u8>,
        status: u16,
        headers: &Headers,
    ) -> Result<(), SendError> {
        if self.answer.has_begun() || self.phase == Phase::Head {
            return Err(SendError::Order);
        }
        if !(100..200).contains(&status) || status == 101 {
            return Err(SendError::Status);
        }
        if !self.request.is_http11 {
            return Ok(());
        }
        let start = out.len();
        push_status_line(out, status);
        match push_fields(out, headers) {
            Ok(sent) if sent.framing.content_length.is_none() => {
                sent.push_connection(out, headers, b"");
                out.extend_from_slice(b"\r\n");
                Ok(())
            }
            refused => {
                out.truncate(start);
                Err(refused.err().unwrap_or(SendError::ContentLength))
            }
        }
    }

    /// Sends the head of the final answer. The result says how its body will be put onto the wire. Before a request was
    /// received, as after an error or a time-out, the answer says that the connection closes.
    ///
    /// # Errors
    /// Nothing is written then, and another head can be sent.
    #[inline]
    pub fn send_head(
        &mut self,
        out: &mut Vec<u8>,
        parts: &ResponseParts<'_>,
    ) -> Result<BodyFraming, SendError> {
        if self.answer.has_begun() {
            return Err(SendError::Order);
        }
        let start = out.len();
        let sent = self.push_head(out, parts);
        if sent.is_err() {
            out.truncate(start);
        }
        sent
    }

    #[inline]
    fn push_head(&mut self, out: &mut Vec<u8>, parts: &ResponseParts<'_>) -> Result<BodyFraming, SendError> {
        if let ContentLength::Known(length) = parts.body
            && self.push_usual_head(out, parts, length)
        {
            let framing = if length == 0 { BodyFraming::Nothing } else { BodyFraming::Raw };
            self.answer.begin(framing, length, false);
            return Ok(framing);
        }
        self.push_any_head(out, parts)
    }

    /// Writes the head of nearly every answer: its status has content, as has the method, the length of that is known, and no field
    /// belongs to the connection. False: it is another one, and nothing was written.
    #[inline]
    fn push_usual_head(&mut self, out: &mut Vec<u8>, parts: &ResponseParts<'_>, length: u64) -> bool {
        let has_content = matches!(parts.status, 200..=203 | 206..=303 | 305..=999);
        if !has_content || self.request.is_head || self.request.is_connect {
            return false;
        }
        let start = out.len();
        push_status_line(out, parts.status);
        if !parts.headers.push_lines_to(out) {
            out.truncate(start);
            return false;
        }
        if let Some(origin) = parts.origin {
            origin.push_to(out, false, false);
        }
        push_content_length(out, length);
        self.close |= self.phase == Phase::Head;
        let persistence = self.persistence();
        if !persistence.is_empty() {
            push_field(out, b"connection", persistence);
        }
        out.extend_from_slice(b"\r\n");
        true
    }

    #[inline(never)]
    fn push_any_head(
        &mut self,
        out: &mut Vec<u8>,
        parts: &ResponseParts<'_>,
    ) -> Result<BodyFraming, SendError> {
        let status = parts.status;
        if !(200..=999).contains(&status) && status != 101 {
            return Err(SendError::Status);
        }
        push_status_line(out, status);
        let sent = push_fields(out, parts.headers)?;
        if let Some(origin) = parts.origin {
            origin.push_to(out, sent.has_server, sent.has_date);
        }
        if status == 101 && !(self.request.wants_upgrade && sent.framing.upgrade_field) {
            return Err(SendError::Upgrade);
        }
        let switches = status == 101 || (self.request.is_connect && (200..300).contains(&status));
        let body = self.plan_body(status, switches, parts.body, &sent)?;
        // Nothing may fail from here on.
        self.switched = switches;
        self.close |=
            sent.framing.close || body.framing == BodyFraming::UntilClose || self.phase == Phase::Head;
        match body.content_length {
            Some(length) => push_content_length(out, length),
            None if body.framing == BodyFraming::Chunked => {
                out.extend_from_slice(b"transfer-encoding: chunked\r\n")
            }
            None => {}
        }
        let persistence = if switches { b"" } else { self.persistence() };
        sent.push_connection(out, parts.headers, persistence);
        out.extend_from_slice(b"\r\n");
        self.answer.begin(body.framing, body.length, body.drops);
        Ok(body.framing)
    }

    /// Sends a whole answer whose content is in memory: [`send_head`](Self::send_head), [`send_data`](Self::send_data) and
    /// [`send_end`](Self::send_end) in one. `parts.body` is the length of the content, which is left out where an answer has none.
    ///
    /// # Errors
    /// As those three.
    #[inline]
    pub fn send_whole(
        &mut self,
        out: &mut Vec<u8>,
        parts: &ResponseParts<'_>,
        content: &[u8],
    ) -> Result<BodyFraming, SendError> {
        let framing = self.send_head(out, parts)?;
        if framing == BodyFraming::Raw && parts.body == ContentLength::Known(content.len() as u64) {
            out.extend_from_slice(content);
            self.answer.begin(BodyFraming::Nothing, 0, false);
            return Ok(framing);
        }
        self.send_data(out, content)?;
        self.send_end(out, None)?;
        Ok(framing)
    }

    /// What the Connection field says about the future of the connection (RFC 9112 section 9.3).
    #[inline]
    pub(super) fn persistence(&self) -> &'static [u8] {
        match (self.close, self.request.is_http11) {
            (true, _) => b"close",
            (false, true) => b"",
            (false, false) => b"keep-alive",
        }
    }

    /// Before a prepared answer: whether its content is left out.
    pub(super) fn begin_prepared(&mut self) -> Result<bool, SendError> {
        if self.answer.has_begun() || self.request.is_connect {
            return Err(SendError::Order);
        }
        self.close |= self.phase == Phase::Head;
        Ok(self.request.is_head)
    }

    /// After a prepared answer.
    pub(super) fn end_prepared(&mut self, framing: BodyFraming, drops: bool) {
        self.answer.begin(framing, 0, drops);
    }

    /// RFC 9110 section 8.6, RFC 9112 section 6.
    #[inline]
    fn plan_body(
        &self,
        status: u16,
        switches: bool,
        body: ContentLength,
        sent: &SentFields,
    ) -> Result<BodyPlan, SendError> {
        let field = sent.framing.content_length;
        if switches || status == 204 {
            return Ok(BodyPlan::nothing(None));
        }
        if status == 304 {
            return Ok(BodyPlan::nothing(field));
        }
        if status == 205 {
            return Ok(BodyPlan::nothing(Some(0)));
        }
        if self.request.is_head {
            let length = match body {
                // What a GET would get is not known from having nothing here.
                ContentLength::None | ContentLength::Unknown => None,
                ContentLength::Known(length) => Some(length),
            };
            return Ok(BodyPlan::nothing(field.or(length)));
        }
        let length = match (body, field) {
            (ContentLength::None, None | Some(0)) => Some(0),
            (ContentLength::Known(length), None) => Some(length),
            (ContentLength::Known(length), Some(field)) if length == field => Some(length),
            (ContentLength::Unknown, field) => field,
            _ => return Err(SendError::ContentLength),
        };
        let framing = match length {
            Some(0) => BodyFraming::Nothing,
            Some(_) => BodyFraming::Raw,
            None if self.request.is_http11 && self.phase != Phase::Failed => BodyFraming::Chunked,
            None => BodyFraming::UntilClose,
        };
        Ok(BodyPlan { content_length: length, framing, length: length.unwrap_or(0), drops: false })
    }

    /// Sends some of the body. Data for an answer that has none (HEAD, 204, 205, 304) is dropped.
    ///
    /// # Errors
    /// [`SendError::TooLong`]: more than was announced. [`SendError::Order`]: no head was sent.
    #[inline]
    pub fn send_data(&mut self, out: &mut Vec<u8>, data: &[u8]) -> Result<(), SendError> {
        self.answer.send_data(out, data)
    }

    /// As [`send_data`](Self::send_data) for data that is written elsewhere: what goes before `len` bytes of it. If the result
    /// is false, nothing was written, and neither the data nor [`end_data`](Self::end_data) may follow.
    ///
    /// # Errors
    /// As [`send_data`](Self::send_data).
    #[inline]
    pub fn begin_data(&mut self, out: &mut Vec<u8>, len: usize) -> Result<bool, SendError> {
        self.answer.begin_data(out, len)
    }

    /// What goes behind the data announced by [`begin_data`](Self::begin_data).
    #[inline]
    pub fn end_data(&mut self, out: &mut Vec<u8>) {
        self.answer.end_data(out);
    }

    /// Ends the answer. Trailers are sent with chunks, and dropped otherwise. After an answer without a body it does nothing.
    ///
    /// # Errors
    /// [`SendError::TooShort`]: less than was announced was sent; the connection has to close. [`SendError::Trailer`]: a
    /// field may not be sent in trailers; nothing was written. [`SendError::Order`]: no head was sent.
    #[inline]
    pub fn send_end(&mut self, out: &mut Vec<u8>, trailers: Option<&Headers>) -> Result<(), SendError> {
        let ended = self.answer.end(out, trailers);
        if ended == Err(SendError::TooShort) {
            self.close = true;
        }
        ended
    }

    /// Whether the final answer was sent whole. An answer without a body is complete with its head.
    #[inline]
    pub fn response_complete(&self) -> bool {
        self.answer.has_ended()
    }

    /// Whether the connection is a byte stream from here on: a 101, or a 2xx answer to CONNECT, was sent, and the request has
    /// ended. Input that follows is not HTTP/1.
    #[inline]
    pub fn upgraded(&self) -> bool {
        self.switched && (self.request.is_connect || self.request_complete())
    }

    /// Whether another request may follow: both messages are complete, and nobody said that the connection closes (RFC 9112
    /// section 9.3).
    #[inline]
    pub fn keeps_alive(&self) -> bool {
        !self.close && !self.switched && self.request_complete() && self.response_complete()
    }

    /// Whether no request may follow this one: one side has said, or will say, that the connection closes.
    #[inline]
    pub fn closes(&self) -> bool {
        self.close
    }

    /// Closes the connection after this answer, or after the next if none was begun. Said in the head, if that is still to come.
    pub fn close_after_response(&mut self) {
        self.close = true;
    }

    /// Goes on to the next request. Does nothing unless the connection [`keeps_alive`](Self::keeps_alive).
    #[inline]
    pub fn next_request(&mut self) {
        if self.keeps_alive() {
            *self = Self::new();
        }
    }
}

impl Default for ServerConnection {
    fn default() -> Self {
        Self::new()
    }
}

/// How the body of an answer is sent.
struct BodyPlan {
    /// The Content-Length to send.
    content_length: Option<u64>,
    framing: BodyFraming,
    length: u64,
    drops: bool,
}

impl BodyPlan {
    fn nothing(content_length: Option<u64>) -> Self {
        BodyPlan { content_length, framing: BodyFraming::Nothing, length: 0, drops: true }
    }
}

#[inline]
pub(super) fn push_status_line(out: &mut Vec<u8>, status: u16) {
    if status == 200 {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    push_decimal(out, u64::from(status));
    // The space is there also without a reason (RFC 9112 section 4).
    out.push(b' ');
    out.extend_from_slice(reason(status).as_bytes());
    out.extend_from_slice(b"\r\n");
}

const _: () = assert!(size_of::<ServerConnection>() <= 64);
