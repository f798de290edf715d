//! As much of a packet as every version of QUIC has in common (RFC 8999), and of version 1 the type and the token.

use super::id::{Id, LENGTH};
use crate::varint;

/// The version of RFC 9000.
pub(super) const VERSION_1: u32 = 1;

/// The longest connection ID of version 1.
pub(super) const LONGEST_ID: usize = 20;

/// The first packet of a datagram.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header<'a> {
    /// After the handshake. The ID is as long as ours are.
    Short {
        destination: Id,
    },
    Long(Long<'a>),
}

/// A long header.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Long<'a> {
    pub(super) version: u32,
    /// The two bits that tell the type in version 1 (RFC 9000, 17.2).
    kind: u8,
    pub(super) destination: &'a [u8],
    pub(super) source: &'a [u8],
    /// What comes behind the IDs.
    rest: &'a [u8],
}

impl<'a> Header<'a> {
    /// `None`: it is none, or one with an ID that was never given out.
    pub(super) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (first, rest) = datagram.split_first()?;
        if first & 0x80 == 0 {
            let destination = *rest.first_chunk::<LENGTH>()?;
            return Some(Self::Short { destination });
        }
        let (version, rest) = rest.split_first_chunk::<4>()?;
        let (destination, rest) = short_bytes(rest)?;
        let (source, rest) = short_bytes(rest)?;
        let version = u32::from_be_bytes(*version);
        Some(Self::Long(Long { version, kind: (first >> 4) & 3, destination, source, rest }))
    }
}

impl<'a> Long<'a> {
    /// Whether it is an Initial packet of version 1.
    pub(super) fn is_initial(&self) -> bool {
        self.version == VERSION_1 && self.kind == 0
    }

    /// The token of an Initial packet (RFC 9000, 17.2.2); may be empty. `None`: the packet is cut off.
    pub(super) fn token(&self) -> Option<&'a [u8]> {
        let (length, rest) = varint::read(self.rest)?;
        rest.get(..usize::try_from(length).ok()?)
    }
}

/// Bytes behind one byte that is their length.
fn short_bytes(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    rest.split_at_checked(usize::from(*length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_all_versions_have_them() {
        let mut short = vec![0x40];
        short.extend_from_slice(&[7; 16]);
        short.push(9);
        assert_eq!(Header::parse(&short), Some(Header::Short { destination: [7; 16] }));
        assert_eq!(Header::parse(&short[..16]), None);

        let long = [0xc3, 0, 0, 0, 1, 2, 8, 9, 1, 5, 0x40, 3, 1, 2, 3, 4];
        let Some(Header::Long(header)) = Header::parse(&long) else { panic!("no long header") };
        assert_eq!((header.version, header.destination, header.source), (1, &[8, 9][..], &[5][..]));
        assert!(header.is_initial());
        assert_eq!(header.token(), Some(&[1, 2, 3][..]));
        for cut in 0..10 {
            assert_eq!(Header::parse(&long[..cut]), None, "{cut}");
        }
        for cut in 10..15 {
            let Some(Header::Long(header)) = Header::parse(&long[..cut]) else { panic!("{cut}") };
            assert_eq!(header.token(), None, "{cut}");
        }
    }

    #[test]
    fn a_token_of_eight_bytes_length_can_not_be_longer_than_the_datagram() {
        let mut long = vec![0xc0, 0, 0, 0, 1, 0, 0];
        long.extend_from_slice(&[0xff; 8]);
        long.extend_from_slice(&[0; 100]);
        let Some(Header::Long(header)) = Header::parse(&long) else { panic!("no long header") };
        assert_eq!(header.token(), None);
    }
}
