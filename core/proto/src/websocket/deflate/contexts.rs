//! Contexts that are used for one message after another, by any connection.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use flate2::{Compress, Compression, Decompress};

use super::config::{LEAST_SEND_BITS, MOST_BITS};

/// How many of each kind are kept. A worker does one thing at a time, so that more are only in use by messages that came in part.
const KEPT: usize = 4;

/// Contexts that no message uses, at most four of each kind: making one costs more than compressing a short message. Clones are the same contexts. It may be
/// shared by threads, which then wait for each other for moments; better is one for each thread.
#[derive(Clone, Default)]
pub struct Contexts(Arc<Mutex<Unused>>);

#[derive(Default)]
struct Unused {
    compressors: Vec<Compressor>,
    inflaters: Vec<Inflater>,
}

/// What compresses, and what it was made for.
pub(super) struct Compressor {
    pub(super) stream: Compress,
    level: u8,
    window_bits: u8,
}

/// What decompresses.
pub(super) struct Inflater {
    pub(super) stream: Decompress,
    window_bits: u8,
}

impl Compressor {
    pub(super) fn new(level: u8, window_bits: u8) -> Self {
        let level = level.min(9);
        // Out of these bounds it would panic.
        let window_bits = window_bits.clamp(LEAST_SEND_BITS, MOST_BITS);
        let stream = Compress::new_with_window_bits(Compression::new(level.into()), false, window_bits);
        Compressor { stream, level, window_bits }
    }
}

impl Inflater {
    pub(super) fn new(window_bits: u8) -> Self {
        // A larger window reads what was written for a smaller one.
        let window_bits = window_bits.clamp(LEAST_SEND_BITS, MOST_BITS);
        Inflater { stream: Decompress::new_with_window_bits(false, window_bits), window_bits }
    }
}

impl Contexts {
    fn with<T>(&self, act: impl FnOnce(&mut Unused) -> T) -> T {
        // A context that a panic left here was put here whole.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn take_compressor(&self, level: u8, window_bits: u8) -> Compressor {
        let is_same = |unused: &Compressor| unused.level == level && unused.window_bits == window_bits;
        self.with(|unused| {
            let at = unused.compressors.iter().position(is_same)?;
            Some(unused.compressors.swap_remove(at))
        })
        .unwrap_or_else(|| Compressor::new(level, window_bits))
    }

    pub(super) fn take_inflater(&self) -> Inflater {
        self.with(|unused| unused.inflaters.pop()).unwrap_or_else(|| Inflater::new(MOST_BITS))
    }

    pub(super) fn give_compressor(&self, mut compressor: Compressor) {
        compressor.stream.reset();
        self.with(|unused| {
            if unused.compressors.len() < KEPT {
                unused.compressors.push(compressor);
            }
        });
    }

    /// Takes back one that was taken here.
    pub(super) fn give_inflater(&self, mut inflater: Inflater) {
        if inflater.window_bits != MOST_BITS {
            return;
        }
        inflater.stream.reset(false);
        self.with(|unused| {
            if unused.inflaters.len() < KEPT {
                unused.inflaters.push(inflater);
            }
        });
    }

    /// How many contexts are unused now: for what is sent, and for what comes in.
    #[must_use]
    pub fn unused(&self) -> (usize, usize) {
        self.with(|unused| (unused.compressors.len(), unused.inflaters.len()))
    }
}

impl fmt::Debug for Contexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Contexts{:?}", self.unused())
    }
}

impl fmt::Debug for Compressor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Compressor({}, {} bits)", self.level, self.window_bits)
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Inflater({} bits)", self.window_bits)
    }
}
