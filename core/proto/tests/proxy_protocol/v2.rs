//! Version 2: binary, with TLVs.

use flare_proto::proxy_protocol::{Addresses, HeaderError, MAX_V2, Tls, Tlv, kind, parse};

use super::{ip, read, refuse};

const LOCAL: u8 = 0x20;
const PROXY: u8 = 0x21;

fn header(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
    bytes.extend([command, family]);
    bytes.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn tlv(kind: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(value);
    bytes
}

/// 192.0.2.1:50000 to 198.51.100.2:443.
const INET: [u8; 12] = [192, 0, 2, 1, 198, 51, 100, 2, 0xc3, 0x50, 0x01, 0xbb];

fn with_tlvs(tlvs: &[u8]) -> Vec<u8> {
    header(PROXY, 0x11, &[&INET, tlvs].concat())
}

/// Bit by bit, so that it is not the table that checks itself.
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0x82f6_3b78 } else { sum >> 1 },
        )
    })
}

#[test]
fn addresses_of_each_family_are_read() {
    let inet = with_tlvs(&[]);
    let found = read(&inet).addresses;
    let source = "192.0.2.1:50000".parse().unwrap();
    assert_eq!(found, Addresses::Ip { source, destination: "198.51.100.2:443".parse().unwrap() });

    let mut inet6 = [0; 36];
    inet6[..2].copy_from_slice(&[0x20, 0x01]);
    inet6[31] = 1;
    inet6[32..].copy_from_slice(&[0, 80, 255, 255]);
    let inet6 = header(PROXY, 0x21, &inet6);
    assert_eq!(ip(read(&inet6)), ("[2001::]:80".to_owned(), "[::1]:65535".to_owned()));

    let mut unix = [0; 216];
    unix[..6].copy_from_slice(b"/run/a");
    unix[108..].fill(b'x');
    let unix = header(PROXY, 0x31, &unix);
    assert_eq!(read(&unix).addresses, Addresses::Unix { source: b"/run/a", destination: &[b'x'; 108] });
    let unnamed = header(PROXY, 0x31, &[0; 216]);
    assert_eq!(read(&unnamed).addresses, Addresses::Unix { source: b"", destination: b"" });
}

#[test]
fn who_speaks_for_itself_is_taken_with_whatever_follows() {
    for family in [0x00, 0x11, 0x21, 0x31, 0xff] {
        for body in [&b""[..], b"\0", &INET, &[0xff; 300]] {
            let bytes = header(LOCAL, family, body);
            let found = read(&bytes);
            assert_eq!((found.addresses, found.tlvs.iter().count()), (Addresses::Own, 0));
        }
    }
}

#[test]
fn an_unspecified_family_keeps_the_ends_of_the_connection() {
    for family in [0x00, 0x01, 0x02, 0x10, 0x20, 0x30] {
        for body in [&b""[..], &[0xff; 7]] {
            assert_eq!(read(&header(PROXY, family, body)).addresses, Addresses::Own, "{family:02x}");
        }
    }
}

#[test]
fn datagrams_are_told_apart() {
    for (family, length) in [(0x12, 12), (0x22, 36), (0x32, 216)] {
        assert_eq!(read(&header(PROXY, family, &vec![7; length])).addresses, Addresses::Datagram);
        assert_eq!(
            refuse(&header(PROXY, family, &vec![7; length - 1])),
            HeaderError::TooShort(length as u16 - 1)
        );
    }
}

#[test]
fn what_does_not_exist_is_refused() {
    for command in [0x22, 0x2f] {
        assert_eq!(refuse(&header(command, 0x11, &INET)), HeaderError::UnknownCommand(command & 15));
    }
    for version in [0, 1, 3, 15] {
        assert_eq!(refuse(&header(version << 4 | 1, 0x11, &INET)), HeaderError::UnknownVersion(version));
    }
    for family in [0x13, 0x1f, 0x41, 0xf1, 0x03, 0xff] {
        assert_eq!(refuse(&header(PROXY, family, &INET)), HeaderError::UnknownFamily(family));
    }
}

#[test]
fn addresses_that_are_cut_are_refused_before_they_come() {
    for (family, length) in [(0x11, 12), (0x21, 36), (0x31, 216)] {
        for short in [0, 1, length - 1] {
            let bytes = header(PROXY, family, &vec![0; short]);
            assert_eq!(refuse(&bytes), HeaderError::TooShort(short as u16));
            assert_eq!(
                parse(&bytes[..16]),
                Err(HeaderError::TooShort(short as u16)),
                "with the length alone"
            );
        }
    }
}

