//! Answers that are encoded once.

use std::sync::Arc;

use bytes::Bytes;
use flare_proto::http1::{PreparedResponse, SendError};

use crate::exchange::Exchange;
use crate::handler::Handler;
use crate::message::{Body, Headers, IntoResponse, Response};

/// An answer that never changes, encoded once: cheaper than making it anew for each request. It is a handler of its own.
///
/// Date, Server and Connection are still added for each request, and middleware may still change the head: then it is encoded
/// as any other answer.
///
/// ```
/// use flare::message::Prepared;
/// use flare::prelude::*;
///
/// let mut router = Router::new();
/// router.get("/robots.txt", Prepared::new(Response::text("User-agent: *\nDisallow:\n"))?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Prepared {
    parts: Arc<PreparedParts>,
}

/// A prepared answer, and what it was made of.
#[derive(Debug)]
pub(crate) struct PreparedParts {
    status: u16,
    headers: Headers,
    pub(crate) body: Bytes,
    pub(crate) http1: PreparedResponse,
}

impl Prepared {
    /// Encodes an answer. Its content must be in memory, and it has no trailers.
    ///
    /// # Errors
    /// When its status has no content, it has trailers, its content is a file, parts or a source, or a field belongs to the connection
    /// (Server, Date, Connection, Content-Length, Transfer-Encoding, Upgrade).
    pub fn new(mut response: Response) -> Result<Self, SendError> {
        if response.trailers.is_some() {
            return Err(SendError::Trailer);
        }
        if matches!(response.body, Body::File(_) | Body::Parts(_) | Body::Source(_)) {
            return Err(SendError::ContentLength);
        }
        let body = response.body.take_bytes();
        let http1 = PreparedResponse::new(response.status, &response.headers, &body)?;
        let parts = PreparedParts { status: response.status, headers: response.headers, body, http1 };
        Ok(Self { parts: Arc::new(parts) })
    }
}

impl IntoResponse for Prepared {
    fn write_to(self, response: &mut Response) {
        response.status = self.parts.status;
        response.prepared = Some(self.parts);
    }
}

impl Handler for Prepared {
    fn handle(&self, exchange: Exchange) {
        exchange.respond(self.clone());
    }
}

impl Response {
    /// Becomes an ordinary answer, for those who want to change it.
    pub(crate) fn unprepare(&mut self) {
        let Some(parts) = self.prepared.take() else { return };
        for (name, value) in parts.headers.iter() {
            let copied = self.headers.append(name, value);
            debug_assert!(copied.is_ok(), "a field that was one is one no more");
        }
        self.body = Body::Shared(parts.body.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Part;

    #[test]
    fn content_of_several_parts_is_refused_and_not_lost() {
        let parts = vec![Part::Bytes(Bytes::from_static(b"content"))];
        let prepared = Prepared::new(Response::new(200).with_body(parts));
        assert_eq!(prepared.err(), Some(SendError::ContentLength));
    }
}
