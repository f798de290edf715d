//! Which end of the connection this is.

use std::fmt;

/// The end of a connection. Only what a client sends is masked (RFC 6455 section 5.1).
#[derive(Debug)]
pub enum Role {
    /// The end that accepted.
    Server,
    /// The end that connected, and where it takes its masking keys from.
    Client(MaskKeys),
}

/// Where a client takes the masking keys from: one for each frame. A key must not be foreseeable by those who provide what is sent (RFC 6455
/// section 5.3), so a program takes them from a generator that was seeded by the system.
pub struct MaskKeys(Box<dyn FnMut() -> [u8; 4] + Send>);

impl MaskKeys {
    /// Keys of this source, which is called once for each frame, on the thread that sends.
    pub fn new(source: impl FnMut() -> [u8; 4] + Send + 'static) -> Self {
        MaskKeys(Box::new(source))
    }

    pub(super) fn next(&mut self) -> [u8; 4] {
        (self.0)()
    }
}

impl fmt::Debug for MaskKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MaskKeys")
    }
}
