//! Content of the peer's messages: DATA (RFC 9114 section 7.2.1).

use super::connection::Connection;
use super::error::{ConnectionError, ErrorCode};
use super::flood::Cost;
use super::receive::Received;
use super::role::Role;
use super::stream::Inbound;
use crate::section::{Phase, UNKNOWN_LENGTH};

impl<R: Role> Connection<R> {
    /// The head of a DATA.
    pub(super) fn data_frame<'a>(&mut self, id: u64, length: u64) -> Received<'a, R::Info> {
        if length == 0 {
            self.spend(Cost::EmptyFrame)?;
        }
        let Some(stream) = self.streams.get_mut(id) else { return Ok(None) };
        match stream.receiving {
            Phase::Head => return Err(ConnectionError::unexpected("DATA before HEADERS")),
            Phase::Ended if !stream.is_unwanted => {
                return Err(ConnectionError::unexpected("DATA behind the end of a message"));
            }
            Phase::Content if stream.trailers.is_some() => {
                return Err(ConnectionError::unexpected("DATA behind trailers"));
            }
            Phase::Ended | Phase::Content => {}
        }
        if stream.receive_left != UNKNOWN_LENGTH {
            let Some(left) = stream.receive_left.checked_sub(length) else {
                return self.stream_error(id, ErrorCode::Message, "more content than was announced");
            };
            stream.receive_left = left;
        }
        stream.inbound = Inbound::Data { left: length };
        Ok(None)
    }
}
