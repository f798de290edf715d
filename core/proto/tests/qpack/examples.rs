//! The examples of RFC 9204 appendix B, one after another on one connection.

use flare_proto::qpack::Decoder;

use crate::{decode, field, sent};

#[test]
fn appendix_b() {
    let mut decoder = Decoder::new(220, 10);
    // B.1: a literal with a name of the static table.
    let section = b"\x00\x00\x51\x0b/index.html";
    assert_eq!(decode(&mut decoder, 0, section).unwrap(), [field(":path", "/index.html")]);
    assert_eq!(sent(decoder.output()), b"");

    // B.2: the dynamic table, and entries behind the base.
    decoder.receive(b"\x3f\xbd\x01\xc0\x0fwww.example.com\xc1\x0c/sample/path").unwrap();
    let fields = decode(&mut decoder, 4, b"\x03\x81\x10\x11").unwrap();
    assert_eq!(fields, [field(":authority", "www.example.com"), field(":path", "/sample/path")]);
    assert_eq!(sent(decoder.output()), b"\x84");

    // B.3: a speculative insertion, which is acknowledged by an increment.
    decoder.receive(b"\x4acustom-key\x0ccustom-value").unwrap();
    assert_eq!(sent(decoder.output()), b"\x01");

    // B.4: a duplicate; the stream is cancelled instead of read, and then read.
    decoder.receive(b"\x02").unwrap();
    decoder.cancel(8);
    assert_eq!(sent(decoder.output()), b"\x48\x01");
    let fields = decode(&mut decoder, 8, b"\x05\x00\x80\xc1\x81").unwrap();
    let expected =
        [field(":authority", "www.example.com"), field(":path", "/"), field("custom-key", "custom-value")];
    assert_eq!(fields, expected);

    // B.5: an insertion whose name is in the dynamic table, and which evicts the oldest entry.
    decoder.receive(b"\x81\x0dcustom-value2").unwrap();
    assert_eq!(decoder.inserted(), 5);
    let fields = decode(&mut decoder, 12, b"\x06\x00\x80\x81\x82\x83").unwrap();
    let expected = [
        field("custom-key", "custom-value2"),
        field(":authority", "www.example.com"),
        field("custom-key", "custom-value"),
        field(":path", "/sample/path"),
    ];
    assert_eq!(fields, expected);
    assert!(decode(&mut decoder, 16, b"\x06\x00\x84").is_err(), "the oldest is gone");
}
