//! Capsules, part by part (RFC 9297 section 3.2).

use flare_proto::capsule::{Capsules, DATAGRAM, Part, write_header};

fn told(pieces: &[&[u8]]) -> (Vec<String>, bool) {
    let (mut capsules, mut told, mut is_value) = (Capsules::new(), Vec::<String>::new(), false);
    for piece in pieces {
        let mut input = *piece;
        while let Some(part) = capsules.next(&mut input) {
            match part {
                Part::Begin { kind, length } => told.push(format!("{kind:#x} {length} ")),
                Part::Value(value) => {
                    assert!(!value.is_empty());
                    told.last_mut().unwrap().push_str(&value.escape_ascii().to_string());
                }
                Part::End => told.last_mut().unwrap().push('.'),
            }
            is_value = matches!(part, Part::Value(_));
        }
        assert!(input.is_empty() || is_value);
    }
    (told, capsules.is_between())
}

#[test]
fn capsules_in_pieces_of_each_size() {
    let mut bytes = Vec::new();
    for (kind, value) in [(DATAGRAM, &b"hello"[..]), (0x4321, b""), ((1 << 62) - 1, &[b'x'; 70]), (0, b"")] {
        write_header(&mut bytes, kind, value.len());
        bytes.extend_from_slice(value);
    }
    let long = format!("0x3fffffffffffffff 70 {}.", "x".repeat(70));
    let expected = ["0x0 5 hello.", "0x4321 0 .", &long, "0x0 0 ."].map(str::to_owned).to_vec();
    crate::each_split(&bytes, |pieces| assert_eq!(told(pieces), (expected.clone(), true), "{pieces:x?}"));
}

#[test]
fn a_stream_must_not_end_within_one() {
    for (bytes, whole) in
        [(&b""[..], true), (b"\x00", false), (b"\x00\x01", false), (b"\x40", false), (b"\x00\x01x", true)]
    {
        assert_eq!(told(&[bytes]).1, whole, "{bytes:x?}");
    }
    // The longest there can be is announced, and nothing is kept of it.
    let (told, whole) = told(&[b"\x00\xff\xff\xff\xff\xff\xff\xff\xff", b"some"]);
    assert_eq!((&told[0][..], whole), ("0x0 4611686018427387903 some", false));
}
