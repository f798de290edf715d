//! What stands behind the handles.

use std::sync::{Arc, Mutex};

use flare::embed::StockMiddleware;
use flare::mux::{Mux, MuxListener, MuxStream};
use flare::websocket::WsOptions;
use flare::websocket::client::Event;
use flare::{AnswerError, CancelReason, Exchange, Request, Response, RouteOptions, Router, ServerConfig};

use crate::asked::{Answer, Asked};
use crate::client_state::ClientState;
use crate::connection::Made;
use crate::connector::{Begun, ConnectorSettings};
use crate::guard::Failure;
use crate::handle::{HandleError, Kind, Kinds, Table, Token};
use crate::layer::Head;
use crate::life::ServerState;
use crate::queue::EventQueue;
use crate::status::*;
use crate::tls::TlsSettings;
use crate::websocket::Socket;
use crate::websocket_client::Opened;
use crate::websocket_opener::{Begun as Opening, OpenerSettings};

/// The kinds of handles, one for each opaque C type.
pub(crate) const CONFIG: Kind = Kind::new(1);
pub(crate) const ROUTER: Kind = Kind::new(2);
pub(crate) const SERVER: Kind = Kind::new(3);
pub(crate) const REQUEST: Kind = Kind::new(4);
pub(crate) const RESPONSE: Kind = Kind::new(5);
pub(crate) const ROUTE_OPTIONS: Kind = Kind::new(6);
pub(crate) const QUEUE: Kind = Kind::new(7);
pub(crate) const MUX: Kind = Kind::new(8);
pub(crate) const MUX_STREAM: Kind = Kind::new(9);
pub(crate) const MUX_LISTENER: Kind = Kind::new(10);
pub(crate) const MIDDLEWARE: Kind = Kind::new(11);
pub(crate) const TLS: Kind = Kind::new(12);
pub(crate) const CONNECTOR: Kind = Kind::new(13);
pub(crate) const CONNECTING: Kind = Kind::new(14);
pub(crate) const CONNECTION: Kind = Kind::new(15);
pub(crate) const WEBSOCKET: Kind = Kind::new(16);
pub(crate) const WEBSOCKET_OPTIONS: Kind = Kind::new(17);
pub(crate) const CLIENT: Kind = Kind::new(18);
pub(crate) const WEBSOCKET_OPENER: Kind = Kind::new(19);
pub(crate) const WEBSOCKET_OPENING: Kind = Kind::new(20);
pub(crate) const WEBSOCKET_CLIENT: Kind = Kind::new(21);
pub(crate) const WEBSOCKET_EVENT: Kind = Kind::new(22);
/// A request and its response are two faces of one object.
pub(crate) const EXCHANGE: Kinds = REQUEST.and(RESPONSE);

/// Whatever a handle may stand for. An exchange moves in and out with each request, so the others, which are large, are boxed.
pub(crate) enum Object {
    Config(Box<Mutex<ServerConfig>>),
    Tls(Box<Mutex<TlsSettings>>),
    Router(Box<Mutex<Router>>),
    Server(Box<ServerState>),
    RouteOptions(Box<Mutex<RouteOptions>>),
    Queue(Box<EventQueue>),
    Middleware(Box<Mutex<StockMiddleware>>),
    WebSocket(Socket),
    WebSocketOptions(Box<Mutex<WsOptions>>),
    WebSocketOpener(Box<Mutex<OpenerSettings>>),
    WebSocketOpening(Opening),
    WebSocketClient(Opened),
    WebSocketEvent(Box<Event>),
    Mux(Mux),
    MuxStream(MuxStream),
    MuxListener(Arc<MuxListener>),
    Connector(Box<Mutex<ConnectorSettings>>),
    Connecting(Begun),
    Connection(Arc<Made>),
    Client(Arc<ClientState>),
    /// A request of one's own, and its answer.
    Asked(Arc<Asked>),
    /// The head of an interim answer to such a request.
    Interim(Box<flare::client::Response>),
    Exchange(Exchange),
    /// An exchange that a middleware looks at, and that goes on afterwards.
    Shared(Arc<Exchange>),
    /// The head of an answer that a middleware looks at.
    Head(Arc<Head>),
    /// A request without the right to answer it.
    Request(Request),
}

/// All objects that C holds handles to.
pub(crate) static TABLE: Table<Object> = Table::new();

impl From<AnswerError> for Failure {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Answered => Failure::new(FLARE_ERROR_FINISHED, "the exchange was answered before"),
            AnswerError::WouldBlock => {
                Failure::new(FLARE_ERROR_WOULD_BLOCK, "the client has to take some of the answer first")
            }
            AnswerError::Misuse(problem) => Failure::new(FLARE_ERROR_INVALID_ARGUMENT, problem),
            AnswerError::Cancelled(CancelReason::PeerGone) => {
                Failure::new(FLARE_ERROR_CLOSED, "the client is gone")
            }
            AnswerError::Cancelled(CancelReason::Deadline) => {
                Failure::new(FLARE_ERROR_TIMEOUT, "the deadline of the handler passed")
            }
            AnswerError::Cancelled(_) => Failure::new(FLARE_ERROR_CANCELLED, "the server ended"),
        }
    }
}

