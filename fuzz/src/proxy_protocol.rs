//! PROXY headers: what is accepted is what the oracle reads, and no beginning of it was refused before.
//!
//! The bytes of an input are those of a connection, with one exception: in version 2 a TLV of the type CRC32C whose four bytes are zeros is
//! given the right sum, which mutations would never find.

use std::borrow::Cow;

use flare_proto::proxy_protocol::{Addresses, Header, kind, parse};

use crate::PLANTED;
use crate::oracle::proxy::{Said, Told, decode};

/// Runs the target.
pub fn run(data: &[u8]) {
    let input = summed(data);
    let said = decode(&input);
    let given = planted(&input);
    let found = parse(&given);
    match (&found, &said) {
        (Ok(Some((header, used))), Said::Whole(length, told)) => {
            assert_eq!(used, length, "{}", input.escape_ascii());
            assert_eq!(&tell(header), told, "{}", input.escape_ascii());
        }
        (Ok(None), Said::Start) | (Err(_), Said::Bad) => {}
        _ => panic!("{found:?}, but the oracle says {said:?}: {}", input.escape_ascii()),
    }
    // Every beginning of it: the same end, or none yet.
    for length in 0..given.len().min(600) {
        match (parse(&given[..length]), &found) {
            (Ok(None), _) => {}
            (Ok(Some((_, used))), Ok(Some((_, all)))) => assert_eq!(used, *all),
            (Err(one), Err(other)) => assert_eq!(one, *other, "{length} of {}", input.escape_ascii()),
            (part, _) => panic!("{length} bytes say {part:?}: {}", input.escape_ascii()),
        }
    }
}

/// The same, with the sum in an empty CRC32C.
fn summed(data: &[u8]) -> Cow<'_, [u8]> {
    const EMPTY: &[u8] = &[kind::CRC32C, 0, 4, 0, 0, 0, 0];
    let Some(at) = data.windows(EMPTY.len()).position(|window| window == EMPTY) else {
        return Cow::Borrowed(data);
    };
    let length = match data.get(14..16) {
        Some(&[high, low]) => 16 + usize::from(u16::from_be_bytes([high, low])),
        _ => return Cow::Borrowed(data),
    };
    let Some(whole) = data.get(..length).filter(|whole| at + EMPTY.len() <= whole.len()) else {
        return Cow::Borrowed(data);
    };
    let sum = crate::oracle::proxy::crc32c(whole);
    let mut data = data.to_vec();
    data[at + 3..at + 7].copy_from_slice(&sum.to_be_bytes());
    Cow::Owned(data)
}

/// PLANTED: a port of TCP4 may begin with a zero.
fn planted(text: &[u8]) -> Cow<'_, [u8]> {
    let place = text.windows(3).position(|three| matches!(three, [b' ', b'0', b'0'..=b'9']));
    match place {
        Some(at) if PLANTED && text.starts_with(b"PROXY TCP4 ") => {
            Cow::Owned([&text[..=at], &text[at + 2..]].concat())
        }
        _ => Cow::Borrowed(text),
    }
}

fn tell(header: &Header<'_>) -> Told {
    let tlvs = header.tlvs.iter().map(|tlv| (tlv.kind, tlv.value.to_vec())).collect();
    // Must not fail for what was checked.
    assert!(header.tlvs.tls().is_some() == header.tlvs.get(kind::SSL).is_some());
    match header.addresses {
        Addresses::Ip { source, destination } => {
            Told::Ip((source.ip(), source.port()), (destination.ip(), destination.port()), tlvs)
        }
        Addresses::Unix { source, destination } => Told::Unix(source.to_vec(), destination.to_vec(), tlvs),
        Addresses::Datagram => Told::Datagram(tlvs),
        Addresses::Own => Told::Own,
        other => panic!("{other:?}"),
    }
}
