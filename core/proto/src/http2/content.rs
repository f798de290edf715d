//! Content of the peer's messages: DATA (RFC 9113 section 6.1).

use super::connection::Connection;
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::flood::Cost;
use super::frame::{FrameHeader, FrameKind, flag, write};
use super::inbound::{Inbound, take};
use super::receive::Received;
use super::role::Role;
use super::stream::{Phase, StreamKey};
use super::streams::Closed;
use crate::section::UNKNOWN_LENGTH;

/// DATA that is shorter is not much use.
const SHORT: u32 = 256;

impl<R: Role> Connection<R> {
    /// The head of a DATA.
    pub(super) fn begin_data_frame<'a>(
        &mut self,
        header: FrameHeader,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        let id = header.stream;
        if id == 0 || self.is_idle(id) && !self.is_behind_drain(id) {
            return Err(ConnectionError::protocol("DATA on a stream that is not open"));
        }
        let is_padded = header.has(flag::PADDED);
        if is_padded && header.length == 0 {
            return Err(ConnectionError::frame_size("padding without a length"));
        }
        if !self.receive_window.take(header.length) {
            return Err(ConnectionError::flow_control("more content than the connection's window"));
        }
        let Some(key) = self.streams.find(id) else { return self.late_data(header, out) };
        let Some(stream) = self.streams.get_mut(key) else { return Ok(None) };
        let error = match stream.receiving {
            Phase::Ended => ErrorCode::StreamClosed,
            Phase::Head => ErrorCode::Protocol,
            Phase::Content if !stream.receive_window.take(header.length) => ErrorCode::FlowControl,
            Phase::Content if is_padded => {
                self.inbound = Inbound::PadLength { header, stream: key };
                return Ok(None);
            }
            Phase::Content => return self.begin_content(header, key, None, out),
        };
        self.drop_frame(header.length, out);
        self.stream_error(key, error, out)
    }

    /// Content on a stream that is over.
    #[cold]
    fn late_data<'a>(&mut self, header: FrameHeader, out: &mut Vec<u8>) -> Received<'a, R::Info> {
        self.drop_frame(header.length, out);
        let id = header.stream;
        if self.is_behind_drain(id) || self.closed.find(id) == Some(Closed::Reset) {
            // The peer may not know yet: what it may have sent until then, in frames of any length, is no fault of it. Beyond that long frames use its
            // window up, and short ones only cost.
            let was_sent_before = (1..=self.late).contains(&header.length);
            self.late = self.late.saturating_sub(header.length);
            return match was_sent_before || header.length >= SHORT {
                true => Ok(None),
                false => self.spend(Cost::IdleFrame).map(|()| None),
            };
        }
        self.spend(Cost::Reset)?;
        write(out, FrameKind::RstStream, 0, id, &ErrorCode::StreamClosed.number().to_be_bytes());
        Ok(None)
    }

    fn drop_frame(&mut self, length: u32, out: &mut Vec<u8>) {
        self.skip(length);
        self.give_back(None, length, out);
    }

    /// The length of the padding is known: what of the frame is content.
    #[inline]
    pub(super) fn begin_content<'a>(
        &mut self,
        header: FrameHeader,
        key: StreamKey,
        padding: Option<u8>,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        let rest = header.length - u32::from(padding.is_some());
        let pad = u32::from(padding.unwrap_or_default());
        let Some(content) = rest.checked_sub(pad) else {
            return Err(ConnectionError::protocol("padding longer than its frame"));
        };
        let ends = header.has(flag::END_STREAM);
        if padding.is_some() {
            self.give_back(Some(key), 1 + pad, out);
        }
        if content > 0 {
            self.budgets.refund(Cost::Ping, 1);
        } else if !ends {
            self.spend(Cost::EmptyFrame)?;
        }
        let mut is_wrong = false;
        if let Some(stream) = self.streams.get_mut(key)
            && stream.receive_left != UNKNOWN_LENGTH
        {
            match stream.receive_left.checked_sub(u64::from(content)) {
                Some(left) if left == 0 || !ends => stream.receive_left = left,
                _ => is_wrong = true,
            }
        }
        self.inbound =
            Inbound::Data { stream: key, left: content, padding: pad as u8, ends: ends && !is_wrong };
        if content == 0 {
            self.end_frame();
        }
        // The content that follows is dropped, because the stream is not there any more.
        if is_wrong { self.stream_error(key, ErrorCode::Protocol, out) } else { Ok(None) }
    }

    /// A piece of content, as long as the input has it.
    #[inline]
    pub(super) fn content<'a>(
        &mut self,
        input: &mut &'a [u8],
        out: &mut Vec<u8>,
    ) -> Option<Event<'a, R::Info>> {
        let Inbound::Data { stream, left, .. } = &mut self.inbound else { return None };
        let key = *stream;
        let bytes = take(input, left);
        if *left == 0 {
            self.end_frame();
        }
        match self.streams.get_mut(key) {
            Some(stream) => {
                // At most the stream's window, which is less than 2^31.
                stream.held += bytes.len() as u32;
                Some(Event::Data { stream: key, bytes })
            }
            None => {
                self.give_back(None, bytes.len() as u32, out);
                None
            }
        }
    }

    /// All content of a DATA is there.
    fn end_frame(&mut self) {
        if let Inbound::Data { stream, padding, ends, .. } = self.inbound {
            self.skip(u32::from(padding));
            if ends && self.streams.get(stream).is_some() {
                self.ended = Some(stream);
            }
        }
    }

    /// The peer's message has ended with DATA. The stream may have been reset since.
    pub(super) fn peer_ended<'a>(&mut self, key: StreamKey, out: &mut Vec<u8>) -> Option<Event<'a, R::Info>> {
        self.streams.get_mut(key)?.receiving = Phase::Ended;
        self.remove_if_over(key, out);
        Some(Event::End { stream: key, has_trailers: false })
    }

    /// The peer broke a rule on a stream that the owner knows: it is reset.
    #[cold]
    pub(super) fn stream_error<'a>(
        &mut self,
        key: StreamKey,
        code: ErrorCode,
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        self.spend(Cost::Reset)?;
        self.reset(key, code, out);
        Ok(Some(Event::Reset { stream: key, code, by_peer: false }))
    }
}
