//! Blocks that wait for their next exchange.

use std::sync::Arc;

use crate::exchange::{Block, Ends, ExchangeKey, Home, SharedBlock};

/// Memory of a block above so many bytes is given back between exchanges.
const KEEP: usize = 16 * 1024;

/// The free blocks of one worker.
pub(crate) struct Pool {
    home: Arc<dyn Home>,
    free: Vec<SharedBlock>,
    most: usize,
}

impl Pool {
    /// A pool that keeps at most `most` blocks.
    pub(crate) fn new(home: Arc<dyn Home>, most: usize) -> Self {
        Self { home, free: Vec::new(), most }
    }

    /// A block that nobody else holds; its key and ends may be those of an earlier exchange.
    pub(crate) fn take(&mut self, key: ExchangeKey, ends: &Ends) -> SharedBlock {
        self.free.pop().unwrap_or_else(|| self.make(key, ends))
    }

    /// Takes a block back if this was its last holder; otherwise the last holder frees it, and nothing flows for it any more.
    pub(crate) fn give_back(&mut self, mut block: SharedBlock) {
        let Some(own) = SharedBlock::get_mut(&mut block) else {
            // Dropped without the lock, because a callback may hold the exchange.
            return drop(block.channel.stream.close());
        };
        if self.free.len() < self.most {
            own.reset(KEEP);
            self.free.push(block);
        }
    }

    /// The same for the block of an exchange that became a byte stream: what flows goes on.
    pub(crate) fn take_from_byte_stream(&mut self, mut block: SharedBlock) {
        if let Some(own) = SharedBlock::get_mut(&mut block) {
            own.leave_channel(own.channel.key);
            self.give_back(block);
        }
    }

    #[cold]
    #[inline(never)]
    fn make(&self, key: ExchangeKey, ends: &Ends) -> SharedBlock {
        SharedBlock::new(Block::new(Arc::clone(&self.home), key, ends.clone()))
    }
}
