//! The ring: an io_uring that does the common input and output of a driver, beside its readiness. See docs/architecture.md.

mod accept;
mod batch;
mod buffers;
mod close;
mod lanes;
mod operations;
mod receive;
mod send;

use super::Driver;
use super::sources::{Source, State};
use crate::{Key, Lease};
use batch::Batch;
use buffers::{Buffers, GROUP};
use close::Farewells;
use io_uring::squeue::{Entry, Flags};
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{EnterFlags, IoUring, Probe, cqueue, opcode};
use lanes::{Lane, Lanes};
use operations::{Completion, MOST_CONNECTIONS, Operation};
use std::collections::VecDeque;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// How many operations are handed over at a time. More are handed over in several calls.
const SUBMISSIONS: u32 = 256;
/// How many ends of operations the kernel keeps in place. More wait in a list of its own.
const COMPLETIONS: u32 = 4096;
/// How often a driver that ends looks whether the kernel has let go of its memory.
const LAST_LOOKS: u32 = 100;

/// The ring of a driver, and what is under way in it.
pub(super) struct Ring {
    // Declared first, so dropped first: the kernel lets go of all memory before it is freed.
    uring: IoUring,
    enabled: bool,
    /// A call has failed: what it was to do is not known, so nothing is done any more.
    broken: bool,
    lanes: Lanes,
    /// Connections whose next operation is to be found.
    list: Vec<Key>,
    /// Connections that found no buffer, in order.
    starved: VecDeque<Key>,
    /// Operations that are to end, by their number.
    cancels: Vec<u64>,
    /// Whether a listener wants something.
    listeners_changed: bool,
    buffers: ManuallyDrop<Buffers>,
    batch: ManuallyDrop<Batch>,
    farewells: ManuallyDrop<Farewells>,
    /// Sends of the batch that have not ended.
    sending: usize,
    /// Operations that use memory of ours, or files.
    under_way: usize,
    /// Receives that are to be delivered, in order.
    received: VecDeque<Completion>,
    /// How many of them belong to this turn.
    turn: usize,
    /// Completions that need more than the ring; empty between calls.
    others: Vec<Completion>,
    /// Whether the ring watches the readiness of everything else.
    polling: bool,
    /// Whether there may be readiness that was not taken.
    ready: bool,
}