/// The kind of the handle and the kind of the object always agree; this error is for the compiler.
fn mismatch() -> Failure {
    HandleError::WrongKind.into()
}

/// What a client sends is written, and what it gets is read; on a server it is the other way round.
#[cold]
fn other_side(object: &Object) -> Failure {
    match object {
        Object::Asked(_) | Object::Interim(_) => Failure::new(
            FLARE_ERROR_INVALID_STATE,
            "the exchange is a client's: its request is written and its answer read",
        ),
        Object::Exchange(_) | Object::Shared(_) | Object::Head(_) | Object::Request(_) => Failure::new(
            FLARE_ERROR_INVALID_STATE,
            "the exchange is a server's: its request is read and its answer written",
        ),
        _ => mismatch(),
    }
}

/// Runs `f` on the exchange behind a request or response handle.
#[inline(always)]
pub(crate) fn with_exchange<P, R>(
    handle: *const P,
    kind: Kind,
    f: impl FnOnce(&Exchange) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), kind, |object| match object {
        Object::Exchange(exchange) => f(exchange),
        Object::Shared(exchange) => f(exchange),
        other => Err(other_side(other)),
    })
}

/// Runs `f` on the request behind a request handle.
#[inline]
pub(crate) fn with_request<P, R>(
    handle: *const P,
    f: impl FnOnce(&Request) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), REQUEST, |object| match object {
        Object::Exchange(exchange) => f(exchange.request()),
        Object::Shared(exchange) => f(exchange.request()),
        Object::Head(head) => f(head.request()),
        Object::Request(request) => f(request),
        other => Err(other_side(other)),
    })
}

/// Runs `f` on the answer behind a response handle, while its head may be changed.
#[inline(always)]
pub(crate) fn with_draft<P, R>(
    handle: *const P,
    f: impl FnOnce(&mut Response) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), RESPONSE, |object| match object {
        Object::Exchange(exchange) => exchange.draft(f)?,
        Object::Shared(exchange) => exchange.draft(f)?,
        Object::Head(head) => head.change(f),
        other => Err(other_side(other)),
    })
}

