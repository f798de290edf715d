//! What a server tells about itself: a log of events, and a log of accesses.

mod access;
mod limiter;

use std::sync::Arc;

pub use access::AccessRecord;
use limiter::Limiter;

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Level {
    /// Something failed that should not fail.
    Error = 1,
    /// Something is wrong outside, and was handled.
    Warn = 2,
    /// The life of the server.
    Info = 3,
    /// Details for those who look for a fault.
    Debug = 4,
}

impl Level {
    /// The level in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

type Sink = dyn Fn(Level, &str) + Send + Sync;

/// Where events go: one callback, a level, and a limit for events of one kind that repeat.
///
/// Without a sink, errors and warnings go to standard error. A sink is called from any thread of the server, must not
/// block for long, and must not panic.
#[derive(Clone)]
pub struct Log {
    level: Level,
    sink: Option<Arc<Sink>>,
    limiter: Arc<Limiter>,
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Warn, sink: None, limiter: Arc::default() }
    }
}

impl Log {
    /// A log that calls `sink` for events of this level and of those that matter more.
    pub fn new(level: Level, sink: impl Fn(Level, &str) + Send + Sync + 'static) -> Self {
        Self { level, sink: Some(Arc::new(sink)), limiter: Arc::default() }
    }

    /// Whether events of this level are wanted.
    #[must_use]
    pub fn enabled(&self, level: Level) -> bool {
        level <= self.level
    }

    /// Tells an event. `kind` names it for the limit: of one kind, at most ten a second get through, and then their number.
    pub(crate) fn tell(&self, level: Level, kind: &'static str, message: impl FnOnce() -> String) {
        if !self.enabled(level) {
            return;
        }
        let Some(missed) = self.limiter.admit(kind) else { return };
        let mut text = format!("{kind}: {}", message());
        if missed > 0 {
            text.push_str(&format!(" (and {missed} more of this kind before)"));
        }
        self.write(level, &text);
    }

    fn write(&self, level: Level, text: &str) {
        match &self.sink {
            Some(sink) => sink(level, text),
            #[allow(clippy::print_stderr, reason = "the place for events that nobody asked for")]
            None => eprintln!("flare {}: {text}", level.as_str()),
        }
    }
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log").field("level", &self.level).finish_non_exhaustive()
    }
}
