//! The server's side of the handshake (RFC 6455, 4.2; RFC 8441, 5).

use flare_proto::websocket::handshake::{
    HandshakeError, VERSION, accept_deflate, accept_key, choose_subprotocol, offered_subprotocols,
};
use flare_proto::websocket::{Deflate, DeflateConfig};

use super::WsOptions;
use crate::exchange::{AnswerError, Exchange};
use crate::message::{Method, Request, Response, Version};

/// What became of an offer.
pub(super) enum Checked {
    /// The request does not ask for a WebSocket.
    NotOffered,
    /// It does, and this is the answer.
    Refused(Box<Response>),
    /// It does, and may have one.
    Agreed(Box<Agreed>),
}

/// What goes into the answer that accepts.
pub(super) struct Agreed {
    /// Only on HTTP/1.1.
    accept: Option<[u8; 28]>,
    /// The place of the subprotocol in the options.
    pub(super) protocol: Option<usize>,
    /// How messages are compressed, for each half of the wire, and the field that says so.
    deflate: Option<([Deflate; 2], String)>,
}

impl Agreed {
    /// Drafts the fields of the answer.
    pub(super) fn write_to(&self, exchange: &Exchange, options: &WsOptions) -> Result<(), AnswerError> {
        exchange
            .draft(|response| {
                let headers = response.headers_mut();
                if let Some(accept) = &self.accept {
                    headers.set("sec-websocket-accept", accept)?;
                }
                if let Some((_, extensions)) = &self.deflate {
                    headers.set("sec-websocket-extensions", extensions)?;
                }
                if let Some(protocol) = self.protocol.and_then(|place| options.protocols.get(place)) {
                    headers.set("sec-websocket-protocol", protocol)?;
                }
                Ok(())
            })?
            .map_err(|_: crate::InvalidField| AnswerError::Misuse("a subprotocol can't be a field value"))
    }
}

impl Agreed {
    /// What each half of the wire compresses with.
    pub(super) fn take_deflate(&mut self) -> [Option<Deflate>; 2] {
        self.deflate.take().map(|(halves, _)| halves.map(Some)).unwrap_or_default()
    }
}

/// Looks at a request on a WebSocket route.
pub(super) fn check(request: &Request, options: &WsOptions, deflate: Option<&DeflateConfig>) -> Checked {
    let extended = request.method() == Method::Connect;
    let offered = request.offered_protocol().unwrap_or_default();
    let asks = offered.split(',').any(|one| one.trim().eq_ignore_ascii_case("websocket"));
    match (asks, extended) {
        (true, _) => {}
        // A protocol that is not known here (RFC 9220, 3).
        (false, true) => return Checked::Refused(Box::new(Response::status_only(501))),
        (false, false) => return Checked::NotOffered,
    }
    let headers = request.headers();
    let mut versions = headers.get_all("sec-websocket-version");
    if versions.next() != Some(VERSION.as_bytes()) || versions.next().is_some() {
        return Checked::Refused(Box::new(other_version(extended)));
    }
    let mut accept = None;
    if request.version() == Version::Http11 {
        let mut keys = headers.get_all("sec-websocket-key");
        accept = keys.next().and_then(accept_key);
        if accept.is_none() || keys.next().is_some() {
            return Checked::Refused(Box::new(Response::status_only(400)));
        }
    }
    if !options.origins.allow(request) {
        return Checked::Refused(Box::new(Response::status_only(403)));
    }
    let protocol = match offered_subprotocols(headers.get_all("sec-websocket-protocol")) {
        Ok(offered) => choose_subprotocol(&offered, &options.protocols)
            .and_then(|chosen| options.protocols.iter().position(|one| one == chosen)),
        Err(_) => return Checked::Refused(Box::new(Response::status_only(400))),
    };
    match deflate.map_or(Ok(None), |config| agree_deflate(request, config)) {
        Ok(deflate) => Checked::Agreed(Box::new(Agreed { accept, protocol, deflate })),
        Err(_) => Checked::Refused(Box::new(Response::status_only(400))),
    }
}

/// What is agreed about compression. The halves of the wire have one value each, because each uses one direction of it.
fn agree_deflate(
    request: &Request,
    config: &DeflateConfig,
) -> Result<Option<([Deflate; 2], String)>, HandshakeError> {
    let offered = || request.headers().get_all("sec-websocket-extensions");
    let Some((sends, field)) = accept_deflate(offered(), config)? else { return Ok(None) };
    Ok(accept_deflate(offered(), config)?.map(|(receives, _)| ([sends, receives], field)))
}

/// The answer to a request that asks for no WebSocket (RFC 9110, 15.5.22).
pub(super) fn upgrade_required(request: &Request) -> Response {
    let mut response = Response::status_only(426);
    // Where there is no such field nothing can be offered but the status.
    if request.version() == Version::Http11 {
        set(&mut response, "upgrade", "websocket");
    }
    set(&mut response, "sec-websocket-version", VERSION);
    response
}

/// The answer to a version that is not spoken here (RFC 6455, 4.4). A later wire has no 426: nothing can be upgraded there.
fn other_version(extended: bool) -> Response {
    let mut response = Response::status_only(if extended { 400 } else { 426 });
    if !extended {
        set(&mut response, "upgrade", "websocket");
    }
    set(&mut response, "sec-websocket-version", VERSION);
    response
}

fn set(response: &mut Response, name: &str, value: &str) {
    let set = response.headers_mut().set(name, value);
    debug_assert!(set.is_ok(), "a field of our own");
}
