//! Messages of this end: heads, content, trailers, interim answers (RFC 9114 section 4).

use super::connection::Connection;
use super::frame::{DATA, HEADERS, write_header};
use super::role::{Role, Server};
use crate::section::sent::{Asked, CheckedResponse, check_interim, check_trailers, write_fields};
use crate::section::{Phase, UNKNOWN_LENGTH};
use crate::{Headers, ResponseParts, SendError};

impl Connection<Server> {
    /// Appends an interim answer: 100, 102..=199.
    ///
    /// # Errors
    /// Another status; fields that frame a message; the final answer was begun; the stream is over.
    pub fn send_informational(
        &mut self,
        stream: u64,
        status: u16,
        headers: &Headers,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        if self.streams.get(stream).ok_or(SendError::Closed)?.sending != Phase::Head {
            return Err(SendError::Order);
        }
        check_interim(status, headers)?;
        self.encoder.begin(stream);
        self.encoder.encode_status(status);
        write_fields(headers, true, &mut |name, value| self.encoder.encode(name, value));
        self.end_section(out);
        Ok(())
    }

    /// Appends the head of the final answer. True: content follows, by [`begin_data`](Self::begin_data) or [`send_data`](Self::send_data), and an
    /// end. False: the answer is whole, and the stream is closed behind it; content for it (of HEAD, 204, 205, 304) is to be dropped.
    ///
    /// # Errors
    /// Nothing is written then, and another head can be sent, unless the stream is over ([`SendError::Closed`]).
    pub fn send_head(
        &mut self,
        stream: u64,
        parts: &ResponseParts<'_>,
        out: &mut Vec<u8>,
    ) -> Result<bool, SendError> {
        let open = self.streams.get_mut(stream).ok_or(SendError::Closed)?;
        if open.sending != Phase::Head {
            return Err(if open.sending == Phase::Ended { SendError::Closed } else { SendError::Order });
        }
        let asked = Asked { is_head: open.is_head, is_connect: open.is_connect };
        let response = CheckedResponse::of(parts, asked)?;
        let plan = &response.plan;
        // Nothing may fail from here on.
        open.sending = if plan.follows { Phase::Content } else { Phase::Ended };
        open.send_left = plan.length;
        let follows = plan.follows;
        self.encoder.begin(stream);
        self.encoder.encode_status(parts.status);
        response.write(|name, value| self.encoder.encode(name, value));
        self.end_section(out);
        if !follows {
            self.remove_if_over(stream);
        }
        Ok(follows)
    }
}

impl<R: Role> Connection<R> {
    /// Appends what so many bytes of content begin with; they follow right behind. `last`: they end the message, and the stream is closed behind
    /// them. Nothing is appended for no bytes.
    ///
    /// # Errors
    /// Nothing is written then. [`SendError::Order`]: no head was sent, or the message has ended. [`SendError::TooLong`]: more than was announced.
    /// [`SendError::TooShort`]: less, and this was to be the last. [`SendError::Closed`]: the stream is over.
    pub fn begin_data(
        &mut self,
        stream: u64,
        bytes: usize,
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let open = self.streams.get_mut(stream).ok_or(SendError::Closed)?;
        if open.sending != Phase::Content {
            return Err(SendError::Order);
        }
        if open.send_left != UNKNOWN_LENGTH {
            let left = open.send_left.checked_sub(bytes as u64).ok_or(SendError::TooLong)?;
            if last && left > 0 {
                return Err(SendError::TooShort);
            }
            open.send_left = left;
        }
        if bytes > 0 {
            write_header(out, DATA, bytes);
        }
        if last {
            open.sending = Phase::Ended;
            self.remove_if_over(stream);
        }
        Ok(())
    }

    /// Appends content. `last`: it ends the message, and the stream is closed behind it.
    ///
    /// # Errors
    /// As [`begin_data`](Self::begin_data).
    pub fn send_data(
        &mut self,
        stream: u64,
        bytes: &[u8],
        last: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        self.begin_data(stream, bytes.len(), last, out)?;
        out.extend_from_slice(bytes);
        Ok(())
    }

    /// Ends this end's message, with trailers if there are any; the stream is closed behind it. Nothing happens if it has ended.
    ///
    /// # Errors
    /// [`SendError::TooShort`]: less than was announced was sent; the stream is over, and the owner resets it with
    /// [`ErrorCode::Internal`](super::ErrorCode::Internal). [`SendError::Trailer`]: a field may not be sent in trailers; nothing was written.
    /// [`SendError::Order`]: no head was sent, or trailers in a tunnel. [`SendError::Closed`]: the stream is over.
    pub fn send_end(
        &mut self,
        stream: u64,
        trailers: Option<&Headers>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let open = self.streams.get_mut(stream).ok_or(SendError::Closed)?;
        match open.sending {
            Phase::Head => return Err(SendError::Order),
            Phase::Ended => return Ok(()),
            Phase::Content => {}
        }
        if !matches!(open.send_left, 0 | UNKNOWN_LENGTH) {
            self.remove(stream);
            return Err(SendError::TooShort);
        }
        let trailers = check_trailers(trailers)?;
        if trailers.is_some() && (open.is_connect || open.asks_tunnel) {
            return Err(SendError::Order);
        }
        open.sending = Phase::Ended;
        if let Some(trailers) = trailers {
            self.encoder.begin(stream);
            write_fields(trailers, R::IS_SERVER, &mut |name, value| self.encoder.encode(name, value));
            self.end_section(out);
        }
        self.remove_if_over(stream);
        Ok(())
    }

    /// Appends the section that was written, as a frame.
    #[inline]
    pub(super) fn end_section(&mut self, out: &mut Vec<u8>) {
        self.encoder.end_behind(out, |out, length| write_header(out, HEADERS, length));
    }
}
