//! The end of a connection: nothing of it stays under way, and nothing that was said to be sent is lost.

use super::lanes::{Held, Lane};
use super::operations::{Completion, Operation};
use crate::driver::Driver;
use crate::driver::sources::State;
use crate::transmit::FLAGS;
use crate::{Key, Queue};
use io_uring::opcode;
use io_uring::squeue::Flags;
use io_uring::types::{Fd, Timespec};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// How long a peer may take for the last bytes of a connection that was closed.
const PATIENCE: Timespec = Timespec::new().sec(10);

/// The most connections of a driver that are closed and not sent whole. Before the next one, the one that has waited longest is cut.
const MOST: usize = 256;

/// What is still to be sent of connections that were closed.
pub(super) struct Farewells {
    places: Vec<Option<Box<Farewell>>>,
    /// How many there have been.
    begun: u64,
}

struct Farewell {
    /// Closed with it.
    _socket: OwnedFd,
    bytes: Box<[u8]>,
    patience: Timespec,
    /// How many were before it.
    number: u64,
}

impl Farewells {
    pub(super) const fn new() -> Farewells {
        Farewells { places: Vec::new(), begun: 0 }
    }

    fn add(&mut self, mut farewell: Box<Farewell>) -> usize {
        farewell.number = self.begun;
        self.begun += 1;
        let place = self.places.iter().position(Option::is_none).unwrap_or(self.places.len());
        match self.places.get_mut(place) {
            Some(free) => *free = Some(farewell),
            None => self.places.push(Some(farewell)),
        }
        place
    }

    /// The place of the one that has to go before there is another.
    fn to_cut(&self) -> Option<usize> {
        let all =
            self.places.iter().enumerate().filter_map(|(place, one)| Some((one.as_ref()?.number, place)));
        if all.clone().count() < MOST { None } else { all.min().map(|(_, place)| place) }
    }
}

impl Driver {
    /// As [`Driver::close`], for a connection on the ring.
    #[inline(never)]
    pub(in crate::driver) fn close_on_ring(&mut self, key: Key) {
        self.end_operations(key);
        let owed = self.take_owed(key);
        let Some(socket) = self.sources.remove(key) else { return };
        if let Some(bytes) = owed {
            self.send_farewell(socket, bytes);
        }
    }

    /// Sends what is in the batch, and ends the receive.
    fn end_operations(&mut self, key: Key) {
        let Some(source) = self.sources.get(key) else { return };
        // Nothing begins any more.
        source.state.insert(State::FAILED);
        let Some(ring) = &mut self.ring else { return };
        let Some(lane) = ring.lanes.get(key) else { return };
        lane.held = None;
        if !source.state.contains(State::RING) {
            return;
        }
        let receiving = lane.contains(Lane::RECEIVING);
        if receiving && ring.push_cancel(Operation::Receive(key).to_u64()).is_err() {
            return;
        }
        if receiving || lane_in_batch(self, key) {
            // Err: the next wait has the same error, and tells it.
            let _ = self.enter(0, None);
        }
    }

    /// The backlog of a connection whose owner does not know that there is one.
    fn take_owed(&mut self, key: Key) -> Option<Queue> {
        let source = self.sources.get(key).filter(|source| source.state.contains(State::RING))?;
        let lane = self.ring.as_mut()?.lanes.get(key)?;
        if !lane.contains(Lane::TELL_BLOCKED) || lane.error != 0 {
            return None;
        }
        let backlog = source.backlog.take()?;
        Some(backlog.into_queue())
    }

