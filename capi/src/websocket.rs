//! `flare_websocket`: sockets that were accepted, and their callbacks.

use std::ffi::{CString, c_char, c_void};
use std::sync::{Arc, Mutex};

use flare::websocket::{Message, SendError, SocketHandler, WebSocket};

use crate::guard::{Failure, guard, guard_number, guard_or};
use crate::handle::Token;
use crate::handler::flare_destroy;
use crate::object::{Object, REQUEST, TABLE, WEBSOCKET, lock, with_router, with_server, with_websocket};
use crate::request::flare_request;
use crate::router::{flare_router, route};
use crate::server::flare_server;
use crate::status::{
    FLARE_ERROR_CLOSED, FLARE_ERROR_INVALID_ARGUMENT, FLARE_ERROR_INVALID_STATE, FLARE_ERROR_WOULD_BLOCK,
};
use crate::text::{self, UserData};
use crate::websocket_options::{flare_websocket_options, options_or_default};

/// A WebSocket (RFC 6455) that was accepted. Borrowed in its callbacks; kept with flare_websocket_retain(), also after its end. Any thread
/// may use it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_websocket {
    _opaque: [u8; 0],
}

/// A message is text: UTF-8.
pub const FLARE_WEBSOCKET_TEXT: i32 = 1;
/// A message is bytes.
pub const FLARE_WEBSOCKET_BINARY: i32 = 2;

/// Something happened to a socket: it is open, or messages are taken again after one was refused.
///
/// Called on the socket's worker, which must not be blocked, one call for each socket at a time. The handle is borrowed.
///
/// @return FLARE_OK, or an error code: the socket is closed with 1011.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_websocket_callback =
    Option<unsafe extern "C" fn(socket: *mut flare_websocket, user: *mut c_void) -> i32>;

/// A message came, whole. Called as flare_websocket_callback.
///
/// @param kind    FLARE_WEBSOCKET_TEXT or FLARE_WEBSOCKET_BINARY.
/// @param data    Borrowed for the call. It does not end with NUL; NULL when it is empty.
/// @return FLARE_OK, or an error code: the socket is closed with 1011.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_websocket_message_callback = Option<
    unsafe extern "C" fn(
        socket: *mut flare_websocket,
        kind: i32,
        data: *const u8,
        length: usize,
        user: *mut c_void,
    ) -> i32,
>;

/// The last call: the socket is closing or gone. Called as flare_websocket_callback.
///
/// @param code    The client's close code, or that of its mistake; 1005: it gave none, 1006: it left without goodbye (RFC 6455, 7.4.1).
/// @param reason  In the client's words, or what it did wrong. Borrowed for the call; never NULL.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_websocket_close_callback = Option<
    unsafe extern "C" fn(socket: *mut flare_websocket, code: i32, reason: *const c_char, user: *mut c_void),
>;

impl From<SendError> for Failure {
    fn from(error: SendError) -> Self {
        let code = match error {
            SendError::WouldBlock => FLARE_ERROR_WOULD_BLOCK,
            SendError::Closed => FLARE_ERROR_CLOSED,
            SendError::Misuse(_) => FLARE_ERROR_INVALID_ARGUMENT,
        };
        Failure::new(code, error.to_string())
    }
}

/// A socket behind its handle.
pub(crate) struct Socket {
    pub(crate) socket: WebSocket,
    /// What the program attached. In a box, since few do, and it lies in the table of handles.
    data: Mutex<Option<Box<UserData>>>,
}

/// The callbacks of a route.
struct Callbacks {
    open: flare_websocket_callback,
    message: flare_websocket_message_callback,
    writable: flare_websocket_callback,
    close: flare_websocket_close_callback,
    user: Arc<UserData>,
}

/// The callbacks for one socket, which hold its handle from its open to its close.
struct CSocketHandler {
    callbacks: Arc<Callbacks>,
    handle: Option<Token>,
}

impl CSocketHandler {
    /// Tells a callback, and closes the socket when it fails.
    fn call(&self, socket: &WebSocket, call: impl FnOnce(*mut flare_websocket, *mut c_void) -> i32) {
        // None: no handle could be made, and the socket is closing.
        let Some(token) = self.handle else { return };
        if call(token.to_pointer(), self.callbacks.user.pointer()) < 0 {
            // Err: it is closing already.
            let _ = socket.close(1011, "");
        }
    }

    fn tell(&self, socket: &WebSocket, callback: flare_websocket_callback) {
        if let Some(callback) = callback {
            // SAFETY: `flare_router_ws` was promised that the callback may be called with `user` until that is destroyed, and it is held here.
            self.call(socket, |handle, user| unsafe { callback(handle, user) });
        }
    }
}

