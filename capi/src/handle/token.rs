//! What a handle's value says.

/// What an object is, from outside: one number for each opaque C type. 1 to 63.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kind(u8);

impl Kind {
    /// A kind by its number.
    ///
    /// # Panics
    /// If it is not in 1 to 63. Kinds are constants, so this shows when the library is compiled.
    pub const fn new(number: u8) -> Kind {
        assert!(number >= 1 && number <= 63, "a kind is 1 to 63");
        Kind(number)
    }

    /// The number.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// This kind alone.
    pub const fn only(self) -> Kinds {
        Kinds { first: self, bits: self.bit() }
    }

    /// This kind and another, for an object with two faces. Its first token is of this kind.
    pub const fn and(self, other: Kind) -> Kinds {
        self.only().and(other)
    }

    const fn bit(self) -> u64 {
        1 << self.0
    }
}

/// The kinds that one object answers to: at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kinds {
    first: Kind,
    bits: u64,
}

impl Kinds {
    /// These kinds and one more.
    pub const fn and(self, other: Kind) -> Kinds {
        Kinds { first: self.first, bits: self.bits | other.bit() }
    }

    /// The kind of the token that [`Table::insert`](super::Table::insert) gives.
    pub const fn first(self) -> Kind {
        self.first
    }

    /// One bit for each kind.
    pub(super) const fn bits(self) -> u64 {
        self.bits
    }
}

/// Whether a set of bits (see [`Kinds`]) has the kind of that number, which may be any byte of a forged token.
pub(super) const fn has(bits: u64, number: u8) -> bool {
    number < 64 && bits >> number & 1 == 1
}

const SLOT_BITS: u32 = 24;
const GENERATION_BITS: u32 = 32;
const KIND_SHIFT: u32 = SLOT_BITS + GENERATION_BITS;
const SLOT_MASK: u64 = (1 << SLOT_BITS) - 1;
const IDENTITY_MASK: u64 = (1 << KIND_SHIFT) - 1;

/// The value of a handle: kind (8 bits, on top), generation (32), slot (24).
///
/// A kind is never 0, and user space ends below 2^56 on 64-bit systems: so no token is NULL or equals a plain address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token(u64);

impl Token {
    pub(super) const fn new(kind: Kind, generation: u32, slot: u32) -> Token {
        Token((kind.0 as u64) << KIND_SHIFT | (generation as u64) << SLOT_BITS | slot as u64 & SLOT_MASK)
    }

    /// The token that C holds as a pointer. Any pointer may be given: the look-up refuses what is no token.
    #[inline]
    pub fn from_pointer<P>(pointer: *const P) -> Token {
        Token(pointer.addr() as u64)
    }

    /// The token as an opaque pointer for C. It must not be followed.
    #[inline]
    pub fn to_pointer<P>(self) -> *mut P {
        std::ptr::without_provenance_mut(self.0 as usize)
    }

    /// The token of another kind for the same object. It is found only if the object answers to that kind.
    pub const fn with_kind(self, kind: Kind) -> Token {
        Token((kind.0 as u64) << KIND_SHIFT | self.0 & IDENTITY_MASK)
    }

    /// Generation and slot: the same for all kinds of one object. Never `u64::MAX`.
    pub(super) const fn identity(self) -> u64 {
        self.0 & IDENTITY_MASK
    }

    pub(super) const fn kind(self) -> u8 {
        (self.0 >> KIND_SHIFT) as u8
    }

    pub(super) const fn generation(self) -> u32 {
        (self.0 >> SLOT_BITS) as u32
    }

    pub(super) const fn slot(self) -> u32 {
        (self.0 & SLOT_MASK) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_come_back() {
        let token = Token::new(Kind::new(63), u32::MAX, 0xAB_CDEF);
        assert_eq!((token.kind(), token.generation(), token.slot()), (63, u32::MAX, 0xAB_CDEF));
        assert_eq!(Token::from_pointer(token.to_pointer::<u8>()), token);
    }

    #[test]
    fn kinds_of_one_object_share_the_identity() {
        let token = Token::new(Kind::new(1), 5, 9);
        let other = token.with_kind(Kind::new(2));
        assert_ne!(token, other);
        assert_eq!(token.identity(), other.identity());
        assert_eq!(other.kind(), 2);
    }

    #[test]
    fn a_set_has_its_kinds_and_no_others() {
        let kinds = Kind::new(2).and(Kind::new(63));
        let found: Vec<u8> = (0..=255).filter(|number| has(kinds.bits(), *number)).collect();
        assert_eq!(found, [2, 63]);
        assert_eq!(kinds.first(), Kind::new(2));
    }

    #[test]
    fn no_token_looks_like_an_address() {
        let smallest = Token::new(Kind::new(1), 0, 0);
        assert!(smallest.to_pointer::<u8>().addr() >= 1 << 56);
    }
}
