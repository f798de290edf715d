//! From a request to a socket: the handler behind a WebSocket route.

use std::sync::Arc;

use flare_proto::websocket::{Connection, DeflateConfig, Limits, Role, Sender};

use super::driver::Driver;
use super::handshake::{self, Checked};
use super::{SocketHandler, WebSocket, WsOptions};
use crate::exchange::{ByteStream, Exchange};
use crate::handler::Handler;
use crate::message::{IntoResponse, Request, Response};

/// What `accept` of a WebSocket route gives: a [`SocketHandler`], or a `Result` of one and the answer that refuses the socket.
pub trait Accept {
    /// The handler of the socket.
    ///
    /// # Errors
    /// The answer when there shall be none.
    fn into_handler(self) -> Result<Box<dyn SocketHandler>, Response>;
}

impl<H: SocketHandler> Accept for H {
    fn into_handler(self) -> Result<Box<dyn SocketHandler>, Response> {
        Ok(Box::new(self))
    }
}

impl<H: SocketHandler, R: IntoResponse> Accept for Result<H, R> {
    fn into_handler(self) -> Result<Box<dyn SocketHandler>, Response> {
        match self {
            Ok(handler) => Ok(Box::new(handler)),
            Err(answer) => {
                let mut response = Response::new(200);
                answer.write_to(&mut response);
                Err(response)
            }
        }
    }
}

/// Makes the handler of a socket, or an answer that refuses it.
type Acceptor = dyn Fn(&Request) -> Result<Box<dyn SocketHandler>, Response> + Send + Sync;

/// The handler of a WebSocket route.
#[derive(Clone)]
pub(crate) struct Route {
    options: Arc<WsOptions>,
    limits: Arc<Limits>,
    /// How messages are compressed; each worker has contexts of its own.
    deflate: Option<DeflateConfig>,
    accept: Arc<Acceptor>,
}

impl Route {
    pub(crate) fn new(
        options: WsOptions,
        accept: impl Fn(&Request) -> Result<Box<dyn SocketHandler>, Response> + Send + Sync + 'static,
    ) -> Self {
        let limits = Limits {
            message_bytes: options.message_limit,
            frame_bytes: options.message_limit,
            ..Limits::default()
        };
        let deflate = options.deflate.then(|| DeflateConfig {
            send_takeover: options.deflate_takeover,
            receive_takeover: options.deflate_takeover,
            ..DeflateConfig::default()
        });
        Self { options: Arc::new(options), deflate, limits: Arc::new(limits), accept: Arc::new(accept) }
    }
}

impl Handler for Route {
    fn handle(&self, exchange: Exchange) {
        let home = exchange.home();
        let deflate = self.deflate.as_ref();
        let deflate =
            deflate.map(|config| DeflateConfig { contexts: home.deflate_contexts(), ..config.clone() });
        let mut agreed = match handshake::check(exchange.request(), &self.options, deflate.as_ref()) {
            Checked::Agreed(agreed) => agreed,
            Checked::NotOffered => {
                return match &self.options.otherwise {
                    Some(handler) => handler.handle(exchange),
                    None => {
                        let answer = handshake::upgrade_required(exchange.request());
                        exchange.respond(answer);
                    }
                };
            }
            Checked::Refused(answer) => return exchange.respond(*answer),
        };
        let handler = match (self.accept)(exchange.request()) {
            Ok(handler) => handler,
            Err(answer) => return exchange.respond(answer),
        };
        let drafted = agreed.write_to(&exchange, &self.options);
        if drafted.and_then(|()| exchange.switch_protocol("websocket")).is_err() {
            // The offer was checked, so the exchange is over, or it is answered with 500.
            return;
        }
        let [sends, receives] = agreed.take_deflate();
        let sends = Sender::new(Role::Server, sends);
        let receives = Connection::new(Role::Server, Arc::clone(&self.limits), receives);
        let request = exchange.request().clone();
        let stream = ByteStream::of(exchange);
        let socket = WebSocket::new(stream, request, agreed.protocol, Arc::clone(&self.options), sends);
        Driver::start(socket, receives, handler);
    }
}
