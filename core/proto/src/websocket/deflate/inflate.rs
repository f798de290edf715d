//! Messages that come in.

use flate2::{FlushDecompress, Status};

use super::contexts::Inflater;
use super::{Deflate, TAIL};

/// A last block without content. Behind a whole message it ends the stream; inside of a block that was cut it does not.
const LAST_BLOCK: [u8; 2] = [3, 0];
/// A block without content that is not the last one, for a window that is still needed. Behind a whole message it comes to nothing.
const EMPTY_BLOCK: [u8; 5] = [0, 0, 0, 0xff, 0xff];

/// How far it came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::websocket) enum Inflated {
    /// All of the input was taken.
    All,
    /// A block said that it is the last one (RFC 7692 section 7.2.3.4); what follows begins anew, without a window.
    LastBlock,
}

/// Why a message can't be taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::websocket) enum Refusal {
    TooLong,
    Corrupt,
}

impl Deflate {
    /// Takes a part of a message off the front of `input`, and appends what it comes to: no more than makes `message` one byte longer than `most`.
    pub(in crate::websocket) fn inflate(
        &mut self,
        input: &mut &[u8],
        message: &mut Vec<u8>,
        most: usize,
    ) -> Result<Inflated, Refusal> {
        let (contexts, terms) = (&self.contexts, self.terms);
        let inflater = self.inflater.get_or_insert_with(|| {
            if terms.receive_takeover {
                Inflater::new(terms.receive_window_bits)
            } else {
                contexts.take_inflater()
            }
        });
        loop {
            if message.len() == message.capacity() {
                let room = message.len().max(4 * input.len()).max(256);
                message.reserve_exact(room.min(most.saturating_add(1).saturating_sub(message.len())));
            }
            let before = (inflater.stream.total_in(), message.len());
            let result = inflater.stream.decompress_vec(input, message, FlushDecompress::Sync);
            let taken = (inflater.stream.total_in() - before.0) as usize;
            *input = input.get(taken..).unwrap_or_default();
            if message.len() > most {
                return Err(Refusal::TooLong);
            }
            // Only now, so that it does not depend on how the input came which of the two it is.
            let status = result.map_err(|_| Refusal::Corrupt)?;
            if status == Status::StreamEnd {
                inflater.stream.reset(false);
                return Ok(Inflated::LastBlock);
            }
            if input.is_empty() && message.len() < message.capacity() {
                return Ok(Inflated::All);
            }
            if taken == 0 && message.len() == before.1 {
                return Err(Refusal::Corrupt);
            }
        }
    }

    /// The message has ended. If its last block was cut, that is found for certain without takeover; with takeover it can go unseen where the block's code
    /// is described.
    pub(in crate::websocket) fn finish(&mut self, message: &mut Vec<u8>, most: usize) -> Result<(), Refusal> {
        let mut end = &TAIL[..];
        if self.inflate(&mut end, message, most)? != Inflated::All {
            return Err(Refusal::Corrupt);
        }
        let length = message.len();
        let (mut end, expected) = if self.terms.receive_takeover {
            (&EMPTY_BLOCK[..], Inflated::All)
        } else {
            (&LAST_BLOCK[..], Inflated::LastBlock)
        };
        let inflated = self.inflate(&mut end, message, most)?;
        if inflated != expected || !end.is_empty() || message.len() != length {
            return Err(Refusal::Corrupt);
        }
        if !self.terms.receive_takeover
            && let Some(inflater) = self.inflater.take()
        {
            self.contexts.give_inflater(inflater);
        }
        Ok(())
    }
}
