//! The server's side: requests come in.

use super::connection::Connection;
use super::error::ErrorCode;
use super::event::Event;
use super::flood::Cost;
use super::headers::Section;
use super::receive::Received;
use super::role::Server;
use crate::section::Phase;
use crate::section::info::RequestInfo;
use crate::section::read::{self, Read};
use crate::{Method, RequestHead};

impl Connection<Server> {
    #[inline]
    pub(super) fn receive_request<'a>(
        &mut self,
        section: Section<'_>,
        head: &mut RequestHead,
    ) -> Received<'a, RequestInfo> {
        let Section { stream: id, prefix, lines, ended } = section;
        let rules = self.limits.section_rules();
        let read = read::read_request(self.decoder.lines(prefix, lines), &rules, ended, head)?;
        self.decoder.acknowledge(id, prefix);
        if let Read::Malformed(reason) = read {
            return self.stream_error(id, ErrorCode::Message, reason);
        }
        let early = self.control.take_early(id);
        let Some(stream) = self.streams.get_mut(id) else { return Ok(None) };
        stream.receiving = if ended { Phase::Ended } else { Phase::Content };
        stream.is_head = head.method() == Method::Head;
        stream.is_connect = head.method() == Method::Connect;
        if let Read::Good(info) = &read {
            stream.priority = info.priority;
            if let Some(length) = info.content_length.filter(|_| !stream.is_connect) {
                stream.receive_left = length;
            }
        }
        stream.priority = early.unwrap_or(stream.priority);
        let priority = stream.priority;
        self.budgets.refund(Cost::Priority, 1);
        Ok(Some(match read {
            Read::Good(info) => Event::Head { stream: id, info: RequestInfo { priority, ..info } },
            Read::Refused { status, reason } => Event::Refused { stream: id, status, reason, ended },
            Read::Malformed(reason) => Event::Rejected { stream: id, code: ErrorCode::Message, reason },
        }))
    }
}
