//! Status codes.
//!
//! A function that can fail returns `int32_t`: [`FLARE_OK`] or one of the negative codes below. A code keeps its number and its
//! meaning for ever: numbers are never reused, and new ones are added at the end.

use std::ffi::{CStr, c_char};

/// The call did what it was asked.
pub const FLARE_OK: i32 = 0;
/// The handle is NULL, already freed, or was never a handle. Nothing was read or changed.
pub const FLARE_ERROR_INVALID_HANDLE: i32 = -1;
/// The handle is alive but of another kind, as a response where a request belongs.
pub const FLARE_ERROR_WRONG_KIND: i32 = -2;
/// An argument is NULL, not UTF-8, out of range or malformed. The message names the argument.
pub const FLARE_ERROR_INVALID_ARGUMENT: i32 = -3;
/// The object cannot do this now, as a setting changed after the server has started.
pub const FLARE_ERROR_INVALID_STATE: i32 = -4;
/// The exchange has its answer already.
pub const FLARE_ERROR_FINISHED: i32 = -5;
/// The peer, or the server, is gone.
pub const FLARE_ERROR_CLOSED: i32 = -6;
/// Taking this now would pass a limit that drains by itself. Nothing was taken; try again later.
pub const FLARE_ERROR_WOULD_BLOCK: i32 = -7;
/// What was asked for does not exist.
pub const FLARE_ERROR_NOT_FOUND: i32 = -8;
/// It contradicts what is there already, as a second handler for one route.
pub const FLARE_ERROR_CONFLICT: i32 = -9;
/// The address to listen on is taken.
pub const FLARE_ERROR_ADDRESS_IN_USE: i32 = -10;
/// The operating system forbids it to this process.
pub const FLARE_ERROR_PERMISSION: i32 = -11;
/// The operating system reported any other error.
pub const FLARE_ERROR_IO: i32 = -12;
/// A fixed limit is reached, as the number of handles or of references to one.
pub const FLARE_ERROR_LIMIT: i32 = -13;
/// A deadline passed.
pub const FLARE_ERROR_TIMEOUT: i32 = -14;
/// This build, or this system, cannot do it.
pub const FLARE_ERROR_UNSUPPORTED: i32 = -15;
/// A bug in flare: a panic was stopped at the border. The object may be unusable; the process is sound.
pub const FLARE_ERROR_PANIC: i32 = -16;
/// Memory could not be allocated.
pub const FLARE_ERROR_OUT_OF_MEMORY: i32 = -17;
/// It was cancelled before it was done.
pub const FLARE_ERROR_CANCELLED: i32 = -18;
/// The peer broke the rules of the protocol.
pub const FLARE_ERROR_PROTOCOL: i32 = -19;
/// The server did nothing about the request: it can be sent again, whatever its method.
pub const FLARE_ERROR_REFUSED: i32 = -20;
/// The server answered, and not with what was asked for.
pub const FLARE_ERROR_REJECTED: i32 = -21;

/// The name of a status code, as `"FLARE_ERROR_TIMEOUT"`.
///
/// Returns static text, borrowed for as long as the library is loaded; never NULL. A number that is no status code gives
/// `"FLARE_ERROR_UNKNOWN"`.
///
/// Threads: any. Errors: none.
#[unsafe(no_mangle)]
pub extern "C" fn flare_status_name(status: i32) -> *const c_char {
    name(status).as_ptr()
}

/// The same as [`flare_status_name`], for Rust.
pub const fn name(status: i32) -> &'static CStr {
    match status {
        FLARE_OK => c"FLARE_OK",
        FLARE_ERROR_INVALID_HANDLE => c"FLARE_ERROR_INVALID_HANDLE",
        FLARE_ERROR_WRONG_KIND => c"FLARE_ERROR_WRONG_KIND",
        FLARE_ERROR_INVALID_ARGUMENT => c"FLARE_ERROR_INVALID_ARGUMENT",
        FLARE_ERROR_INVALID_STATE => c"FLARE_ERROR_INVALID_STATE",
        FLARE_ERROR_FINISHED => c"FLARE_ERROR_FINISHED",
        FLARE_ERROR_CLOSED => c"FLARE_ERROR_CLOSED",
        FLARE_ERROR_WOULD_BLOCK => c"FLARE_ERROR_WOULD_BLOCK",
        FLARE_ERROR_NOT_FOUND => c"FLARE_ERROR_NOT_FOUND",
        FLARE_ERROR_CONFLICT => c"FLARE_ERROR_CONFLICT",
        FLARE_ERROR_ADDRESS_IN_USE => c"FLARE_ERROR_ADDRESS_IN_USE",
        FLARE_ERROR_PERMISSION => c"FLARE_ERROR_PERMISSION",
        FLARE_ERROR_IO => c"FLARE_ERROR_IO",
        FLARE_ERROR_LIMIT => c"FLARE_ERROR_LIMIT",
        FLARE_ERROR_TIMEOUT => c"FLARE_ERROR_TIMEOUT",
        FLARE_ERROR_UNSUPPORTED => c"FLARE_ERROR_UNSUPPORTED",
        FLARE_ERROR_PANIC => c"FLARE_ERROR_PANIC",
        FLARE_ERROR_OUT_OF_MEMORY => c"FLARE_ERROR_OUT_OF_MEMORY",
        FLARE_ERROR_CANCELLED => c"FLARE_ERROR_CANCELLED",
        FLARE_ERROR_PROTOCOL => c"FLARE_ERROR_PROTOCOL",
        FLARE_ERROR_REFUSED => c"FLARE_ERROR_REFUSED",
        FLARE_ERROR_REJECTED => c"FLARE_ERROR_REJECTED",
        _ => c"FLARE_ERROR_UNKNOWN",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const LAST: i32 = FLARE_ERROR_REJECTED;

    #[test]
    fn the_codes_are_dense_and_their_names_differ() {
        let names: HashSet<_> = (LAST..=FLARE_OK).map(name).collect();
        assert_eq!(names.len(), (FLARE_OK - LAST + 1) as usize);
        assert!(!names.contains(c"FLARE_ERROR_UNKNOWN"));
    }

    #[test]
    fn the_numbers_are_the_published_ones() {
        // Programs are compiled with these numbers: a change here is a break of the ABI.
        assert_eq!(FLARE_OK, 0);
        assert_eq!(name(-1), c"FLARE_ERROR_INVALID_HANDLE");
        assert_eq!(name(-7), c"FLARE_ERROR_WOULD_BLOCK");
        assert_eq!(name(-13), c"FLARE_ERROR_LIMIT");
        assert_eq!(name(-19), c"FLARE_ERROR_PROTOCOL");
        assert_eq!(name(-20), c"FLARE_ERROR_REFUSED");
        assert_eq!(name(-21), c"FLARE_ERROR_REJECTED");
    }

    #[test]
    fn any_number_has_a_name() {
        for status in [1, LAST - 1, i32::MIN, i32::MAX] {
            // SAFETY: the function returns static, NUL-terminated text for every number.
            let text = unsafe { CStr::from_ptr(flare_status_name(status)) };
            assert_eq!(text, c"FLARE_ERROR_UNKNOWN");
        }
    }
}
