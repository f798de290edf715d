//! Frames of the peer that carry no message.

use super::connection::Connection;
use super::drain::{self, Step};
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::flood::Cost;
use super::frame::{FrameHeader, FrameKind, flag, write};
use super::limits::INITIAL_WINDOW;
use super::receive::{Received, number, number_31};
use super::role::Role;
use super::stream::{Phase, StreamKey};
use super::streams::Closed;
use crate::section::priority::Priority;

/// A value of a `priority` field that is longer says nothing of use.
const PRIORITY_BYTES: usize = 256;

impl<R: Role> Connection<R> {
    /// RFC 9113 section 6.9.
    pub(super) fn window_update<'a>(
        &mut self,
        id: u32,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        self.spend(Cost::WindowUpdate)?;
        let bytes = i64::from(number_31(payload));
        if id == 0 {
            if bytes == 0 {
                return Err(ConnectionError::protocol("WINDOW_UPDATE of 0"));
            }
            if !self.send_window.change(bytes) {
                return Err(ConnectionError::flow_control("window too large"));
            }
            return Ok(None);
        }
        let Some(key) = self.streams.find(id) else {
            if self.is_idle(id) {
                return Err(ConnectionError::protocol("WINDOW_UPDATE of a stream that is not open"));
            }
            return Ok(None);
        };
        if bytes == 0 {
            return self.stream_error(key, ErrorCode::Protocol, out);
        }
        if self.streams.get_mut(key).is_some_and(|stream| !stream.send_window.change(bytes)) {
            return self.stream_error(key, ErrorCode::FlowControl, out);
        }
        self.queue_if_ready(key);
        Ok(None)
    }

    /// RFC 9113 section 6.4.
    pub(super) fn rst_stream<'a>(
        &mut self,
        id: u32,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        let Some(key) = self.streams.find(id) else {
            if self.is_idle(id) {
                return Err(ConnectionError::protocol("RST_STREAM of a stream that is not open"));
            }
            self.spend(Cost::IdleFrame)?;
            return Ok(None);
        };
        self.spend(Cost::Reset)?;
        let code = ErrorCode::from_number(number(payload));
        let is_answered = code == ErrorCode::NoError && self.has_all_that_was_announced(key);
        self.remove(key, Closed::Known, out);
        Ok(Some(match is_answered {
            true => Event::End { stream: key, has_trailers: false },
            false => Event::Reset { stream: key, code, by_peer: true },
        }))
    }

    /// Whether an answer lacks nothing but its END_STREAM. NO_ERROR says that it is complete (RFC 9113 section 8.1), and its length says so too.
    /// Node sends this when the window of the connection has no room for the frame that would end the stream.
    fn has_all_that_was_announced(&self, key: StreamKey) -> bool {
        let stream = self.streams.get(key);
        !R::IS_SERVER
            && stream.is_some_and(|stream| stream.receiving == Phase::Content && stream.receive_left == 0)
    }

    /// RFC 9113 section 6.5.
    pub(super) fn settings_frame<'a>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        if header.has(flag::ACK) {
            return self.settings_acknowledged().map(|()| None);
        }
        self.spend(Cost::Settings)?;
        self.settings_came = true;
        self.apply_settings(payload)?;
        write(out, FrameKind::Settings, flag::ACK, 0, &[]);
        Ok(None)
    }

    fn settings_acknowledged(&mut self) -> Result<(), ConnectionError> {
        let Some(unanswered) = self.settings_unanswered.checked_sub(1) else {
            return self.spend(Cost::IdleFrame);
        };
        self.settings_unanswered = unanswered;
        self.decoder.set_table_limit(self.limits.decoder_table_bytes);
        let smaller = INITIAL_WINDOW.saturating_sub(self.limits.stream_window());
        for slot in 0..self.streams.slots() {
            if let Some(stream) = self.streams.at(slot).filter(|_| smaller > 0) {
                stream.receive_window.shrink(smaller);
            }
        }
        Ok(())
    }

    pub(super) fn apply_settings(&mut self, payload: &[u8]) -> Result<(), ConnectionError> {
        let before = self.peer;
        self.peer.apply(payload, R::IS_SERVER)?;
        self.encoder.set_table_limit(self.peer.header_table_bytes);
        let change = i64::from(self.peer.stream_window) - i64::from(before.stream_window);
        if change == 0 {
            return Ok(());
        }
        // RFC 9113 section 6.9.2.
        for slot in 0..self.streams.slots() {
            let Some(stream) = self.streams.at(slot).filter(|stream| stream.id != 0) else { continue };
            if !stream.send_window.change(change) {
                return Err(ConnectionError::flow_control("window too large"));
            }
            let key = StreamKey { id: stream.id, slot };
            self.queue_if_ready(key);
        }
        Ok(())
    }

    /// RFC 9113 section 6.7.
    pub(super) fn ping_frame<'a>(
        &mut self,
        header: FrameHeader,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        if !header.has(flag::ACK) {
            self.spend(Cost::Ping)?;
            write(out, FrameKind::Ping, flag::ACK, 0, payload);
            return Ok(None);
        }
        self.spend(Cost::IdleFrame)?;
        if payload == drain::PING && self.drain.step == Step::Announced {
            self.finish_drain(out);
            return Ok(None);
        }
        Ok(payload.first_chunk().map(|payload| Event::Pong { payload: *payload }))
    }

    /// RFC 9113 section 6.8.
    pub(super) fn goaway<'a>(&mut self, payload: &[u8]) -> Received<'a, R::Info> {
        self.spend(Cost::IdleFrame)?;
        let last = number_31(payload);
        if self.drain.peer_last.is_some_and(|before| last > before) {
            return Err(ConnectionError::protocol("GOAWAY with a later last stream"));
        }
        self.drain.peer_last = Some(last);
        let code = ErrorCode::from_number(number(payload.get(4..).unwrap_or_default()));
        Ok(Some(Event::Goaway { last, code }))
    }

    /// A stream that the peer's GOAWAY says it has done nothing about.
    pub(super) fn stream_behind_goaway<'a>(&mut self, out: &mut Vec<u8>) -> Option<Event<'a, R::Info>> {
        let last = self.drain.peer_last.filter(|_| !R::IS_SERVER)?;
        if self.last_id <= last {
            return None;
        }
        let (key, _) = self.streams.iter().find(|(key, _)| key.id > last)?;
        self.remove(key, Closed::Reset, out);
        Some(Event::Reset { stream: key, code: ErrorCode::RefusedStream, by_peer: true })
    }

    /// PRIORITY of RFC 7540. It has no effect (RFC 9113 section 5.3.2).
    pub(super) fn priority_frame<'a>(
        &mut self,
        id: u32,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Received<'a, R::Info> {
        self.spend(Cost::Priority)?;
        let error = match payload.len() {
            5 if number_31(payload) == id => ErrorCode::Protocol,
            5 => return Ok(None),
            _ => ErrorCode::FrameSize,
        };
        match self.streams.find(id) {
            Some(key) => self.stream_error(key, error, out),
            None => Err(ConnectionError { code: error, reason: "malformed PRIORITY" }),
        }
    }

    /// RFC 9218 section 7.1.
    pub(super) fn priority_update<'a>(&mut self, payload: &[u8]) -> Received<'a, R::Info> {
        if !R::IS_SERVER {
            return Err(ConnectionError::protocol("PRIORITY_UPDATE of a server"));
        }
        self.spend(Cost::Priority)?;
        let id = number_31(payload);
        if id == 0 || id.is_multiple_of(2) {
            return Err(ConnectionError::protocol("PRIORITY_UPDATE of a stream that can't be"));
        }
        let value = payload.get(4..).filter(|value| value.len() <= PRIORITY_BYTES).unwrap_or_default();
        let priority = Priority::parse(value);
        match self.streams.find(id) {
            Some(key) => self.set_priority(key, priority),
            // One is kept, as browsers send it right before the request.
            None if id > self.last_id => self.early_priority = Some((id, priority)),
            None => {}
        }
        Ok(None)
    }
}
