//! `flare_tls`: certificates, keys and settings of servers that speak TLS.

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::{Arc, Mutex};

use flare::tls::{Choice, ConfigError, Hello, Identity, LoadedIdentity, Resolver, ServerTls, Source};

use crate::guard::{Failure, guard, guard_number, guard_or};
use crate::handle::Token;
use crate::handler::flare_destroy;
use crate::object::{Object, TABLE, TLS, with_request, with_tls};
use crate::request::flare_request;
use crate::server::{change, flare_server, with_handle};
use crate::status::FLARE_ERROR_INVALID_ARGUMENT;
use crate::text::{self, UserData};

/// Certificates, keys and settings of TLS. Made by flare_tls_new(), freed by flare_tls_free().
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_tls {
    _opaque: [u8; 0],
}

/// What stands behind the handle.
pub(crate) struct TlsSettings {
    server: ServerTls,
    /// The identity that was added first, as it was read then: what a resolver gives when it answers with this handle.
    first: Option<Arc<LoadedIdentity>>,
}

/// Chooses a certificate by the name that a client asks for.
///
/// Called on a worker in each handshake, so it must not block. `server_name` is in lower case, NULL when the client asks for none, and
/// valid during the call.
///
/// @return Settings whose first certificate is shown; they are borrowed. NULL, or a handle that was freed: the one that the server's own
/// settings have for the name. Settings without a certificate: the client is refused.
#[allow(non_camel_case_types, reason = "a C name")]
pub type flare_tls_resolver =
    Option<unsafe extern "C" fn(server_name: *const c_char, user: *mut c_void) -> *const flare_tls>;

/// Makes TLS settings with safe defaults and no certificate. The caller owns the handle. NULL when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn flare_tls_new() -> *mut flare_tls {
    guard_or(ptr::null_mut(), || {
        let settings = TlsSettings { server: ServerTls::with_identities(Vec::new()), first: None };
        Ok(TABLE.insert(TLS.only(), Object::Tls(Box::new(Mutex::new(settings))))?.to_pointer())
    })
}

/// Frees TLS settings. A server that listens with them keeps its own copy.
#[unsafe(no_mangle)]
pub extern "C" fn flare_tls_free(tls: *mut flare_tls) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(tls), TLS)?))
}

/// Adds a certificate chain and its key from PEM files: for clients that ask for one of its names (SNI). The first one that is added is
/// for all others too. The files are read now, to check them, and again when a server listens or reloads.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when a file can't be read or is wrong: the message says which file, which PEM block and what was
/// expected. Nothing is added then.
///
/// # Safety
/// `chain` and `key` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_tls_add_files(
    tls: *mut flare_tls,
    chain: *const c_char,
    key: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (chain, key) = unsafe { (text::required(chain, "chain")?, text::required(key, "key")?) };
        add(tls, Identity::from_files(chain, key))
    })
}

/// Adds a certificate chain and its key as PEM in memory, like flare_tls_add_files(). Both are copied.
///
/// # Safety
/// `chain` points to `chain_length` bytes and `key` to `key_length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_tls_add_pem(
    tls: *mut flare_tls,
    chain: *const c_void,
    chain_length: usize,
    key: *const c_void,
    key_length: usize,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (chain, key) =
            unsafe { (text::bytes(chain, chain_length, "chain")?, text::bytes(key, key_length, "key")?) };
        add(tls, Identity::new(Source::bytes(chain), Source::bytes(key)))
    })
}

/// Adds a new key with a certificate that nobody believes, for 90 days: for development. Clients have to be told to take it.
///
/// @param names  What it is for, with commas between: "localhost,127.0.0.1".
///
/// # Safety
/// `names` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_tls_add_self_signed(tls: *mut flare_tls, names: *const c_char) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let names = unsafe { text::required(names, "names") }?;
        let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let identity = Identity::self_signed(&names).map_err(invalid)?;
        add(tls, identity)
    })
}

fn add(tls: *const flare_tls, identity: Identity) -> Result<(), Failure> {
    // A bad handle is told before a bad file.
    with_tls(tls, |_| Ok(()))?;
    let loaded = identity.load().map_err(invalid)?;
    with_tls(tls, |tls| {
        tls.server.identities.push(identity);
        tls.first.get_or_insert_with(|| Arc::new(loaded));
        Ok(())
    })
}

/// Has certificates chosen by a callback, which is asked before the names of the certificates are looked at. For servers with more
/// certificates than they can hold, or with new ones at any time: keep a flare_tls for each, and answer with it.
///
/// @param resolver  NULL: no more.
/// @param user      Given to the callback; `destroy` is called when no settings and no server need it any more.
///
/// # Safety
/// `resolver` may be called with `user`, and `destroy` once, from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_tls_set_resolver(
    tls: *mut flare_tls,
    resolver: flare_tls_resolver,
    user: *mut c_void,
    destroy: flare_destroy,
) -> i32 {
    // SAFETY: the caller's promise.
    let user = unsafe { UserData::new(user, destroy) };
    guard(|| {
        let chosen = resolver.map(|resolver| Resolver::new(move |hello| ask(resolver, &user, hello)));
        // The one before is dropped outside of the lock: its destructor is the host's code.
        let before = with_tls(tls, |tls| Ok(std::mem::replace(&mut tls.server.resolver, chosen)))?;
        drop(before);
        Ok(())
    })
}

