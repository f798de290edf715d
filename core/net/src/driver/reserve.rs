//! Keys for what has no socket of its own.

use super::Driver;
use crate::Key;
use std::io;

impl Driver {
    /// A key for something without a socket of its own, such as one of many connections over a UDP socket: from the same table as those of
    /// connections, so that no connection has it until [`Driver::release`]. All other calls do with it what they do with a key that was
    /// closed, and [`Driver::len`] does not count it.
    ///
    /// # Errors
    /// `OutOfMemory` when there are as many keys as there can be: 2^31.
    pub fn reserve(&mut self) -> io::Result<Key> {
        self.sources.reserve()
    }

    /// Gives a reserved key back: it is never valid again. Nothing for any other key.
    pub fn release(&mut self, key: Key) {
        self.sources.release(key);
    }
}
