//! How much the system keeps for a peer that has not taken it.

use std::os::fd::OwnedFd;

/// Bytes that were written to the socket and not yet taken by the peer (acknowledged, for TCP). 0 where the system does not tell.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn undelivered(socket: &OwnedFd) -> usize {
    use std::os::fd::AsRawFd;

    let mut bytes: libc::c_int = 0;
    // SAFETY: the descriptor is open; SIOCOUTQ, which is TIOCOUTQ, writes one int, which outlives the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    if result == 0 { usize::try_from(bytes).unwrap_or(0) } else { 0 }
}

/// Bytes that were written to the socket and not yet taken by the peer: this system is not asked.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn undelivered(_socket: &OwnedFd) -> usize {
    0
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn it_falls_when_the_peer_reads() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut writer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut reader, _) = listener.accept().unwrap();
        writer.set_nonblocking(true).unwrap();
        while writer.write(&[7; 65536]).is_ok() {}
        let descriptor = OwnedFd::from(writer.try_clone().unwrap());
        let full = undelivered(&descriptor);
        assert!(full > 0);
        let mut taken = 0;
        let mut room = [0; 65536];
        while undelivered(&descriptor) >= full {
            taken += reader.read(&mut room).unwrap();
            assert!(taken < 64 << 20, "nothing was taken in 64 MiB");
        }
    }
}
