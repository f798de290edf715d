//! Field sections: each representation, what is malformed, and the limits.

use flare_proto::qpack::{Begun, Decoder, ErrorCode, Fault, SectionLimits};

use crate::{Field, PLENTY, decode, field, sent};

/// A decoder whose table has four entries, `a: 0` to `d: 3`.
fn filled() -> Decoder {
    let mut decoder = Decoder::new(4096, 2);
    decoder.receive(b"\x3f\xe1\x1f\x41a\x010\x41b\x011\x41c\x012\x41d\x013").unwrap();
    assert_eq!(decoder.inserted(), 4);
    decoder
}

/// What comes of a section; every shorter one is an error, or holds fewer fields.
fn read(section: &[u8]) -> Result<Vec<Field>, Fault> {
    let whole = decode(&mut filled(), 0, section);
    for cut in 0..section.len() {
        match (decode(&mut filled(), 0, &section[..cut]), &whole) {
            (Ok(fields), Ok(all)) => assert!(all.starts_with(&fields)),
            (Ok(_), Err(_)) => {}
            (Err(error), _) if error.fault == Fault::Truncated => {}
            (Err(error), whole) => assert_eq!(Err(error), *whole),
        }
    }
    whole.map_err(|error| {
        assert_eq!(error.code, ErrorCode::DecompressionFailed);
        error.fault
    })
}

#[test]
fn each_representation() {
    // The prefix says: 4 insertions are needed, the base is 2.
    for (line, expected) in [
        (&b"\xd1"[..], field(":method", "GET")),
        (b"\xff\x23", field("x-frame-options", "sameorigin")),
        (b"\x80", field("b", "1")),
        (b"\x81", field("a", "0")),
        (b"\x10", field("c", "2")),
        (b"\x11", field("d", "3")),
        (b"\x51\x02/x", field(":path", "/x")),
        (b"\x5f\x50\x01x", field("user-agent", "x")),
        (b"\x41\x01x", field("a", "x")),
        (b"\x00\x01x", field("c", "x")),
        (b"\x01\x00", field("d", "")),
        (b"\x23xyz\x01v", field("xyz", "v")),
        (b"\x27\x03long-names\x00", field("long-names", "")),
        (b"\x2a\x94\xe7\x82\x94\xe7", field("foo", "foo")),
    ] {
        let section = [b"\x05\x81", line].concat();
        assert_eq!(read(&section).unwrap(), [expected], "{line:x?}");
    }
}

#[test]
fn what_must_never_be_indexed_is_told() {
    for (line, never) in [
        (&b"\x71\x02/x"[..], true),
        (b"\x51\x02/x", false),
        (b"\x61\x01x", true),
        (b"\x08\x01x", true),
        (b"\x00\x01x", false),
        (b"\x31x\x01v", true),
        (b"\x21x\x01v", false),
    ] {
        let section = [b"\x05\x81", line].concat();
        let (mut decoder, mut rest, mut told) = (filled(), &section[..], Vec::new());
        let Begun::Ready(prefix) = decoder.begin(0, &mut rest).unwrap() else { panic!() };
        decoder.decode(0, prefix, PLENTY, rest, |_, _, is_never| told.push(is_never)).unwrap();
        assert_eq!(told, [never], "{line:x?}");
    }
}

