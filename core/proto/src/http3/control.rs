//! The peer's control stream (RFC 9114 sections 6.2.1 and 7.2).

use super::connection::Connection;
use super::error::ConnectionError;
use super::event::Event;
use super::flood::Cost;
use super::frame::{FrameHeader, FrameKind, PartialHeader};
use super::receive::Received;
use super::role::Role;
use super::settings::PeerSettings;
use super::stream::take;
use super::streams::Claim;
use crate::section::priority::Priority;
use crate::varint;

/// Where in the control stream the input is, and what has to be remembered of it.
#[derive(Debug, Default)]
pub(super) struct Control {
    inbound: Inbound,
    /// What came of a frame that is not whole.
    partial: Vec<u8>,
    settings_came: bool,
    /// The highest push that a client allows. There are none.
    max_push: Option<u64>,
    /// Priorities that came before their requests, the oldest first.
    early: Vec<(u64, Priority)>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug)]
enum Inbound {
    Header(PartialHeader),
    /// A frame that is looked at when it is whole.
    Payload {
        kind: FrameKind,
        left: u64,
    },
    Skipped {
        left: u64,
    },
}

impl Default for Inbound {
    fn default() -> Self {
        Inbound::Header(PartialHeader::default())
    }
}

/// So many priorities are remembered for requests that did not come yet.
const MOST_EARLY: usize = 16;

impl Control {
    /// A priority that came before its request.
    pub(super) fn take_early(&mut self, id: u64) -> Option<Priority> {
        let at = self.early.iter().position(|&(early, _)| early == id)?;
        Some(self.early.remove(at).1)
    }
}

