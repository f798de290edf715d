//! What else a header of version 2 tells: types, lengths and values (section 2.2.1 and following).

use super::HeaderError;
use super::checksum::Crc32c;

/// The types of TLVs that the specification names. Others are a proxy's own: 0xE0 to 0xEF by agreement, 0xF0 to 0xF7 for experiments.
pub mod kind {
    /// The application protocol (ALPN) of the client's connection.
    pub const ALPN: u8 = 0x01;
    /// The host name that the client asked for (SNI).
    pub const AUTHORITY: u8 = 0x02;
    /// A CRC32C over the whole header. It was checked.
    pub const CRC32C: u8 = 0x03;
    /// Padding.
    pub const NOOP: u8 = 0x04;
    /// A name for this connection, unique at the proxy. At most 128 bytes.
    pub const UNIQUE_ID: u8 = 0x05;
    /// The client's TLS connection: see [`super::Tls`].
    pub const SSL: u8 = 0x20;
    /// Inside of [`SSL`]: the version of TLS, such as `TLSv1.3`.
    pub const SSL_VERSION: u8 = 0x21;
    /// Inside of [`SSL`]: the common name in the client's certificate.
    pub const SSL_CN: u8 = 0x22;
    /// The network namespace of the client's connection at the proxy.
    pub const NETNS: u8 = 0x30;
}

/// The longest unique id (section 2.2.5).
const MAX_UNIQUE_ID: usize = 128;

/// One type, and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlv<'a> {
    /// Which: see [`kind`].
    pub kind: u8,
    /// The value. Any bytes.
    pub value: &'a [u8],
}

/// The TLVs of a header, in order. All of them were checked, so iterating cannot fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tlvs<'a>(&'a [u8]);

impl<'a> Tlvs<'a> {
    pub(super) const NONE: Self = Self(&[]);

    /// Checks the TLVs at the end of a whole header.
    pub(super) fn check(bytes: &'a [u8], whole: &[u8]) -> Result<Self, HeaderError> {
        let mut rest = bytes;
        let mut has_checksum = false;
        while !rest.is_empty() {
            let (tlv, behind) = split(rest)?;
            match tlv.kind {
                kind::CRC32C => {
                    let expected = tlv.value.try_into().map(u32::from_be_bytes);
                    let expected = expected.map_err(|_| HeaderError::MalformedTlv(tlv.kind))?;
                    // Computed with zeros in its own place (section 2.2.3).
                    let place = whole.len() - behind.len() - 4;
                    let (before, after) = whole.split_at_checked(place).unwrap_or_default();
                    let mut sum = Crc32c::new();
                    sum.add(before);
                    sum.add(&[0; 4]);
                    sum.add(after.get(4..).unwrap_or_default());
                    if std::mem::replace(&mut has_checksum, true) || sum.value() != expected {
                        return Err(HeaderError::WrongChecksum);
                    }
                }
                kind::UNIQUE_ID if tlv.value.len() > MAX_UNIQUE_ID => {
                    return Err(HeaderError::MalformedTlv(tlv.kind));
                }
                kind::SSL => {
                    Tls::of(tlv.value)?;
                }
                _ => {}
            }
            rest = behind;
        }
        Ok(Self(bytes))
    }

    /// Each of them, padding and the checksum too.
    pub fn iter(&self) -> impl Iterator<Item = Tlv<'a>> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            // Checked before: the error is the end.
            let (tlv, behind) = split(rest).ok()?;
            rest = behind;
            Some(tlv)
        })
    }

    /// The value of the first one of this type.
    #[must_use]
    pub fn get(&self, kind: u8) -> Option<&'a [u8]> {
        self.iter().find(|tlv| tlv.kind == kind).map(|tlv| tlv.value)
    }

    /// What is told of the client's TLS connection.
    #[must_use]
    pub fn tls(&self) -> Option<Tls<'a>> {
        self.get(kind::SSL).and_then(|value| Tls::of(value).ok())
    }
}

/// The client's TLS connection, as the proxy saw it (section 2.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tls<'a> {
    /// The client spoke TLS to the proxy.
    pub encrypted: bool,
    /// The client showed a certificate on this connection.
    pub certificate: bool,
    /// The client showed a certificate in this TLS session, perhaps on an earlier connection.
    pub session_certificate: bool,
    /// The certificate was there, and verified.
    pub verified: bool,
    /// More: [`kind::SSL_VERSION`], [`kind::SSL_CN`] and others.
    pub tlvs: Tlvs<'a>,
}

impl<'a> Tls<'a> {
    fn of(value: &'a [u8]) -> Result<Self, HeaderError> {
        let (&[client, verify @ ..], nested) =
            value.split_first_chunk::<5>().ok_or(HeaderError::MalformedTlv(kind::SSL))?;
        let mut rest = nested;
        while !rest.is_empty() {
            (_, rest) = split(rest)?;
        }
        Ok(Self {
            encrypted: client & 1 != 0,
            certificate: client & 2 != 0,
            session_certificate: client & 4 != 0,
            verified: verify == [0; 4] && client & 6 != 0,
            tlvs: Tlvs(nested),
        })
    }
}

/// The first one, and what is behind it.
fn split(bytes: &[u8]) -> Result<(Tlv<'_>, &[u8]), HeaderError> {
    let kind = bytes.first().copied().unwrap_or_default();
    let malformed = HeaderError::MalformedTlv(kind);
    let (&[kind, high, low], rest) = bytes.split_first_chunk::<3>().ok_or(malformed)?;
    let length = usize::from(u16::from_be_bytes([high, low]));
    let (value, behind) = rest.split_at_checked(length).ok_or(malformed)?;
    Ok((Tlv { kind, value }, behind))
}
