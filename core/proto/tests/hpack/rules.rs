//! The rules of RFC 7541, and the limits.

use flare_proto::hpack::{Decoder, Encoder, Error, SectionLimits};

use crate::{Field, PLENTY, decode};

fn field(name: &str, value: &str) -> Field {
    (name.as_bytes().to_vec(), value.as_bytes().to_vec())
}

/// What a fresh decoder makes of a section; every shorter one is an error, or holds fewer fields.
fn read(section: &[u8]) -> Result<Vec<Field>, Error> {
    let whole = decode(&mut Decoder::new(), section);
    for cut in 0..section.len() {
        match (decode(&mut Decoder::new(), &section[..cut]), &whole) {
            (Ok(fields), Ok(all)) => assert!(all.starts_with(&fields)),
            (Ok(_), Err(_)) | (Err(Error::Truncated), _) => {}
            (Err(error), whole) => assert_eq!(Err(error), *whole),
        }
    }
    whole
}

#[test]
fn the_requests_of_appendix_c() {
    let sections: [&[u8]; 3] = [
        b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
        b"\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf",
        b"\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4\xbf",
    ];
    let mut decoder = Decoder::new();
    let first = [
        field(":method", "GET"),
        field(":scheme", "http"),
        field(":path", "/"),
        field(":authority", "www.example.com"),
    ];
    assert_eq!(decode(&mut decoder, sections[0]).unwrap(), first);
    let mut second = first.to_vec();
    second.push(field("cache-control", "no-cache"));
    assert_eq!(decode(&mut decoder, sections[1]).unwrap(), second);
    let third = [
        field(":method", "GET"),
        field(":scheme", "https"),
        field(":path", "/index.html"),
        field(":authority", "www.example.com"),
        field("custom-key", "custom-value"),
    ];
    assert_eq!(decode(&mut decoder, sections[2]).unwrap(), third);
}

#[test]
fn each_representation() {
    assert_eq!(read(b"\x40\x0acustom-key\x0dcustom-header").unwrap(), [field("custom-key", "custom-header")]);
    assert_eq!(read(b"\x04\x0c/sample/path").unwrap(), [field(":path", "/sample/path")]);
    assert_eq!(read(b"\x82").unwrap(), [field(":method", "GET")]);
    let mut never = Vec::new();
    let shown =
        Decoder::new().decode(PLENTY, b"\x10\x08password\x06secret\x00\x01a\x01b", |_, _, is_never| {
            never.push(is_never);
        });
    assert_eq!((shown, never), (Ok(true), vec![true, false]));
}

#[test]
fn what_is_malformed() {
    for (section, error) in [
        (&b"\x80"[..], Error::Index),
        (b"\xbe", Error::Index),
        (b"\xff\xff\xff\xff\xff\x0f", Error::Integer),
        (b"\xff\x80\x80\x80\x80\x80\x80\x00", Error::Integer),
        (b"\x7e\x01a", Error::Index),
        (b"\x40\x01a\x81\x18", Error::Huffman),
        (b"\x40\x01a\x84\xff\xff\xff\xff", Error::Huffman),
        (b"\x40\x05a", Error::Truncated),
        (b"\x40", Error::Truncated),
        (b"\x41", Error::Truncated),
        (b"\x82\x20", Error::TableSize),
        (b"\x3f\xe2\x1f", Error::TableSize),
    ] {
        assert_eq!(read(section), Err(error), "{section:x?}");
    }
    // 4,096 is allowed, and several changes are.
    assert_eq!(read(b"\x20\x3f\xe1\x1f\x82").unwrap().len(), 1);
}

