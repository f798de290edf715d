//! The message of a table that does not compile. `format!` cannot run in the compiler, so the text is put together by
//! hand.

use crate::routing::error::RouteProblem;

const CAPACITY: usize = 512;

/// Stops the compilation with a message that names the route.
#[track_caller]
pub(super) const fn refuse(problem: RouteProblem, method: &str, pattern: &str, other: Option<&str>) -> ! {
    let mut message = Message { bytes: [0; CAPACITY], len: 0 };
    message.push("route \"");
    message.push(method);
    message.push("\" \"");
    message.push(pattern);
    message.push("\": ");
    message.push(problem.text());
    if let Some(other) = other {
        message.push(": \"");
        message.push(other);
        message.push("\"");
    }
    panic!("{}", message.as_str())
}

struct Message {
    bytes: [u8; CAPACITY],
    len: usize,
}

impl Message {
    /// Appends `text`, or a hint that it is long, so that a character is never cut.
    const fn push(&mut self, text: &str) {
        let text = if text.len() > CAPACITY / 4 { "(long text)" } else { text };
        let mut at = 0;
        while at < text.len() && self.len < CAPACITY {
            self.bytes[self.len] = text.as_bytes()[at];
            self.len += 1;
            at += 1;
        }
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            Err(_) => "a route is wrong",
        }
    }
}