impl Ring {
    /// A ring whose buffers have this size.
    ///
    /// # Errors
    /// That the system has none, or none that is new enough, or does not permit it.
    pub(super) fn new(read_buffer: usize) -> io::Result<Box<Ring>> {
        let uring = IoUring::builder()
            .setup_cqsize(COMPLETIONS)
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_submit_all()
            // Who enables it is the one thread that may use it.
            .setup_r_disabled()
            .build(SUBMISSIONS)?;
        let mut probe = Probe::new();
        uring.submitter().register_probe(&mut probe)?;
        let needed = [
            opcode::PollAdd::CODE,
            opcode::AsyncCancel::CODE,
            opcode::LinkTimeout::CODE,
            opcode::AcceptMulti::CODE,
            opcode::RecvMulti::CODE,
            opcode::Send::CODE,
        ];
        if !needed.into_iter().all(|code| probe.is_supported(code)) {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let buffers = Buffers::register(&uring.submitter(), read_buffer)?;
        Ok(Box::new(Ring {
            uring,
            enabled: false,
            broken: false,
            lanes: Lanes::default(),
            list: Vec::new(),
            starved: VecDeque::new(),
            cancels: Vec::new(),
            listeners_changed: false,
            buffers: ManuallyDrop::new(buffers),
            batch: ManuallyDrop::new(Batch::new()),
            farewells: ManuallyDrop::new(Farewells::new()),
            sending: 0,
            under_way: 0,
            received: VecDeque::new(),
            turn: 0,
            others: Vec::new(),
            polling: false,
            ready: false,
        }))
    }

    pub(super) fn as_raw_fd(&self) -> RawFd {
        self.uring.as_raw_fd()
    }

    /// Whether something is to be delivered, or to be looked at.
    pub(super) fn is_ready(&self) -> bool {
        self.ready || !self.received.is_empty() || !self.starved.is_empty()
    }

    /// Takes back a lease, if it may be one of the ring's.
    pub(super) fn take_back(&mut self, lease: Lease) -> Option<Lease> {
        if !self.buffers.fits(&lease) {
            return Some(lease);
        }
        self.buffers.give(lease.into_buffer());
        None
    }

    /// Begins a new connection. False: the ring cannot name it.
    pub(super) fn begin(&mut self, key: Key) -> bool {
        if key.index >= MOST_CONNECTIONS {
            return false;
        }
        self.lanes.begin(key);
        self.plan(key);
        true
    }

    /// Has the next operation of a connection found before the next call.
    fn plan(&mut self, key: Key) {
        if let Some(lane) = self.lanes.get(key)
            && !lane.contains(Lane::LISTED)
        {
            lane.insert(Lane::LISTED);
            self.list.push(key);
        }
    }

    /// Puts an operation into the queue of those to hand over.
    ///
    /// # Safety
    /// What it refers to stays until its end was seen.
    unsafe fn push(&mut self, entry: &Entry) -> io::Result<()> {
        loop {
            // SAFETY: as demanded from the caller.
            if unsafe { self.uring.submission().push(entry) }.is_ok() {
                return Ok(());
            }
            self.call(0, None)?;
        }
    }

    /// Tells an operation to end. Only a failure to do so would be told, to nobody.
    fn push_cancel(&mut self, number: u64) -> io::Result<()> {
        let cancel = opcode::AsyncCancel::new(number).build().flags(Flags::SKIP_SUCCESS);
        // SAFETY: it refers to nothing.
        unsafe { self.push(&cancel.user_data(Operation::Unwatched.to_u64())) }
    }

    /// One call of the kernel: hands over what is in the queue, lets it work on what is under way, and waits for so many ends. A signal
    /// may end it early.
    fn call(&mut self, wanted: u32, timeout: Option<Duration>) -> io::Result<()> {
        if !self.enabled {
            self.uring.submitter().register_enable_rings()?;
            self.enabled = true;
        }
        let timespec = timeout.map(Timespec::from);
        let mut arguments = SubmitArgs::new();
        if let Some(timespec) = &timespec {
            arguments = arguments.timespec(timespec);
        }
        let flags = (EnterFlags::GETEVENTS | EnterFlags::EXT_ARG).bits();
        let mut barren = 0;
        loop {
            let entries = self.uring.submission().len();
            let submitter = self.uring.submitter();
            // SAFETY: the arguments are those that the flags announce, and outlive the call. What the entries refer to was promised
            // in `push`.
            let result = unsafe { submitter.enter(entries as u32, wanted, flags, Some(&arguments)) };
            match result {
                Ok(count) if count >= entries => return Ok(()),
                // Some were left: the kernel has not waited then.
                Ok(count) if count > 0 => barren = 0,
                Ok(_) => barren += 1,
                Err(error) => match error.raw_os_error() {
                    Some(libc::ETIME | libc::EINTR) => return Ok(()),
                    // Out of memory for the moment, or for ends that nobody has taken yet.
                    Some(libc::EAGAIN | libc::EBUSY) if barren < 10 => barren += 1,
                    _ => return Err(error),
                },
            }
            if barren >= 10 {
                return Err(io::ErrorKind::OutOfMemory.into());
            }
        }
    }

    /// Takes all ends from the kernel, and does what needs no more than the ring: counts, and what was sent whole.
    fn collect(&mut self) {
        for entry in self.uring.completion() {
            let flags = entry.flags();
            let completion = Completion {
                operation: Operation::from_u64(entry.user_data()),
                result: entry.result(),
                buffer: cqueue::buffer_select(flags),
                more: cqueue::more(flags),
            };
            let ended = usize::from(!completion.more);
            match completion.operation {
                Operation::Receive(_) => {
                    self.under_way -= ended.min(self.under_way);
                    if completion.buffer.is_some() {
                        self.buffers.filled();
                    }
                    self.received.push_back(completion);
                    if !completion.more {
                        self.others.push(completion);
                    }
                }
                Operation::Send(number) => {
                    self.under_way -= ended.min(self.under_way);
                    self.sending -= 1;
                    let whole = self.batch.get(number as usize).map(|piled| piled.length);
                    if whole != usize::try_from(completion.result).ok() {
                        self.others.push(completion);
                    }
                }
                Operation::Poll => {
                    self.under_way -= ended.min(self.under_way);
                    self.ready = true;
                    self.polling &= completion.more;
                }
                Operation::Accept(_) | Operation::Farewell(_) => {
                    self.under_way -= ended.min(self.under_way);
                    self.others.push(completion);
                }
                Operation::Unwatched => {}
            }
        }
    }

    /// Begins to watch a descriptor for readiness, if that is not so already.
    fn watch(&mut self, descriptor: RawFd) -> io::Result<()> {
        if self.polling {
            return Ok(());
        }
        let poll = opcode::PollAdd::new(Fd(descriptor), libc::POLLIN as u32).multi(true).build();
        // SAFETY: it refers to no memory.
        unsafe { self.push(&poll.user_data(Operation::Poll.to_u64()))? };
        self.polling = true;
        self.under_way += 1;
        Ok(())
    }
}

impl Driver {
    /// Watches a socket that does not block, and begins to receive.
    pub(super) fn adopt_on_ring(&mut self, socket: OwnedFd) -> io::Result<Key> {
        let key = self.sources.insert(socket)?;
        if let Some(ring) = &mut self.ring
            && ring.begin(key)
            && let Some(source) = self.sources.get(key)
        {
            source.state.insert(State::RING);
            return Ok(key);
        }
        // No number for it in the ring.
        let socket = self.sources.remove(key).ok_or(io::ErrorKind::NotConnected)?;
        self.watch(socket, mio::Interest::READABLE)
    }