#[test]
fn a_smaller_limit_has_to_be_taken_up() {
    let mut decoder = Decoder::new();
    decode(&mut decoder, b"\x40\x01a\x01b").unwrap();
    decoder.set_table_limit(30);
    assert_eq!(decode(&mut decoder, b"\x82"), Err(Error::TableSize));
    let mut decoder = Decoder::new();
    decoder.set_table_limit(30);
    assert_eq!(decode(&mut decoder, b"\x3e\x82").unwrap().len(), 1);
    assert_eq!(decode(&mut decoder, b"\x82\x3e"), Err(Error::TableSize));
    // And the encoder does take it up: the smallest size it had, and the last.
    let mut encoder = Encoder::new(4096);
    encoder.set_table_limit(100);
    encoder.set_table_limit(0);
    encoder.set_table_limit(60);
    let mut out = Vec::new();
    encoder.begin(&mut out);
    assert_eq!(out, [0x20, 0x3f, 60 - 31]);
    encoder.begin(&mut out);
    assert_eq!(out.len(), 3);
}

#[test]
fn limits_stop_the_output_and_not_the_table() {
    // A field of 4,000 bytes that enters the table, and then stands there by one byte each time: a bomb.
    let mut section = b"\x40\x01a\x7f\xa1\x1e".to_vec();
    section.extend_from_slice(&[b'v'; 4000]);
    section.extend_from_slice(&[0xbe; 10_000]);
    let mut decoder = Decoder::new();
    let limits = SectionLimits { bytes: 16_000, fields: 100 };
    let mut bytes = 0;
    let whole = decoder.decode(limits, &section, |name, value, _| bytes += name.len() + value.len() + 32);
    assert_eq!((whole, bytes), (Ok(false), 3 * 4033));
    assert_eq!(decode(&mut decoder, b"\xbe").unwrap()[0].1.len(), 4000);
    // What comes behind the limit still counts for the table, in any form.
    let few = SectionLimits { bytes: 40, fields: 100 };
    let section = b"\x00\x01a\x0812345678\x40\x01n\x01v\x00\x01x\x01y\x82\x40\x82\x94\xe7\x01w";
    let mut decoder = Decoder::new();
    let mut names = Vec::new();
    let whole = decoder.decode(few, section, |name, _, _| names.push(name.to_vec()));
    assert_eq!((whole, names), (Ok(false), vec![]));
    assert_eq!(decode(&mut decoder, b"\xbe\xbf").unwrap(), [field("foo", "w"), field("n", "v")]);
    // The number of fields.
    let two = SectionLimits { bytes: 1000, fields: 2 };
    for (section, expected) in [(&b"\x82\x82"[..], true), (b"\x82\x82\x82", false)] {
        assert_eq!(Decoder::new().decode(two, section, |_, _, _| {}), Ok(expected));
    }
}

#[test]
fn a_field_larger_than_the_table_empties_it_also_behind_the_limit() {
    for limits in [PLENTY, SectionLimits { bytes: 0, fields: 0 }] {
        let mut decoder = Decoder::new();
        decode(&mut decoder, b"\x40\x01a\x01b").unwrap();
        let mut section = b"\x40\x01a\x7f\x81\x1f".to_vec();
        section.extend_from_slice(&[b'v'; 4096]);
        decoder.decode(limits, &section, |_, _, _| {}).unwrap();
        assert_eq!(decode(&mut decoder, b"\xbe"), Err(Error::Index));
    }
}

#[test]
fn the_encoder_indexes_what_pays() {
    let mut encoder = Encoder::new(4096);
    let mut section = |fields: &[(&str, &str)]| {
        let mut out = Vec::new();
        encoder.begin(&mut out);
        fields.iter().for_each(|(name, value)| encoder.encode(&mut out, name.as_bytes(), value.as_bytes()));
        out
    };
    let constant = [("server", "flare"), ("content-type", "text/plain")];
    assert!(section(&constant).len() > 10);
    assert_eq!(section(&constant).len(), 2);
    let other = [("x-other", "same")];
    assert!(section(&other).len() > 5 && section(&other).len() > 5);
    assert_eq!(section(&other).len(), 1);
    for changing in
        [("content-length", "13"), ("etag", "\"a\""), ("set-cookie", "a=b"), ("authorization", "x")]
    {
        assert!(section(&[changing]).len() > 2);
        assert!(section(&[changing]).len() > 2, "{changing:?}");
    }
    assert_eq!(section(&[("authorization", "secret")])[0], 0x1f);
    assert_eq!(section(&[(":status", "404")]), [0x8d]);
}
