//! permessage-deflate (RFC 7692): messages one by one, each way with or without the window of those before.

mod compress;
mod config;
mod contexts;
mod inflate;

pub use config::DeflateConfig;
pub(super) use config::{LEAST_BITS, LEAST_SEND_BITS, MOST_BITS};
pub use contexts::Contexts;
pub(super) use inflate::{Inflated, Refusal};

use contexts::{Compressor, Inflater};

/// What ends each message and is left out (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// What was agreed on in a handshake: see [`accept_deflate`](super::handshake::accept_deflate) and
/// [`agreed_deflate`](super::handshake::agreed_deflate).
///
/// Without takeover it holds no context while no message is on its way. With takeover it holds one for what comes in and a larger one for what goes out,
/// at 15 window bits, from the first message on.
#[derive(Debug)]
pub struct Deflate {
    pub(super) terms: Terms,
    level: u8,
    least_bytes: usize,
    contexts: Contexts,
    compressor: Option<Compressor>,
    inflater: Option<Inflater>,
}

/// The parameters of the extension, as one end sees them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Terms {
    pub(super) send_takeover: bool,
    pub(super) receive_takeover: bool,
    /// `None`: a window that the compressor can't keep to, so this end sends nothing compressed.
    pub(super) send_window_bits: Option<u8>,
    pub(super) receive_window_bits: u8,
}

impl Deflate {
    pub(super) fn new(config: &DeflateConfig, terms: Terms) -> Self {
        Deflate {
            terms,
            level: config.level,
            least_bytes: config.least_bytes,
            contexts: config.contexts.clone(),
            compressor: None,
            inflater: None,
        }
    }
}
