//! A server in the loop of its host: asyncio, libuv, GLib, a plain epoll.

use std::os::fd::AsRawFd;

use flare::embed::{Budget, HostError};

use crate::guard::{Failure, guard, guard_number};
use crate::object::with_server;
use crate::server::flare_server;
use crate::status::{FLARE_ERROR_INVALID_STATE, FLARE_ERROR_PANIC};

impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Io(error) => error.into(),
            HostError::Lost => Failure::new(FLARE_ERROR_PANIC, error.to_string()),
            other => Failure::new(FLARE_ERROR_INVALID_STATE, other.to_string()),
        }
    }
}

/// Binds the addresses and leaves the loop to the caller, instead of flare_server_start(): no thread is made, the server has one worker
/// whatever the setting says, and it works inside flare_server_poll() only. Handlers and all callbacks run there.
///
/// @return As flare_server_start().
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_host_start(server: *mut flare_server) -> i32 {
    guard(|| with_server(server, |server| server.host_start()))
}

/// The descriptor of a server in the caller's loop. It becomes readable (level-triggered) when flare_server_poll() has something to do:
/// input, output, a call of another thread, a deadline. Only to be watched, never read or closed.
///
/// @return A descriptor, valid until flare_server_free(); FLARE_ERROR_INVALID_STATE before flare_server_host_start().
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_fd(server: *const flare_server) -> i32 {
    guard_number(|| with_server(server, |server| Ok(server.hosted()?.as_raw_fd())))
}

/// Works off what there is to do, and never blocks. The server belongs to the first thread that polls it. One thread may poll several
/// servers. After the end of the server it does nothing.
///
/// @param budget  The most pieces of work: something that happened to a socket, a deadline, a message of another thread, an exchange
/// that moves. 0 for 256.
/// @return 1 when more is to do at once (the descriptor is readable then), 0 when nothing is. FLARE_ERROR_INVALID_STATE, with nothing
/// changed, before flare_server_host_start(), on another thread, or inside a handler or callback of any server.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_poll(server: *mut flare_server, budget: i32) -> i32 {
    guard_number(|| {
        let budget = match usize::try_from(budget) {
            Ok(0) => Budget::default(),
            Ok(events) => Budget::events(events),
            Err(_) => return Err(Failure::argument("budget", "is negative")),
        };
        with_server(server, |server| Ok(i32::from(server.hosted()?.poll(budget)?.more)))
    })
}

/// Whether a server has ended. In the caller's loop it ends some polls after flare_server_drain(); one with threads of its own has ended
/// when flare_server_wait() has returned. flare_server_stat() knows "drain_finished" and "drain_aborted" then.
///
/// @return 1 or 0; FLARE_ERROR_INVALID_STATE before the start.
#[unsafe(no_mangle)]
pub extern "C" fn flare_server_drained(server: *const flare_server) -> i32 {
    guard_number(|| {
        with_server(server, |server| {
            server.handle()?;
            Ok(i32::from(server.drained().is_some()))
        })
    })
}
