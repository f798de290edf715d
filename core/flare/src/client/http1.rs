//! A connection that speaks HTTP/1.1: one exchange after another.

use std::collections::VecDeque;

use bytes::Bytes;
use flare_proto::http1::{BodyEvent, ClientConnection, ContentLength, Limits, RequestParts, ResponseLength};
use flare_proto::{ResponseHead, SendError};

use super::{Event, ExchangeId, Failure, HIGH, LOW, Request, RequestError, Response};
use crate::message::Headers;

/// So many events wait for the owner before no more input is wanted: a server may send interim answers without an end.
const EVENTS: usize = 256;

#[derive(Debug)]
pub(super) struct Http1 {
    limits: Limits,
    machine: ClientConnection,
    /// The exchange that runs, and the number of the next one.
    running: Option<Running>,
    next: u64,
    /// A head, or a line of trailers, that has come in part.
    partial: Vec<u8>,
    output: Vec<u8>,
    events: VecDeque<Event>,
    /// Bytes of content in events, and in the hands of who took them.
    held: usize,
    closing: bool,
    over: bool,
}

#[derive(Debug)]
struct Running {
    id: ExchangeId,
    /// The final head has come.
    answered: bool,
    /// The answer is whole.
    ended: bool,
    /// The request has ended, or nobody wants the rest of it.
    sent: bool,
    /// A write was refused.
    refused: bool,
}

