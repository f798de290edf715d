//! The timer of macOS and FreeBSD: an event of the queue itself, EVFILT_TIMER. It needs no descriptor.

use mio::{Registry, Token};
use std::io;
use std::os::fd::AsRawFd;
use std::time::Duration;

pub(crate) struct TimerSource {
    token: Token,
}

impl TimerSource {
    // Fails on other systems.
    #[allow(clippy::unnecessary_wraps)]
    pub(crate) fn new(_: &Registry, token: Token) -> io::Result<TimerSource> {
        Ok(TimerSource { token })
    }

    pub(crate) fn arm(&mut self, registry: &Registry, after: Duration) -> io::Result<()> {
        // Milliseconds are the unit that all systems have, and the one without flags.
        let millis = after.saturating_add(Duration::from_nanos(999_999)).as_millis();
        self.change(registry, libc::EV_ADD | libc::EV_ONESHOT, i32::try_from(millis).unwrap_or(i32::MAX))
    }

    pub(crate) fn disarm(&mut self, registry: &Registry) -> io::Result<()> {
        match self.change(registry, libc::EV_DELETE, 0) {
            // It has fired, and was removed with that.
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
            result => result,
        }
    }

    fn change(&self, registry: &Registry, flags: u16, millis: i32) -> io::Result<()> {
        // SAFETY: all zeros are a valid value of this plain struct; some systems have more fields than are set below.
        let mut event: libc::kevent = unsafe { std::mem::zeroed() };
        event.filter = libc::EVFILT_TIMER;
        event.flags = flags;
        event.data = millis as _;
        event.udata = self.token.0 as _;
        let queue = registry.as_raw_fd();
        let none = std::ptr::null_mut();
        // SAFETY: the queue is open; the kernel reads one event, which outlives the call, and writes none.
        let result = unsafe { libc::kevent(queue, &event, 1, none, 0, std::ptr::null()) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}
