//! The content of a response.

use bytes::Bytes;

/// The content of a response: nothing, bytes of its own, or bytes shared with others.
///
/// Small bodies are copied beside their head, large ones leave from where they are.
#[derive(Debug, Default, Clone)]
pub enum Body {
    /// No content.
    #[default]
    Empty,
    /// Bytes that belong to this body.
    Owned(Vec<u8>),
    /// Bytes that may be shared; cloning and sending them copies nothing.
    Shared(Bytes),
}

impl Body {
    /// A body of static bytes, sent without a copy.
    #[must_use]
    pub const fn from_static(bytes: &'static [u8]) -> Self {
        Self::Shared(Bytes::from_static(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            Self::Empty => &[],
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// The number of bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_slice().len()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Replaces the content by a copy of `bytes`, and uses the memory of an owned body again.
    pub fn copy_from(&mut self, bytes: &[u8]) {
        if let Self::Owned(own) = self {
            own.clear();
            own.extend_from_slice(bytes);
        } else {
            *self = Self::Owned(bytes.to_vec());
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
        assert!(body.is_empty());
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
