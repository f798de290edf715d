//! Version 1: one line of text (section 2.1).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use super::{Addresses, Header, HeaderError, MAX_V1, Tlvs, may_begin_with};

const PREFIX: &[u8] = b"PROXY ";

pub(super) fn parse(input: &[u8]) -> Result<Option<(Header<'_>, usize)>, HeaderError> {
    if !may_begin_with(input, PREFIX) {
        return Err(HeaderError::NoHeader);
    }
    let window = input.get(..MAX_V1).unwrap_or(input);
    let Some(end) = memchr::memchr(b'\n', window) else {
        return if window.len() == MAX_V1 { Err(HeaderError::LineTooLong) } else { Ok(None) };
    };
    let line = window.get(..end).and_then(|line| line.strip_suffix(b"\r"));
    let fields = line.and_then(|line| line.strip_prefix(PREFIX)).ok_or(malformed("end"))?;
    let header = Header { version: 1, addresses: addresses(fields)?, tlvs: Tlvs::NONE };
    Ok(Some((header, end + 1)))
}

const fn malformed(part: &'static str) -> HeaderError {
    HeaderError::MalformedLine(part)
}

/// What stands between `PROXY ` and the end of the line.
fn addresses(fields: &[u8]) -> Result<Addresses<'_>, HeaderError> {
    let mut parts = fields.split(|byte| *byte == b' ');
    let family = parts.next().unwrap_or_default();
    let mut next = || parts.next().unwrap_or_default();
    let [source, destination] = match family {
        // Whatever follows up to the end of the line is ignored.
        b"UNKNOWN" => return Ok(Addresses::Own),
        b"TCP4" => [address::<Ipv4Addr>(next())?, address::<Ipv4Addr>(next())?],
        b"TCP6" => [address::<Ipv6Addr>(next())?, address::<Ipv6Addr>(next())?],
        _ => return Err(malformed("protocol")),
    };
    let [source_port, destination_port] = [port(next())?, port(next())?];
    if parts.next().is_some() {
        return Err(malformed("end"));
    }
    Ok(Addresses::Ip {
        source: SocketAddr::new(source, source_port),
        destination: SocketAddr::new(destination, destination_port),
    })
}

fn address<A: FromStr + Into<IpAddr>>(text: &[u8]) -> Result<IpAddr, HeaderError> {
    let text = std::str::from_utf8(text).map_err(|_| malformed("address"))?;
    text.parse::<A>().map(Into::into).map_err(|_| malformed("address"))
}

/// Digits without a leading zero (section 2.1).
fn port(text: &[u8]) -> Result<u16, HeaderError> {
    let text = std::str::from_utf8(text).map_err(|_| malformed("port"))?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().map_err(|_| malformed("port")) } else { Err(malformed("port")) }
}
