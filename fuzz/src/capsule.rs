//! Streams of capsules (RFC 9297): the datagrams in them are the oracle's, for each split, and what is written again is read again.
//!
//! The first byte is the longest datagram that is taken, in steps of four bytes, the second chooses how the stream is cut; the rest is the stream.

use flare_proto::capsule::{Datagrams, Found, write_datagram};

use crate::PLANTED;
use crate::input::Input;
use crate::splits::all_ways;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Datagram(Vec<u8>),
    TooLong(u64),
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (most, seed) = (4 * usize::from(input.byte()), input.byte());
    let stream = input.rest();
    let said = oracle(stream, most);
    for pieces in all_ways(stream, seed) {
        assert_eq!(read(&pieces, most), said, "at most {most}: {}", stream.escape_ascii());
    }
    let mut again = Vec::new();
    let datagrams = || said.0.iter().filter(|told| matches!(told, Told::Datagram(_))).cloned();
    for told in datagrams() {
        if let Told::Datagram(datagram) = told {
            write_datagram(&mut again, &datagram);
        }
    }
    assert_eq!(read(&[&again], most), (datagrams().collect(), true), "written again");
}

/// What is found, and whether the stream may end behind it.
fn read(pieces: &[&[u8]], most: usize) -> (Vec<Told>, bool) {
    let (mut datagrams, mut all) = (Datagrams::new(most), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        while let Some(found) = datagrams.next(&mut input) {
            match found {
                // PLANTED: a datagram of thirteen bytes is lost.
                Found::Datagram(bytes) if PLANTED && bytes.len() == 13 => {}
                Found::Datagram(bytes) => all.push(Told::Datagram(bytes.to_vec())),
                Found::TooLong { length } => all.push(Told::TooLong(length)),
            }
        }
        assert!(input.is_empty(), "it said that it had taken all");
    }
    (all, datagrams.is_between())
}

/// The same, of the whole stream at once.
fn oracle(stream: &[u8], most: usize) -> (Vec<Told>, bool) {
    let (mut all, mut at) = (Vec::new(), 0);
    while at < stream.len() {
        let Some((kind, behind)) = number(stream, at) else { return (all, false) };
        let Some((length, value)) = number(stream, behind) else { return (all, false) };
        if kind == 0 && length > most as u64 {
            all.push(Told::TooLong(length));
        }
        if length > (stream.len() - value) as u64 {
            return (all, false);
        }
        at = value + length as usize;
        if kind == 0 && length <= most as u64 {
            all.push(Told::Datagram(stream[value..at].to_vec()));
        }
    }
    (all, true)
}

/// A number (RFC 9000, 16), and what is behind it.
fn number(stream: &[u8], at: usize) -> Option<(u64, usize)> {
    let end = at
        + match stream.get(at)? {
            0..=0x3f => 1,
            0x40..=0x7f => 2,
            0x80..=0xbf => 4,
            0xc0..=0xff => 8,
        };
    let mut value = 0;
    for (place, &byte) in stream.get(at..end)?.iter().enumerate() {
        value = value * 256 + u64::from(if place == 0 { byte % 64 } else { byte });
    }
    Some((value, end))
}
