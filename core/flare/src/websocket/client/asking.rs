//! The opening handshake on a connection, as a value: from the first byte to the server's answer.

use super::error::{OpenFailure, Refusal};
use super::handshake::{Agreed, Offer};
use crate::client::{Event, ExchangeId, Failure, Request, Session};

/// So much of the content of an answer that refuses is kept.
const CONTENT: usize = 16 * 1024;

/// A handshake on its way. The owner does the input and output of `http`, and calls [`Asking::advance`] after each step.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) http: Session,
    offer: Offer,
    request: Request,
    exchange: Option<ExchangeId>,
    /// The server answers with something else.
    refusal: Option<Refusal>,
}

impl Asking {
    pub(super) fn new(http: Session, offer: Offer, request: Request) -> Self {
        Self { http, offer, request, exchange: None, refusal: None }
    }

    /// What came of it. `None`: nothing yet.
    ///
    /// # Errors
    /// Why there will be no socket. [`OpenFailure::NoHttp2`]: HTTP/1.1 may be asked for one.
    pub(super) fn advance(&mut self) -> Result<Option<(ExchangeId, Agreed)>, OpenFailure> {
        let Some(exchange) = self.ask()? else { return Ok(None) };
        while let Some(event) = self.http.next_event() {
            match event {
                Event::Switched(_, response) => {
                    return self.offer.check(response).map(|agreed| Some((exchange, agreed)));
                }
                Event::Head(_, response) => self.refusal = Some(Refusal { response, content: Vec::new() }),
                Event::Data(_, data) => {
                    self.http.consumed(exchange, data.len());
                    if let Some(refusal) = &mut self.refusal {
                        let room = CONTENT - refusal.content.len().min(CONTENT);
                        refusal.content.extend_from_slice(data.get(..room).unwrap_or(&data));
                    }
                    if self.refusal.as_ref().is_some_and(|refusal| refusal.content.len() >= CONTENT) {
                        return Err(self.refused(Failure::Cut));
                    }
                }
                Event::End(..) => return Err(self.refused(Failure::Cut)),
                Event::Failed(_, failure) => return Err(self.refused(failure)),
                Event::Informational(..) | Event::Writable(_) | Event::Datagram(..) => {}
            }
        }
        Ok(None)
    }

    /// Sends the request, once it is known that the server takes it.
    fn ask(&mut self) -> Result<Option<ExchangeId>, OpenFailure> {
        if self.exchange.is_none() {
            if self.http.is_over() {
                return Err(OpenFailure::Exchange(Failure::Cut));
            }
            if !self.http.knows_server() {
                return Ok(None);
            }
            if !self.http.takes_protocols() {
                return Err(OpenFailure::NoHttp2);
            }
            self.exchange = Some(self.http.open(&self.request).map_err(OpenFailure::Request)?);
        }
        Ok(self.exchange)
    }

    /// The answer, as far as it came, if there was one.
    fn refused(&mut self, failure: Failure) -> OpenFailure {
        match self.refusal.take() {
            Some(refusal) => OpenFailure::Refused(Box::new(refusal)),
            None => OpenFailure::Exchange(failure),
        }
    }
}
