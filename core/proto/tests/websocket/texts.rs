//! Texts are UTF-8, and it is found at the first byte that can't be.

use flare_proto::websocket::CloseCode;

use crate::feeding::{FIN, KEY, Seen, at_every_split, client, feed, masked, plain, refused, server};

/// Texts of characters of each length, and the borders of what is allowed.
const GOOD: [&str; 6] = [
    "",
    "plain",
    "\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}",
    "\u{d7ff}\u{e000}\u{fffe}\u{ffff}\0",
    "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}",
    "a long text, so that more than one block of the check is used: \u{1f9ff}\u{1f9ff}\u{1f9ff}\u{1f9ff}\u{1f9ff}\u{1f9ff}\u{1f9ff}\u{1f9ff}\u{1f9ff}\u{1f9ff}",
];

/// Bytes that begin no character whatever follows, and how many of them are needed to see that.
const BAD: [(&[u8], usize); 14] = [
    (b"\x80", 1),
    (b"\xbf", 1),
    (b"\xc0\xaf", 1),
    (b"\xc1\x80", 1),
    (b"\xc3\x28", 2),
    (b"\xe0\x80\xaf", 2),
    (b"\xe0\x9f\xbf", 2),
    (b"\xed\xa0\x80", 2),
    (b"\xe2\x28\xa1", 2),
    (b"\xf0\x80\x80\xaf", 2),
    (b"\xf4\x90\x80\x80", 2),
    (b"\xf5\x80\x80\x80", 1),
    (b"\xf8\x88\x80\x80\x80", 1),
    (b"\xff", 1),
];

#[test]
fn good_texts_in_each_split() {
    for text in GOOD {
        let expected = (vec![Seen::Text(text.into())], vec![], Ok(()));
        assert_eq!(at_every_split(server, &masked(FIN | 1, text.as_bytes())), expected);
        assert_eq!(at_every_split(client, &plain(FIN | 1, text.as_bytes())), expected);
        // Fragments may cut a character (RFC 6455 section 5.6).
        for at in 0..=text.len() {
            let (one, other) = text.as_bytes().split_at(at);
            let input = [masked(1, one), masked(0, b""), masked(FIN, other)].concat();
            assert_eq!(at_every_split(server, &input), expected);
        }
    }
}

#[test]
fn bad_texts_in_each_split_and_fragment() {
    for (bad, _) in BAD {
        let text = [b"so far so good ", bad, b" and on"].concat();
        refused(server, &masked(FIN | 1, &text), CloseCode::INVALID_PAYLOAD, &[]);
        refused(client, &plain(FIN | 1, &text), CloseCode::INVALID_PAYLOAD, &[]);
        for at in 0..=text.len() {
            let (one, other) = text.split_at(at);
            let input = [masked(1, one), masked(FIN, other)].concat();
            refused(server, &input, CloseCode::INVALID_PAYLOAD, &[]);
        }
        // Binary messages hold anything.
        let input = masked(FIN | 2, &text);
        assert_eq!(at_every_split(server, &input), (vec![Seen::Binary(text.clone())], vec![], Ok(())));
    }
}

#[test]
fn a_text_that_ends_inside_of_a_character() {
    for text in GOOD.iter().filter(|text| !text.is_ascii()) {
        for at in 0..=text.len() {
            let cut = &text.as_bytes()[..at];
            let input = [masked(1, cut), masked(FIN, b"")].concat();
            if text.is_char_boundary(at) {
                assert!(at_every_split(server, &input).2.is_ok());
            } else {
                refused(server, &input, CloseCode::INVALID_PAYLOAD, &[]);
                refused(server, &masked(FIN | 1, cut), CloseCode::INVALID_PAYLOAD, &[]);
            }
        }
    }
}

#[test]
fn it_fails_at_the_byte() {
    for (bad, needed) in BAD {
        for is_first_frame in [true, false] {
            let good = "good \u{20ac}".as_bytes();
            let mut server = server();
            let (mut out, mut seen) = (Vec::new(), Vec::new());
            let whole = [good, bad, &[b' '; 50]].concat();
            let mut input = Vec::new();
            if !is_first_frame {
                input = masked(1, "\u{10000}".as_bytes());
            }
            let start = input.len() + 6;
            input.extend(masked(if is_first_frame { 1 } else { 0 }, &whole));
            let last = start + good.len() + needed - 1;
            for byte in &input[..last] {
                feed(&mut server, &[*byte], &mut out, &mut seen).unwrap();
            }
            let error = feed(&mut server, &[input[last]], &mut out, &mut seen).unwrap_err();
            assert_eq!(error.code, CloseCode::INVALID_PAYLOAD);
        }
    }
    assert_eq!(masked(1, b"")[2..], KEY);
}
