//! Packets that share a datagram (RFC 9000, 12.2), one by one.
//!
//! quiche takes whole datagrams, but forgets what lies behind a packet that it can't decrypt, such as the last one of the handshake
//! when it comes a second time. What lies behind it must be read all the same.

use crate::varint;

/// The first packet, and what lies behind it. All of it, if where the packet ends can't be told.
pub(super) fn split(datagram: &mut [u8]) -> (&mut [u8], &mut [u8]) {
    let length = length(datagram).unwrap_or(datagram.len());
    datagram.split_at_mut(length)
}

/// The length of the first packet, if its header tells it (RFC 9000, 17.2).
fn length(datagram: &[u8]) -> Option<usize> {
    let (first, rest) = datagram.split_first()?;
    let (version, rest) = rest.split_first_chunk::<4>()?;
    // Short headers, and version negotiation and Retry, have no length; other versions than 1 may have anything.
    let kind = (first >> 4) & 3;
    if first & 0x80 == 0 || u32::from_be_bytes(*version) != 1 || kind == 3 {
        return None;
    }
    let rest = skip(rest)?;
    let mut rest = skip(rest)?;
    if kind == 0 {
        let (token, behind) = varint::read(rest)?;
        rest = behind.get(usize::try_from(token).ok()?..)?;
    }
    let (payload, rest) = varint::read(rest)?;
    let header = datagram.len() - rest.len();
    let whole = header.checked_add(usize::try_from(payload).ok()?)?;
    (whole <= datagram.len()).then_some(whole)
}

/// What lies behind bytes that say in one byte how many they are.
fn skip(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first()?;
    rest.get(usize::from(*length)..)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header, IDs, token of Initial packets, and so many bytes.
    fn packet(first: u8, version: u32, bytes: u8) -> Vec<u8> {
        let mut packet = vec![first];
        packet.extend_from_slice(&version.to_be_bytes());
        packet.extend_from_slice(&[2, 7, 7, 1, 8]);
        if first & 0x30 == 0 {
            packet.extend_from_slice(&[3, 1, 2, 3]);
        }
        packet.extend_from_slice(&[0x40, bytes]);
        packet.extend(std::iter::repeat_n(9, usize::from(bytes)));
        packet
    }

    #[test]
    fn a_datagram_is_cut_where_its_packets_end() {
        let packets = [packet(0xc0, 1, 30), packet(0xe1, 1, 0), packet(0xd3, 1, 70), vec![0x40; 50]];
        let mut datagram = packets.concat();
        let mut rest = datagram.as_mut_slice();
        for packet in packets {
            let (first, behind) = split(rest);
            assert_eq!(first, packet);
            rest = behind;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn what_has_no_end_is_left_in_one_piece() {
        let initial = packet(0xc0, 1, 30);
        for cut in 0..initial.len() {
            assert_eq!(split(&mut initial[..cut].to_vec()).1.len(), 0, "{cut}");
        }
        for mut whole in [packet(0xf0, 1, 30), packet(0xc0, 2, 30), packet(0xc0, 0, 30), packet(0x40, 1, 30)]
        {
            whole.push(0);
            assert_eq!(split(&mut whole).1.len(), 0);
        }
    }
}
