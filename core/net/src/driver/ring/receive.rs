//! Receiving: one operation for each connection, which brings one buffer after the other.

use super::GROUP;
use super::lanes::{Held, Lane};
use super::operations::{Completion, Operation};
use crate::driver::sources::State;
use crate::driver::{Driver, fail};
use crate::{Event, Key};
use io_uring::opcode;
use io_uring::types::Fd;
use std::io;
use std::os::fd::AsRawFd;

impl Driver {
    /// Puts the next operations of the connections that are listed into the queue.
    pub(super) fn push_listed(&mut self) -> io::Result<()> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        let mut place = 0;
        while let Some(&key) = ring.list.get(place) {
            place += 1;
            let Some(source) = self.sources.get(key) else { continue };
            let Some(lane) = ring.lanes.get(key) else { continue };
            lane.remove(Lane::LISTED);
            let paused = source.state.contains(State::PAUSED);
            if source.state.contains(State::FAILED) {
            } else if lane.contains(Lane::RECEIVING) {
                if paused && lane.held.is_some() && !lane.contains(Lane::CANCELLING) {
                    lane.insert(Lane::CANCELLING);
                    ring.push_cancel(Operation::Receive(key).to_u64())?;
                }
            } else if lane.contains(Lane::RECEIVED_ALL) || paused {
                Driver::watch_loss(&self.poll, source, key)?;
            } else if lane.held.is_none() && !lane.contains(Lane::STARVED) {
                lane.insert(Lane::RECEIVING);
                let receive = opcode::RecvMulti::new(Fd(source.socket.as_raw_fd()), GROUP).build();
                ring.under_way += 1;
                // SAFETY: the buffers live as long as the ring. The socket stays open until the queue is handed over, which happens
                // before anything is closed.
                unsafe { ring.push(&receive.user_data(Operation::Receive(key).to_u64()))? };
            }
        }
        ring.list.clear();
        self.push_starved()
    }

    /// Lets as many connections that found no buffer try again as there are buffers.
    fn push_starved(&mut self) -> io::Result<()> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        if ring.starved.is_empty() {
            return Ok(());
        }
        if ring.buffers.unfilled() == 0 && ring.received.is_empty() {
            // Nobody is about to give one back.
            ring.buffers.grow();
        }
        let count = ring.buffers.unfilled().min(ring.starved.len());
        for _ in 0..count {
            let Some(key) = ring.starved.pop_front() else { break };
            if self.sources.get(key).is_some()
                && let Some(lane) = ring.lanes.get(key)
            {
                lane.remove(Lane::STARVED);
                ring.plan(key);
            }
        }
        if count == 0 { Ok(()) } else { self.push_listed_again() }
    }

    /// The list once more. The starved ones of it are few, and not starved now.
    fn push_listed_again(&mut self) -> io::Result<()> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        let starved = std::mem::take(&mut ring.starved);
        let result = self.push_listed();
        if let Some(ring) = &mut self.ring {
            ring.starved = starved;
        }
        result
    }

    /// The operation of a connection has ended: for good, or to be begun again.
    pub(super) fn receive_ended(&mut self, key: Key, result: i32) {
        if self.sources.get(key).is_none() {
            return;
        }
        let Some(ring) = &mut self.ring else { return };
        let Some(lane) = ring.lanes.get(key) else { return };
        lane.remove(Lane::RECEIVING);
        lane.remove(Lane::CANCELLING);
        if result == -libc::ENOBUFS {
            lane.insert(Lane::STARVED);
            ring.starved.push_back(key);
            ring.buffers.grow();
        } else if result == 0 || !goes_on(result) {
            lane.insert(Lane::RECEIVED_ALL);
        }
        ring.plan(key);
    }

    /// Delivers what was received, in order, as far as it belongs to this turn.
    pub(in crate::driver) fn next_received(&mut self) -> Option<Event> {
        loop {
            let ring = self.ring.as_mut()?;
            if ring.turn == 0 {
                return None;
            }
            ring.turn -= 1;
            let completion = ring.received.pop_front()?;
            let event = self.deliver(completion);
            if event.is_some() {
                return event;
            }
        }
    }

    fn deliver(&mut self, completion: Completion) -> Option<Event> {
        let Operation::Receive(key) = completion.operation else { return None };
        let ring = self.ring.as_mut()?;
        let lease = match (completion.buffer, usize::try_from(completion.result)) {
            (Some(number), Ok(length)) => ring.buffers.take(number, length),
            (Some(number), Err(_)) => {
                // An error with a buffer: it is not known to happen.
                if let Some(lease) = ring.buffers.take(number, 0) {
                    ring.buffers.give(lease.into_buffer());
                }
                None
            }
            (None, _) => None,
        };
        let source = self.sources.get(key).filter(|source| !source.state.contains(State::FAILED));
        let lane = ring.lanes.get(key);
        let (Some(source), Some(lane)) = (source, lane) else {
            if let Some(lease) = lease {
                ring.buffers.give(lease.into_buffer());
            }
            return None;
        };
        let waits = source.state.contains(State::PAUSED) || lane.held.is_some();
        match lease {
            Some(lease) if completion.result > 0 => {
                if !waits {
                    return Some(Event::Received { key, lease });
                }
                // In memory of its own size: who is paused must not keep buffers from the others.
                let copy = crate::Lease::new((*lease).into(), lease.len());
                lane.hold(Held::Bytes(copy));
                ring.buffers.give(lease.into_buffer());
                ring.plan(key);
                None
            }
            lease => {
                if let Some(lease) = lease {
                    // The end came with a buffer that it did not use.
                    ring.buffers.give(lease.into_buffer());
                }
                if completion.result == 0 {
                    if waits {
                        lane.hold(Held::End);
                        return None;
                    }
                    source.state.insert(State::ENDED);
                    return Some(Event::ReadClosed { key });
                }
                if goes_on(completion.result) {
                    return None;
                }
                if lane.held.is_some() && !source.state.contains(State::PAUSED) {
                    lane.hold(Held::Error(-completion.result));
                    return None;
                }
                Some(fail(source, key, io::Error::from_raw_os_error(-completion.result)))
            }
        }
    }

    /// What comes next of what was held while the connection was paused.
    pub(super) fn next_held(&mut self, key: Key) -> Option<Event> {
        let source = self.sources.get(key)?;
        if source.state.contains(State::PAUSED) {
            return None;
        }
        let ring = self.ring.as_mut()?;
        let lane = ring.lanes.get(key)?;
        let held = lane.next_held()?;
        if lane.held.is_some() {
            // The others come first.
            self.queue_last(key);
        } else {
            ring.plan(key);
        }
        let source = self.sources.get(key)?;
        Some(match held {
            Held::Bytes(lease) => Event::Received { key, lease },
            Held::End => {
                source.state.insert(State::ENDED);
                if source.state.contains(State::HUNG_UP | State::ERROR) {
                    self.queue_first(key);
                }
                Event::ReadClosed { key }
            }
            Held::Error(code) => fail(source, key, io::Error::from_raw_os_error(code)),
        })
    }

    /// As [`Driver::resume_read`], for a connection on the ring.
    pub(in crate::driver) fn resume_on_ring(&mut self, key: Key) {
        let Some(ring) = &mut self.ring else { return };
        let Some(lane) = ring.lanes.get(key) else { return };
        if lane.held.is_some() {
            self.queue_last(key);
        } else if !lane.contains(Lane::RECEIVING) {
            ring.plan(key);
        }
    }
}

/// Whether a receive that ended so is to be begun again.
fn goes_on(result: i32) -> bool {
    result > 0 || matches!(-result, libc::ENOBUFS | libc::ECANCELED | libc::EINTR | libc::EAGAIN)
}
