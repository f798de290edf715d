//! The server's side: requests come in.

use std::sync::Arc;

use super::connection::Connection;
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::flood::Cost;
use super::headers::Section;
use super::limits::Limits;
use super::receive::Received;
use super::role::Server;
use super::settings;
use super::stream::{Phase, StreamKey};
use crate::section::info::RequestInfo;
use crate::section::read::{self, Read};
use crate::{Headers, Method, RequestHead};

impl Connection<Server> {
    /// A connection that waits for the client's preface: by ALPN, or by prior knowledge. Does not allocate.
    pub fn new(limits: Arc<Limits>) -> Self {
        Self::with_limits(limits)
    }

    /// A connection that began as HTTP/1.1, by `Upgrade: h2c` (RFC 7540 section 3.2). `settings` is the value of its HTTP2-Settings field, and
    /// `method` that of the request, which has been received whole. Returns the stream of its answer too. The 101 goes out before what
    /// [`start`](Self::start) writes; then the client sends its preface.
    ///
    /// `None`: the field is malformed. The request is then answered as if there was no Upgrade.
    pub fn upgraded(limits: Arc<Limits>, settings: &[u8], method: Method) -> Option<(Self, StreamKey)> {
        let mut connection = Self::with_limits(limits);
        connection.apply_settings(&settings::from_field(settings)?).ok()?;
        connection.last_id = 1;
        let mut stream = connection.new_stream(1);
        stream.receiving = Phase::Ended;
        stream.is_head = method == Method::Head;
        let key = connection.streams.insert(stream);
        Some((connection, key))
    }

    #[inline]
    pub(super) fn receive_request<'a>(
        &mut self,
        section: Section<'_>,
        head: &mut RequestHead,
        trailers: &mut Headers,
        out: &mut Vec<u8>,
    ) -> Received<'a, RequestInfo> {
        let id = section.stream;
        if id <= self.last_id || id.is_multiple_of(2) {
            return match self.streams.find(id) {
                Some(key) => self.receive_trailers(key, section, trailers, out),
                None if id.is_multiple_of(2) => {
                    Err(ConnectionError::protocol("HEADERS on a stream of the server"))
                }
                None => self.late_section(section),
            };
        }
        if self.is_behind_drain(id) {
            self.decoder.skip(section.fields)?;
            return self.spend(Cost::IdleFrame).map(|()| None);
        }
        self.last_id = id;
        if self.streams.len() >= self.limits.streams {
            return self.refuse_stream(section, ErrorCode::RefusedStream, out);
        }
        let read = read::read_request(
            self.decoder.lines(section.fields),
            &self.limits.section_rules(),
            section.ends_stream,
            head,
        )?;
        if let Read::Malformed(reason) = read {
            self.reject(id, ErrorCode::Protocol, out)?;
            return Ok(Some(Event::Malformed { reason }));
        }
        let mut stream = self.new_stream(id);
        stream.receiving = if section.ends_stream { Phase::Ended } else { Phase::Content };
        stream.is_head = head.method() == Method::Head;
        stream.is_connect = head.method() == Method::Connect;
        if let Read::Good(info) = &read {
            stream.priority = info.priority;
            if let Some(length) = info.content_length {
                stream.receive_left = length;
            }
        }
        if let Some((_, priority)) =
            self.early_priority.take_if(|(early, _)| *early <= id).filter(|(early, _)| *early == id)
        {
            stream.priority = priority;
        }
        let key = self.streams.insert(stream);
        self.budgets.refund(Cost::Priority, 1);
        self.budgets.refund(Cost::WindowUpdate, 2);
        Ok(Some(match read {
            Read::Good(mut info) => {
                info.priority = stream.priority;
                Event::Head { stream: key, info }
            }
            Read::Refused { status, reason } => {
                Event::Refused { stream: key, status, reason, ended: section.ends_stream }
            }
            Read::Malformed(reason) => Event::Malformed { reason },
        }))
    }
}
