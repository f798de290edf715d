//! Who is at the other end of a Unix socket.

use std::io;
use std::os::fd::OwnedFd;

/// A process and the user it runs as, as the system saw them when the connection was made.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// The process. 0 when it is not visible from here (another PID namespace). It may have ended since, and its number be in use again.
    pub pid: i32,
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
}

impl Credentials {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn of_peer(socket: &OwnedFd) -> io::Result<Credentials> {
        use std::os::fd::AsRawFd;

        /// What the system gives for a socket whose peer has no user, such as TCP.
        const NOBODY: u32 = u32::MAX;
        let mut peer = libc::ucred { pid: 0, uid: NOBODY, gid: NOBODY };
        let mut length = size_of::<libc::ucred>() as libc::socklen_t;
        let result = {
            let place = (&raw mut peer).cast();
            // SAFETY: the descriptor is open; the kernel writes at most `length` bytes to `peer`. Both outlive the call.
            unsafe {
                libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, place, &mut length)
            }
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        if peer.uid == NOBODY {
            return Err(io::ErrorKind::Unsupported.into());
        }
        Ok(Credentials { pid: peer.pid, uid: peer.uid, gid: peer.gid })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn of_peer(_: &OwnedFd) -> io::Result<Credentials> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
