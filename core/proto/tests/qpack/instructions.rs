//! The encoder stream: each instruction in pieces of each size, and what can't be followed.

use flare_proto::qpack::{Decoder, ErrorCode, Fault};

use crate::{decode, field};

const CAPACITY: &[u8] = b"\x3f\xe1\x1f";

#[test]
fn each_instruction_in_pieces() {
    let stream = [
        CAPACITY,
        b"\xc1\x02/x",
        b"\xff\x20\x01v",
        b"\x80\x81\x07",
        b"\x42ab\x011",
        b"\x62\x94\xe7\x82\x94\xe7",
        b"\x5f\x02abcdefghijklmnopqrstuvwxyz0123456\x00",
        b"\x02",
    ]
    .concat();
    let expected = [
        field("ab", "1"),
        field("abcdefghijklmnopqrstuvwxyz0123456", ""),
        field("foo", "foo"),
        field("ab", "1"),
        field("user-agent", "0"),
        field("user-agent", "v"),
        field(":path", "/x"),
    ];
    for first in 0..=stream.len() {
        for second in [first, (first + 1).min(stream.len()), stream.len()] {
            let mut decoder = Decoder::new(4096, 0);
            let mut count = decoder.receive(&stream[..first]).unwrap();
            count += decoder.receive(&stream[first..second]).unwrap();
            count += decoder.receive(&stream[second..]).unwrap();
            assert_eq!((count, decoder.inserted()), (8, 7));
            let lines: Vec<u8> = (0..7).map(|index| 0x80 | index).collect();
            let section = [b"\x08\x00", &lines[..]].concat();
            assert_eq!(decode(&mut decoder, 0, &section).unwrap(), expected);
        }
    }
}

#[test]
fn what_can_not_be_followed() {
    for (stream, expected) in [
        (&b"\x3f\xe2\x1f"[..], Fault::Capacity),
        (b"\x00", Fault::Index),
        (b"\x3f\xe1\x1f\x41a\x00\x01", Fault::Index),
        (b"\x3f\xe1\x1f\x81\x00", Fault::Index),
        (b"\x3f\xe1\x1f\xff\x24\x00", Fault::Index),
        (b"\x3f\xff\xff\xff\xff\xff\x01", Fault::Integer),
        (b"\x3f\xe1\x1f\x41a\x7f\xff\xff\xff\xff\x7f", Fault::Integer),
        (b"\x3f\xe1\x1f\x41a\x81\x18", Fault::Huffman),
        (b"\x3f\xe1\x1f\x61\x18\x00", Fault::Huffman),
        // Too large: without a table; by the name's length, the value's, and both; with a name of a table.
        (b"\x41a\x00", Fault::TooLarge),
        (b"\x3f\xe1\x1f\x5f\xc2\x1f", Fault::TooLarge),
        (b"\x3f\xe1\x1f\x41a\x7f\xe2\x1f", Fault::TooLarge),
        (b"\x3f\x02\x41a\x01b", Fault::TooLarge),
        (b"\x3f\x0a\xc0\x00", Fault::TooLarge),
        (b"\x3f\x02\xff\xff\xff\xff\xff\x7f", Fault::Integer),
    ] {
        for cut in 0..stream.len() {
            let mut decoder = Decoder::new(4096, 0);
            let error = decoder.receive(&stream[..cut]).and_then(|_| decoder.receive(&stream[cut..]));
            let error = error.unwrap_err();
            assert_eq!((error.code, error.fault), (ErrorCode::EncoderStream, expected), "{stream:x?}");
        }
    }
}

#[test]
fn an_entry_may_fill_the_table_and_a_smaller_one_forgets() {
    let mut decoder = Decoder::new(4096, 0);
    decoder.receive(b"\x3f\x03\x41a\x01b").unwrap();
    assert_eq!(decode(&mut decoder, 0, b"\x02\x00\x80").unwrap(), [field("a", "b")]);
    decoder.receive(b"\x3f\x02").unwrap();
    assert_eq!(decode(&mut decoder, 0, b"\x02\x00\x80").unwrap_err().fault, Fault::Index);
    // It evicts what it takes its name from.
    decoder.receive(b"\x3f\x04\x41a\x01b\x80\x02bc").unwrap();
    assert_eq!(decode(&mut decoder, 0, b"\x04\x00\x80").unwrap(), [field("a", "bc")]);
}

#[test]
fn what_is_not_whole_stays_small() {
    // A value of 4 KiB that comes by the byte is kept once, and one that is longer is refused by its length.
    let mut decoder = Decoder::new(4096, 0);
    decoder.receive(CAPACITY).unwrap();
    decoder.receive(b"\x41a\x7f\xdd\x1e").unwrap();
    for _ in 0..4060 {
        assert_eq!(decoder.receive(b"v").unwrap() as u64, decoder.inserted());
    }
    assert_eq!(decoder.inserted(), 1);
}
