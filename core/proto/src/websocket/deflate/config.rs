//! What an end wants of compression.

use super::contexts::Contexts;

/// The least window that the compressor can keep to. zlib takes 8 and uses 9, so zlib-rs and others refuse it.
pub(in crate::websocket) const LEAST_SEND_BITS: u8 = 9;
/// The least window of the protocol.
pub(in crate::websocket) const LEAST_BITS: u8 = 8;
/// The largest window of the protocol, and what holds without a parameter.
pub(in crate::websocket) const MOST_BITS: u8 = 15;

/// How an end wants to compress, and how it wants its peer to.
#[derive(Clone, Debug)]
pub struct DeflateConfig {
    /// Messages that are sent may use the window of those before. They become smaller, and each connection holds a context, the larger of the two kinds. Default
    /// false.
    pub send_takeover: bool,
    /// The same for messages that come in. Default false.
    pub receive_takeover: bool,
    /// The window of what is sent, in bits: 9 to 15. Default 15.
    pub send_window_bits: u8,
    /// The window of what comes in, in bits: 8 to 15. A server can only limit it if the client offers that. Default 15.
    pub receive_window_bits: u8,
    /// How hard the compressor tries: 0 to 9. Default 3.
    pub level: u8,
    /// Shorter messages are sent as they are, in bytes. Default 64.
    pub least_bytes: usize,
    /// Where contexts are taken from and given back to. All connections of a worker share one.
    pub contexts: Contexts,
}

impl Default for DeflateConfig {
    fn default() -> Self {
        DeflateConfig {
            send_takeover: false,
            receive_takeover: false,
            send_window_bits: MOST_BITS,
            receive_window_bits: MOST_BITS,
            level: 3,
            least_bytes: 64,
            contexts: Contexts::default(),
        }
    }
}
