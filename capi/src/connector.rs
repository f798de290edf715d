//! `flare_connector` and `flare_connecting`: connections to others, and those that are being made.

use std::ffi::{c_char, c_void};
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::Arc;

use flare::connect::{ConnectConfig, ConnectError, ConnectFailure, Connecting, Connector};
use flare::tls::{ClientTls, Identity, Source};

use crate::connection::{Made, flare_connection};
use crate::guard::{Failure, guard, guard_or};
use crate::handle::Token;
use crate::object::{CONNECTING, CONNECTION, CONNECTOR, Object, TABLE, connecting, with_connector};
use crate::status::*;
use crate::text;

/// Settings of connections to others, and what makes them. Made by flare_connector_new(), freed by flare_connector_free(). Any thread may use
/// it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_connector {
    _opaque: [u8; 0],
}

/// A connection that is being made. Made by flare_connector_begin(), freed by flare_connecting_free(). One thread at a time polls it, any
/// other may cancel it.
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_connecting {
    _opaque: [u8; 0],
}

/// What stands behind the handle.
#[derive(Default)]
pub(crate) struct ConnectorSettings {
    config: ConnectConfig,
    /// Made of the settings when it is first needed, and kept for its TLS sessions until they change.
    made: Option<Connector>,
}

impl ConnectorSettings {
    fn change<R>(
        &mut self,
        change: impl FnOnce(&mut ConnectConfig) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let result = change(&mut self.config)?;
        self.made = None;
        Ok(result)
    }

    pub(crate) fn config(&self) -> &ConnectConfig {
        &self.config
    }

    fn tls(&mut self) -> &mut ClientTls {
        self.made = None;
        self.config.tls.get_or_insert_default()
    }

    pub(crate) fn make(&mut self) -> Result<Connector, Failure> {
        if let Some(made) = &self.made {
            return Ok(made.clone());
        }
        let made = Connector::new(self.config.clone())?;
        self.made = Some(made.clone());
        Ok(made)
    }
}

impl From<ConnectError> for Failure {
    fn from(error: ConnectError) -> Self {
        Failure::new(code(&error), error.to_string())
    }
}

/// The status code of it.
pub(crate) fn code(error: &ConnectError) -> i32 {
    match error.failure() {
        ConnectFailure::Tls { .. } => FLARE_ERROR_PROTOCOL,
        ConnectFailure::TlsClosed => FLARE_ERROR_CLOSED,
        ConnectFailure::Cancelled => FLARE_ERROR_CANCELLED,
        ConnectFailure::Over => FLARE_ERROR_FINISHED,
        _ => Failure::from(std::io::Error::from(error.kind())).code,
    }
}

/// Makes a connector with safe defaults, without TLS. The caller owns the handle. NULL when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connector_new() -> *mut flare_connector {
    guard_or(ptr::null_mut(), || {
        let settings = Object::Connector(Box::default());
        Ok(TABLE.insert(CONNECTOR.only(), settings)?.to_pointer())
    })
}

/// Frees a connector. What it has made, or is making, goes on.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connector_free(connector: *mut flare_connector) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(connector), CONNECTOR)?))
}

/// Sets a number, a time in milliseconds (names that end in `_ms`) or a switch (0 or 1) by name. The names and ranges are listed in
/// docs/c-api/connector.md. Connections that are being made keep the settings that they began with.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connector_set_number(
    connector: *mut flare_connector,
    name: *const c_char,
    value: i64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        with_connector(connector, |settings| settings.change(|config| Ok(config.set_number(name, value)?)))
    })
}

/// Sets a text by name; see docs/c-api/connector.md. The text is copied. Files are read when the next connection is made.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connector_set_text(
    connector: *mut flare_connector,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::required(value, "value")?) };
        with_connector(connector, |settings| settings.change(|config| Ok(config.set_text(name, value)?)))
    })
}

/// Believes these authorities, as PEM in memory: from the first on no others than those that were added, here or as "tls_roots". Turns TLS on.
/// They are copied.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when this is no PEM of certificates: the message says which block is wrong.
///
/// # Safety
/// `pem` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connector_add_roots(
    connector: *mut flare_connector,
    pem: *const c_void,
    length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let roots = Source::bytes(unsafe { text::bytes(pem, length, "pem") }?);
        with_connector(connector, |_| Ok(()))?;
        ClientTls::with_roots(roots.clone()).validate().map_err(flare::Error::from)?;
        with_connector(connector, |settings| {
            settings.tls().add_roots(roots);
            Ok(())
        })
    })
}

/// Who the client is, for servers that ask for a certificate: a chain and its key, as PEM files. Turns TLS on. The files are read now, to check
/// them, and again when the next connection is made.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when a file can't be read or is wrong: the message says which, and what was expected.
///
/// # Safety
/// `chain` and `key` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connector_set_certificate_files(
    connector: *mut flare_connector,
    chain: *const c_char,
    key: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (chain, key) = unsafe { (text::required(chain, "chain")?, text::required(key, "key")?) };
        set_identity(connector, Identity::from_files(chain, key))
    })
}

