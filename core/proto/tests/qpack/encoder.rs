//! What the encoder puts where, and what it makes of the decoder stream.

use flare_proto::qpack::{Decoder, Encoder, Error, ErrorCode, Fault};

use crate::{decode, field, sent};

fn section(encoder: &mut Encoder, stream: u64, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut out = Vec::new();
    encoder.begin(stream);
    fields.iter().for_each(|(name, value)| encoder.encode(name.as_bytes(), value.as_bytes()));
    encoder.end(&mut out);
    out
}

#[test]
fn the_static_table_alone_at_first() {
    let mut encoder = Encoder::new(4096, 16);
    for _ in 0..3 {
        let out = section(&mut encoder, 0, &[(":status", "404"), ("server", "flare")]);
        assert_eq!(out[..3], [0, 0, 0xdb]);
        assert_eq!(decode(&mut Decoder::new(0, 0), 0, &out).unwrap().len(), 2);
    }
    assert_eq!(sent(encoder.output()), b"");
    // A peer without a table changes nothing.
    encoder.set_peer_limits(0, 100);
    assert!(section(&mut encoder, 0, &[("server", "flare")]).len() > 5);
    assert_eq!(sent(encoder.output()), b"");
    let mut out = Vec::new();
    encoder.begin(0);
    [200, 503, 299].into_iter().for_each(|status| encoder.encode_status(status));
    encoder.end(&mut out);
    let statuses = [field(":status", "200"), field(":status", "503"), field(":status", "299")];
    assert_eq!(decode(&mut Decoder::new(0, 0), 0, &out).unwrap(), statuses);
}

#[test]
fn entries_are_named_when_the_peer_has_them() {
    let mut encoder = Encoder::new(4096, 0);
    let mut decoder = Decoder::new(4096, 0);
    encoder.set_peer_limits(4096, 100);
    let fields = [("server", "flare"), ("x-other", "same")];
    let first = section(&mut encoder, 0, &fields);
    assert_eq!(first[..2], [0, 0], "nothing may be blocked");
    decoder.receive(&sent(encoder.output())).unwrap();
    assert_eq!(decoder.inserted(), 1, "only what is likely to be the same");
    encoder.receive(&sent(decoder.output())).unwrap();
    assert_eq!(section(&mut encoder, 4, &fields[..1]).len(), 3);
    // What comes again is put there too.
    section(&mut encoder, 8, &fields);
    decoder.receive(&sent(encoder.output())).unwrap();
    encoder.receive(&sent(decoder.output())).unwrap();
    let last = section(&mut encoder, 12, &fields);
    assert_eq!(last.len(), 4);
    let expected = [field("server", "flare"), field("x-other", "same")];
    assert_eq!(decode(&mut decoder, 12, &last).unwrap(), expected);
}

#[test]
fn no_more_streams_are_blocked_than_allowed() {
    for (own, peer) in [(2, 100), (100, 2)] {
        let mut encoder = Encoder::new(4096, own);
        encoder.set_peer_limits(4096, peer);
        let needs = |out: Vec<u8>| out[0] != 0;
        assert!(needs(section(&mut encoder, 0, &[("server", "a")])));
        assert!(needs(section(&mut encoder, 4, &[("server", "b")])));
        assert!(!needs(section(&mut encoder, 8, &[("server", "a")])), "a third stream");
        assert!(needs(section(&mut encoder, 4, &[("server", "b")])), "one that is blocked anyway");
        // An increment frees them, and so does a cancellation.
        encoder.receive(b"\x01").unwrap();
        assert!(needs(section(&mut encoder, 8, &[("server", "b")])));
        assert!(!needs(section(&mut encoder, 12, &[("server", "b")])));
        encoder.receive(b"\x44").unwrap();
        assert!(needs(section(&mut encoder, 12, &[("server", "b")])));
    }
}

