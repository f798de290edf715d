//! What every function of the C API runs inside.
//!
//! A failure becomes its code and this thread's message. A panic becomes [`FLARE_ERROR_PANIC`]: it must not unwind into C.

use crate::handle::HandleError;
use crate::last_error;
use crate::status::*;
use std::any::Any;
use std::borrow::Cow;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Why a call failed: a status code, and a message for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One of the negative `FLARE_ERROR_...` codes.
    pub code: i32,
    /// What went wrong, naming the argument or the object, without a full stop.
    pub message: Cow<'static, str>,
}

impl Failure {
    /// A failure with a code and a message. Fixed text costs no allocation.
    pub fn new(code: i32, message: impl Into<Cow<'static, str>>) -> Failure {
        Failure { code, message: message.into() }
    }

    /// [`FLARE_ERROR_INVALID_ARGUMENT`]: `argument` is the C parameter's name, `problem` goes after it, as `"is NULL"`.
    pub fn argument(argument: &str, problem: &str) -> Failure {
        Failure::new(FLARE_ERROR_INVALID_ARGUMENT, format!("{argument} {problem}"))
    }
}

impl From<io::Error> for Failure {
    /// Keeps the system's text as the message. Kinds without a code of their own are [`FLARE_ERROR_IO`].
    fn from(error: io::Error) -> Failure {
        use io::ErrorKind;
        let code = match error.kind() {
            ErrorKind::AddrInUse => FLARE_ERROR_ADDRESS_IN_USE,
            ErrorKind::PermissionDenied => FLARE_ERROR_PERMISSION,
            ErrorKind::NotFound => FLARE_ERROR_NOT_FOUND,
            ErrorKind::WouldBlock => FLARE_ERROR_WOULD_BLOCK,
            ErrorKind::TimedOut => FLARE_ERROR_TIMEOUT,
            ErrorKind::InvalidInput => FLARE_ERROR_INVALID_ARGUMENT,
            ErrorKind::Unsupported => FLARE_ERROR_UNSUPPORTED,
            ErrorKind::OutOfMemory => FLARE_ERROR_OUT_OF_MEMORY,
            _ => FLARE_ERROR_IO,
        };
        Failure::new(code, error.to_string())
    }
}

impl From<HandleError> for Failure {
    fn from(error: HandleError) -> Failure {
        match error {
            HandleError::Invalid => {
                Failure::new(FLARE_ERROR_INVALID_HANDLE, "the handle is NULL, freed, or no handle at all")
            }
            HandleError::WrongKind => Failure::new(FLARE_ERROR_WRONG_KIND, "the handle is of another kind"),
            HandleError::Limit => Failure::new(FLARE_ERROR_LIMIT, "too many handles, references or calls"),
            HandleError::OutOfMemory => {
                Failure::new(FLARE_ERROR_OUT_OF_MEMORY, "no memory for another handle")
            }
        }
    }
}

/// Runs the body of a function that returns a status. A failure or panic sets this thread's message.
pub fn guard(f: impl FnOnce() -> Result<(), Failure>) -> i32 {
    match catch(f) {
        Ok(()) => FLARE_OK,
        Err(failure) => report(&failure),
    }
}

/// Runs the body of a function that returns a number from 0 on, or a status that says why there is none.
pub fn guard_number(f: impl FnOnce() -> Result<i32, Failure>) -> i32 {
    match catch(f) {
        Ok(number) => number,
        Err(failure) => report(&failure),
    }
}

/// Runs the body of a function that returns something else, as a handle or a pointer. A failure or panic sets this thread's
/// message and returns `fallback`: NULL, or 0 for a length.
pub fn guard_or<R>(fallback: R, f: impl FnOnce() -> Result<R, Failure>) -> R {
    match catch(f) {
        Ok(result) => result,
        Err(failure) => {
            report(&failure);
            fallback
        }
    }
}

fn catch<R>(f: impl FnOnce() -> Result<R, Failure>) -> Result<R, Failure> {
    // Unwind safe: what a panic leaves half changed is behind a handle, and the caller is told with FLARE_ERROR_PANIC.
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(result) => result,
        Err(payload) => Err(panicked(payload)),
    }
}

#[cold]
fn report(failure: &Failure) -> i32 {
    last_error::set(&failure.message);
    failure.code
}

#[cold]
fn panicked(payload: Box<dyn Any + Send>) -> Failure {
    let text = if let Some(text) = payload.downcast_ref::<&str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text.as_str()
    } else {
        "no message"
    };
    let failure = Failure::new(FLARE_ERROR_PANIC, format!("panic: {text}"));
    // A payload may panic again when it is dropped. What it then throws is leaked: it could go on for ever.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::panic_any;

    fn message() -> String {
        last_error::read(str::to_owned).unwrap()
    }

    #[test]
    fn success_is_zero_and_leaves_the_message() {
        last_error::set("before");
        assert_eq!(guard(|| Ok(())), FLARE_OK);
        assert_eq!(guard_or(0, || Ok(7)), 7);
        assert_eq!(message(), "before");
    }

    #[test]
    fn a_failure_gives_its_code_and_message() {
        assert_eq!(guard(|| Err(Failure::argument("path", "is NULL"))), FLARE_ERROR_INVALID_ARGUMENT);
        assert_eq!(message(), "path is NULL");
        let pointer: *const u8 =
            guard_or(std::ptr::null(), || Err(Failure::new(FLARE_ERROR_NOT_FOUND, "no route")));
        assert!(pointer.is_null());
        assert_eq!(message(), "no route");
    }

    #[test]
    fn a_panic_becomes_a_code() {
        assert_eq!(guard(|| panic!("fixed")), FLARE_ERROR_PANIC);
        assert_eq!(message(), "panic: fixed");
        assert_eq!(guard_or(-1, || panic!("made of {}", 2)), -1);
        assert_eq!(message(), "panic: made of 2");
        assert_eq!(guard(|| panic_any(5_u8)), FLARE_ERROR_PANIC);
        assert_eq!(message(), "panic: no message");
    }

    #[test]
    fn a_panic_inside_a_payload_is_stopped_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        assert_eq!(guard(|| panic_any(Bomb)), FLARE_ERROR_PANIC);
        assert_eq!(message(), "panic: no message");
    }

    #[test]
    fn system_errors_map_to_codes() {
        let code = |kind: io::ErrorKind| Failure::from(io::Error::from(kind)).code;
        assert_eq!(code(io::ErrorKind::AddrInUse), FLARE_ERROR_ADDRESS_IN_USE);
        assert_eq!(code(io::ErrorKind::PermissionDenied), FLARE_ERROR_PERMISSION);
        assert_eq!(code(io::ErrorKind::TimedOut), FLARE_ERROR_TIMEOUT);
        assert_eq!(code(io::ErrorKind::ConnectionReset), FLARE_ERROR_IO);
        assert_eq!(Failure::from(io::Error::other("disk on fire")).message, "disk on fire");
    }
}
