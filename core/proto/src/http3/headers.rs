//! Field sections of the peer: HEADERS (RFC 9114 section 7.2.2).

use super::connection::Connection;
use super::error::{ConnectionError, ErrorCode};
use super::event::Event;
use super::flood::Cost;
use super::receive::Received;
use super::role::Role;
use super::stream::Inbound;
use crate::Headers;
use crate::qpack::{Begun, SectionPrefix};
use crate::section::read::{self, Read};
use crate::section::{Phase, UNKNOWN_LENGTH};

/// A field section that can be read.
#[derive(Clone, Copy, Debug)]
pub struct Section<'s> {
    pub(super) stream: u64,
    pub(super) prefix: SectionPrefix,
    pub(super) lines: &'s [u8],
    /// The stream ends behind it.
    pub(super) ended: bool,
}

impl<R: Role> Connection<R> {
    /// The head of a HEADERS.
    pub(super) fn headers_frame<'a>(
        &mut self,
        id: u64,
        length: u64,
        head: &mut R::Head,
    ) -> Received<'a, R::Info> {
        let Some(stream) = self.streams.get_mut(id) else { return Ok(None) };
        if stream.trailers.is_some() || stream.receiving == Phase::Ended && !stream.is_unwanted {
            return Err(ConnectionError::unexpected("HEADERS behind the end of a message"));
        }
        if stream.receiving != Phase::Head && stream.is_connect {
            return Err(ConnectionError::unexpected("HEADERS in a tunnel"));
        }
        if length > u64::from(self.limits.section_bytes) {
            if R::IS_SERVER && stream.receiving == Phase::Head {
                return self.refuse_section(id, length, head);
            }
            return self.stream_error(id, ErrorCode::ExcessiveLoad, TOO_LONG);
        }
        stream.inbound = match stream.is_unwanted {
            true => Inbound::Skipped { left: length },
            false => Inbound::Section { left: length },
        };
        Ok(None)
    }

    /// At a server: a head that is not even looked at. Nothing of the request is read any more.
    fn refuse_section<'a>(&mut self, id: u64, length: u64, head: &mut R::Head) -> Received<'a, R::Info> {
        R::clear(head);
        if let Some(stream) = self.streams.get_mut(id) {
            (stream.receiving, stream.is_unwanted) = (Phase::Ended, true);
            stream.inbound = Inbound::Skipped { left: length };
        }
        // Its entries of the table are not referred to any more (RFC 9204 section 4.4.2).
        self.decoder.cancel(id);
        Ok(Some(Event::Refused { stream: id, status: 431, reason: TOO_LONG, ended: false }))
    }

    /// A section that is whole.
    pub(super) fn section<'a>(
        &mut self,
        id: u64,
        section: &[u8],
        ended: bool,
        head: &mut R::Head,
        trailers: &mut Headers,
    ) -> Received<'a, R::Info> {
        let mut lines = section;
        match self.decoder.begin(id, &mut lines)? {
            Begun::Ready(prefix) => self.read_section(id, prefix, lines, ended, head, trailers),
            Begun::Blocked(prefix) => {
                self.keep(id, lines)?;
                if let Some(stream) = self.streams.get_mut(id) {
                    stream.inbound = Inbound::Blocked(prefix);
                }
                Ok(None)
            }
        }
    }

    /// A section that came in pieces.
    pub(super) fn kept_section<'a>(
        &mut self,
        id: u64,
        ended: bool,
        head: &mut R::Head,
        trailers: &mut Headers,
    ) -> Received<'a, R::Info> {
        if let Some(stream) = self.streams.get_mut(id) {
            stream.inbound = Inbound::start();
        }
        let section = self.take_kept(id);
        self.section(id, &section, ended, head, trailers)
    }

    /// A section whose entries are there.
    pub(super) fn read_section<'a>(
        &mut self,
        id: u64,
        prefix: SectionPrefix,
        lines: &[u8],
        ended: bool,
        head: &mut R::Head,
        trailers: &mut Headers,
    ) -> Received<'a, R::Info> {
        self.budgets.refund(Cost::Instruction, INSTRUCTIONS);
        let section = Section { stream: id, prefix, lines, ended };
        match self.streams.get(id).map(|stream| stream.receiving) {
            Some(Phase::Head) => R::receive_head(self, section, head),
            Some(_) => self.receive_trailers(section, trailers),
            None => Ok(None),
        }
    }

    /// A section on a stream that has had its head: trailers.
    fn receive_trailers<'a>(
        &mut self,
        section: Section<'_>,
        trailers: &mut Headers,
    ) -> Received<'a, R::Info> {
        let Section { stream: id, prefix, lines, ended } = section;
        let rules = self.limits.section_rules();
        let read = read::read_trailers(self.decoder.lines(prefix, lines), &rules, trailers)?;
        self.decoder.acknowledge(id, prefix);
        let Some(stream) = self.streams.get_mut(id) else { return Ok(None) };
        let reason = match read {
            Read::Good(()) if matches!(stream.receive_left, 0 | UNKNOWN_LENGTH) => {
                if !ended {
                    stream.trailers = Some(Box::new(std::mem::take(trailers)));
                    return Ok(None);
                }
                stream.receiving = Phase::Ended;
                self.remove_if_over(id);
                return Ok(Some(Event::End { stream: id, has_trailers: true }));
            }
            Read::Good(()) => "less content than was announced",
            Read::Refused { reason, .. } | Read::Malformed(reason) => reason,
        };
        trailers.clear();
        self.stream_error(id, ErrorCode::Message, reason)
    }
}

const TOO_LONG: &str = "field section too long";

/// So many instructions of QPACK a field section may need.
const INSTRUCTIONS: u32 = 32;
