//! Messages that go out.

use flate2::FlushCompress;

use super::{Deflate, TAIL};

impl Deflate {
    /// Whether a message of this length is worth it.
    pub(in crate::websocket) fn compresses(&self, length: usize) -> bool {
        // Nothing can't be compressed: the compressor has nothing to flush.
        self.terms.send_window_bits.is_some() && length >= self.least_bytes.max(1)
    }

    /// Appends the message, compressed. `false`: it has to be sent as it is, and what was appended is to be dropped.
    pub(in crate::websocket) fn compress(&mut self, message: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(window_bits) = self.terms.send_window_bits else { return false };
        let start = out.len();
        let mut compressor = match self.compressor.take() {
            Some(compressor) => compressor,
            None => self.contexts.take_compressor(self.level, window_bits),
        };
        let mut rest = message;
        loop {
            // With this much room for the last part, the end is not written twice.
            out.reserve((rest.len() / 2).max(64));
            let before = compressor.stream.total_in();
            if compressor.stream.compress_vec(rest, out, FlushCompress::Sync).is_err() {
                // A new compressor refers to nothing, so the peer understands that too.
                return false;
            }
            let taken = (compressor.stream.total_in() - before) as usize;
            rest = rest.get(taken..).unwrap_or_default();
            if rest.is_empty() && out.len() < out.capacity() {
                break;
            }
        }
        let is_whole = out.ends_with(&TAIL);
        out.truncate(out.len() - TAIL.len().min(out.len() - start));
        if self.terms.send_takeover {
            if is_whole {
                self.compressor = Some(compressor);
            }
            return is_whole;
        }
        self.contexts.give_compressor(compressor);
        is_whole && out.len() - start < message.len()
    }
}