impl Http1 {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            machine: ClientConnection::new(),
            running: None,
            next: 1,
            partial: Vec::new(),
            output: Vec::new(),
            events: VecDeque::new(),
            held: 0,
            closing: false,
            over: false,
        }
    }

    pub(super) fn can_open(&self) -> bool {
        !self.over && !self.closing && self.running.is_none()
    }

    pub(super) fn open(&mut self, request: &Request) -> Result<ExchangeId, RequestError> {
        if self.over || self.closing {
            return Err(RequestError::ConnectionOver);
        }
        if self.running.is_some() {
            return Err(RequestError::Busy);
        }
        let with_upgrade;
        let headers = match &request.protocol {
            None => &request.headers,
            Some(protocol) => {
                with_upgrade = upgrading(&request.headers, protocol)?;
                &with_upgrade
            }
        };
        let parts = RequestParts {
            method: &request.method,
            target: &request.target,
            authority: &request.authority,
            headers,
            body: request.content,
        };
        self.machine.send_head(&mut self.output, &parts)?;
        let has_content = !self.machine.request_complete() && !matches!(request.content, ContentLength::None);
        if !has_content {
            self.machine.send_end(&mut self.output, None)?;
        }
        let id = ExchangeId(self.next);
        self.next += 1;
        self.running =
            Some(Running { id, answered: false, ended: false, sent: !has_content, refused: false });
        Ok(id)
    }

    /// The exchange, if it is the one that runs.
    fn of(&mut self, exchange: ExchangeId) -> Option<&mut Running> {
        self.running.as_mut().filter(|running| running.id == exchange)
    }

    pub(super) fn write(&mut self, exchange: ExchangeId, data: &[u8]) -> Result<(), RequestError> {
        let waiting = self.output.len();
        let switched = self.machine.upgraded();
        let running = self.of(exchange).ok_or(RequestError::Over)?;
        if running.sent {
            return Err(RequestError::Over);
        }
        if waiting >= HIGH {
            running.refused = true;
            return Err(RequestError::WouldBlock);
        }
        if switched {
            self.output.extend_from_slice(data);
            return Ok(());
        }
        Ok(self.machine.send_data(&mut self.output, data)?)
    }

    pub(super) fn finish(
        &mut self,
        exchange: ExchangeId,
        trailers: Option<&Headers>,
    ) -> Result<(), RequestError> {
        let switched = self.machine.upgraded();
        let running = self.of(exchange).ok_or(RequestError::Over)?;
        if running.sent {
            return Err(RequestError::Over);
        }
        if switched {
            running.sent = true;
            return Ok(());
        }
        match self.machine.send_end(&mut self.output, trailers) {
            Ok(()) => {
                if let Some(running) = self.of(exchange) {
                    running.sent = true;
                }
                self.end_if_whole();
                Ok(())
            }
            Err(SendError::TooShort) => {
                self.running = None;
                self.over = true;
                Err(RequestError::Invalid(SendError::TooShort))
            }
            Err(error) => Err(error.into()),
        }
    }

    pub(super) fn cancel(&mut self, exchange: ExchangeId) {
        self.events.retain(|event| {
            let keep = event.exchange() != exchange;
            if let Event::Data(_, data) = event
                && !keep
            {
                // Nobody will say that it was used.
                self.held = self.held.saturating_sub(data.len());
            }
            keep
        });
        if self.of(exchange).is_some() {
            self.running = None;
            self.over = true;
            self.output.clear();
        }
    }

    pub(super) fn consumed(&mut self, bytes: usize) {
        self.held = self.held.saturating_sub(bytes);
    }

    pub(super) fn receive(&mut self, input: &[u8]) {
        if self.over {
            return;
        }
        if self.partial.is_empty() {
            let used = self.advance(input);
            self.partial.extend_from_slice(input.get(used..).unwrap_or_default());
        } else {
            let mut all = std::mem::take(&mut self.partial);
            all.extend_from_slice(input);
            let used = self.advance(&all);
            all.drain(..used.min(all.len()));
            self.partial = all;
        }
    }

    /// Takes the input apart. How much of it was used.
    fn advance(&mut self, input: &[u8]) -> usize {
        let mut used = 0;
        while let Some(rest) = input.get(used..).filter(|rest| !rest.is_empty()) {
            let Some(running) = &self.running else {
                // Nobody asked for this.
                self.over = true;
                return input.len();
            };
            let id = running.id;
            let taken = if self.machine.upgraded() {
                self.push_data(id, rest);
                rest.len()
            } else if running.ended {
                // The rest of the request is still being sent, and nothing is due before that: whoever says more is asked nothing more.
                self.closing = true;
                rest.len()
            } else if running.answered {
                self.advance_content(id, rest)
            } else {
                self.advance_head(id, rest)
            };
            if taken == 0 || self.over {
                break;
            }
            used += taken;
        }
        used
    }

    fn advance_head(&mut self, id: ExchangeId, input: &[u8]) -> usize {
        let mut head = ResponseHead::new();
        match self.machine.receive_head(&self.limits, input, &mut head) {
            Ok(None) => 0,
            Ok(Some((used, info))) => {
                let response = Response::of(&head);
                if info.informational {
                    self.events.push_back(Event::Informational(id, response));
                    return used;
                }
                if let Some(running) = &mut self.running {
                    running.answered = true;
                    // A request that asks to switch has no content, but its stream of bytes has.
                    running.sent &= !info.upgraded;
                }
                self.events.push_back(match info.upgraded {
                    true => Event::Switched(id, response),
                    false => Event::Head(id, response),
                });
                if !info.upgraded && info.body == ResponseLength::Empty {
                    self.end(id, Headers::new());
                }
                used
            }
            Err(error) => {
                self.fail(Failure::Malformed(error.reason()));
                0
            }
        }
    }

    fn advance_content(&mut self, id: ExchangeId, input: &[u8]) -> usize {
        let mut trailers = Headers::new();
        match self.machine.receive_body(&self.limits, input, &mut trailers) {
            Ok((used, BodyEvent::Data(data))) => {
                self.push_data(id, data);
                if self.machine.response_complete() {
                    self.end(id, trailers);
                }
                used
            }
            Ok((used, BodyEvent::End)) => {
                self.end(id, trailers);
                used
            }
            Ok((used, BodyEvent::Incomplete)) => used,
            Err(error) => {
                self.fail(Failure::Malformed(error.reason()));
                0
            }
        }
    }

    fn push_data(&mut self, id: ExchangeId, data: &[u8]) {
        self.held += data.len();
        self.events.push_back(Event::Data(id, Bytes::copy_from_slice(data)));
    }

    /// The answer is whole.
    fn end(&mut self, id: ExchangeId, trailers: Headers) {
        self.events.push_back(Event::End(id, trailers));
        if let Some(running) = &mut self.running {
            running.ended = true;
        }
        self.end_if_whole();
    }

    /// Goes on to the next request when both messages are whole.
    fn end_if_whole(&mut self) {
        if !self.running.as_ref().is_some_and(|running| running.ended && running.sent) {
            return;
        }
        self.running = None;
        if self.machine.keeps_alive() && !self.closing {
            self.machine.next_request();
        } else {
            self.over = true;
        }
    }

    fn fail(&mut self, failure: Failure) {
        if let Some(running) = self.running.take().filter(|running| !running.ended) {
            self.events.push_back(Event::Failed(running.id, failure));
        }
        self.over = true;
    }

    pub(super) fn lose(&mut self) {
        if !self.over {
            self.fail(Failure::Cut);
        }
    }

    pub(super) fn receive_end(&mut self) {
        if self.over {
            return;
        }
        match (self.machine.receive_eof(), &self.running) {
            (Ok(()), Some(running)) if running.answered && !running.ended => {
                self.events.push_back(Event::End(running.id, Headers::new()));
                self.running = None;
            }
            _ => self.fail(Failure::Cut),
        }
        self.over = true;
    }

    pub(super) fn ends_output(&self) -> bool {
        self.machine.upgraded() && self.running.as_ref().is_some_and(|running| running.sent)
    }

    pub(super) fn wants_input(&self) -> bool {
        !self.over && self.held < HIGH && self.events.len() < EVENTS
    }

    pub(super) fn next_event(&mut self) -> Option<Event> {
        if let Some(running) = self.running.as_mut().filter(|running| running.refused)
            && self.output.len() < LOW
        {
            running.refused = false;
            let id = running.id;
            self.events.push_back(Event::Writable(id));
        }
        self.events.pop_front()
    }

    /// Bytes that were given and not sent.
    pub(super) fn waiting(&self) -> usize {
        self.output.len()
    }

    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        &mut self.output
    }

    pub(super) fn close(&mut self) {
        self.closing = true;
        self.over |= self.running.is_none();
        self.machine.close_after_response();
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}

/// The fields with those that ask for a protocol.
fn upgrading(headers: &Headers, protocol: &str) -> Result<Headers, RequestError> {
    let wrong = |_| RequestError::Invalid(SendError::Upgrade);
    let mut all = headers.clone();
    all.set("upgrade", protocol).map_err(wrong)?;
    Ok(all)
}
