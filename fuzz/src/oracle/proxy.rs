//! The PROXY protocol (proxy-protocol.txt, sections 2.1 and 2.2), on whole texts.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cut;

/// What a text begins with.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    /// A header of this many bytes.
    Whole(usize, Told),
    /// Nothing yet, or the beginning of one that may be wrong further on.
    Start,
    Bad,
}

/// What a header tells.
#[derive(Debug, PartialEq)]
pub(crate) enum Told {
    Own,
    Ip((IpAddr, u16), (IpAddr, u16), Vec<(u8, Vec<u8>)>),
    Unix(Vec<u8>, Vec<u8>, Vec<(u8, Vec<u8>)>),
    Datagram(Vec<(u8, Vec<u8>)>),
}

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

pub(crate) fn decode(text: &[u8]) -> Said {
    if text.starts_with(b"PROXY ") {
        return line(text);
    }
    if text.starts_with(SIGNATURE) {
        return binary(text);
    }
    if b"PROXY ".starts_with(text) || SIGNATURE.starts_with(text) { Said::Start } else { Said::Bad }
}

fn line(text: &[u8]) -> Said {
    let Some((line, _)) = cut(text, b'\n') else {
        return if text.len() < 107 { Said::Start } else { Said::Bad };
    };
    let length = line.len() + 1;
    if length > 107 || !line.ends_with(b"\r") {
        return Said::Bad;
    }
    let line = String::from_utf8_lossy(&line[6..line.len() - 1]).into_owned();
    let words: Vec<&str> = line.split(' ').collect();
    let ip = |text: &str| match words[0] {
        "TCP4" => text.parse::<Ipv4Addr>().ok().map(IpAddr::from),
        _ => text.parse::<Ipv6Addr>().ok().map(IpAddr::from),
    };
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| port.to_string() == text);
    let told = match words[..] {
        ["UNKNOWN", ..] => Some(Told::Own),
        ["TCP4" | "TCP6", from, to, from_port, to_port] => {
            (|| Some(Told::Ip((ip(from)?, port(from_port)?), (ip(to)?, port(to_port)?), Vec::new())))()
        }
        _ => None,
    };
    told.map_or(Said::Bad, |told| Said::Whole(length, told))
}

fn binary(text: &[u8]) -> Said {
    // A header that is cut may be refused already, or not: whatever was not looked at decides later.
    let head: Vec<u8> = text.iter().copied().chain([0; 16]).take(16).collect();
    if text.len() > 12 && head[12] != 0x20 && head[12] != 0x21 {
        return Said::Bad;
    }
    if text.len() < 16 {
        return Said::Start;
    }
    let length = 16 + usize::from(u16::from_be_bytes([head[14], head[15]]));
    let whole = text.get(..length);
    if head[12] == 0x20 {
        return if whole.is_some() { Said::Whole(length, Told::Own) } else { Said::Start };
    }
    let (family, transport) = (head[13] / 16, head[13] % 16);
    if family > 3 || transport > 2 {
        return Said::Bad;
    }
    let unknown = family == 0 || transport == 0;
    let addresses = if unknown { 0 } else { [0, 12, 36, 216][usize::from(family)] };
    if length < 16 + addresses {
        return Said::Bad;
    }
    let Some(whole) = whole else { return Said::Start };
    if unknown {
        return Said::Whole(length, Told::Own);
    }
    let (own, rest) = whole[16..].split_at(addresses);
    let Some(tlvs) = tlvs(rest, whole, length - rest.len()) else { return Said::Bad };
    let port = |at: usize| u16::from_be_bytes([own[at], own[at + 1]]);
    let told = match (family, transport) {
        (_, 2) => Told::Datagram(tlvs),
        (1, _) => {
            let ip = |at: usize| IpAddr::from([own[at], own[at + 1], own[at + 2], own[at + 3]]);
            Told::Ip((ip(0), port(8)), (ip(4), port(10)), tlvs)
        }
        (2, _) => {
            let ip = |at: usize| IpAddr::from(<[u8; 16]>::try_from(&own[at..at + 16]).unwrap());
            Told::Ip((ip(0), port(32)), (ip(16), port(34)), tlvs)
        }
        _ => {
            let path = |bytes: &[u8]| bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
            Told::Unix(path(&own[..108]), path(&own[108..]), tlvs)
        }
    };
    Said::Whole(length, told)
}

/// Types and values that fill `rest` exactly. It begins at `place` of the whole header.
fn tlvs(rest: &[u8], whole: &[u8], place: usize) -> Option<Vec<(u8, Vec<u8>)>> {
    let (mut at, mut found, mut sums) = (0, Vec::new(), 0);
    while at < rest.len() {
        let kind = rest[at];
        let length = usize::from(u16::from_be_bytes([*rest.get(at + 1)?, *rest.get(at + 2)?]));
        let value = rest.get(at + 3..at + 3 + length)?;
        match kind {
            3 => {
                let mut zeroed = whole.to_vec();
                zeroed.get_mut(place + at + 3..place + at + 3 + length)?.fill(0);
                sums += 1;
                if length != 4 || sums > 1 || crc32c(&zeroed).to_be_bytes() != *value {
                    return None;
                }
            }
            5 if length > 128 => return None,
            0x20 => {
                let mut nested = value.get(5..)?;
                while !nested.is_empty() {
                    let length = usize::from(u16::from_be_bytes([*nested.get(1)?, *nested.get(2)?]));
                    nested = nested.get(3 + length..)?;
                }
            }
            _ => {}
        }
        found.push((kind, value.to_vec()));
        at += 3 + length;
    }
    Some(found)
}

/// Bit by bit.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        let sum = sum ^ u32::from(*byte);
        (0..8).fold(sum, |sum, _| if sum % 2 == 1 { (sum / 2) ^ 0x82f6_3b78 } else { sum / 2 })
    })
}
