//! Which library this is: the version of its ABI, its own version, and its features.

use crate::text;
use std::ffi::{CStr, c_char};

/// The version of the ABI that a program was compiled for. It is raised when a change breaks programs that are not compiled
/// again. Compare it with [`flare_abi_version`].
pub const FLARE_ABI_VERSION: u32 = 1;

/// The features of this build, in the order of their names.
const FEATURES: [&str; 5] = ["http1", "http2", "http3", "tls", "websocket"];

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => panic!("a version has no NUL"),
};

/// The version of the ABI that the loaded library speaks. A program works with it if this equals the `FLARE_ABI_VERSION` it was
/// compiled with.
///
/// Threads: any. Errors: none.
#[unsafe(no_mangle)]
pub extern "C" fn flare_abi_version() -> u32 {
    FLARE_ABI_VERSION
}

/// The version of the library, as `"0.1.0"`, for people and logs.
///
/// Returns static text, borrowed for as long as the library is loaded; never NULL.
///
/// Threads: any. Errors: none.
#[unsafe(no_mangle)]
pub extern "C" fn flare_version() -> *const c_char {
    VERSION.as_ptr()
}

/// Whether this build has a feature, as `"http1"`.
///
/// Returns 1 if it has, 0 if it has not, does not know the name, or `name` is NULL.
///
/// Ownership: `name` stays the caller's. Threads: any. Errors: none.
///
/// # Safety
/// `name` is NULL, or a NUL-terminated string.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn flare_has_feature(name: *const c_char) -> i32 {
    // SAFETY: the same promise as ours; the text is not kept.
    let name = unsafe { text::optional(name, "name") };
    i32::from(name.is_ok_and(|name| name.is_some_and(|name| FEATURES.contains(&name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_of_the_build() {
        assert_eq!(flare_abi_version(), FLARE_ABI_VERSION);
        // SAFETY: static, NUL-terminated text.
        let version = unsafe { CStr::from_ptr(flare_version()) };
        assert_eq!(version.to_str(), Ok(env!("CARGO_PKG_VERSION")));
    }

    #[test]
    fn features_are_found_by_name() {
        // SAFETY: literals and NULL.
        unsafe {
            assert_eq!(flare_has_feature(c"http1".as_ptr()), 1);
            assert_eq!(flare_has_feature(c"http".as_ptr()), 0);
            assert_eq!(flare_has_feature(c"\xff".as_ptr()), 0);
            assert_eq!(flare_has_feature(std::ptr::null()), 0);
        }
    }
}
