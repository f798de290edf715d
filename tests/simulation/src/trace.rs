//! What happened, in order: kept as text when somebody wants to read it, and as a number that tells whether two runs were the same.

use std::cell::RefCell;
use std::fmt::{Arguments, Write};

/// The last lines are kept.
const LINES: usize = 200_000;

thread_local! {
    /// The lines of the last story that was kept: also of one that ended in a panic.
    pub static KEPT: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

#[derive(Debug, Default)]
pub struct Trace {
    /// Whether lines are kept.
    kept: bool,
    lines: std::collections::VecDeque<String>,
    digest: Digest,
    place: (u64, usize),
}

#[derive(Debug)]
struct Digest(u64);

impl Default for Digest {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        for byte in text.bytes() {
            // FNV-1a.
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

impl Trace {
    pub fn new(kept: bool) -> Self {
        let mut trace = Self::default();
        trace.kept = kept;
        trace
    }

    /// What is noted next happens at this time to this connection.
    pub fn at(&mut self, now: u64, connection: usize) {
        self.place = (now, connection);
        self.digest.0 = (self.digest.0 ^ now ^ ((connection as u64) << 56)).wrapping_mul(0x0100_0000_01b3);
    }

    pub fn note(&mut self, what: Arguments<'_>) {
        if self.kept {
            if self.lines.len() == LINES {
                self.lines.pop_front();
            }
            self.lines.push_back(format!("{:>8} ms  #{}  {what}", self.place.0, self.place.1));
        }
        let _ = self.digest.write_fmt(what);
    }

    /// Two runs with the same number were the same.
    pub fn digest(&self) -> u64 {
        self.digest.0
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        if self.kept {
            KEPT.set(Some(self.lines.drain(..).collect()));
        }
    }
}
