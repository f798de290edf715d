//! The content of a response.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::message::Source;

/// The content of a response.
///
/// Small bodies are copied beside their head, large ones leave from where they are, files by `sendfile` where the system can.
#[derive(Default)]
#[non_exhaustive]
pub enum Body {
    /// No content.
    #[default]
    Empty,
    /// Bytes that belong to this body.
    Owned(Vec<u8>),
    /// Bytes that may be shared; cloning and sending them copies nothing.
    Shared(Bytes),
    /// A part of a file.
    File(FileBody),
    /// Bytes and parts of files, one after the other.
    Parts(Vec<Part>),
    /// Content that is pulled while the client takes it.
    Source(Box<dyn Source>),
}

/// A piece of a body that is made of several.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Part {
    /// Bytes in memory.
    Bytes(Bytes),
    /// A part of a file.
    File(FileBody),
}

impl Part {
    /// The number of bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(file) => file.length,
        }
    }
}

/// A part of a file. The file must keep at least this length until the answer is sent; otherwise the connection is cut.
#[derive(Debug, Clone)]
pub struct FileBody {
    pub(crate) file: Arc<File>,
    pub(crate) offset: u64,
    pub(crate) length: u64,
}

impl FileBody {
    /// `length` bytes of a file from `offset` on.
    #[must_use]
    pub fn new(file: Arc<File>, offset: u64, length: u64) -> Self {
        Self { file, offset, length }
    }

    /// All of a file, as long as it is now.
    ///
    /// # Errors
    /// When the system does not tell its length.
    pub fn whole(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::new(Arc::new(file), 0, length))
    }
}

impl Body {
    /// A body of static bytes, sent without a copy.
    #[must_use]
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self::Shared(Bytes::from_static(bytes))
    }

    /// Content that is pulled while the client takes it.
    pub fn from_source(source: impl Source + 'static) -> Self {
        Self::Source(Box::new(source))
    }

    /// The bytes of a body that is one piece of memory; none for files, parts and sources.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
            Self::Empty | Self::File(_) | Self::Parts(_) | Self::Source(_) => &[],
        }
    }

    /// The number of bytes, if it is known.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::File(file) => Some(file.length),
            Self::Parts(parts) => Some(parts.iter().map(Part::length).fold(0, u64::saturating_add)),
            Self::Source(source) => source.length(),
            _ => Some(self.as_slice().len() as u64),
        }
    }

    /// Replaces the content by a copy of `bytes`, and uses the memory of an owned body again.
    #[inline]
    pub fn copy_from(&mut self, bytes: &[u8]) {
        if let Self::Owned(own) = self {
            own.clear();
            own.extend_from_slice(bytes);
        } else {
            *self = Self::Owned(bytes.to_vec());
        }
    }

    /// Takes the bytes out, without a copy.
    pub(crate) fn take_bytes(&mut self) -> Bytes {
        match self {
            Self::Owned(own) => Bytes::from(std::mem::take(own)),
            Self::Shared(bytes) => std::mem::take(bytes),
            Self::Empty | Self::File(_) | Self::Parts(_) | Self::Source(_) => Bytes::new(),
        }
    }

    /// Forgets the content. An owned body keeps up to `keep` bytes of memory for the next content.
    pub(crate) fn recycle(&mut self, keep: usize) {
        match self {
            Self::Owned(own) if own.capacity() <= keep => own.clear(),
            other => *other = Self::Empty,
        }
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self {
            Self::Empty => "Empty",
            Self::Owned(_) => "Owned",
            Self::Shared(_) => "Shared",
            Self::File(_) => "File",
            Self::Parts(_) => "Parts",
            Self::Source(_) => "Source",
        };
        f.debug_struct(kind).field("length", &self.length()).finish()
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::from_static(text.as_bytes())
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Self::from_static(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Owned(text.into_bytes())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(bytes)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self::Shared(bytes)
    }
}

impl From<FileBody> for Body {
    fn from(file: FileBody) -> Self {
        Self::File(file)
    }
}

impl From<Vec<Part>> for Body {
    fn from(parts: Vec<Part>) -> Self {
        Self::Parts(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owned_body_is_used_again() {
        let mut body = Body::default();
        body.copy_from(b"first");
        let Body::Owned(own) = &body else { panic!("not owned") };
        let before = own.as_ptr();
        body.recycle(1024);
        assert_eq!(body.length(), Some(0));
        body.copy_from(b"next");
        assert_eq!(body.as_slice(), b"next");
        let Body::Owned(own) = &body else { panic!("not owned") };
        assert_eq!(own.as_ptr(), before, "the memory was not used again");
    }

    #[test]
    fn a_large_owned_body_is_given_back() {
        let mut body = Body::from(vec![0; 4096]);
        body.recycle(1024);
        assert!(matches!(body, Body::Empty));
    }
}
