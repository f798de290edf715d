//! The datagrams in a stream of capsules (RFC 9297 section 3.5).

use flare_proto::capsule::{Datagrams, Found, write_datagram, write_header};

use crate::random::Random;

const MOST: usize = 100;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Told {
    Datagram(Vec<u8>),
    TooLong(u64),
}

/// What is found, and whether the stream may end behind it.
fn told(pieces: &[&[u8]]) -> (Vec<Told>, bool) {
    let (mut datagrams, mut told) = (Datagrams::new(MOST), Vec::new());
    for piece in pieces {
        let mut input = *piece;
        while let Some(found) = datagrams.next(&mut input) {
            told.push(match found {
                Found::Datagram(bytes) => Told::Datagram(bytes.to_vec()),
                Found::TooLong { length } => Told::TooLong(length),
            });
        }
        assert!(input.is_empty(), "it said that it had taken all");
    }
    (told, datagrams.is_between())
}

fn datagram(text: &[u8]) -> Told {
    Told::Datagram(text.to_vec())
}

#[test]
fn datagrams_are_found_wherever_they_are_cut() {
    let mut bytes = Vec::new();
    write_datagram(&mut bytes, b"one");
    write_header(&mut bytes, 0x2575, 5);
    bytes.extend_from_slice(b"other");
    write_datagram(&mut bytes, b"");
    write_header(&mut bytes, 17, 0);
    write_datagram(&mut bytes, &[b'x'; MOST]);
    write_datagram(&mut bytes, &[b'y'; MOST + 1]);
    write_datagram(&mut bytes, b"last");
    let expected = vec![
        datagram(b"one"),
        datagram(b""),
        datagram(&[b'x'; MOST]),
        Told::TooLong(MOST as u64 + 1),
        datagram(b"last"),
    ];
    crate::each_split(&bytes, |pieces| assert_eq!(told(pieces), (expected.clone(), true), "{pieces:x?}"));
}

#[test]
fn what_lies_whole_in_the_input_is_not_copied() {
    let mut bytes = Vec::new();
    write_datagram(&mut bytes, b"datagram");
    let (mut datagrams, mut input) = (Datagrams::new(MOST), &bytes[..]);
    let Some(Found::Datagram(found)) = datagrams.next(&mut input) else { panic!("there is one") };
    assert_eq!(found.as_ptr(), bytes[2..].as_ptr());
}

#[test]
fn numbers_may_be_longer_than_they_need_to_be() {
    assert_eq!(told(&[b"\x40\x00\x80\x00\x00\x02ab"]), (vec![datagram(b"ab")], true));
}

#[test]
fn the_longest_there_can_be_costs_nothing() {
    let (told, whole) = told(&[b"\x00\xff\xff\xff\xff\xff\xff\xff\xff", &[0; 5000]]);
    assert_eq!((told, whole), (vec![Told::TooLong((1 << 62) - 1)], false));
}

/// Whatever is written is found, in any pieces and between anything else.
#[test]
fn what_is_written_is_found() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let (mut bytes, mut expected) = (Vec::new(), Vec::new());
        for _ in 0..random.below(20) {
            let length = random.below(2 * MOST);
            let value = random.bytes(length);
            if random.one_in(3) {
                let kind = 1 + random.below(1 << 20) as u64;
                write_header(&mut bytes, kind, value.len());
                bytes.extend_from_slice(&value);
            } else {
                write_datagram(&mut bytes, &value);
                let is_short = value.len() <= MOST;
                expected.push(if is_short { Told::Datagram(value) } else { Told::TooLong(length as u64) });
            }
        }
        assert_eq!(told(&random.pieces(&bytes)), (expected, true), "seed {seed}");
    }
}

/// Whatever comes, the pieces do not matter, and nothing is told that is over the limit.
#[test]
fn noise_is_the_same_in_any_pieces() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let length = random.below(300);
        // Short numbers, so that capsules end.
        let bytes: Vec<u8> = random.bytes(length).into_iter().map(|byte| byte & 0x47).collect();
        let whole = told(&[&bytes]);
        assert_eq!(told(&random.pieces(&bytes)), whole, "seed {seed}");
        for found in whole.0 {
            match found {
                Told::Datagram(datagram) => assert!(datagram.len() <= MOST),
                Told::TooLong(length) => assert!(length > MOST as u64),
            }
        }
    }
}
