//! `flare_websocket_opener` and `flare_websocket_opening`: what opens WebSockets to others, and those that are being opened.

use std::ffi::c_char;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::Arc;

use flare::websocket::client::{Backoff, OpenError, OpenFailure, Opener, Opening, Options};

use crate::connector::flare_connector;
use crate::guard::{Failure, guard, guard_or};
use crate::handle::Token;
use crate::object::{
    Object, TABLE, WEBSOCKET_CLIENT, WEBSOCKET_OPENER, WEBSOCKET_OPENING, websocket_opening, with_connector,
    with_websocket_opener,
};
use crate::status::*;
use crate::text;
use crate::websocket_client::flare_websocket_client;

/// Settings of WebSockets to others, and what opens them. Made by flare_websocket_opener_new(), freed by flare_websocket_opener_free(). Any thread
/// may use it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_websocket_opener {
    _opaque: [u8; 0],
}

/// A WebSocket that is being opened. Made by flare_websocket_opener_begin(), freed by flare_websocket_opening_free(). One thread at a time polls
/// it, any other may cancel it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_websocket_opening {
    _opaque: [u8; 0],
}

/// What stands behind the handle.
pub(crate) struct OpenerSettings {
    options: Options,
    backoff: Backoff,
    /// Made of the settings when it is first needed, and kept for what it knows until they change.
    made: Option<Opener>,
}

/// For [`crate::object`].
pub(crate) type Begun = Arc<Opening>;

impl Default for OpenerSettings {
    fn default() -> Self {
        Self { options: Options::default(), backoff: Backoff::default().with_attempts(1), made: None }
    }
}

impl OpenerSettings {
    fn make(&mut self) -> Result<(Opener, Backoff), Failure> {
        let made = match self.made.take() {
            Some(made) => made,
            None => Opener::new(self.options.clone())?,
        };
        self.made = Some(made.clone());
        Ok((made, self.backoff.clone()))
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let code = match error.failure() {
            OpenFailure::Refused(_) => FLARE_ERROR_REJECTED,
            OpenFailure::Answer(_) | OpenFailure::Handshake(_) => FLARE_ERROR_PROTOCOL,
            OpenFailure::Exchange(flare::client::Failure::Malformed(_)) => FLARE_ERROR_PROTOCOL,
            OpenFailure::Exchange(flare::client::Failure::Refused) => FLARE_ERROR_REFUSED,
            OpenFailure::Exchange(_) => FLARE_ERROR_CLOSED,
            OpenFailure::NoHttp2 | OpenFailure::NoTls => FLARE_ERROR_UNSUPPORTED,
            OpenFailure::Cancelled => FLARE_ERROR_CANCELLED,
            OpenFailure::Over => FLARE_ERROR_FINISHED,
            OpenFailure::Connect(error) => crate::connector::code(error),
            _ => Self::from(std::io::Error::from(error.kind())).code,
        };
        Self::new(code, error.to_string())
    }
}

/// Makes an opener with safe defaults. The caller owns the handle. NULL when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_opener_new() -> *mut flare_websocket_opener {
    guard_or(ptr::null_mut(), || {
        let settings = Object::WebSocketOpener(Box::default());
        Ok(TABLE.insert(WEBSOCKET_OPENER.only(), settings)?.to_pointer())
    })
}

/// Frees an opener. What it has opened, or is opening, goes on.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_opener_free(opener: *mut flare_websocket_opener) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(opener), WEBSOCKET_OPENER)?))
}

/// Sets a number, a time in milliseconds (names that end in `_ms`) or a switch (0 or 1) by name. The names and ranges are listed in
/// docs/c-api/websocket_client.md. Sockets that are being opened keep the settings that they began with.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_opener_set_number(
    opener: *mut flare_websocket_opener,
    name: *const c_char,
    value: i64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        with_websocket_opener(opener, |settings| {
            if !settings.backoff.set_number(name, value).map_err(flare::Error::from)? {
                settings.options.set_number(name, value)?;
                settings.made = None;
            }
            Ok(())
        })
    })
}

/// Sets a text by name; see docs/c-api/websocket_client.md. The text is copied. Files are read when the next socket is opened.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_opener_set_text(
    opener: *mut flare_websocket_opener,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::required(value, "value")?) };
        with_websocket_opener(opener, |settings| {
            settings.options.set_text(name, value)?;
            settings.made = None;
            Ok(())
        })
    })
}

/// Adds a field to the requests that open sockets, such as Authorization, Cookie or Origin. It is copied.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for what can't be a field. One that belongs to the handshake is refused when a socket is opened.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_opener_add_header(
    opener: *mut flare_websocket_opener,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::terminated(value, "value")?) };
        with_websocket_opener(opener, |settings| {
            let added = settings.options.headers.append(name, value);
            added.map_err(|error| Failure::new(FLARE_ERROR_INVALID_ARGUMENT, error.to_string()))?;
            settings.made = None;
            Ok(())
        })
    })
}

/// Makes connections as this connector does: with its time limits, and for `wss:` with its TLS. The settings are copied, and replace what was set
/// before; the time limits of opening and ALPN are the opener's own.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_opener_set_connector(
    opener: *mut flare_websocket_opener,
    connector: *const flare_connector,
) -> i32 {
    guard(|| {
        // A bad handle of either is told before anything changes.
        with_websocket_opener(opener, |_| Ok(()))?;
        let config = with_connector(connector, |settings| Ok(settings.config().clone()))?;
        with_websocket_opener(opener, |settings| {
            settings.options.connect = config;
            settings.made = None;
            Ok(())
        })
    })
}

