//! What kind of content a file has, by its name.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// The value for `Content-Type` (RFC 9110, 8.3): its media type, and whether it is text. Text is said to be UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MediaType {
    name: &'static str,
    text: bool,
}

impl MediaType {
    /// By the extension of the last name of a path. Unknown content is `application/octet-stream`, which nobody runs or shows.
    pub(super) fn of(path: &[u8]) -> Self {
        let name = mime_guess::from_path(Path::new(OsStr::from_bytes(path))).first_raw();
        let name = name.unwrap_or("application/octet-stream");
        Self { name, text: name.starts_with("text/") }
    }

    /// The two parts of the value, so that none has to be made.
    pub(super) fn value(self) -> [&'static str; 2] {
        [self.name, if self.text { "; charset=utf-8" } else { "" }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_by_extension() {
        for (path, wanted) in [
            ("a/index.html", "text/html; charset=utf-8"),
            ("A.HTML", "text/html; charset=utf-8"),
            ("x.css", "text/css; charset=utf-8"),
            ("x.js", "text/javascript; charset=utf-8"),
            ("x.txt", "text/plain; charset=utf-8"),
            ("x.json", "application/json"),
            ("x.svg", "image/svg+xml"),
            ("x.png", "image/png"),
            ("x.wasm", "application/wasm"),
            ("x.tar.gz", "application/gzip"),
            ("x.unknown", "application/octet-stream"),
            ("html", "application/octet-stream"),
            (".html", "application/octet-stream"),
            ("a.html/x", "application/octet-stream"),
            ("x.", "application/octet-stream"),
        ] {
            assert_eq!(MediaType::of(path.as_bytes()).value().concat(), wanted, "{path}");
        }
        assert_eq!(MediaType::of(b"\xff.\xff").value().concat(), "application/octet-stream");
    }
}