    /// Lets the ring send the last bytes of a connection, and closes it then.
    #[cold]
    fn send_farewell(&mut self, socket: OwnedFd, mut queue: Queue) {
        let length = queue.len();
        // It came from the batch: nothing of it is in a file.
        let Ok(bytes) = queue.take(length, &mut Vec::new(), |bytes| Box::<[u8]>::from(bytes)) else { return };
        self.make_room_for_farewell();
        let Some(ring) = &mut self.ring else { return };
        let descriptor = Fd(socket.as_raw_fd());
        let farewell = Box::new(Farewell { _socket: socket, bytes, patience: PATIENCE, number: 0 });
        let (pointer, length) = (farewell.bytes.as_ptr(), farewell.bytes.len() as u32);
        let patience: *const Timespec = &raw const farewell.patience;
        let number = ring.farewells.add(farewell);
        let send = opcode::Send::new(descriptor, pointer, length)
            .flags(FLAGS | libc::MSG_WAITALL)
            .build()
            .flags(Flags::IO_LINK)
            .user_data(Operation::Farewell(number as u32).to_u64());
        let limit = opcode::LinkTimeout::new(patience).build().user_data(Operation::Unwatched.to_u64());
        // A chain must not be cut by a queue that is full.
        if ring.call(0, None).is_err() {
            return;
        }
        ring.under_way += 1;
        // SAFETY: the box, with the bytes, the time and the socket, stays in its place until the end of the send was seen.
        let _ = unsafe { ring.push(&send).and_then(|()| ring.push(&limit)) };
    }

    /// Peers that take nothing must not hold sockets without a bound: whoever connects and does not read could make them.
    fn make_room_for_farewell(&mut self) {
        let Some(ring) = &mut self.ring else { return };
        if let Some(place) = ring.farewells.to_cut()
            && ring.push_cancel(Operation::Farewell(place as u32).to_u64()).is_ok()
        {
            // Its end is seen here, and its socket closed. Err: the next wait has the same error, and tells it.
            let _ = self.enter(0, None);
        }
    }

    pub(super) fn farewell_completed(&mut self, number: u32, _result: i32) {
        if let Some(ring) = &mut self.ring
            && let Some(place) = ring.farewells.places.get_mut(number as usize)
        {
            // Sent, refused or too late: nobody is left to tell.
            *place = None;
        }
    }

    /// Ends what is under way for a connection that is given out of the driver.
    ///
    /// # Errors
    /// `WouldBlock` when bytes were received that nobody has taken: they could not be given with it.
    pub(in crate::driver) fn leave_ring(&mut self, key: Key) -> io::Result<()> {
        if !self.sources.peek(key).is_some_and(|source| source.state.contains(State::RING)) {
            return Ok(());
        }
        self.send_batch_of(key)?;
        loop {
            let Some(ring) = &mut self.ring else { return Ok(()) };
            let Some(lane) = ring.lanes.get(key) else { return Ok(()) };
            if !lane.contains(Lane::RECEIVING) {
                break;
            }
            // Not to be begun again meanwhile.
            lane.insert(Lane::STARVED);
            ring.push_cancel(Operation::Receive(key).to_u64())?;
            self.enter(1, None)?;
        }
        let Some(ring) = &mut self.ring else { return Ok(()) };
        let Some(lane) = ring.lanes.get(key) else { return Ok(()) };
        lane.remove(Lane::STARVED);
        let has_bytes = |held: &Held| !matches!(held, Held::End);
        let taken = lane.held.as_ref().is_some_and(|held| held.iter().any(has_bytes));
        let of_key = |done: &Completion| done.operation == Operation::Receive(key) && done.result > 0;
        if taken || ring.received.iter().any(of_key) {
            ring.plan(key);
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(())
    }

    /// Whether a connection that is on the ring is registered for readiness.
    pub(in crate::driver) fn is_registered(&self, key: Key) -> bool {
        self.sources.peek(key).is_some_and(|source| {
            !source.state.contains(State::RING) || source.state.contains(State::WATCHES_WRITE)
        })
    }
}

impl Driver {
    /// Sends what is in the batch, for a driver that ends.
    pub(in crate::driver) fn send_last_batch(&mut self) {
        if self.ring.as_ref().is_some_and(|ring| !ring.batch.is_empty()) {
            // Err: nobody is left to tell.
            let _ = self.enter(0, None);
        }
    }
}

fn lane_in_batch(driver: &mut Driver, key: Key) -> bool {
    let lane = driver.ring.as_mut().and_then(|ring| ring.lanes.get(key));
    lane.is_some_and(|lane| lane.contains(Lane::IN_BATCH))
}
