//! Input that is compressed (RFC 7692 section 6.2).

use super::connection::Connection;
use super::deflate::{Inflated, Refusal};
use super::error::ConnectionError;
use super::mask::{append_masked, key_behind};

/// How much is unmasked at a time, before it is decompressed.
const PART: usize = 4096;

impl Connection {
    /// A piece of a message's payload. `is_end`: it is the last one.
    pub(super) fn inflate(
        &mut self,
        piece: &[u8],
        key: Option<[u8; 4]>,
        is_end: bool,
    ) -> Result<(), ConnectionError> {
        match key {
            None => self.inflate_part(piece)?,
            Some(mut key) => {
                let mut unmasked = Vec::with_capacity(piece.len().min(PART));
                for part in piece.chunks(PART) {
                    unmasked.clear();
                    append_masked(&mut unmasked, part, key);
                    key = key_behind(key, part.len());
                    self.inflate_part(&unmasked)?;
                }
            }
        }
        if is_end && let Some(deflate) = &mut self.sender.deflate {
            deflate.finish(&mut self.buffer, self.limits.message_bytes).map_err(refused)?;
        }
        Ok(())
    }

    fn inflate_part(&mut self, mut part: &[u8]) -> Result<(), ConnectionError> {
        let Some(deflate) = &mut self.sender.deflate else { return Ok(()) };
        while !part.is_empty() {
            match deflate.inflate(&mut part, &mut self.buffer, self.limits.message_bytes).map_err(refused)? {
                Inflated::All => {}
                // To begin anew costs more than the two bytes that say so.
                Inflated::LastBlock => {
                    if !self.budget.spend(self.limits.control_frames, self.now) {
                        return Err(ConnectionError::policy("too many last blocks in compressed messages"));
                    }
                }
            }
        }
        Ok(())
    }
}

fn refused(refusal: Refusal) -> ConnectionError {
    match refusal {
        Refusal::TooLong => ConnectionError::too_big("message too long"),
        Refusal::Corrupt => ConnectionError::payload("a message can't be decompressed"),
    }
}
