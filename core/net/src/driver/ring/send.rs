//! Sending what is small: together, before the driver waits.

use super::Ring;
use super::batch::fits;
use super::lanes::Lane;
use super::operations::Operation;
use crate::backlog::Backlog;
use crate::driver::sources::{Sources, State};
use crate::driver::{Driver, Sent, fail};
use crate::transmit::FLAGS;
use crate::{Event, Key, Output};
use io_uring::opcode;
use io_uring::types::Fd;
use std::io;
use std::os::fd::AsRawFd;

impl Ring {
    /// Puts what is in the batch into the queue.
    pub(super) fn push_batch(&mut self, sources: &Sources) -> io::Result<()> {
        for number in 0..self.batch.len() {
            let Some(piled) = self.batch.get(number) else { break };
            if let Some(lane) = self.lanes.get(piled.key) {
                lane.remove(Lane::IN_BATCH);
            }
            // Who closes a connection sends first.
            let Some(source) = sources.peek(piled.key) else { continue };
            let bytes = self.batch.bytes(piled);
            // At most as long as the batch.
            let send = opcode::Send::new(Fd(source.socket.as_raw_fd()), bytes.as_ptr(), bytes.len() as u32)
                .flags(FLAGS | libc::MSG_DONTWAIT)
                .build()
                .user_data(Operation::Send(number as u32).to_u64());
            self.sending += 1;
            self.under_way += 1;
            // SAFETY: the bytes neither move nor change before the batch is cleared, which waits for the end of all sends. The socket
            // stays open until the queue is handed over.
            unsafe { self.push(&send)? };
        }
        Ok(())
    }
}

impl Driver {
    /// Takes an output into the batch. `None`: it is to be sent at once, and nothing is before it.
    ///
    /// # Errors
    /// What the system says when it does not take what is before it.
    #[inline(never)]
    pub(in crate::driver) fn send_on_ring(
        &mut self,
        key: Key,
        output: &mut Output,
    ) -> io::Result<Option<Sent>> {
        if output.is_empty() {
            return Ok(Some(Sent::All));
        }
        let small = fits(output);
        for _ in 0..2 {
            let Some(ring) = &mut self.ring else { return Ok(None) };
            let Some(lane) = ring.lanes.get(key) else { return Ok(None) };
            let has = lane.contains(Lane::IN_BATCH);
            if small && ring.batch.add(key, has, output) {
                lane.insert(Lane::IN_BATCH);
                if let Some(source) = self.sources.get(key) {
                    source.sent += output.len() as u64;
                }
                return Ok(Some(Sent::All));
            }
            if !small && !has {
                return Ok(None);
            }
            self.enter(0, None)?;
            let Some(source) = self.sources.get(key) else { return Ok(None) };
            if let Some(backlog) = &mut source.backlog {
                // Who hears this needs no event.
                backlog.append(output, 0);
                if let Some(lane) = self.ring.as_mut().and_then(|ring| ring.lanes.get(key)) {
                    lane.remove(Lane::TELL_BLOCKED);
                }
                return Ok(Some(Sent::Queued));
            }
            if let Some(error) = self.send_error(key) {
                return Err(error);
            }
        }
        Ok(None)
    }

    /// The error of an earlier send, if it was not told yet.
    fn send_error(&mut self, key: Key) -> Option<io::Error> {
        let lane = self.ring.as_mut()?.lanes.get(key)?;
        let code = std::mem::take(&mut lane.error);
        (code != 0).then(|| io::Error::from_raw_os_error(code))
    }

    /// A piece of the batch was not sent whole.
    #[cold]
    pub(super) fn send_completed(&mut self, number: u32, result: i32) {
        let Some(ring) = &mut self.ring else { return };
        let Some(piled) = ring.batch.get(number as usize) else { return };
        let key = piled.key;
        let Some(source) = self.sources.get(key) else { return };
        let Some(lane) = ring.lanes.get(key) else { return };
        let sent = match result {
            0.. => result as usize,
            _ if matches!(-result, libc::EAGAIN | libc::EINTR) => 0,
            _ => {
                source.sent = source.sent.saturating_sub(piled.length as u64);
                lane.error = -result;
                return self.queue_last(key);
            }
        };
        let rest = ring.batch.bytes(piled).get(sent..).unwrap_or_default();
        source.sent = source.sent.saturating_sub(rest.len() as u64);
        let mut output = Output::new();
        output.buffer().extend_from_slice(rest);
        // There is no backlog: with one, nothing gets into the batch.
        source.backlog = Some(Box::new(Backlog::of(&mut output, 0)));
        lane.insert(Lane::TELL_BLOCKED);
        if crate::driver::send::watch_write(source, key, self.poll.registry()).is_err() {
            // Without being told, it is tried again and again; memory for watches comes back.
            source.state.insert(State::WRITABLE);
        }
        self.queue_last(key);
    }

    /// What is to be told of sends that were said to be done.
    pub(super) fn tell_of_sends(&mut self, key: Key) -> Option<Event> {
        let lane = self.ring.as_mut()?.lanes.get(key)?;
        let blocked = lane.take(Lane::TELL_BLOCKED);
        if let Some(error) = self.send_error(key) {
            return self.sources.get(key).map(|source| fail(source, key, error));
        }
        if blocked {
            // There may be more to do for it.
            self.queue_first(key);
            return Some(Event::Blocked { key });
        }
        None
    }

    /// Sends what is in the batch if something of this connection is there.
    pub(in crate::driver) fn send_batch_of(&mut self, key: Key) -> io::Result<()> {
        let lane = self.ring.as_mut().and_then(|ring| ring.lanes.get(key));
        if lane.is_some_and(|lane| lane.contains(Lane::IN_BATCH)) {
            self.enter(0, None)?;
        }
        Ok(())
    }
}
