//! One line for each exchange that ended.

mod line;
mod text;

use std::cell::Cell;
use std::time::SystemTime;

use line::Line;

use crate::log::AccessRecord;
use crate::middleware::Middleware;

/// Writes one line for each exchange that ended: answered, refused or cut.
///
/// It belongs first, so that it also sees what other middleware refuses. A line tells the client's address
/// ([`client_ip`](crate::middleware::client_ip)), the name from [`BearerAuth`](crate::middleware::BearerAuth) and the id from
/// [`RequestId`](crate::middleware::RequestId), when these have seen the request. Whatever clients send is escaped, so that it
/// can't end a line or a field, and every line is ASCII.
///
/// ```
/// use flare::middleware::{AccessFormat, AccessLog};
/// use flare::prelude::*;
///
/// let mut router = Router::new();
/// router.layer(AccessLog::new(AccessFormat::Json, |line| println!("{line}")));
/// ```
pub struct AccessLog {
    format: AccessFormat,
    sink: Box<Sink>,
    clock: fn() -> SystemTime,
}

type Sink = dyn Fn(&str) + Send + Sync;

/// How a line looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccessFormat {
    /// The common log format: `client - user [day/month/year:time +0000] "request line" status bytes`, and the request's id in
    /// quotes if it has one. What is unknown is `-`; so is the status of an exchange that was not answered, and 0 bytes.
    Common,
    /// The combined log format: as common, with `"referer" "user-agent"` behind the bytes.
    Combined,
    /// An object of JSON (RFC 8259), always with these members, in this order: `time` (RFC 3339, UTC), `id`, `client`, `user`,
    /// `method`, `target`, `version`, `host`, `status` (0: not answered), `bytes` (of content), `ms` (until the answer),
    /// `whole` (false: the answer was cut), `referer`, `user_agent`. What is unknown is `null`.
    Json,
}

thread_local! {
    /// Memory for the next line.
    static MEMORY: Cell<String> = const { Cell::new(String::new()) };
}

impl AccessLog {
    /// Gives each line, without its end, to `sink`, which is called on the worker when an exchange has ended, must not block
    /// for long, and must not panic.
    pub fn new(format: AccessFormat, sink: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { format, sink: Box::new(sink), clock: SystemTime::now }
    }
}

impl Middleware for AccessLog {
    fn on_end(&self, record: &AccessRecord<'_>) {
        let mut text = MEMORY.take();
        Line::new(record, (self.clock)()).write(self.format, &mut text);
        (self.sink)(&text);
        text.clear();
        // One request with a long target must not hold memory for ever.
        text.shrink_to(4096);
        MEMORY.set(text);
    }
}

impl std::fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessLog").field("format", &self.format).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