#[test]
fn what_is_malformed() {
    for (section, expected) in [
        (&b""[..], Fault::Truncated),
        (b"\x00", Fault::Truncated),
        (b"\x05\x81\x41", Fault::Truncated),
        (b"\x05\x81\x23a", Fault::Truncated),
        // Indices: of the static table, before the first entry, at and behind the required count.
        (b"\x00\x00\xff\x24", Fault::Index),
        (b"\x00\x00\x5f\x54\x00", Fault::Index),
        (b"\x00\x00\x80", Fault::Index),
        (b"\x00\x00\x10", Fault::Index),
        (b"\x05\x81\x82", Fault::Index),
        (b"\x05\x81\x12", Fault::Index),
        (b"\x05\x81\x42\x00", Fault::Index),
        (b"\x05\x81\x02\x00", Fault::Index),
        (b"\x03\x00\x10", Fault::Index),
        (b"\x05\x05\x80", Fault::Index),
        // The required count: beyond twice the entries that fit, and one that would have wrapped below 1.
        (b"\xff\x02\x00", Fault::RequiredInsertCount),
        (b"\xfe\x00", Fault::RequiredInsertCount),
        (b"\x01\x00", Fault::RequiredInsertCount),
        (b"\x05\x84", Fault::Base),
        (b"\x00\x80", Fault::Base),
        (b"\xff\xff\xff\xff\xff\x7f\x00", Fault::Integer),
        (b"\x05\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Fault::Integer),
        (b"\x00\x00\x51\x81\x18", Fault::Huffman),
        (b"\x00\x00\x29\x18\x00", Fault::Huffman),
    ] {
        assert_eq!(read(section), Err(expected), "{section:x?}");
    }
    // A base as high as it can be is of no use, and no error.
    assert_eq!(read(b"\x05\x7f\x80\x80\x80\x80\x80\x80\x80\x80\x3f").unwrap(), []);
}

#[test]
fn the_required_count_wraps() {
    // Three entries fit, so it is sent modulo 6.
    let mut decoder = Decoder::new(100, 100);
    decoder.receive(b"\x3f\x45").unwrap();
    for inserted in 1..40_u64 {
        decoder.receive(b"\x41n\x01v").unwrap();
        for ahead in 0..=3 {
            let required = inserted + ahead;
            let section = [(required % 6 + 1) as u8, 0x00];
            let begun = decoder.begin(inserted * 4 + ahead, &mut &section[..]).unwrap();
            assert_eq!(matches!(begun, Begun::Ready(_)), ahead == 0, "{required} of {inserted}");
        }
        let mut unblocked = 0;
        while decoder.next_unblocked().is_some() {
            unblocked += 1;
        }
        assert_eq!(unblocked, (inserted - 1).min(3));
    }
    assert_eq!(decoder.blocked(), 3 + 2 + 1);
}

#[test]
fn blocked_sections_wait_and_are_limited() {
    let mut decoder = Decoder::new(4096, 2);
    decoder.receive(b"\x3f\xe1\x1f").unwrap();
    let mut first = &b"\x02\x00\x80"[..];
    let Begun::Blocked(prefix) = decoder.begin(0, &mut first).unwrap() else { panic!() };
    assert!(matches!(decoder.begin(4, &mut &b"\x03\x00\x80"[..]), Ok(Begun::Blocked(_))));
    assert_eq!((decoder.blocked(), decoder.next_unblocked()), (2, None));
    // A third is one too many; what needs nothing still goes on.
    assert!(matches!(decoder.begin(8, &mut &b"\x00\x00"[..]), Ok(Begun::Ready(_))));
    let error = decoder.begin(8, &mut &b"\x02\x00\x80"[..]).unwrap_err();
    assert_eq!((error.code, error.fault), (ErrorCode::DecompressionFailed, Fault::Blocked));
    // The first goes on when its entry is there, byte by byte.
    for byte in b"\x41a\x010" {
        assert_eq!(decoder.next_unblocked(), None);
        decoder.receive(&[*byte]).unwrap();
    }
    assert_eq!((decoder.next_unblocked(), decoder.next_unblocked()), (Some(0), None));
    let mut names = Vec::new();
    decoder.decode(0, prefix, PLENTY, first, |name, _, _| names.push(name.to_vec())).unwrap();
    assert_eq!((names, sent(decoder.output())), (vec![b"a".to_vec()], b"\x80".to_vec()));
    // The other one is cancelled.
    decoder.cancel(4);
    assert_eq!((decoder.blocked(), sent(decoder.output())), (0, b"\x44".to_vec()));
    // Without a table there is nothing to cancel.
    let mut none = Decoder::new(0, 0);
    none.cancel(4);
    assert_eq!(sent(none.output()), b"");
}

#[test]
fn long_stream_ids_are_acknowledged() {
    let mut decoder = filled();
    let id = (1 << 62) - 4;
    decode(&mut decoder, id, b"\x05\x00\x80").unwrap();
    assert_eq!(sent(decoder.output()), b"\xff\xfd\xfe\xff\xff\xff\xff\xff\xff\x3f");
}

#[test]
fn limits_stop_the_work() {
    // A field of 4,000 bytes that stands in the section by one byte each time: a bomb.
    let mut decoder = Decoder::new(4096, 0);
    decoder.receive(&[b"\x3f\xe1\x1f\x41a\x7f\xa1\x1e", &[b'v'; 4000][..]].concat()).unwrap();
    let section = [b"\x02\x00", &[0x80; 10_000][..]].concat();
    let limits = SectionLimits { bytes: 16_000, fields: 100 };
    let mut rest = &section[..];
    let Begun::Ready(prefix) = decoder.begin(0, &mut rest).unwrap() else { panic!() };
    let mut bytes = 0;
    let whole =
        decoder.decode(0, prefix, limits, rest, |name, value, _| bytes += name.len() + value.len() + 32);
    assert_eq!((whole, bytes), (Ok(false), 3 * 4033));
    assert_eq!(sent(decoder.output()), b"\x80", "it is acknowledged all the same");
    // The number of fields, and literals that are too long by the length they say; nothing behind them is looked at.
    let few = SectionLimits { bytes: 42, fields: 2 };
    for (lines, expected) in [
        (&b"\xd1"[..], 1),
        (b"\x21a\x011", 1),
        (b"\x21a\x0b12345678901\xff", 0),
        (b"\x27\x04abcdefghijk\x00\xff\xff", 0),
        (b"\x5f\x3c\x7f\x00", 0),
    ] {
        let mut count = 0;
        let section = [b"\x00\x00", lines].concat();
        let (mut rest, mut decoder) = (&section[..], Decoder::new(0, 0));
        let Begun::Ready(prefix) = decoder.begin(0, &mut rest).unwrap() else { panic!() };
        let whole = decoder.decode(0, prefix, few, rest, |_, _, _| count += 1);
        assert_eq!((whole.is_ok_and(|whole| whole), count), (expected > 0, expected), "{lines:x?}");
    }
    let two = SectionLimits { bytes: 1000, fields: 2 };
    for (lines, expected) in [(&b"\xd1\xd1"[..], true), (b"\xd1\xd1\xd1", false)] {
        let (mut rest, mut decoder) = (lines, Decoder::new(0, 0));
        let Begun::Ready(prefix) = decoder.begin(0, &mut &b"\x00\x00"[..]).unwrap() else { panic!() };
        assert_eq!(decoder.decode(0, prefix, two, std::mem::take(&mut rest), |_, _, _| {}), Ok(expected));
    }
}
