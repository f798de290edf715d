//! Version 1: a line of text.

use flare_proto::proxy_protocol::{Addresses, HeaderError, MAX_V1, parse};

use super::{ip, read, refuse};

#[test]
fn the_lines_of_the_specification_are_read() {
    for (line, source, destination) in [
        (
            "PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
            "255.255.255.255:65535",
            "255.255.255.255:65535",
        ),
        ("PROXY TCP4 192.0.2.1 198.51.100.2 0 443\r\n", "192.0.2.1:0", "198.51.100.2:443"),
        ("PROXY TCP6 2001:db8::1 ::1 50000 80\r\n", "[2001:db8::1]:50000", "[::1]:80"),
        (
            "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
            "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
        ),
    ] {
        let header = read(line.as_bytes());
        assert_eq!(ip(header), (source.to_owned(), destination.to_owned()));
        assert_eq!((header.version, header.tlvs.iter().count()), (1, 0));
    }
}

#[test]
fn behind_unknown_anything_is_ignored() {
    for line in
        ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN ffff:: ::1 65535 65535\r\n", "PROXY UNKNOWN \0\r \x7f\u{e9}\r\n"]
    {
        assert_eq!(read(line.as_bytes()).addresses, Addresses::Own, "{line:?}");
    }
}

#[test]
fn the_longest_line_is_read_and_a_longer_one_refused() {
    let line = |length: usize| {
        let mut line = b"PROXY UNKNOWN ".to_vec();
        line.resize(length - 2, b'x');
        line.extend_from_slice(b"\r\n");
        line
    };
    assert_eq!(read(&line(MAX_V1)).addresses, Addresses::Own);
    assert_eq!(refuse(&line(MAX_V1 + 1)), HeaderError::LineTooLong);
    assert_eq!(parse(&line(MAX_V1 + 1)[..MAX_V1 - 1]), Ok(None));
}

#[test]
fn malformed_lines_are_refused_for_what_is_wrong() {
    for (line, part) in [
        ("PROXY \r\n", "protocol"),
        ("PROXY TCP5 1.2.3.4 1.2.3.4 1 1\r\n", "protocol"),
        ("PROXY tcp4 1.2.3.4 1.2.3.4 1 1\r\n", "protocol"),
        ("PROXY  TCP4 1.2.3.4 1.2.3.4 1 1\r\n", "protocol"),
        ("PROXY UNKNOWN\t\r\n", "protocol"),
        ("PROXY TCP4\r\n", "address"),
        ("PROXY TCP4 1.2.3.4\r\n", "address"),
        ("PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n", "address"),
        ("PROXY TCP4 1.2.3.04 1.2.3.4 1 1\r\n", "address"),
        ("PROXY TCP4 1.2.3 1.2.3.4 1 1\r\n", "address"),
        ("PROXY TCP4 ::1 ::1 1 1\r\n", "address"),
        ("PROXY TCP4 localhost 1.2.3.4 1 1\r\n", "address"),
        ("PROXY TCP6 1.2.3.4 ::1 1 1\r\n", "address"),
        ("PROXY TCP6 [::1] ::1 1 1\r\n", "address"),
        ("PROXY TCP6 fe80::1%1 ::1 1 1\r\n", "address"),
        ("PROXY TCP4 1.2.3.4 \u{e9} 1 1\r\n", "address"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4\r\n", "port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", "port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n", "port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 65536 1\r\n", "port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 -1 1\r\n", "port"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", "end"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\n", "end"),
        ("PROXY TCP4 1.2.3.4 1.2.3.4 1 1\r\r\n", "port"),
        ("PROXY UNKNOWN\n", "end"),
    ] {
        assert_eq!(refuse(line.as_bytes()), HeaderError::MalformedLine(part), "{line:?}");
    }
}
