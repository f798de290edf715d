//! Answers that are encoded once and sent many times.

use super::body_encoder::BodyFraming;
use super::head_writer::{push_content_length, push_fields};
use super::server::{ServerConnection, push_status_line};
use crate::{Headers, OriginFields, SendError};

/// A whole answer as it goes onto the wire, but for what differs from one request to the next: Server, Date and Connection.
#[derive(Debug, Clone)]
pub struct PreparedResponse {
    /// Status line and fields.
    head: Vec<u8>,
    body: Vec<u8>,
}

impl PreparedResponse {
    /// Encodes an answer with this status (200 to 599, but not 204, 205 or 304, which have no content), fields and content.
    ///
    /// # Errors
    /// For another status, and for the fields Server, Date, Connection, Content-Length, Transfer-Encoding and Upgrade, which belong to
    /// the connection.
    pub fn new(status: u16, headers: &Headers, body: &[u8]) -> Result<Self, SendError> {
        if !(200..600).contains(&status) || matches!(status, 204 | 205 | 304) {
            return Err(SendError::Status);
        }
        let mut head = Vec::new();
        push_status_line(&mut head, status);
        let sent = push_fields(&mut head, headers)?;
        if sent.belongs_to_connection() {
            return Err(SendError::Order);
        }
        push_content_length(&mut head, body.len() as u64);
        Ok(Self { head, body: body.to_vec() })
    }
}

impl ServerConnection {
    /// Sends a prepared answer, whole.
    ///
    /// # Errors
    /// When an answer was begun before, or the request is a CONNECT. Nothing is written then.
    pub fn send_prepared(
        &mut self,
        out: &mut Vec<u8>,
        prepared: &PreparedResponse,
        origin: &OriginFields,
    ) -> Result<(), SendError> {
        let drops = self.begin_prepared()?;
        out.extend_from_slice(&prepared.head);
        origin.push_to(out, false, false);
        match self.persistence() {
            b"" => {}
            option => {
                out.extend_from_slice(b"connection: ");
                out.extend_from_slice(option);
                out.extend_from_slice(b"\r\n");
            }
        }
        out.extend_from_slice(b"\r\n");
        if !drops {
            out.extend_from_slice(&prepared.body);
        }
        self.end_prepared(BodyFraming::Nothing, drops);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RequestHead;
    use crate::http1::Limits;

    fn answer(request: &str) -> (String, bool) {
        let mut headers = Headers::new();
        headers.append("content-type", "text/plain").unwrap();
        let prepared = PreparedResponse::new(200, &headers, b"hello").unwrap();
        let mut connection = ServerConnection::new();
        let mut head = RequestHead::new();
        connection.receive_head(&Limits::default(), request.as_bytes(), &mut head).unwrap().unwrap();
        let mut origin = OriginFields::new();
        origin.set(Some(b"f"), None);
        let mut out = Vec::new();
        connection.send_prepared(&mut out, &prepared, &origin).unwrap();
        assert_eq!(connection.send_prepared(&mut out, &prepared, &origin), Err(SendError::Order));
        assert!(connection.response_complete());
        (String::from_utf8(out).unwrap(), connection.keeps_alive())
    }

    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\nserver: f\r\n";

    #[test]
    fn only_what_belongs_to_the_connection_differs() {
        assert_eq!(answer("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), (format!("{HEAD}\r\nhello"), true));
        assert_eq!(answer("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"), (format!("{HEAD}\r\n"), true));
        assert_eq!(
            answer("GET / HTTP/1.0\r\n\r\n"),
            (format!("{HEAD}connection: close\r\n\r\nhello"), false)
        );
        let kept = answer("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(kept, (format!("{HEAD}connection: keep-alive\r\n\r\nhello"), true));
    }

    #[test]
    fn what_belongs_to_the_connection_is_refused() {
        for name in ["server", "date", "connection", "content-length", "transfer-encoding", "upgrade"] {
            let mut headers = Headers::new();
            headers.append(name, "5").unwrap();
            assert!(PreparedResponse::new(200, &headers, b"hello").is_err(), "{name}");
        }
        assert!(PreparedResponse::new(204, &Headers::new(), b"").is_err());
    }
}