/// Runs `f` on the options behind a handle.
pub(crate) fn with_route_options<P, R>(
    handle: *const P,
    f: impl FnOnce(&mut RouteOptions) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), ROUTE_OPTIONS, |object| match object {
        Object::RouteOptions(options) => f(&mut lock(options)),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the settings of a middleware behind a handle.
pub(crate) fn with_middleware<P, R>(
    handle: *const P,
    f: impl FnOnce(&mut StockMiddleware) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), MIDDLEWARE, |object| match object {
        Object::Middleware(middleware) => f(&mut lock(middleware)),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the queue behind a handle.
pub(crate) fn with_queue<P, R>(
    handle: *const P,
    f: impl FnOnce(&EventQueue) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), QUEUE, |object| match object {
        Object::Queue(queue) => f(queue),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the socket behind a handle.
pub(crate) fn with_websocket<P, R>(
    handle: *const P,
    f: impl FnOnce(&Socket) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), WEBSOCKET, |object| match object {
        Object::WebSocket(socket) => f(socket),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the options of a WebSocket route behind a handle.
pub(crate) fn with_websocket_options<P, R>(
    handle: *const P,
    f: impl FnOnce(&mut WsOptions) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), WEBSOCKET_OPTIONS, |object| match object {
        Object::WebSocketOptions(options) => f(&mut lock(options)),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the settings of an opener behind a handle.
pub(crate) fn with_websocket_opener<P, R>(
    handle: *const P,
    f: impl FnOnce(&mut OpenerSettings) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), WEBSOCKET_OPENER, |object| match object {
        Object::WebSocketOpener(settings) => f(&mut lock(settings)),
        _ => Err(mismatch()),
    })
}

/// The socket that is being opened behind a handle; a clone.
pub(crate) fn websocket_opening<P>(handle: *const P) -> Result<Opening, Failure> {
    TABLE.with(Token::from_pointer(handle), WEBSOCKET_OPENING, |object| match object {
        Object::WebSocketOpening(opening) => Ok(Arc::clone(opening)),
        _ => Err(mismatch()),
    })
}

/// The socket to a server behind a handle; a clone, as a wait must not keep the handle.
pub(crate) fn websocket_client<P>(handle: *const P) -> Result<Opened, Failure> {
    TABLE.with(Token::from_pointer(handle), WEBSOCKET_CLIENT, |object| match object {
        Object::WebSocketClient(socket) => Ok(Arc::clone(socket)),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the event behind a handle.
pub(crate) fn with_websocket_event<P, R>(
    handle: *const P,
    f: impl FnOnce(&Event) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), WEBSOCKET_EVENT, |object| match object {
        Object::WebSocketEvent(event) => f(event),
        _ => Err(mismatch()),
    })
}

/// The connection behind a handle. A clone, as a wait must not keep the handle: or free would wait too.
pub(crate) fn mux<P>(handle: *const P) -> Result<Mux, Failure> {
    TABLE.with(Token::from_pointer(handle), MUX, |object| match object {
        Object::Mux(mux) => Ok(mux.clone()),
        _ => Err(mismatch()),
    })
}

/// The stream behind a handle; a clone.
pub(crate) fn mux_stream<P>(handle: *const P) -> Result<MuxStream, Failure> {
    TABLE.with(Token::from_pointer(handle), MUX_STREAM, |object| match object {
        Object::MuxStream(stream) => Ok(stream.clone()),
        _ => Err(mismatch()),
    })
}

/// The listener behind a handle; a clone.
pub(crate) fn mux_listener<P>(handle: *const P) -> Result<Arc<MuxListener>, Failure> {
    TABLE.with(Token::from_pointer(handle), MUX_LISTENER, |object| match object {
        Object::MuxListener(listener) => Ok(Arc::clone(listener)),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the settings of a connector behind a handle.
pub(crate) fn with_connector<P, R>(
    handle: *const P,
    f: impl FnOnce(&mut ConnectorSettings) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), CONNECTOR, |object| match object {
        Object::Connector(settings) => f(&mut lock(settings)),
        _ => Err(mismatch()),
    })
}

/// The connection that is being made behind a handle; a clone.
pub(crate) fn connecting<P>(handle: *const P) -> Result<Begun, Failure> {
    TABLE.with(Token::from_pointer(handle), CONNECTING, |object| match object {
        Object::Connecting(connecting) => Ok(Arc::clone(connecting)),
        _ => Err(mismatch()),
    })
}

/// The connection to somebody else behind a handle; a clone, as a wait must not keep the handle.
pub(crate) fn connection<P>(handle: *const P) -> Result<Arc<Made>, Failure> {
    TABLE.with(Token::from_pointer(handle), CONNECTION, |object| match object {
        Object::Connection(connection) => Ok(Arc::clone(connection)),
        _ => Err(mismatch()),
    })
}

/// The client behind a handle; a clone, as a wait must not keep the handle.
pub(crate) fn client<P>(handle: *const P) -> Result<Arc<ClientState>, Failure> {
    TABLE.with(Token::from_pointer(handle), CLIENT, |object| match object {
        Object::Client(client) => Ok(Arc::clone(client)),
        _ => Err(mismatch()),
    })
}

/// The exchange of a client behind a handle of either face; a clone, as a wait must not keep the handle.
pub(crate) fn asked<P>(handle: *const P, kind: Kind) -> Result<Arc<Asked>, Failure> {
    TABLE.with(Token::from_pointer(handle), kind, |object| match object {
        Object::Asked(asked) => Ok(Arc::clone(asked)),
        other => Err(other_side(other)),
    })
}

/// Runs one of two on the exchange behind a handle of either face: a client's, or a server's.
pub(crate) fn with_either<P, R>(
    handle: *const P,
    kind: Kind,
    client: impl FnOnce(&Asked) -> R,
    server: impl FnOnce(&Request) -> R,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), kind, |object| match object {
        Object::Asked(asked) => Ok(client(asked)),
        Object::Exchange(exchange) => Ok(server(exchange.request())),
        Object::Shared(exchange) => Ok(server(exchange.request())),
        Object::Head(head) => Ok(server(head.request())),
        Object::Request(request) => Ok(server(request)),
        other => Err(other_side(other)),
    })
}

/// Runs `f` on the answer that a client got, behind a response handle.
pub(crate) fn with_answer<P, R>(
    handle: *const P,
    f: impl FnOnce(Answer<'_>) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), RESPONSE, |object| match object {
        Object::Asked(asked) => f(asked.as_answer()),
        Object::Interim(head) => f(Answer { head: Some(head), trailers: None, content: &[] }),
        other => Err(other_side(other)),
    })
}

/// Runs `f` on the settings behind a handle.
pub(crate) fn with_config<P, R>(
    handle: *const P,
    f: impl FnOnce(&mut ServerConfig) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), CONFIG, |object| match object {
        Object::Config(config) => f(&mut lock(config)),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the TLS settings behind a handle.
pub(crate) fn with_tls<P, R>(
    handle: *const P,
    f: impl FnOnce(&mut TlsSettings) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), TLS, |object| match object {
        Object::Tls(tls) => f(&mut lock(tls)),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the router behind a handle.
pub(crate) fn with_router<P, R>(
    handle: *const P,
    f: impl FnOnce(&mut Router) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), ROUTER, |object| match object {
        Object::Router(router) => f(&mut lock(router)),
        _ => Err(mismatch()),
    })
}

/// Runs `f` on the server behind a handle.
pub(crate) fn with_server<P, R>(
    handle: *const P,
    f: impl FnOnce(&ServerState) -> Result<R, Failure>,
) -> Result<R, Failure> {
    TABLE.with(Token::from_pointer(handle), SERVER, |object| match object {
        Object::Server(server) => f(server),
        _ => Err(mismatch()),
    })
}

/// Locks what a panic in another call may have left: each change is whole or not made.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