impl<R: Role> Connection<R> {
    pub(super) fn receive_control<'a>(&mut self, input: &mut &'a [u8]) -> Received<'a, R::Info> {
        while !input.is_empty() {
            match &mut self.control.inbound {
                Inbound::Header(partial) => {
                    let Some(header) = partial.take(input) else { return Ok(None) };
                    self.begin_control_frame(header)?;
                }
                Inbound::Skipped { left } => {
                    take(input, left);
                }
                Inbound::Payload { left, .. } => {
                    let part = take(input, left);
                    self.control.partial.extend_from_slice(part);
                }
            }
            if let Some(event) = self.end_control_frame()? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    /// What can be said of a frame before its payload is there.
    fn begin_control_frame(&mut self, header: FrameHeader) -> Result<(), ConnectionError> {
        let is_settings = header.kind == FrameKind::Settings;
        if !self.control.settings_came && !is_settings {
            return Err(ConnectionError::new(
                super::ErrorCode::MissingSettings,
                "the first frame of the control stream is not SETTINGS",
            ));
        }
        match header.kind {
            FrameKind::Settings if self.control.settings_came => {
                return Err(ConnectionError::unexpected("SETTINGS twice"));
            }
            FrameKind::Data | FrameKind::Headers | FrameKind::PushPromise => {
                return Err(ConnectionError::unexpected("a frame of requests on the control stream"));
            }
            FrameKind::OfHttp2 => return Err(ConnectionError::unexpected("a frame of HTTP/2")),
            FrameKind::MaxPushId | FrameKind::PriorityUpdate | FrameKind::PriorityUpdatePush
                if !R::IS_SERVER =>
            {
                return Err(ConnectionError::unexpected("a frame that only clients send"));
            }
            FrameKind::Unknown => {
                self.spend(Cost::IdleFrame)?;
                self.control.inbound = Inbound::Skipped { left: header.length };
                return Ok(());
            }
            _ => {}
        }
        if header.length > u64::from(self.limits.control_bytes) {
            return Err(ConnectionError::load("a frame of the control stream too long"));
        }
        self.control.inbound = Inbound::Payload { kind: header.kind, left: header.length };
        Ok(())
    }

    /// Follows a frame, if it is whole.
    fn end_control_frame<'a>(&mut self) -> Received<'a, R::Info> {
        let kind = match self.control.inbound {
            Inbound::Skipped { left: 0 } => None,
            Inbound::Payload { kind, left: 0 } => Some(kind),
            _ => return Ok(None),
        };
        self.control.inbound = Inbound::default();
        let Some(kind) = kind else { return Ok(None) };
        let payload = std::mem::take(&mut self.control.partial);
        self.control_frame(kind, &payload)
    }

    fn control_frame<'a>(&mut self, kind: FrameKind, payload: &[u8]) -> Received<'a, R::Info> {
        match kind {
            FrameKind::Settings => {
                self.peer = PeerSettings::parse(payload)?;
                self.control.settings_came = true;
                self.encoder.set_peer_limits(self.peer.qpack_table_bytes, self.peer.qpack_blocked_streams);
                Ok(Some(Event::Settings))
            }
            FrameKind::Goaway => self.goaway(only_number(payload)?),
            FrameKind::MaxPushId => {
                let id = only_number(payload)?;
                if self.control.max_push.is_some_and(|before| id < before) {
                    return Err(ConnectionError::id("MAX_PUSH_ID that falls"));
                }
                self.control.max_push = Some(id);
                self.spend(Cost::IdleFrame).map(|()| None)
            }
            FrameKind::CancelPush => {
                only_number(payload)?;
                Err(ConnectionError::id("CANCEL_PUSH of a push that does not exist"))
            }
            FrameKind::PriorityUpdate => self.priority_update(payload),
            FrameKind::PriorityUpdatePush => {
                Err(ConnectionError::id("PRIORITY_UPDATE of a push that does not exist"))
            }
            _ => Ok(None),
        }
    }

    /// RFC 9114 section 5.2.
    fn goaway<'a>(&mut self, id: u64) -> Received<'a, R::Info> {
        if !R::IS_SERVER && !id.is_multiple_of(4) {
            return Err(ConnectionError::id("GOAWAY of what is no request"));
        }
        if self.drain.peer.is_some_and(|before| id > before) {
            return Err(ConnectionError::id("GOAWAY that rises"));
        }
        self.drain.peer = Some(id);
        self.spend(Cost::IdleFrame)?;
        Ok(Some(Event::Goaway { first: id }))
    }

    /// At a client: a request that the server will do nothing about.
    pub(super) fn stream_behind_goaway<'a>(&mut self) -> Option<Event<'a, R::Info>> {
        let first = self.drain.peer.filter(|_| !R::IS_SERVER)?;
        let stream = self.streams.one_from(first)?;
        self.remove(stream);
        Some(Event::Reset { stream, code: super::ErrorCode::RequestRejected, by_peer: true })
    }

    /// RFC 9218 section 7.2.
    fn priority_update<'a>(&mut self, mut payload: &[u8]) -> Received<'a, R::Info> {
        self.spend(Cost::Priority)?;
        let cut = ConnectionError::frame("PRIORITY_UPDATE too short");
        let id = varint::take(&mut payload).ok_or(cut)?;
        if !id.is_multiple_of(4) {
            return Err(ConnectionError::id("PRIORITY_UPDATE of what is no request"));
        }
        let priority = Priority::parse(payload);
        if self.is_told(id) {
            let Some(stream) = self.streams.get_mut(id) else { return Ok(None) };
            stream.priority = priority;
            return Ok(Some(Event::Priority { stream: id, priority }));
        }
        if self.streams.get(id).is_some() || self.streams.is_idle(id) {
            if self.streams.is_too_far(id, self.most_missing()) {
                return Err(ConnectionError::id("PRIORITY_UPDATE of a request that can't be"));
            }
            self.control.early.retain(|&(early, _)| early != id);
            if self.control.early.len() >= MOST_EARLY {
                self.control.early.remove(0);
            }
            self.control.early.push((id, priority));
        }
        Ok(None)
    }

    /// Takes the id of a request that came. Whether it is a new one.
    pub(super) fn claim(&mut self, id: u64) -> Result<bool, ConnectionError> {
        match self.streams.claim(id, self.most_missing()) {
            Claim::New => Ok(true),
            Claim::Open | Claim::Over => Ok(false),
            Claim::Far => Err(ConnectionError::id("a request too far ahead")),
        }
    }

    /// How many requests may be missing below the last: the transport lets no more of them be open than it allows, and it allows those beyond
    /// the limit to be rejected.
    fn most_missing(&self) -> usize {
        4 * self.limits.streams as usize
    }
}

/// The number that is all of a payload.
fn only_number(mut payload: &[u8]) -> Result<u64, ConnectionError> {
    let number = varint::take(&mut payload).filter(|_| payload.is_empty());
    number.ok_or(ConnectionError::frame("a frame of a length it can't have"))
}
