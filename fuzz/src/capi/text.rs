//! Text arguments, good and bad.

use std::ffi::{CString, c_char};

use super::Run;

/// A `const char *` argument.
pub(super) struct Text(Option<CString>);

impl Text {
    /// One of these, or of its own bytes, or text that is wrong everywhere.
    pub(super) fn read(run: &mut Run, usual: &[&str]) -> Text {
        let choice = usize::from(run.byte());
        Text(match usual.get(choice) {
            Some(text) => CString::new(*text).ok(),
            None => match choice % 8 {
                0 => None,
                1 => CString::new([0xff, b'a']).ok(),
                2 => CString::new("").ok(),
                3 => CString::new(vec![b'a'; 5000]).ok(),
                4 => CString::new("a\r\nb: c").ok(),
                _ => {
                    let mut bytes = run.bytes();
                    bytes.retain(|byte| *byte != 0);
                    CString::new(bytes).ok()
                }
            },
        })
    }

    pub(super) fn pointer(&self) -> *const c_char {
        self.0.as_ref().map_or(std::ptr::null(), |text| text.as_ptr())
    }

    /// As Rust text; `None` if it is NULL or not UTF-8.
    pub(super) fn as_str(&self) -> Option<&str> {
        self.0.as_ref().and_then(|text| text.to_str().ok())
    }
}
