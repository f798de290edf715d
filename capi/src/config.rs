//! `flare_config`: settings by name.

use std::ffi::c_char;
use std::sync::Mutex;

use flare::ServerConfig;

use crate::guard::{Failure, guard, guard_or};
use crate::handle::Token;
use crate::object::{CONFIG, Object, TABLE, with_config};
use crate::status::FLARE_ERROR_INVALID_ARGUMENT;
use crate::text;

/// Settings of a server. Made by flare_config_new(), freed by flare_config_free().
#[allow(non_camel_case_types, reason = "a C name")]
pub struct flare_config {
    _opaque: [u8; 0],
}

/// Makes settings with safe defaults. The caller owns the handle. NULL when there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn flare_config_new() -> *mut flare_config {
    guard_or(std::ptr::null_mut(), || {
        let config = Object::Config(Box::new(Mutex::new(ServerConfig::default())));
        Ok(TABLE.insert(CONFIG.only(), config)?.to_pointer())
    })
}

/// Frees settings. A server that was made with them keeps its own copy.
#[unsafe(no_mangle)]
pub extern "C" fn flare_config_free(config: *mut flare_config) -> i32 {
    guard(|| Ok(TABLE.release(Token::from_pointer(config), CONFIG)?))
}

/// Sets a number, a size in bytes, a time in milliseconds (names that end in `_ms`) or a switch (0 or 1) by name. The names
/// and ranges are listed in docs/c-api/config.md. Whether the value makes sense with the others is checked when a server is made.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name or a value that does not fit it; the message names the setting.
///
/// # Safety
/// `name` is a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_config_set_number(
    config: *mut flare_config,
    name: *const c_char,
    value: i64,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let name = unsafe { text::required(name, "name") }?;
        with_config(config, |config| config.set_number(name, value).map_err(invalid))
    })
}

/// Sets a text by name; see docs/c-api/config.md. The text is copied.
///
/// @return FLARE_ERROR_INVALID_ARGUMENT for an unknown name.
///
/// # Safety
/// `name` and `value` are NUL-terminated strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_config_set_text(
    config: *mut flare_config,
    name: *const c_char,
    value: *const c_char,
) -> i32 {
    guard(|| {
        // SAFETY: the caller's promise.
        let (name, value) = unsafe { (text::required(name, "name")?, text::required(value, "value")?) };
        with_config(config, |config| config.set_text(name, value).map_err(invalid))
    })
}

fn invalid(error: flare::server::ConfigError) -> Failure {
    Failure::new(FLARE_ERROR_INVALID_ARGUMENT, error.to_string())
}
