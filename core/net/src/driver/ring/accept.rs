//! Accepting: one operation for each listener, which brings one connection after the other.

use super::operations::{Completion, Operation};
use crate::driver::{Driver, acceptor};
use crate::key::{ListenerKey, Target};
use io_uring::opcode;
use io_uring::types::Fd;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

impl Driver {
    /// Puts what the listeners want into the queue.
    pub(super) fn push_accepts(&mut self) -> io::Result<()> {
        let Some(ring) = &mut self.ring else { return Ok(()) };
        if !std::mem::take(&mut ring.listeners_changed) {
            return Ok(());
        }
        for (index, acceptor) in self.acceptors.iter_mut().enumerate() {
            let Some(acceptor) = acceptor else { continue };
            // At most `MOST_LISTENERS`.
            let number = Operation::Accept(index as u32).to_u64();
            if acceptor.begins_on_ring() {
                let flags = libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
                let accept = opcode::AcceptMulti::new(Fd(acceptor.fd())).flags(flags).build();
                ring.under_way += 1;
                // SAFETY: it refers to no memory. The socket stays open until the queue is handed over.
                unsafe { ring.push(&accept.user_data(number))? };
            } else if acceptor.ends_on_ring() {
                ring.push_cancel(number)?;
            }
        }
        for number in std::mem::take(&mut ring.cancels) {
            ring.push_cancel(number)?;
        }
        Ok(())
    }

    /// A connection was accepted, or the operation has ended.
    pub(super) fn accept_completed(&mut self, number: u32, completion: Completion) {
        let accepted = accepted(completion);
        let key = ListenerKey(number);
        // That of a listener that was closed meanwhile is closed with it.
        let Some(acceptor) = acceptor(&mut self.acceptors, key) else { return };
        if let Some(ring) = &mut self.ring {
            ring.listeners_changed |= !completion.more;
        }
        acceptor.accepted_on_ring(accepted, completion.more);
        if acceptor.note_ready() {
            self.ready.push_back(Target::Listener(key));
        }
    }

    /// Has the ring look at the listeners before the next call.
    pub(in crate::driver) fn listeners_changed(&mut self) {
        if let Some(ring) = &mut self.ring {
            ring.listeners_changed = true;
        }
    }

    /// Ends the operation of a listener at once.
    pub(in crate::driver) fn end_accept(&mut self, key: ListenerKey) {
        if let Some(ring) = &mut self.ring {
            ring.cancels.push(Operation::Accept(key.0).to_u64());
            ring.listeners_changed = true;
            // Err: the next wait has the same error, and tells it.
            let _ = self.enter(0, None);
        }
    }
}

/// The socket that an operation has accepted, or why there is none. To be asked once for each completion.
pub(super) fn accepted(completion: Completion) -> io::Result<OwnedFd> {
    if completion.result < 0 {
        return Err(io::Error::from_raw_os_error(-completion.result));
    }
    // SAFETY: the kernel has just made this descriptor, and told nobody else.
    Ok(unsafe { OwnedFd::from_raw_fd(completion.result) })
}