/// The same with PEM in memory, which is copied.
///
/// # Safety
/// `chain` points to `chain_length` bytes and `key` to `key_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connector_set_certificate_pem(
    connector: *mut flare_connector,
    chain: *const c_void,
    chain_length: usize,
    key: *const c_void,
    key_length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (chain, key) =
            unsafe { (text::bytes(chain, chain_length, "chain")?, text::bytes(key, key_length, "key")?) };
        set_identity(connector, Identity::new(Source::bytes(chain), Source::bytes(key)))
    })
}

fn set_identity(connector: *const flare_connector, identity: Identity) -> Result<(), Failure> {
    // A bad handle is told before a bad file.
    with_connector(connector, |_| Ok(()))?;
    identity.load().map_err(flare::Error::from)?;
    with_connector(connector, |settings| {
        settings.tls().identity = Some(identity);
        Ok(())
    })
}

/// Connects to "127.0.0.1:80", "[::1]:80", "unix:/path" or "name:port", and blocks until that is done, with the TLS handshake, or the time of
/// the setting "timeout_ms" is over: not for a worker. All addresses of a name are tried (RFC 8305).
///
/// @param connection  Gets the connection, which the caller owns.
/// @return FLARE_ERROR_INVALID_ARGUMENT for what is no target, or a setting that is wrong; FLARE_ERROR_NOT_FOUND for a name without an address;
///         FLARE_ERROR_TIMEOUT; FLARE_ERROR_PROTOCOL when the handshake failed; FLARE_ERROR_IO when nobody could be reached, and what else
///         the system says. The message says which step failed, and each address that was tried.
///
/// # Safety
/// `target` is a NUL-terminated string; `connection` may be written.
#[allow(rustdoc::broken_intra_doc_links, reason = "[::1] is an address")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connector_connect(
    connector: *mut flare_connector,
    target: *const c_char,
    connection: *mut *mut flare_connection,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let target = unsafe { text::required(target, "target") }?;
        let place = text::place(connection, "connection")?;
        // Not under the lock: others connect meanwhile.
        let made = with_connector(connector, ConnectorSettings::make)?.connect(target)?;
        let token = TABLE.insert(CONNECTION.only(), Object::Connection(Made::new(made)))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Begins to connect like flare_connector_connect(), and blocks nowhere. Watch flare_connecting_fd() for readability, level-triggered, and call
/// flare_connecting_poll() when it is readable.
///
/// @param connecting  Gets the connection that is being made, which the caller owns.
/// @return FLARE_ERROR_INVALID_ARGUMENT for what is no target, or a setting that is wrong, and running out of descriptors.
///
/// # Safety
/// `target` is a NUL-terminated string; `connecting` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connector_begin(
    connector: *mut flare_connector,
    target: *const c_char,
    connecting: *mut *mut flare_connecting,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let target = unsafe { text::required(target, "target") }?;
        let place = text::place(connecting, "connecting")?;
        let begun = with_connector(connector, ConnectorSettings::make)?.begin(target)?;
        let token = TABLE.insert(CONNECTING.only(), Object::Connecting(Arc::new(begun)))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// The descriptor to watch: it is readable when flare_connecting_poll() has something to do, also at a deadline and after a cancel. Valid until
/// the handle is freed; only to be watched, never read or closed.
///
/// @return The descriptor, or a negative error code.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connecting_fd(connecting: *const flare_connecting) -> i32 {
    let mut fd = -1;
    let code = guard(|| {
        fd = self::connecting(connecting)?.as_raw_fd();
        Ok(())
    });
    if code == FLARE_OK { fd } else { code }
}

/// Does what can be done without waiting.
///
/// @param connection  Gets the connection when it is there; the caller owns it. Free the flare_connecting as well.
/// @return FLARE_ERROR_WOULD_BLOCK while it goes on: watch the descriptor. FLARE_ERROR_CANCELLED after a cancel, FLARE_ERROR_FINISHED when it
///         had ended before, and else as flare_connector_connect().
///
/// # Safety
/// `connection` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_connecting_poll(
    connecting: *mut flare_connecting,
    connection: *mut *mut flare_connection,
) -> i32 {
    guard(|| {
        let held = self::connecting(connecting)?;
        let place = text::place(connection, "connection")?;
        let Some(made) = held.poll()? else {
            return Err(Failure::new(FLARE_ERROR_WOULD_BLOCK, "it is being made"));
        };
        let token = TABLE.insert(CONNECTION.only(), Object::Connection(Made::new(made)))?;
        // SAFETY: not NULL, and the caller promises that it may be written.
        unsafe { place.write(token.to_pointer()) };
        Ok(())
    })
}

/// Gives up, from any thread: the descriptor becomes readable, and flare_connecting_poll() closes everything that was begun.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connecting_cancel(connecting: *mut flare_connecting) -> i32 {
    guard(|| {
        self::connecting(connecting)?.cancel();
        Ok(())
    })
}

/// Frees a connection that is being made: what was begun is closed. One that was given by flare_connecting_poll() lives on.
#[unsafe(no_mangle)]
pub extern "C" fn flare_connecting_free(connecting: *mut flare_connecting) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(connecting), CONNECTING)?))
}

/// For [`crate::object`].
pub(crate) type Begun = Arc<Connecting>;
