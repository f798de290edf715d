//! Reading what C hands over: text, bytes and user data.

use crate::guard::{Failure, guard_or};
use std::ffi::{CStr, c_char, c_void};

/// Borrows a NUL-terminated UTF-8 string. `argument` is the C parameter's name, for the message.
///
/// # Errors
/// `FLARE_ERROR_INVALID_ARGUMENT` if it is NULL or not UTF-8.
///
/// # Safety
/// `pointer` is NULL, or points to a NUL-terminated string that stays unchanged for `'a`.
pub unsafe fn required<'a>(pointer: *const c_char, argument: &str) -> Result<&'a str, Failure> {
    // SAFETY: the same promise as ours.
    unsafe { optional(pointer, argument) }?.ok_or_else(|| Failure::argument(argument, "is NULL"))
}

/// The same as [`required`], for a parameter that may be NULL: that is `None`.
///
/// # Errors
/// `FLARE_ERROR_INVALID_ARGUMENT` if it is not UTF-8.
///
/// # Safety
/// As for [`required`].
pub unsafe fn optional<'a>(pointer: *const c_char, argument: &str) -> Result<Option<&'a str>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, so the caller promises a NUL-terminated string, unchanged for 'a.
    let text = unsafe { CStr::from_ptr(pointer) };
    text.to_str().map(Some).map_err(|_| Failure::argument(argument, "is not UTF-8"))
}

/// Borrows the bytes of a NUL-terminated string, in any encoding.
///
/// # Errors
/// `FLARE_ERROR_INVALID_ARGUMENT` if it is NULL.
///
/// # Safety
/// As for [`required`].
pub unsafe fn terminated<'a>(pointer: *const c_char, argument: &str) -> Result<&'a [u8], Failure> {
    if pointer.is_null() {
        return Err(Failure::argument(argument, "is NULL"));
    }
    // SAFETY: not NULL, so the caller promises a NUL-terminated string, unchanged for 'a.
    Ok(unsafe { CStr::from_ptr(pointer) }.to_bytes())
}

/// Borrows `length` bytes. NULL with length 0 is an empty slice. `argument` is the C parameter's name, for the message.
///
/// # Errors
/// `FLARE_ERROR_INVALID_ARGUMENT` if it is NULL with a length, or the length is more than an object can have.
///
/// # Safety
/// `pointer` is NULL, or points to `length` readable bytes that stay unchanged for `'a`.
pub unsafe fn bytes<'a>(pointer: *const c_void, length: usize, argument: &str) -> Result<&'a [u8], Failure> {
    if length == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return Err(Failure::argument(argument, "is NULL but its length is not 0"));
    }
    // A negative number cast to size_t lands here; a slice may not be that long.
    if isize::try_from(length).is_err() {
        return Err(Failure::argument(argument, "has an impossible length"));
    }
    // SAFETY: not NULL and at most isize::MAX long; the caller promises that the bytes are readable and unchanged for 'a.
    Ok(unsafe { std::slice::from_raw_parts(pointer.cast::<u8>(), length) })
}

/// A place for a result, which must not be NULL. `argument` is the C parameter's name, for the message.
///
/// # Errors
/// `FLARE_ERROR_INVALID_ARGUMENT` if it is NULL.
pub fn place<T>(pointer: *mut T, argument: &str) -> Result<*mut T, Failure> {
    if pointer.is_null() { Err(Failure::argument(argument, "is NULL")) } else { Ok(pointer) }
}

/// Copies `text` for C, as much as fits, and terminates it. Returns the length of the whole text.
///
/// # Safety
/// `buffer` points to `capacity` bytes that may be written, or is NULL, or `capacity` is 0.
pub unsafe fn copy_out(text: &str, buffer: *mut c_char, capacity: usize) -> usize {
    if !buffer.is_null() && capacity > 0 {
        let kept = fitting(text, capacity - 1);
        // SAFETY: kept < capacity, and the caller promises `capacity` writable bytes at `buffer`, which `text`, being borrowed,
        // can't overlap.
        unsafe {
            text.as_ptr().copy_to_nonoverlapping(buffer.cast::<u8>(), kept);
            buffer.add(kept).write(0);
        }
    }
    text.len()
}

/// Runs the body of a function that copies a text out, and returns the text's length. After a failure the length is 0 and the copy is
/// empty, so that C never reads what was in the buffer before.
///
/// # Safety
/// As for [`copy_out`].
pub unsafe fn copied<T: AsRef<str>>(
    buffer: *mut c_char,
    capacity: usize,
    text: impl FnOnce() -> Result<T, Failure>,
) -> usize {
    match guard_or(None, || text().map(Some)) {
        // SAFETY: the caller's promise.
        Some(text) => unsafe { copy_out(text.as_ref(), buffer, capacity) },
        // SAFETY: as above.
        None => unsafe { copy_out("", buffer, capacity) },
    }
}

/// The length of the longest part of `text`, from its start, that fits into `room` bytes and does not split a character.
fn fitting(text: &str, room: usize) -> usize {
    let mut length = text.len().min(room);
    while !text.is_char_boundary(length) {
        length -= 1;
    }
    length
}