#[test]
fn entries_that_are_named_are_not_evicted() {
    // Two entries fit.
    let mut encoder = Encoder::new(100, 100);
    let mut decoder = Decoder::new(100, 100);
    encoder.set_peer_limits(100, 100);
    let one = section(&mut encoder, 0, &[("server", "1")]);
    let two = section(&mut encoder, 4, &[("server", "2")]);
    let three = section(&mut encoder, 8, &[("server", "3")]);
    assert_eq!(three[0], 0, "there is no room while the first is named");
    decoder.receive(&sent(encoder.output())).unwrap();
    assert_eq!(decode(&mut decoder, 0, &one).unwrap(), [field("server", "1")]);
    encoder.receive(&sent(decoder.output())).unwrap();
    let three = section(&mut encoder, 8, &[("server", "3")]);
    assert_ne!(three[0], 0);
    decoder.receive(&sent(encoder.output())).unwrap();
    for (stream, section, value) in [(4, two, "2"), (8, three, "3")] {
        assert_eq!(decode(&mut decoder, stream, &section).unwrap(), [field("server", value)]);
    }
    // And the other way round: one section does not evict what it names itself.
    let many: Vec<(String, String)> = (0..9).map(|at| ("server".into(), at.to_string())).collect();
    let borrowed: Vec<(&str, &str)> = many.iter().map(|(name, value)| (&name[..], &value[..])).collect();
    encoder.receive(&sent(decoder.output())).unwrap();
    let out = section(&mut encoder, 12, &borrowed);
    decoder.receive(&sent(encoder.output())).unwrap();
    assert_eq!(decode(&mut decoder, 12, &out).unwrap().len(), 9);
}

#[test]
fn secrets_are_never_indexed() {
    let mut encoder = Encoder::new(4096, 100);
    encoder.set_peer_limits(4096, 100);
    sent(encoder.output());
    for _ in 0..3 {
        let out = section(&mut encoder, 0, &[("authorization", "secret")]);
        assert_eq!(out[2] & 0xf0, 0x70);
        section(&mut encoder, 0, &[("set-cookie", "a=b"), ("cookie", "short"), ("etag", "\"1\"")]);
    }
    assert_eq!(sent(encoder.output()), b"");
}

#[test]
fn the_encoder_stream_of_a_peer_that_reads_nothing_is_bounded() {
    let mut encoder = Encoder::new(1000, 100);
    encoder.set_peer_limits(1000, 0);
    for at in 0..10_000_u64 {
        section(&mut encoder, 4 * at, &[("server", &format!("{at:0>300}"))]);
        // All of it is acknowledged, and nothing is taken.
        let _ = encoder.receive(b"\x01");
    }
    assert!(encoder.output().len() < 2 * 1000 + 400, "{}", encoder.output().len());
}

#[test]
fn what_the_decoder_stream_can_not_say() {
    let with_two = |input: &[u8]| -> Result<(), Error> {
        let mut encoder = Encoder::new(4096, 100);
        encoder.set_peer_limits(4096, 100);
        section(&mut encoder, 4, &[("server", "a"), ("vary", "b")]);
        input.iter().try_for_each(|byte| encoder.receive(&[*byte]).map(|_| ()))
    };
    for good in [&b"\x84"[..], b"\x44", b"\x44\x44", b"\x4c", b"\x01\x01", b"\x02\x84", b"\x84\x40"] {
        assert_eq!(with_two(good), Ok(()), "{good:x?}");
    }
    for (bad, fault) in [
        (&b"\x00"[..], Fault::Increment),
        (b"\x03", Fault::Increment),
        (b"\x01\x02", Fault::Increment),
        (b"\x84\x01", Fault::Increment),
        (b"\x80", Fault::Acknowledgement),
        (b"\x84\x84", Fault::Acknowledgement),
        (b"\x44\x84", Fault::Acknowledgement),
        (b"\x3f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Fault::Integer),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", Fault::Integer),
    ] {
        let error = with_two(bad).unwrap_err();
        assert_eq!((error.code, error.fault), (ErrorCode::DecoderStream, fault), "{bad:x?}");
    }
}