/// What the callback answers, as an identity.
fn ask(
    resolver: unsafe extern "C" fn(*const c_char, *mut c_void) -> *const flare_tls,
    user: &UserData,
    hello: Hello<'_>,
) -> Choice {
    let name = hello.server_name.and_then(|name| CString::new(name).ok());
    let pointer = name.as_ref().map_or(ptr::null(), |name| name.as_ptr());
    // SAFETY: `flare_tls_set_resolver` was promised that the callback may be called with `user` until it is destroyed.
    let answer = unsafe { resolver(pointer, user.pointer()) };
    match with_tls(answer, |tls| Ok(tls.first.clone())) {
        Ok(Some(identity)) => Choice::Identity(identity),
        Ok(None) => Choice::Refuse,
        Err(_) => Choice::ByName,
    }
}

/// Sets a number, a time in milliseconds (names that end in `_ms`) or a switch (0 or 1) by name. The names and ranges are listed in
/// docs/c-api/tls.md.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_tls_set_number(tls: *mut flare_tls, name: *const c_char, value: i64) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        with_tls(tls, |tls| tls.server.set_number(name, value).map_err(invalid))
    })
}

/// Sets a text by name; see docs/c-api/tls.md. The text is copied.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name, or when there is nothing that it is about.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_tls_set_text(
    tls: *mut flare_tls,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::required(value, "value")?) };
        with_tls(tls, |tls| tls.server.set_text(name, value).map_err(invalid))
    })
}

/// Adds an address that is served over TLS; otherwise like flare_server_listen(). The settings are copied.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when the text is no address, or the settings or files are wrong: the message says which. The server
/// stays as it was then.
///
/// # Safety
/// `address` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_server_listen_tls(
    server: *mut flare_server,
    address: *const c_char,
    tls: *const flare_tls,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let address = unsafe { text::required(address, "address") }?;
        let settings = with_tls(tls, |tls| Ok(tls.server.clone()))?;
        // Checked before the server is taken, so that a mistake costs nothing but this call.
        flare::server::check_address(address)?;
        flare::server::check_tls(&settings)?;
        change(server, |server| server.listen_tls(address, settings))
    })
}

/// Reads the files of all TLS addresses again. New connections get what is in them now; those that are there go on as they are. Blocks while
/// it reads: not for a worker.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT when a file is wrong: everything stays as it was. FLARE_ERROR_INVALID_STATE before the start.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_reload_tls(server: *mut flare_server) -> i32 {
    guard(|| with_handle(server, |handle| Ok(handle.reload_tls()?)))
}

/// Gives a TLS address of a server that runs other settings. New connections get them; those that are there go on as they are.
///
/// @param index  Which of the addresses that were added with flare_server_listen_tls(), from 0.
/// @param tls    Its settings are copied.
/// @return FLARE_ERROR_INVALID_ARGUMENT when settings or files are wrong, FLARE_ERROR_INVALID_STATE when there is no such address, or before
/// the start: everything stays as it was.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_replace_tls(
    server: *mut flare_server,
    index: usize,
    tls: *const flare_tls,
) -> i32 {
    guard(|| {
        let settings = with_tls(tls, |tls| Ok(tls.server.clone()))?;
        with_handle(server, |handle| Ok(handle.replace_tls(index, settings)?))
    })
}

/// What was agreed with the client in the TLS handshake, copied into a buffer and terminated.
///
/// @param name  "version" (such as "TLSv1.3"), "suite", "server_name" (which the client asked for) or "alpn".
/// @return The length of the whole text without the NUL, which may be more than fits; 0 when there is none, as on a connection without TLS,
/// and the copy is empty.
///
/// # Safety
/// `name` is a NUL-terminated string; `buffer` points to `capacity` bytes that may be written, or `capacity` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_tls(
    request: *const flare_request,
    name: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        text::copied(buffer, capacity, || {
            let name = text::required(name, "name")?;
            with_request(request, |request| {
                let Some(tls) = request.tls() else { return Ok(String::new()) };
                match name {
                    "version" => Ok(tls.version().name().to_owned()),
                    "suite" => Ok(tls.suite().to_owned()),
                    "server_name" => Ok(tls.server_name().unwrap_or_default().to_owned()),
                    "alpn" => Ok(String::from_utf8_lossy(tls.alpn().unwrap_or_default()).into_owned()),
                    _ => Err(Failure::argument("name", "is none of version, suite, server_name, alpn")),
                }
            })
        })
    }
}

/// The certificate that the client showed, as DER; it was checked. Borrowed until the last release of the request. NULL, with length 0, when
/// it showed none.
///
/// @param length  Gets the number of bytes; must not be NULL.
///
/// # Safety
/// `length` may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_request_peer_certificate(
    request: *const flare_request,
    length: *mut usize,
) -> *const u8 {
    let found = guard_or(None, || {
        if length.is_null() {
            return Err(Failure::argument("length", "is NULL"));
        }
        with_request(request, |request| {
            let der = request.tls().and_then(|tls| tls.peer_certificate());
            Ok(der.map(|der| (der.as_ptr(), der.len())))
        })
    });
    let (pointer, count) = found.unwrap_or((ptr::null(), 0));
    if !length.is_null() {
        // SAFETY: the caller's promise.
        unsafe { length.write(count) };
    }
    pointer
}

/// Whether the request came before the end of the TLS handshake (0-RTT): somebody else may have recorded it and sent it again (RFC 8470).
///
/// @return 1 or 0, or a negative error code for a bad handle.
#[unsafe(no_mangle)]
pub extern "C" fn flare_request_is_early(request: *const flare_request) -> i32 {
    guard_number(|| with_request(request, |request| Ok(i32::from(request.is_early()))))
}

fn invalid(error: ConfigError) -> Failure {
    Failure::new(FLARE_ERROR_INVALID_ARGUMENT, error.to_string())
}
