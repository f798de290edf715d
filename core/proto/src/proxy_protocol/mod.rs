//! The PROXY protocol, versions 1 and 2: how a proxy tells, in front of everything else on a connection, whom it connects for.
//!
//! The specification is HAProxy's `proxy-protocol.txt` (2020/03/05 and its additions); sections are named by it.
//!
//! ```
//! use flare_proto::proxy_protocol::{Addresses, parse};
//!
//! let bytes = b"PROXY TCP4 192.0.2.1 198.51.100.2 50000 443\r\nGET / HTTP/1.1\r\n";
//! let (header, length) = parse(bytes)?.expect("it is whole");
//! assert_eq!(&bytes[length..][..3], b"GET");
//! let Addresses::Ip { source, destination } = header.addresses else { panic!() };
//! assert_eq!((source, destination), ("192.0.2.1:50000".parse().unwrap(), "198.51.100.2:443".parse().unwrap()));
//! # Ok::<(), flare_proto::proxy_protocol::HeaderError>(())
//! ```
//!
//! Whether there is a header must never be guessed (section 5): a receiver knows which peers send one, and takes nothing else from them.

mod checksum;
mod error;
mod tlv;
mod v1;
mod v2;

use std::net::SocketAddr;

pub use error::HeaderError;
pub use tlv::{Tls, Tlv, Tlvs, kind};

/// The longest header of version 1, its CRLF included.
pub const MAX_V1: usize = 107;
/// The longest header of version 2.
pub const MAX_V2: usize = 16 + u16::MAX as usize;

/// What a proxy says about the connection that it forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header<'a> {
    /// 1 or 2.
    pub version: u8,
    /// Between whom the forwarded connection is.
    pub addresses: Addresses<'a>,
    /// What else is told; only version 2 can.
    pub tlvs: Tlvs<'a>,
}

/// The ends of the connection that a proxy forwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Addresses<'a> {
    /// The proxy speaks for itself, such as for a health check (LOCAL), or cannot say for whom (UNKNOWN, UNSPEC): the ends are those of the
    /// connection itself.
    Own,
    /// A TCP connection. Both ends are of one family.
    Ip {
        /// The client.
        source: SocketAddr,
        /// What the client connected to.
        destination: SocketAddr,
    },
    /// A Unix stream socket. A path ends before its first NUL, so an unnamed or abstract one is empty; it may be no UTF-8.
    Unix {
        /// The client's.
        source: &'a [u8],
        /// The one that the client connected to.
        destination: &'a [u8],
    },
    /// Datagrams: no stream is forwarded like that.
    Datagram,
}

/// Looks for a header at the start of what came so far. `None`: it is not whole yet. Otherwise the header and how many bytes it has;
/// what is behind belongs to the forwarded connection.
///
/// # Errors
/// As soon as the bytes can't become a valid header. The connection has to be closed (section 2).
pub fn parse(input: &[u8]) -> Result<Option<(Header<'_>, usize)>, HeaderError> {
    match input.first() {
        None => Ok(None),
        Some(b'P') => v1::parse(input),
        Some(_) => v2::parse(input),
    }
}

/// Whether `input` begins with `prefix`, as far as either goes.
fn may_begin_with(input: &[u8], prefix: &[u8]) -> bool {
    input.iter().zip(prefix).all(|(byte, expected)| byte == expected)
}
