//! What one side has to say on a stream, as far as it has been said, and what it has heard.

use quiche::h3::{self, Header};

/// A message on its way out, as the peer takes it.
pub(crate) struct Outgoing {
    /// An answer's head that has not been sent.
    head: Option<Vec<Header>>,
    content: Vec<u8>,
    sent: usize,
    ended: bool,
}

impl Outgoing {
    /// Content behind a request's head that was sent. `ended`: the head was all.
    pub(crate) fn request(content: Vec<u8>, ended: bool) -> Self {
        Self { head: None, content, sent: 0, ended }
    }

    pub(crate) fn answer(head: Vec<Header>, content: Vec<u8>) -> Self {
        Self { head: Some(head), content, sent: 0, ended: false }
    }

    /// Sends as much as the peer takes now.
    pub(crate) fn go_on(
        &mut self,
        http: &mut h3::Connection,
        quic: &mut quiche::Connection,
        stream: u64,
    ) -> h3::Result<()> {
        if let Some(head) = &self.head {
            let all = self.content.is_empty();
            match http.send_response(quic, stream, head, all) {
                Ok(()) => (self.head, self.ended) = (None, all),
                Err(h3::Error::Done | h3::Error::StreamBlocked) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        while !self.ended {
            let rest = self.content.get(self.sent..).unwrap_or_default();
            match http.send_body(quic, stream, rest, true) {
                Ok(taken) => self.sent += taken,
                Err(h3::Error::Done | h3::Error::StreamBlocked) => return Ok(()),
                Err(error) => return Err(error),
            }
            self.ended = self.sent == self.content.len();
        }
        Ok(())
    }
}

/// Takes all content that has come on a stream.
pub(crate) fn take(
    http: &mut h3::Connection,
    quic: &mut quiche::Connection,
    stream: u64,
    into: &mut Vec<u8>,
) -> h3::Result<()> {
    let mut piece = [0; 16 << 10];
    loop {
        match http.recv_body(quic, stream, &mut piece) {
            Ok(length) => into.extend_from_slice(piece.get(..length).unwrap_or_default()),
            Err(h3::Error::Done) => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

/// The value of a field; empty if it is not there.
pub(crate) fn value<'a>(fields: &'a [Header], name: &[u8]) -> &'a [u8] {
    use h3::NameValue;
    fields.iter().find(|field| field.name() == name).map_or(b"", |field| field.value())
}
