//! The message of a thread's last failure.
//!
//! A status code says what kind of thing went wrong; the message says which argument, address or route it was.

use std::cell::RefCell;
use std::ffi::c_char;

use crate::text;

/// The longest message that is kept, in bytes without the NUL. Longer ones are cut at a character.
const MAX_LENGTH: usize = 1024;

thread_local! {
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Copies the message of the last call that failed on this thread into `buffer`.
///
/// Returns the length of the whole message in bytes, without its NUL, or 0 if no call has failed on this thread. The copy
/// is UTF-8, cut between characters to fit, and ends with NUL whenever `capacity` > 0. If the result is `capacity` or more,
/// the text was cut: a buffer of the result plus 1 takes it all. `buffer` may be NULL to ask for the length alone.
///
/// Every call that fails replaces the message; calls that succeed leave it as it is. So read it right after a failure.
///
/// Ownership: `buffer` stays the caller's. Threads: any; each has a message of its own. Errors: none.
///
/// # Safety
/// `buffer` is NULL, or points to `capacity` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_last_error(buffer: *mut c_char, capacity: usize) -> usize {
    // SAFETY: the caller's promise.
    let copied = read(|message| unsafe { text::copy_out(message, buffer, capacity) });
    // SAFETY: as above.
    copied.unwrap_or_else(|| unsafe { text::copy_out("", buffer, capacity) })
}

/// Remembers `message` as this thread's last failure. NUL characters are shown as `U+FFFD`: in C they would end the text.
pub fn set(message: &str) {
    // During the end of a thread its message may be gone already; then there is nobody left to read it.
    let _ = MESSAGE.try_with(|kept| {
        let mut kept = kept.borrow_mut();
        kept.clear();
        for character in message.chars() {
            let character = if character == '\0' { char::REPLACEMENT_CHARACTER } else { character };
            if kept.len() + character.len_utf8() > MAX_LENGTH {
                break;
            }
            kept.push(character);
        }
    });
}

/// Gives this thread's message to `f`: empty if no call has failed. `f` must not call [`set`].
///
/// `None` if the thread is ending and its message is gone.
pub fn read<R>(f: impl FnOnce(&str) -> R) -> Option<R> {
    MESSAGE.try_with(|kept| f(&kept.borrow())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What C sees in a buffer of `capacity` bytes (that was full of `x`), and the length it is told.
    fn copy(capacity: usize) -> (Vec<u8>, usize) {
        let mut buffer = vec![b'x'; capacity + 1];
        // SAFETY: the buffer has `capacity` writable bytes, and one more to see that it is left alone.
        let length = unsafe { flare_last_error(buffer.as_mut_ptr().cast(), capacity) };
        assert_eq!(buffer.pop(), Some(b'x'));
        (buffer, length)
    }

    #[test]
    fn a_thread_without_failures_has_no_message() {
        std::thread::spawn(|| assert_eq!(copy(3), (b"\0xx".to_vec(), 0))).join().unwrap();
    }

    #[test]
    fn the_copy_is_cut_and_terminated() {
        set("abc");
        assert_eq!(copy(0), (vec![], 3));
        assert_eq!(copy(1), (b"\0".to_vec(), 3));
        assert_eq!(copy(3), (b"ab\0".to_vec(), 3));
        assert_eq!(copy(5), (b"abc\0x".to_vec(), 3));
        // SAFETY: a NULL buffer is allowed.
        assert_eq!(unsafe { flare_last_error(std::ptr::null_mut(), 7) }, 3);
    }

    #[test]
    fn a_cut_does_not_split_a_character() {
        set("aé");
        assert_eq!(copy(3), (b"a\0x".to_vec(), 3));
        assert_eq!(copy(4), ("aé\0".as_bytes().to_vec(), 3));
    }

    #[test]
    fn the_last_failure_wins_and_is_bounded() {
        set(&"é".repeat(MAX_LENGTH));
        assert_eq!(read(str::len), Some(MAX_LENGTH));
        set("a\0b");
        assert_eq!(read(str::to_owned).as_deref(), Some("a\u{fffd}b"));
    }

    #[test]
    fn each_thread_has_its_own() {
        set("mine");
        std::thread::spawn(|| set("theirs")).join().unwrap();
        assert_eq!(read(str::to_owned).as_deref(), Some("mine"));
    }
}
