//! Version 2: binary (section 2.2).

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Addresses, Header, HeaderError, Tlvs, may_begin_with};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Signature, version and command, family and transport, length.
const FIXED: usize = 16;
/// A path of a Unix socket, padded with NULs.
const PATH: usize = 108;

const LOCAL: u8 = 0;
const PROXY: u8 = 1;

pub(super) fn parse(input: &[u8]) -> Result<Option<(Header<'_>, usize)>, HeaderError> {
    if !may_begin_with(input, SIGNATURE) {
        return Err(HeaderError::NoHeader);
    }
    let Some([.., command, family, high, low]) = input.first_chunk::<FIXED>() else {
        // What has come of the head may be wrong already.
        if let Some(command) = input.get(SIGNATURE.len()) {
            is_proxied(*command)?;
        }
        return Ok(None);
    };
    let proxied = is_proxied(*command)?;
    let length = u16::from_be_bytes([*high, *low]);
    // A family is not looked at when the proxy speaks for itself.
    let taken = if proxied { Family::of(*family)?.length() } else { 0 };
    if usize::from(length) < taken {
        return Err(HeaderError::TooShort(length));
    }
    let total = FIXED + usize::from(length);
    let Some(whole) = input.get(..total) else { return Ok(None) };
    let (addresses, tlvs) =
        if proxied { read(Family::of(*family)?, whole, length)? } else { (Addresses::Own, Tlvs::NONE) };
    Ok(Some((Header { version: 2, addresses, tlvs }, total)))
}

/// Whether the connection is forwarded for somebody else.
fn is_proxied(command: u8) -> Result<bool, HeaderError> {
    match (command >> 4, command & 15) {
        (2, LOCAL) => Ok(false),
        (2, PROXY) => Ok(true),
        (2, other) => Err(HeaderError::UnknownCommand(other)),
        (version, _) => Err(HeaderError::UnknownVersion(version)),
    }
}

#[derive(Clone, Copy)]
enum Family {
    /// Nothing that follows can be understood.
    Unspecified,
    Inet,
    Inet6,
    Unix,
    /// A datagram socket, with addresses of so many bytes.
    Datagram(usize),
}

impl Family {
    fn of(byte: u8) -> Result<Self, HeaderError> {
        let unknown = Err(HeaderError::UnknownFamily(byte));
        let stream = match byte >> 4 {
            0 => Self::Unspecified,
            1 => Self::Inet,
            2 => Self::Inet6,
            3 => Self::Unix,
            _ => return unknown,
        };
        match (stream, byte & 15) {
            (_, 0) | (Self::Unspecified, 1 | 2) => Ok(Self::Unspecified),
            (_, 1) => Ok(stream),
            (_, 2) => Ok(Self::Datagram(stream.length())),
            _ => unknown,
        }
    }

    /// The length of both addresses.
    const fn length(self) -> usize {
        match self {
            Self::Unspecified => 0,
            Self::Inet => 12,
            Self::Inet6 => 36,
            Self::Unix => 2 * PATH,
            Self::Datagram(length) => length,
        }
    }
}

/// Addresses and TLVs of a whole header that has as many bytes as its addresses need.
fn read(family: Family, whole: &[u8], length: u16) -> Result<(Addresses<'_>, Tlvs<'_>), HeaderError> {
    let short = HeaderError::TooShort(length);
    let body = whole.get(FIXED..).unwrap_or_default();
    let (own, tlvs) = body.split_at_checked(family.length()).ok_or(short)?;
    let addresses = match family {
        // Without a known family nobody knows where TLVs begin.
        Family::Unspecified => return Ok((Addresses::Own, Tlvs::NONE)),
        Family::Datagram(_) => Addresses::Datagram,
        Family::Inet => {
            let [source, destination] = halves::<4>(own).ok_or(short)?;
            let [from, to] = ports(own).ok_or(short)?;
            Addresses::Ip {
                source: SocketAddr::new(Ipv4Addr::from(source).into(), from),
                destination: SocketAddr::new(Ipv4Addr::from(destination).into(), to),
            }
        }
        Family::Inet6 => {
            let [source, destination] = halves::<16>(own).ok_or(short)?;
            let [from, to] = ports(own).ok_or(short)?;
            Addresses::Ip {
                source: SocketAddr::new(Ipv6Addr::from(source).into(), from),
                destination: SocketAddr::new(Ipv6Addr::from(destination).into(), to),
            }
        }
        Family::Unix => {
            let (source, destination) = own.split_at_checked(PATH).ok_or(short)?;
            Addresses::Unix { source: path(source), destination: path(destination) }
        }
    };
    Ok((addresses, Tlvs::check(tlvs, whole)?))
}

/// The two addresses at the beginning.
fn halves<const N: usize>(bytes: &[u8]) -> Option<[[u8; N]; 2]> {
    Some([*bytes.first_chunk()?, *bytes.get(N..)?.first_chunk()?])
}

/// The two ports at the end.
fn ports(bytes: &[u8]) -> Option<[u16; 2]> {
    let [a, b, c, d] = *bytes.last_chunk()?;
    Some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
}

fn path(padded: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, padded).unwrap_or(padded.len());
    padded.get(..end).unwrap_or_default()
}
