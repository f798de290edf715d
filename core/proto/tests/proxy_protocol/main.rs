//! The PROXY protocol as a receiver sees it: each header whole, and cut at every byte.
// A failed unwrap is a failed test; the lint's exception for tests does not reach their helper functions.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod v1;
mod v2;

use flare_proto::proxy_protocol::{Addresses, Header, HeaderError, parse};

/// What stands behind every header here.
const BEHIND: &[u8] = b"GET / HTTP/1.1\r\nPROXY \r\n\r\n\0\r\nQUIT\n";

/// Reads a header with something behind it. Every part of it must be one that may still become a header.
fn read(header: &[u8]) -> Header<'_> {
    for length in 0..header.len() {
        assert_eq!(parse(&header[..length]), Ok(None), "{length} bytes of {header:?}");
    }
    let (found, used) = parse(header).unwrap().unwrap();
    assert_eq!(used, header.len());
    let more = [header, BEHIND].concat();
    let (again, used) = parse(&more).unwrap().unwrap();
    assert_eq!((again, used), (found, header.len()), "with more behind");
    found
}

/// What is wrong with bytes. However much of them came, it is the same mistake, or none yet.
fn refuse(bytes: &[u8]) -> HeaderError {
    let error = parse(bytes).expect_err("it was taken");
    for length in 0..bytes.len() {
        let part = parse(&bytes[..length]);
        assert!(part == Ok(None) || part == Err(error), "{length} bytes of {bytes:?}: {part:?}");
    }
    assert!(!error.to_string().is_empty());
    error
}

fn ip(header: Header<'_>) -> (String, String) {
    match header.addresses {
        Addresses::Ip { source, destination } => (source.to_string(), destination.to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_begins_like_neither_version_is_refused_at_its_first_wrong_byte() {
    for bytes in
        [&b"G"[..], b"\x16", b"\0", b"PRI", b"PROXYX", b"PROXY\t", b"\r\n\r\n\r", b"\r\n\r\n\0\r\nQUIT\r"]
    {
        assert_eq!(refuse(bytes), HeaderError::NoHeader, "{bytes:?}");
        let all_but_one = &bytes[..bytes.len() - 1];
        assert_eq!(parse(all_but_one), Ok(None), "{all_but_one:?}");
    }
}
