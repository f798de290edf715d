//! Keeping SIGPIPE from the process while `sendfile(2)` runs: unlike `send(2)` it has no flag for that.

use std::mem::MaybeUninit;

/// While it lives, a broken pipe is an error to this thread and no signal to the process. Other signals pass.
pub(crate) struct Quiet {
    /// The thread's mask held the signal back already.
    was_blocked: bool,
    /// One was waiting already, and is not ours to take away.
    was_pending: bool,
    raised: bool,
}

impl Quiet {
    pub(crate) fn begin() -> Quiet {
        let mut before = empty_set();
        // SAFETY: both sets are initialised and outlive the call, which changes the mask of this thread only. It cannot fail with these
        // arguments.
        unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &broken_pipe(), &mut before) };
        let was_blocked = holds_broken_pipe(&before);
        Quiet { was_blocked, was_pending: was_blocked && is_pending(), raised: false }
    }

    /// A call said EPIPE, so the system has raised the signal.
    pub(crate) fn note(&mut self) {
        self.raised = true;
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        if self.raised && !self.was_pending {
            let now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
            // SAFETY: the set and the time are initialised and outlive the call, which takes no information back. It does not wait.
            unsafe { libc::sigtimedwait(&broken_pipe(), std::ptr::null_mut(), &now) };
        }
        if !self.was_blocked {
            // SAFETY: as in `begin`; the old mask is not asked for.
            unsafe { libc::pthread_sigmask(libc::SIG_UNBLOCK, &broken_pipe(), std::ptr::null_mut()) };
        }
    }
}

fn empty_set() -> libc::sigset_t {
    let mut set = MaybeUninit::uninit();
    // SAFETY: the call initialises the set, and cannot fail with a valid address.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        set.assume_init()
    }
}

fn broken_pipe() -> libc::sigset_t {
    let mut set = empty_set();
    // SAFETY: the set is initialised and outlives the call; the signal exists.
    unsafe { libc::sigaddset(&mut set, libc::SIGPIPE) };
    set
}

fn holds_broken_pipe(set: &libc::sigset_t) -> bool {
    // SAFETY: the set is initialised and outlives the call; the signal exists.
    unsafe { libc::sigismember(set, libc::SIGPIPE) == 1 }
}

fn is_pending() -> bool {
    let mut set = empty_set();
    // SAFETY: the kernel writes one set, which outlives the call.
    unsafe { libc::sigpending(&mut set) };
    holds_broken_pipe(&set)
}
