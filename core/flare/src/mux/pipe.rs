//! Where the program and the thread of a connection meet for one stream: two buffers, under one lock that is held for moments.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use flare_proto::mux::INITIAL_CREDIT;

use super::error::{Ended, MuxError};
use super::wait::{deadline, wait};
use crate::embed::Changed;

/// Bytes wait up to this many for the peer before a send is refused.
const HIGH: usize = 256 * 1024;
/// And threads that wait are told below this.
const LOW: usize = 64 * 1024;
/// So many bytes are taken by the reader before credit for them is given back: half of the window, so that frames of credit are few.
const CREDIT_STEP: u32 = INITIAL_CREDIT / 2;

/// One stream.
pub(super) struct Pipe {
    inner: Mutex<Inner>,
    changed: Changed,
    /// The thread of the connection knows that there is something to look at.
    told: AtomicBool,
}

/// Both directions of a stream.
pub(super) struct Inner {
    /// The stream on the wire; None before it is opened, and when it is over there.
    pub(super) id: Option<u64>,
    /// This end opened it.
    pub(super) own: bool,
    inbound: VecDeque<u8>,
    /// Bytes that the reader took, for which no credit was given back.
    taken: u32,
    /// All the peer's bytes are in `inbound` or were taken.
    pub(super) peer_done: bool,
    pub(super) outbound: VecDeque<u8>,
    /// Nothing comes behind `outbound`.
    pub(super) finished: bool,
    /// DONE was sent.
    pub(super) done_sent: bool,
    /// It waits to be served, in the list of the thread.
    pub(super) queued: bool,
    /// This end wants the stream to end in both directions, like this.
    pub(super) end: Option<End>,
    /// The program holds it no more.
    pub(super) let_go: bool,
    over: Option<Over>,
}

/// How this end ends a stream.
pub(super) enum End {
    Cancel,
    Error(String),
}

/// Why a stream is over.
#[derive(Clone)]
pub(super) enum Over {
    /// Both ends finished.
    Done,
    Cancelled,
    Remote(String),
    Ended(Ended),
}

impl Over {
    fn error(&self) -> MuxError {
        match self {
            Self::Done => MuxError::Finished,
            Self::Cancelled => MuxError::Cancelled,
            Self::Remote(text) => MuxError::Remote(text.clone()),
            Self::Ended(ended) => MuxError::Ended(ended.clone()),
        }
    }
}