    /// As [`Driver::wait`], on the ring.
    pub(super) fn wait_on_ring(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let wanted = u32::from(timeout != Some(Duration::ZERO));
        self.enter(wanted, timeout)?;
        let Some(ring) = &mut self.ring else { return Ok(()) };
        if std::mem::take(&mut ring.ready) {
            let more = self.take_readiness(Some(Duration::ZERO))?;
            if let Some(ring) = &mut self.ring {
                ring.ready = more;
            }
        }
        if let Some(ring) = &mut self.ring {
            ring.turn = ring.received.len();
        }
        Ok(())
    }

    /// Hands over all that is to be begun, and works off what has ended but for receives, which wait for their turn. Nothing that was sent
    /// is under way behind this.
    fn enter(&mut self, wanted: u32, timeout: Option<Duration>) -> io::Result<()> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        if ring.broken {
            return Err(io::Error::other("io_uring failed before"));
        }
        // Until the end is reached.
        ring.broken = true;
        self.enter_whole(wanted, timeout)?;
        if let Some(ring) = &mut self.ring {
            ring.broken = false;
        }
        Ok(())
    }

    fn enter_whole(&mut self, wanted: u32, timeout: Option<Duration>) -> io::Result<()> {
        let poll = self.poll.as_raw_fd();
        let Some(ring) = &mut self.ring else { return Ok(()) };
        ring.watch(poll)?;
        ring.push_batch(&self.sources)?;
        self.push_listed()?;
        self.push_accepts()?;
        let Some(ring) = &mut self.ring else { return Ok(()) };
        // Sends end at once: who waits, waits for something else.
        let wanted = if wanted > 0 { wanted + ring.sending as u32 } else { 0 };
        ring.call(wanted, timeout)?;
        ring.collect();
        while ring.sending > 0 {
            // The kernel had no place to say so: now it has.
            ring.call(1, None)?;
            ring.collect();
        }
        self.work_off();
        Ok(())
    }

    /// Does what ends of operations ask for.
    fn work_off(&mut self) {
        let Some(ring) = &mut self.ring else { return };
        let mut others = std::mem::take(&mut ring.others);
        for completion in others.drain(..) {
            match completion.operation {
                Operation::Receive(key) => self.receive_ended(key, completion.result),
                Operation::Accept(listener) => self.accept_completed(listener, completion),
                Operation::Send(number) => self.send_completed(number, completion.result),
                Operation::Farewell(number) => self.farewell_completed(number, completion.result),
                Operation::Poll | Operation::Unwatched => {}
            }
        }
        if let Some(ring) = &mut self.ring {
            ring.batch.clear();
            ring.others = others;
        }
    }

    /// Serves a connection that the ring receives for.
    #[inline(never)]
    pub(super) fn serve_on_ring(&mut self, key: Key) -> Option<crate::Event> {
        let source = self.sources.get(key)?;
        if source.state.contains(State::FAILED) {
            return None;
        }
        if let Some(event) = self.tell_of_sends(key) {
            return Some(event);
        }
        let source = self.sources.get(key)?;
        if source.state.contains(State::MORE_THAN_READING)
            && let std::ops::ControlFlow::Break(event) = self.serve_writing(key)
        {
            return event;
        }
        if let Some(event) = self.next_held(key) {
            return Some(event);
        }
        let source = self.sources.get(key)?;
        if !source.state.contains(State::PAUSED) && !source.state.contains(State::ENDED) {
            // The receive that is under way will tell.
            return None;
        }
        let error = super::lost(source)?;
        Some(super::fail(source, key, error))
    }

    /// Has the driver be told of the loss of a connection that nothing is received for, by readiness.
    fn watch_loss(poll: &mio::Poll, source: &mut Source, key: Key) -> io::Result<()> {
        super::send::watch_write(source, key, poll.registry())
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // Whoever made it and never waited has nothing under way. Another thread than the one that waited gets nothing done here.
        if self.enabled && self.under_way > 0 {
            let all = io_uring::types::CancelBuilder::any();
            let cancel = opcode::AsyncCancel2::new(all).build().user_data(Operation::Unwatched.to_u64());
            for _ in 0..LAST_LOOKS {
                // SAFETY: it refers to nothing. A full queue means that nothing can be told any more.
                let _ = unsafe { self.uring.submission().push(&cancel) };
                if self.call(0, None).is_err() {
                    break;
                }
                self.collect();
                for completion in self.others.drain(..) {
                    if let Operation::Accept(_) = completion.operation {
                        drop(accept::accepted(completion));
                    }
                }
                if self.under_way == 0 {
                    break;
                }
            }
        }
        if self.under_way == 0 {
            // SAFETY: each is dropped once, here. The kernel uses none of it any more: the end of every operation was seen. It still
            // knows of the ring of buffers, which it only looks into for an operation.
            unsafe {
                ManuallyDrop::drop(&mut self.buffers);
                ManuallyDrop::drop(&mut self.batch);
                ManuallyDrop::drop(&mut self.farewells);
            }
        }
        // Else the memory is lost, which is better than to have the kernel write into what belongs to others.
    }
}