/// Frees what a `void *user` points to.
pub type Destroy = unsafe extern "C" fn(user: *mut c_void);

/// A `void *user` with its optional destructor.
///
/// The destructor is called exactly once, when the value is dropped, on whatever thread that is, also when the call that was
/// given it fails. So wrap it first thing in each function, before any check.
#[derive(Debug)]
pub struct UserData {
    pointer: *mut c_void,
    destroy: Option<Destroy>,
}

// SAFETY: flare never looks behind the pointer. The C API asks that callbacks and destructors may be called with it from any
// thread.
unsafe impl Send for UserData {}
// SAFETY: as above; sharing the value only copies the pointer.
unsafe impl Sync for UserData {}

impl UserData {
    /// Takes over `pointer`. It may be NULL; a destructor is called all the same.
    ///
    /// # Safety
    /// `destroy`, if given, may be called once with `pointer` from any thread; callbacks that are given `pointer` may run on
    /// any thread until then.
    pub unsafe fn new(pointer: *mut c_void, destroy: Option<Destroy>) -> UserData {
        UserData { pointer, destroy }
    }

    /// What to hand to a callback. Valid until this value is dropped.
    pub fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destroy) = self.destroy.take() {
            // SAFETY: `new` was promised that one call is sound, and `take` makes this the only one.
            unsafe { destroy(self.pointer) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::FLARE_ERROR_INVALID_ARGUMENT;
    use std::ptr::null;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn assert_argument<T: std::fmt::Debug>(result: Result<T, Failure>, message: &str) {
        let failure = result.unwrap_err();
        assert_eq!((failure.code, &*failure.message), (FLARE_ERROR_INVALID_ARGUMENT, message));
    }

    #[test]
    fn text_is_borrowed() {
        // SAFETY: literals and NULL.
        unsafe {
            assert_eq!(required(c"/caf\u{e9}".as_ptr(), "path"), Ok("/café"));
            assert_eq!(required(c"".as_ptr(), "path"), Ok(""));
            assert_eq!(optional(c"x".as_ptr(), "path"), Ok(Some("x")));
            assert_eq!(optional(null(), "path"), Ok(None));
        }
    }

    #[test]
    fn bad_text_names_the_argument() {
        // SAFETY: literals and NULL.
        unsafe {
            assert_argument(required(null(), "path"), "path is NULL");
            assert_argument(required(c"\xff".as_ptr(), "path"), "path is not UTF-8");
            assert_argument(optional(c"\xff".as_ptr(), "name"), "name is not UTF-8");
        }
    }

    #[test]
    fn terminated_bytes_need_no_encoding() {
        // SAFETY: a literal and NULL.
        unsafe {
            assert_eq!(terminated(c"\xff".as_ptr(), "value"), Ok(&b"\xff"[..]));
            assert_argument(terminated(null(), "value"), "value is NULL");
        }
    }

    #[test]
    fn a_failure_leaves_an_empty_copy() {
        let mut buffer = [b'x'; 4];
        let failure = || Err::<&str, _>(Failure::argument("index", "is too large"));
        // SAFETY: the buffer has 4 bytes; NULL may be given.
        unsafe {
            assert_eq!(copied(buffer.as_mut_ptr().cast(), 4, failure), 0);
            assert_eq!(copied(std::ptr::null_mut(), 4, || Ok("abc")), 3);
        }
        assert_eq!(&buffer, b"\0xxx");
    }

    #[test]
    fn bytes_may_be_null_only_when_empty() {
        let text = b"a\0b";
        // SAFETY: the slice is valid for its length; the impossible lengths are refused before anything is read.
        unsafe {
            assert_eq!(bytes(text.as_ptr().cast(), 3, "body"), Ok(&text[..]));
            assert_eq!(bytes(null(), 0, "body"), Ok(&[][..]));
            assert_argument(bytes(null(), 1, "body"), "body is NULL but its length is not 0");
            let pointer = text.as_ptr().cast();
            assert_argument(bytes(pointer, usize::MAX, "body"), "body has an impossible length");
        }
    }

    unsafe extern "C" fn count(user: *mut c_void) {
        // SAFETY: the test below passes an AtomicUsize that lives longer.
        let counter = unsafe { &*user.cast::<AtomicUsize>() };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    #[test]
    fn the_destructor_runs_once() {
        let counter = AtomicUsize::new(0);
        let pointer = (&raw const counter).cast_mut().cast::<c_void>();
        // SAFETY: `count` may run on any thread, and the counter outlives the value.
        let user = unsafe { UserData::new(pointer, Some(count)) };
        assert_eq!(user.pointer(), pointer);
        assert_eq!(counter.load(Ordering::Relaxed), 0);
        std::thread::scope(|scope| {
            scope.spawn(move || drop(user));
        });
        assert_eq!(counter.load(Ordering::Relaxed), 1);
        // SAFETY: no destructor, so nothing is called.
        drop(unsafe { UserData::new(pointer, None) });
        assert_eq!(counter.load(Ordering::Relaxed), 1);
    }
}