impl SocketHandler for CSocketHandler {
    fn open(&mut self, socket: &WebSocket) {
        let object = Object::WebSocket(Socket { socket: socket.clone(), data: Mutex::new(None) });
        match TABLE.insert(WEBSOCKET.only(), object) {
            Ok(token) => self.handle = Some(token),
            // Err: it can't be closing yet.
            Err(_) => drop(socket.close(1013, "")),
        }
        self.tell(socket, self.callbacks.open);
    }

    fn message(&mut self, socket: &WebSocket, message: Message<'_>) {
        let Some(callback) = self.callbacks.message else { return };
        let kind = match message {
            Message::Text(_) => FLARE_WEBSOCKET_TEXT,
            Message::Binary(_) => FLARE_WEBSOCKET_BINARY,
        };
        let data = message.as_bytes();
        let pointer = if data.is_empty() { std::ptr::null() } else { data.as_ptr() };
        // SAFETY: as in `tell`; the message outlives the call.
        self.call(socket, |handle, user| unsafe { callback(handle, kind, pointer, data.len(), user) });
    }

    fn writable(&mut self, socket: &WebSocket) {
        self.tell(socket, self.callbacks.writable);
    }

    fn close(&mut self, socket: &WebSocket, code: u16, reason: &str) {
        let Some(callback) = self.callbacks.close else { return };
        // A NUL in it is the client's joke: what is before it has to do.
        let before = reason.split('\0').next().unwrap_or_default();
        let reason = CString::new(before).unwrap_or_default();
        self.call(socket, |handle, user| {
            // SAFETY: as in `tell`; the reason outlives the call.
            unsafe { callback(handle, code.into(), reason.as_ptr(), user) };
            0
        });
    }
}

impl Drop for CSocketHandler {
    fn drop(&mut self) {
        if let Some(token) = self.handle.take() {
            // Err: the program released more than it had retained.
            let _ = TABLE.release(token, WEBSOCKET);
        }
    }
}

/// Adds WebSockets at a pattern: GET with Upgrade on HTTP/1.1, extended CONNECT on HTTP/2 (RFC 8441).
///
/// @param options   Copied; NULL for defaults.
/// @param open      The handshake is done. Like the other callbacks it may be NULL, and may be called by several workers for different sockets at
///                  once.
/// @param message   A message came.
/// @param writable  Messages are taken again, after FLARE_ERROR_WOULD_BLOCK.
/// @param close     The last call for a socket.
/// @param user      Handed to the callbacks.
/// @param destroy   Frees `user`; may be NULL. Called when the router, all servers made from it and their sockets are gone, or when this call fails.
/// @return As flare_router_add().
///
/// # Safety
/// `pattern` is a NUL-terminated string. The callbacks may be called with `user` from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_router_ws(
    router: *mut flare_router,
    pattern: *const c_char,
    options: *const flare_websocket_options,
    open: flare_websocket_callback,
    message: flare_websocket_message_callback,
    writable: flare_websocket_callback,
    close: flare_websocket_close_callback,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends; and shared, so that it runs
    // when no lock is held.
    let user = Arc::new(unsafe { UserData::new(user, destroy) });
    guard(|| {
        // SAFETY: the caller's promise.
        let pattern = unsafe { text::required(pattern, "pattern") }?;
        let options = options_or_default(options)?;
        let callbacks = Arc::new(Callbacks { open, message, writable, close, user: Arc::clone(&user) });
        let accept =
            move |_: &flare::Request| CSocketHandler { callbacks: Arc::clone(&callbacks), handle: None };
        with_router(router, |router| router.ws_with(pattern, options, accept).map(drop).map_err(route))
    })
}

/// Keeps a socket's handle behind its callback. Each retain needs one release.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_retain(socket: *mut flare_websocket) -> i32 {
    guard(|| Ok(TABLE.retain(Token::from_pointer(socket), WEBSOCKET)?))
}

/// Gives a socket's handle back. It does not close the socket.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_release(socket: *mut flare_websocket) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(socket), WEBSOCKET)?))
}

/// A message of this kind.
///
/// # Safety
/// As for [`text::bytes`].
unsafe fn message<'a>(kind: i32, data: *const c_void, length: usize) -> Result<Message<'a>, Failure> {
    // SAFETY: the caller's promise.
    let data = unsafe { text::bytes(data, length, "data") }?;
    match kind {
        FLARE_WEBSOCKET_TEXT => Message::text(data).ok_or_else(|| Failure::argument("data", "is not UTF-8")),
        FLARE_WEBSOCKET_BINARY => Ok(Message::Binary(data)),
        _ => Err(Failure::argument("kind", "is neither FLARE_WEBSOCKET_TEXT nor FLARE_WEBSOCKET_BINARY")),
    }
}