#[test]
fn tlvs_come_in_order() {
    let bytes = with_tlvs(&[tlv(kind::ALPN, b"h2"), tlv(0xe0, b""), tlv(kind::NOOP, &[0; 5])].concat());
    let tlvs = read(&bytes).tlvs;
    let found: Vec<_> = tlvs.iter().collect();
    let expected = [(kind::ALPN, &b"h2"[..]), (0xe0, b""), (kind::NOOP, &[0; 5])];
    assert_eq!(found, expected.map(|(kind, value)| Tlv { kind, value }));
    assert_eq!((tlvs.get(0xe0), tlvs.get(kind::AUTHORITY)), (Some(&b""[..]), None));
    assert_eq!(tlvs.tls(), None);
}

#[test]
fn tlvs_that_do_not_fit_are_refused() {
    for cut in [&b"\x01"[..], b"\x01\0", b"\x01\0\x01", b"\x01\xff\xffabc"] {
        assert_eq!(refuse(&with_tlvs(cut)), HeaderError::MalformedTlv(1), "{cut:?}");
    }
    let good = tlv(0xe0, b"abc");
    assert_eq!(refuse(&with_tlvs(&[&good[..], b"\x02"].concat())), HeaderError::MalformedTlv(2));
    assert_eq!(read(&with_tlvs(&tlv(kind::UNIQUE_ID, &[1; 128]))).tlvs.iter().count(), 1);
    assert_eq!(refuse(&with_tlvs(&tlv(kind::UNIQUE_ID, &[1; 129]))), HeaderError::MalformedTlv(5));
}

#[test]
fn tls_is_told_with_its_own_tlvs() {
    let value =
        [&[7, 0, 0, 0, 0][..], &tlv(kind::SSL_VERSION, b"TLSv1.3"), &tlv(kind::SSL_CN, b"ann")].concat();
    let bytes = with_tlvs(&tlv(kind::SSL, &value));
    let tls = read(&bytes).tlvs.tls().unwrap();
    let Tls { encrypted, certificate, session_certificate, verified, tlvs, .. } = tls;
    assert!(encrypted && certificate && session_certificate && verified);
    assert_eq!(
        (tlvs.get(kind::SSL_VERSION), tlvs.get(kind::SSL_CN)),
        (Some(&b"TLSv1.3"[..]), Some(&b"ann"[..]))
    );

    for (client, verify, verified) in [(1, 0, false), (3, 1, false), (5, 0, true)] {
        let bytes = with_tlvs(&tlv(kind::SSL, &[client, 0, 0, 0, verify]));
        assert_eq!(read(&bytes).tlvs.tls().unwrap().verified, verified, "{client} {verify}");
    }
    for value in [&b""[..], &[1, 0, 0, 0], &[1, 0, 0, 0, 0, 0x21], &[1, 0, 0, 0, 0, 0x21, 0, 2, 1]] {
        let error = refuse(&with_tlvs(&tlv(kind::SSL, value)));
        assert!(matches!(error, HeaderError::MalformedTlv(0x20 | 0x21)), "{error:?}");
    }
}

#[test]
fn a_checksum_is_checked() {
    let mut bytes =
        with_tlvs(&[tlv(kind::NOOP, b"x"), tlv(kind::CRC32C, &[0; 4]), tlv(0xe0, b"yy")].concat());
    let place = 16 + 12 + 4 + 3;
    let sum = crc32c(&bytes);
    bytes[place..place + 4].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(read(&bytes).tlvs.get(kind::CRC32C), Some(&sum.to_be_bytes()[..]));

    for at in (16..bytes.len()).filter(|at| ![28, 29, 30, 32, 33, 34, 39, 40, 41].contains(at)) {
        let mut wrong = bytes.clone();
        wrong[at] ^= 1;
        assert_eq!(refuse(&wrong), HeaderError::WrongChecksum, "byte {at}");
    }
    for length in [0, 3, 5] {
        let wrong = with_tlvs(&tlv(kind::CRC32C, &vec![0; length]));
        assert_eq!(refuse(&wrong), HeaderError::MalformedTlv(kind::CRC32C));
    }
}

#[test]
fn two_checksums_are_refused() {
    // The second is right; the first would have to know it.
    let mut bytes = with_tlvs(&[tlv(kind::CRC32C, &[0; 4]), tlv(kind::CRC32C, &[0; 4])].concat());
    let sum = crc32c(&bytes);
    bytes[31..35].copy_from_slice(&sum.to_be_bytes());
    assert_eq!(refuse(&bytes), HeaderError::WrongChecksum);
}

#[test]
fn the_longest_header_is_read() {
    let bytes = header(PROXY, 0x11, &[&INET[..], &tlv(kind::NOOP, &vec![0; 65_535 - 12 - 3])].concat());
    assert_eq!(bytes.len(), MAX_V2);
    let (found, used) = parse(&bytes).unwrap().unwrap();
    assert_eq!((found.tlvs.iter().count(), used), (1, MAX_V2));
    assert_eq!(parse(&bytes[..MAX_V2 - 1]), Ok(None));
}