/// Opens a WebSocket to "ws://name:port/path" or "wss://...", and blocks until that is done, or the time of the setting "open_timeout_ms" is over:
/// not for a worker. With the setting "attempts" it tries again, as long as it may go well later.
///
/// @param client  Gets the socket, which the caller owns.
/// @param status  Gets the status of an answer that opens no socket, such as 401; else 0. May be NULL.
/// @return FLARE_ERROR_REJECTED when the server answered with something else than a socket; FLARE_ERROR_PROTOCOL when its answer breaks the
///         rules, or the TLS handshake failed; FLARE_ERROR_CLOSED when the connection was cut; FLARE_ERROR_TIMEOUT; FLARE_ERROR_UNSUPPORTED when only
///         HTTP/2 was wanted and the server has no sockets on it; FLARE_ERROR_INVALID_ARGUMENT for what is no URI, or a setting that is wrong; and
///         as flare_connector_connect().
///
/// # Safety
/// `uri` is a NUL-terminated string; `client` may be written; `status` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_opener_open(
    opener: *mut flare_websocket_opener,
    uri: *const c_char,
    client: *mut *mut flare_websocket_client,
    status: *mut i32,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let uri = unsafe { text::required(uri, "uri") }?;
        let place = text::place(client, "client")?;
        // Not under the lock: others open meanwhile.
        let (made, backoff) = with_websocket_opener(opener, OpenerSettings::make)?;
        let opened = made.open_again(uri, &backoff);
        // SAFETY: the caller's promise.
        unsafe { tell_status(status, opened.as_ref().err()) };
        let token = TABLE.insert(WEBSOCKET_CLIENT.only(), Object::WebSocketClient(Arc::new(opened?)))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// # Safety
/// `status` is NULL or may be written.
unsafe fn tell_status(status: *mut i32, error: Option<&OpenError>) {
    let refusal = error.and_then(OpenError::refusal);
    if !status.is_null() {
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { status.write(refusal.map_or(0, |refusal| refusal.response.status.into())) };
    }
}

/// Begins to open a WebSocket like flare_websocket_opener_open(), and blocks nowhere. Watch flare_websocket_opening_fd() for readability,
/// level-triggered, and call flare_websocket_opening_poll() when it is readable.
///
/// @param opening  Gets the socket that is being opened, which the caller owns.
/// @return FLARE_ERROR_INVALID_ARGUMENT for what is no URI, or a setting that is wrong, and running out of descriptors.
///
/// # Safety
/// `uri` is a NUL-terminated string; `opening` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_opener_begin(
    opener: *mut flare_websocket_opener,
    uri: *const c_char,
    opening: *mut *mut flare_websocket_opening,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let uri = unsafe { text::required(uri, "uri") }?;
        let place = text::place(opening, "opening")?;
        let (made, backoff) = with_websocket_opener(opener, OpenerSettings::make)?;
        let begun = made.begin_again(uri, &backoff)?;
        let token = TABLE.insert(WEBSOCKET_OPENING.only(), Object::WebSocketOpening(Arc::new(begun)))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// The descriptor to watch: it is readable when flare_websocket_opening_poll() has something to do, also at a deadline and after a cancel. Valid
/// until the handle is freed; only to be watched, never read or closed.
///
/// @return The descriptor, or a negative error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_opening_fd(opening: *const flare_websocket_opening) -> i32 {
    let mut fd = -1;
    let code = guard(|| {
        fd = websocket_opening(opening)?.as_raw_fd();
        Ok(())
    });
    if code == FLARE_OK { fd } else { code }
}

/// Does what can be done without waiting.
///
/// @param client  Gets the socket when it is open; the caller owns it. Free the flare_websocket_opening as well.
/// @param status  As for flare_websocket_opener_open().
/// @return FLARE_ERROR_WOULD_BLOCK while it goes on: watch the descriptor. FLARE_ERROR_CANCELLED after a cancel, FLARE_ERROR_FINISHED when it
///         had ended before, and else as flare_websocket_opener_open().
///
/// # Safety
/// `client` may be written; `status` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_websocket_opening_poll(
    opening: *mut flare_websocket_opening,
    client: *mut *mut flare_websocket_client,
    status: *mut i32,
) -> i32 {
    guard(|| {
        let held = websocket_opening(opening)?;
        let place = text::place(client, "client")?;
        let polled = held.poll();
        // SAFETY: the caller's promise.
        unsafe { tell_status(status, polled.as_ref().err()) };
        let Some(opened) = polled? else {
            return Err(Failure::new(FLARE_ERROR_WOULD_BLOCK, "it is being opened"));
        };
        let token = TABLE.insert(WEBSOCKET_CLIENT.only(), Object::WebSocketClient(Arc::new(opened)))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Gives up, from any thread: the descriptor becomes readable, and flare_websocket_opening_poll() closes everything that was begun.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_opening_cancel(opening: *mut flare_websocket_opening) -> i32 {
    guard(|| {
        websocket_opening(opening)?.cancel();
        Ok(())
    })
}

/// Frees a socket that is being opened: what was begun is closed. One that was given by flare_websocket_opening_poll() lives on.
#[unsafe(no_mangle)]
pub extern "C" fn flare_websocket_opening_free(opening: *mut flare_websocket_opening) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(opening), WEBSOCKET_OPENING)?))
}