impl Pipe {
    pub(super) fn new(own: bool, id: Option<u64>) -> Self {
        Self {
            inner: Mutex::new(Inner {
                id,
                own,
                inbound: VecDeque::new(),
                taken: 0,
                peer_done: false,
                outbound: VecDeque::new(),
                finished: false,
                done_sent: false,
                queued: false,
                end: None,
                let_go: false,
                over: None,
            }),
            changed: Changed::default(),
            told: AtomicBool::new(false),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a function at each change. False: there is one already.
    pub(super) fn on_change(&self, tell: impl Fn() + Send + Sync + 'static) -> bool {
        self.changed.set(tell)
    }

    /// True for who has to tell the thread.
    pub(super) fn tell(&self) -> bool {
        !self.told.swap(true, Ordering::AcqRel)
    }

    /// The thread is about to look.
    pub(super) fn looked(&self) {
        self.told.store(false, Ordering::Release);
    }

    /// Bytes came.
    pub(super) fn received(&self, bytes: &[u8]) {
        let mut inner = self.lock();
        // Who let go, or ended it, reads no more.
        if !inner.let_go && inner.over.is_none() {
            inner.inbound.extend(bytes);
            self.changed.notify_all();
        }
    }

    pub(super) fn peer_is_done(&self) {
        self.lock().peer_done = true;
        self.changed.notify_all();
    }

    /// The stream is over on the wire. Says whether this end opened it; None: it was over before.
    pub(super) fn retire(&self, over: Over) -> Option<bool> {
        let mut inner = self.lock();
        inner.outbound = VecDeque::new();
        inner.over.get_or_insert(over);
        self.changed.notify_all();
        inner.id.take().map(|_| inner.own)
    }

    /// Room for who waits to send, after bytes went out.
    pub(super) fn drained(&self, inner: &Inner) {
        if inner.outbound.len() < LOW {
            self.changed.notify_all();
        }
    }

    /// Takes all of the bytes or none; waits for room until the deadline, or not at all.
    pub(super) fn send(&self, bytes: &[u8], wait_for: Option<Option<Duration>>) -> Result<(), MuxError> {
        let until = wait_for.map(deadline);
        let mut inner = self.lock();
        loop {
            inner.check()?;
            if inner.finished {
                return Err(MuxError::Finished);
            }
            if inner.outbound.is_empty() || inner.outbound.len().saturating_add(bytes.len()) <= HIGH {
                inner.outbound.extend(bytes);
                return Ok(());
            }
            inner = wait(&self.changed, inner, until.ok_or(MuxError::WouldBlock)?)?;
        }
    }

    /// Reads what is there, and waits until something is. 0: the peer is done. The flag: there is credit to give back.
    pub(super) fn read(
        &self,
        into: &mut Read<'_>,
        timeout: Option<Duration>,
    ) -> Result<(usize, bool), MuxError> {
        let until = deadline(timeout);
        let mut inner = self.lock();
        loop {
            if !inner.inbound.is_empty() {
                let count = into.take(&mut inner.inbound);
                // At most the window, which is a u32.
                inner.taken = inner.taken.saturating_add(count as u32);
                return Ok((count, inner.taken >= CREDIT_STEP && !inner.peer_done));
            }
            if inner.peer_done && !inner.let_go {
                return Ok((0, false));
            }
            inner.check()?;
            inner = wait(&self.changed, inner, until)?;
        }
    }

    /// This end sends no more.
    pub(super) fn finish(&self) -> Result<(), MuxError> {
        let mut inner = self.lock();
        inner.check()?;
        if std::mem::replace(&mut inner.finished, true) {
            return Err(MuxError::Finished);
        }
        Ok(())
    }

    /// Ends both directions; what was not sent is dropped, and so is what was not read.
    pub(super) fn end(&self, end: End) -> Result<(), MuxError> {
        let mut inner = self.lock();
        inner.check()?;
        inner.over = Some(Over::Cancelled);
        inner.end = Some(end);
        inner.outbound = VecDeque::new();
        inner.inbound = VecDeque::new();
        self.changed.notify_all();
        Ok(())
    }

    /// Nobody holds the stream any more. What was finished is still sent.
    pub(super) fn let_go(&self) {
        let mut inner = self.lock();
        inner.let_go = true;
        inner.inbound = VecDeque::new();
        if !inner.finished {
            inner.outbound = VecDeque::new();
        }
        self.changed.notify_all();
    }
}

impl Inner {
    /// An error when nothing can be done with the stream any more.
    fn check(&self) -> Result<(), MuxError> {
        match &self.over {
            Some(over) => Err(over.error()),
            None if self.let_go => Err(MuxError::Cancelled),
            None => Ok(()),
        }
    }

    /// The credit to give back now: 0 before it is worth a frame.
    pub(super) fn credit(&mut self) -> u32 {
        if self.taken >= CREDIT_STEP { std::mem::take(&mut self.taken) } else { 0 }
    }
}

/// Where a read puts bytes.
pub(super) enum Read<'a> {
    /// As many as fit.
    Slice(&'a mut [u8]),
    /// All there are.
    Vector(&'a mut Vec<u8>),
}

impl Read<'_> {
    fn take(&mut self, from: &mut VecDeque<u8>) -> usize {
        match self {
            // Reading from memory doesn't fail.
            Self::Slice(slice) => std::io::Read::read(from, slice).unwrap_or(0),
            Self::Vector(vector) => {
                **vector = std::mem::take(from).into();
                vector.len()
            }
        }
    }
}
