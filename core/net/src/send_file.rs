//! Sending a part of a file: by `sendfile(2)` on Linux, by reading and writing elsewhere and for files that Linux cannot send so.

use crate::file_part::FilePart;
use crate::transmit::FLAGS;
use socket2::SockRef;
use std::io;
use std::os::fd::OwnedFd;

/// How much is read at a time where the system does not send files itself.
const COPY: usize = 64 * 1024;

/// What sending the files of one turn needs. Making one costs nothing.
pub(crate) struct FileSender {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    quiet: Option<crate::broken_pipe::Quiet>,
    buffer: Vec<u8>,
}

impl FileSender {
    pub(crate) const fn new() -> FileSender {
        FileSender {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            quiet: None,
            buffer: Vec::new(),
        }
    }

    /// Sends at most `limit` bytes of a part that is not empty, and says how many: 0 means that the socket is full.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before the part does, and what the system says of the file or the socket.
    pub(crate) fn send(&mut self, socket: &OwnedFd, part: &FilePart, limit: usize) -> io::Result<usize> {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        if let Some(result) = self.send_in_kernel(socket, part, limit) {
            return result;
        }
        self.copy(socket, part, limit)
    }

    /// `None` when the system cannot send this file so: not all file systems can.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn send_in_kernel(
        &mut self,
        socket: &OwnedFd,
        part: &FilePart,
        limit: usize,
    ) -> Option<io::Result<usize>> {
        use crate::file_part::too_short;
        use std::os::fd::AsRawFd;

        let quiet = self.quiet.get_or_insert_with(crate::broken_pipe::Quiet::begin);
        let Ok(mut offset) = libc::off_t::try_from(part.offset()) else {
            return Some(Err(too_short()));
        };
        let count = part.len().min(limit);
        loop {
            // SAFETY: both descriptors are open, and the kernel reads and writes one offset, which outlives the call.
            let sent =
                unsafe { libc::sendfile(socket.as_raw_fd(), part.file().as_raw_fd(), &mut offset, count) };
            if let Ok(sent) = usize::try_from(sent) {
                // Less than asked for says nothing: the next call says whether the socket is full or the file is short.
                return Some(if sent == 0 { Err(too_short()) } else { Ok(sent) });
            }
            let error = io::Error::last_os_error();
            return Some(match error.raw_os_error() {
                Some(libc::EAGAIN) => Ok(0),
                Some(libc::EINTR) => continue,
                Some(libc::EINVAL | libc::ENOSYS) => return None,
                Some(libc::EPIPE) => {
                    quiet.note();
                    Err(error)
                }
                _ => Err(error),
            });
        }
    }

    fn copy(&mut self, socket: &OwnedFd, part: &FilePart, limit: usize) -> io::Result<usize> {
        self.buffer.resize(COPY.min(part.len()).min(limit), 0);
        let count = part.read(&mut self.buffer)?;
        let bytes = self.buffer.get(..count).unwrap_or_default();
        loop {
            // What the socket does not take is read again later: nothing is kept of it.
            match SockRef::from(socket).send_with_flags(bytes, FLAGS) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;
    use crate::file_part::tests::file_of;
    use std::io::Read;

    #[test]
    fn copying_goes_on_where_a_full_socket_stopped() {
        let content: Vec<u8> = (0..1_000_000).map(|place| (place / 7 % 251) as u8).collect();
        let (near, mut far) = Stream::pair().unwrap();
        let near = OwnedFd::from(near);
        SockRef::from(&near).set_nonblocking(true).unwrap();
        let mut part = FilePart::new(file_of(&content), 1, 999_998);
        let mut files = FileSender::new();
        let mut got = Vec::new();
        let mut blocked = 0;
        while part.len() > 0 {
            let sent = files.copy(&near, &part, 300_000).unwrap();
            assert!(sent <= COPY);
            if sent == 0 {
                blocked += 1;
                let mut buffer = vec![0; 50_000];
                let count = far.read(&mut buffer).unwrap();
                got.extend_from_slice(&buffer[..count]);
            }
            part.advance(sent);
        }
        drop(near);
        far.read_to_end(&mut got).unwrap();
        assert!(blocked > 0);
        assert!(got == content[1..999_999]);
    }

    #[test]
    fn both_ways_notice_a_short_file() {
        let (near, _far) = Stream::pair().unwrap();
        let near = OwnedFd::from(near);
        let mut files = FileSender::new();
        let mut part = FilePart::new(file_of(b"short"), 3, 3);
        let count = files.send(&near, &part, 100).unwrap();
        assert_eq!(count, 2);
        part.advance(count);
        assert_eq!(files.send(&near, &part, 100).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(files.copy(&near, &part, 100).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_limit_holds() {
        let (near, mut far) = Stream::pair().unwrap();
        let near = OwnedFd::from(near);
        let part = FilePart::new(file_of(b"0123456789"), 2, 8);
        assert_eq!(FileSender::new().send(&near, &part, 3).unwrap(), 3);
        assert_eq!(FileSender::new().copy(&near, &part, 2).unwrap(), 2);
        drop(near);
        let mut text = String::new();
        far.read_to_string(&mut text).unwrap();
        assert_eq!(text, "23423");
    }
}