/// Sends a message. It is taken whole or refused, and copied.
///
/// @param kind  FLARE_WEBSOCKET_TEXT, for UTF-8, or FLARE_WEBSOCKET_BINARY.
/// @return FLARE_ERROR_WOULD_BLOCK when so much waits for the client that nothing was taken: the callback `writable` says when to go on. Who
/// sends at most one message for each that came, in its callback, is never refused. FLARE_ERROR_CLOSED when the socket is closing or gone.
///
/// # Safety
/// `data` points to `length` bytes; NULL with length 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_send(
    socket: *mut flare_websocket,
    kind: i32,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let message = unsafe { message(kind, data, length) }?;
        with_websocket(socket, |socket| Ok(socket.socket.send(message)?))
    })
}

/// Sends a text message, as flare_websocket_send().
///
/// # Safety
/// `text` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_send_text(socket: *mut flare_websocket, text: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let text = unsafe { text::required(text, "text") }?;
        with_websocket(socket, |socket| Ok(socket.socket.send_text(text)?))
    })
}

/// Sends a piece of a message whose end is not at hand yet, in a frame of its own (RFC 6455, 5.4), without compression. All pieces are of one kind, and
/// each piece of a text is whole characters. Until the last one other messages are refused with FLARE_ERROR_WOULD_BLOCK, and publications are missed;
/// Pings and a close are not held up. So one thread sends all pieces, and soon.
///
/// @param kind  FLARE_WEBSOCKET_TEXT or FLARE_WEBSOCKET_BINARY, as the pieces before it.
/// @param last  1 for the last piece, 0 before it.
/// @return As flare_websocket_send(); then the message goes on with the same piece.
///
/// # Safety
/// `data` points to `length` bytes; NULL with length 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_send_fragment(
    socket: *mut flare_websocket,
    kind: i32,
    data: *const c_void,
    length: usize,
    last: i32,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let piece = unsafe { message(kind, data, length) }?;
        let last = match last {
            0 => false,
            1 => true,
            _ => return Err(Failure::argument("last", "is neither 0 nor 1")),
        };
        with_websocket(socket, |socket| Ok(socket.socket.send_fragment(piece, last)?))
    })
}

/// Sends a Ping (RFC 6455, 5.5.2). Those that find out whether the client lives are sent without it.
///
/// @param length  At most 125.
/// @return As flare_websocket_send().
///
/// # Safety
/// `data` points to `length` bytes; NULL with length 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_ping(
    socket: *mut flare_websocket,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let data = unsafe { text::bytes(data, length, "data") }?;
        with_websocket(socket, |socket| Ok(socket.socket.ping(data)?))
    })
}

/// Begins to close: sends a Close behind what was sent, and waits a while for the client's ("close_timeout_ms"). Messages that come meanwhile are
/// dropped.
///
/// @param code    1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455, 7.4).
/// @param reason  At most 123 bytes; NULL for none.
/// @return FLARE_ERROR_CLOSED when it was closing before or is gone.
///
/// # Safety
/// `reason` is NULL or a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_close(
    socket: *mut flare_websocket,
    code: i32,
    reason: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let reason = unsafe { text::optional(reason, "reason") }?.unwrap_or_default();
        let code = u16::try_from(code).map_err(|_| Failure::argument("code", "is no close code"))?;
        with_websocket(socket, |socket| Ok(socket.socket.close(code, reason)?))
    })
}

/// 1 while messages are taken, 0 when the socket is closing or gone, or an error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_is_open(socket: *const flare_websocket) -> i32 {
    guard_number(|| with_websocket(socket, |socket| Ok(socket.socket.is_open().into())))
}

/// The subprotocol that was agreed, copied into a buffer and terminated.
///
/// @return The length of the whole text without the NUL, which may be more than fits; 0 when none was agreed.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_protocol(
    socket: *const flare_websocket,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    let protocol =
        || with_websocket(socket, |socket| Ok(socket.socket.protocol().unwrap_or_default().to_owned()));
    // SAFETY: the caller's promise.
    unsafe { text::copied(buffer, capacity, protocol) }
}

