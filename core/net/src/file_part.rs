//! A part of a file on its way to a socket.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// So many bytes of a file, from a place on. Holds no bytes of it: they are read when they are sent.
#[derive(Clone, Debug)]
pub(crate) struct FilePart {
    file: Arc<File>,
    offset: u64,
    length: u64,
}

impl FilePart {
    pub(crate) fn new(file: Arc<File>, offset: u64, length: u64) -> FilePart {
        FilePart { file, offset, length }
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    #[cfg(any(test, target_os = "linux", target_os = "android"))]
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    pub(crate) fn len(&self) -> usize {
        // Lossless: keys already need a 64-bit target.
        self.length as usize
    }

    /// The part without its first `count` bytes.
    pub(crate) fn behind(&self, count: usize) -> FilePart {
        let mut rest = self.clone();
        rest.advance(count);
        rest
    }

    /// Leaves out the first `count` bytes.
    pub(crate) fn advance(&mut self, count: usize) {
        let count = (count as u64).min(self.length);
        self.offset = self.offset.saturating_add(count);
        self.length -= count;
    }

    /// Reads the first bytes of the part: at least one, at most as many as fit.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before the part does.
    pub(crate) fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        let room = into.len().min(self.len());
        let into = into.get_mut(..room).unwrap_or_default();
        loop {
            match self.file.read_at(into, self.offset) {
                Ok(0) => return Err(too_short()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }

    /// Appends a copy of the whole part.
    ///
    /// # Errors
    /// `UnexpectedEof` when the file ends before the part does. Some of it may have been appended.
    pub(crate) fn copy_to(&self, into: &mut Vec<u8>) -> io::Result<()> {
        let mut rest = self.clone();
        let mut buffer = [0; 8192];
        while rest.len() > 0 {
            let count = rest.read(&mut buffer)?;
            into.extend_from_slice(buffer.get(..count).unwrap_or_default());
            rest.advance(count);
        }
        Ok(())
    }
}

/// The file ended before the bytes that were promised: the peer must not take what came for the whole.
pub(crate) fn too_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file is shorter than what was to be sent of it")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// An open file with this content and no name.
    pub(crate) fn file_of(content: &[u8]) -> Arc<File> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("flare-net-part-{}-{number}", std::process::id()));
        let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        file.write_all(content).unwrap();
        Arc::new(file)
    }

    #[test]
    fn a_part_is_read_from_any_place() {
        let content: Vec<u8> = (0..20_000).map(|place| (place % 251) as u8).collect();
        let mut part = FilePart::new(file_of(&content), 10, 19_000);
        let mut copy = Vec::new();
        part.copy_to(&mut copy).unwrap();
        assert_eq!(copy, &content[10..19_010]);
        part.advance(18_990);
        let mut buffer = [0; 64];
        assert_eq!(part.read(&mut buffer).unwrap(), 10);
        assert_eq!(buffer[..10], content[19_000..19_010]);
        part.advance(11);
        assert_eq!(part.len(), 0);
    }

    #[test]
    fn a_file_that_is_too_short_is_an_error() {
        let part = FilePart::new(file_of(b"short"), 2, 4);
        let mut copy = Vec::new();
        assert_eq!(part.copy_to(&mut copy).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(copy, b"ort");
        let beyond = FilePart::new(file_of(b"short"), u64::MAX - 1, 1);
        assert!(beyond.read(&mut [0]).is_err());
    }
}
