//! Where the peer's bytes lie.

use super::mask::mask;

/// Bytes of the peer, which are taken off the front: those that are lent (`&[u8]`), or those that nobody else needs (`&mut [u8]`). A masked message that
/// lies whole in the latter is unmasked there, and not copied.
pub trait Input<'i>: within::Bytes<'i> {
    /// What was not taken.
    fn rest(&self) -> &[u8] {
        self.bytes()
    }

    /// Whether all of it was taken.
    fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }
}

impl<'i> Input<'i> for &'i [u8] {}
impl<'i> Input<'i> for &'i mut [u8] {}

/// What is done with input; nothing outside can be input.
pub(super) mod within {
    pub trait Bytes<'i> {
        fn bytes(&self) -> &[u8];

        /// Takes so many bytes off the front; fewer if there are fewer.
        fn take(&mut self, count: usize) -> &'i [u8];

        /// The same, unmasked. `None`: they are somebody else's, and nothing was taken.
        fn take_unmasked(&mut self, count: usize, key: [u8; 4]) -> Option<&'i [u8]>;
    }
}

impl<'i> within::Bytes<'i> for &'i [u8] {
    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn take(&mut self, count: usize) -> &'i [u8] {
        let (taken, rest) = self.split_at_checked(count).unwrap_or((self, &[]));
        *self = rest;
        taken
    }

    #[inline]
    fn take_unmasked(&mut self, _: usize, _: [u8; 4]) -> Option<&'i [u8]> {
        None
    }
}

impl<'i> within::Bytes<'i> for &'i mut [u8] {
    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn take(&mut self, count: usize) -> &'i [u8] {
        take_front(self, count)
    }

    #[inline]
    fn take_unmasked(&mut self, count: usize, key: [u8; 4]) -> Option<&'i [u8]> {
        let taken = take_front(self, count);
        mask(taken, key);
        Some(taken)
    }
}

#[inline]
fn take_front<'i>(from: &mut &'i mut [u8], count: usize) -> &'i mut [u8] {
    let all = std::mem::take(from);
    let (taken, rest) = all.split_at_mut(count.min(all.len()));
    *from = rest;
    taken
}