/// The request that opened the socket, for reading, while its `open` callback runs. Whoever needs it later keeps this handle: then it is let go, since
/// a socket may live for long.
///
/// @return The caller owns one reference: flare_request_release(). NULL after an error: FLARE_ERROR_INVALID_STATE behind `open`.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_request(socket: *const flare_websocket) -> *mut flare_request {
    guard_or(std::ptr::null_mut(), || {
        let gone = || {
            Failure::new(FLARE_ERROR_INVALID_STATE, "the request is there while `open` runs; keep it there")
        };
        let request = with_websocket(socket, |socket| socket.socket.request().ok_or_else(gone))?;
        Ok(TABLE.insert(REQUEST.only(), Object::Request(request))?.to_pointer())
    })
}

/// Tells the server's log, at the level FLARE_LOG_ERROR, that code around a socket failed, and lets the socket go on.
///
/// @param message  UTF-8; what is no UTF-8 in it is replaced.
///
/// # Safety
/// `message` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_log_error(
    socket: *mut flare_websocket,
    message: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let message = unsafe { text::terminated(message, "message")? };
        let message = String::from_utf8_lossy(message);
        with_websocket(socket, |socket| {
            socket.socket.log_error(&message);
            Ok(())
        })
    })
}

/// Attaches something to a socket; it replaces what was attached before.
///
/// @param destroy  Frees `data`; may be NULL. Called when it is replaced, when the last handle of the socket is gone, or when this call fails.
///
/// # Safety
/// `destroy` may be called with `data` from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_set_data(
    socket: *mut flare_websocket,
    data: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise. First of all, so that the destructor is called however this ends.
    let data = Box::new(unsafe { UserData::new(data, destroy) });
    // What was there goes when no lock is held: its destructor is C.
    guard(|| with_websocket(socket, |socket| Ok(lock(&socket.data).replace(data))).map(drop))
}

/// What was attached to a socket; NULL when nothing was, or after an error. Whoever replaces it must know that nobody uses it.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_data(socket: *const flare_websocket) -> *mut c_void {
    guard_or(std::ptr::null_mut(), || {
        with_websocket(socket, |socket| {
            Ok(lock(&socket.data).as_ref().map_or(std::ptr::null_mut(), |data| data.pointer()))
        })
    })
}

/// Puts a socket on the list of a topic: it gets what is published there, on any worker of its server. It leaves when it ends. Whoever lets
/// clients name topics must bound their number.
///
/// # Safety
/// `topic` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_subscribe(
    socket: *mut flare_websocket,
    topic: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let topic = unsafe { text::required(topic, "topic") }?;
        with_websocket(socket, |socket| {
            socket.socket.subscribe(topic);
            Ok(())
        })
    })
}

/// Takes a socket off the list of a topic.
///
/// # Safety
/// `topic` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_unsubscribe(
    socket: *mut flare_websocket,
    topic: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let topic = unsafe { text::required(topic, "topic") }?;
        with_websocket(socket, |socket| {
            socket.socket.unsubscribe(topic);
            Ok(())
        })
    })
}

/// Sends a message to all sockets of a topic, on all workers of this socket's server; to this one too if it is on the list. It is encoded
/// once. A socket that has not taken what was sent to it before misses it, and counts that: flare_websocket_missed().
///
/// @return FLARE_ERROR_WOULD_BLOCK when publications of 64 MiB wait for the workers, FLARE_ERROR_CLOSED when the server has ended.
///
/// # Safety
/// `topic` is a NUL-terminated string; `data` points to `length` bytes, or is NULL with length 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_publish(
    socket: *mut flare_websocket,
    topic: *const c_char,
    kind: i32,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (topic, message) = unsafe { (text::required(topic, "topic")?, message(kind, data, length)?) };
        with_websocket(socket, |socket| Ok(socket.socket.publish(topic, message)?))
    })
}

/// How many publications a socket has missed, because it had not taken what was sent before. 0 after an error.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_missed(socket: *const flare_websocket) -> u64 {
    guard_or(0, || with_websocket(socket, |socket| Ok(socket.socket.missed())))
}

/// Sends a message to all sockets of a topic, as flare_websocket_publish(), from outside of them.
///
/// @return As there; FLARE_ERROR_INVALID_STATE before the server was started.
///
/// # Safety
/// `topic` is a NUL-terminated string; `data` points to `length` bytes, or is NULL with length 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_publish(
    server: *mut flare_server,
    topic: *const c_char,
    kind: i32,
    data: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (topic, message) = unsafe { (text::required(topic, "topic")?, message(kind, data, length)?) };
        Ok(with_server(server, |server| server.handle())?.publish(topic, message)?)
    })
}
