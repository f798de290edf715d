//! Where certificates and keys come from.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::ConfigError;
use crate::pem::{self, Block, Kind};

/// The most bytes that are read of a file. The bundle of all public authorities has a quarter of a mebibyte.
const LARGEST: u64 = 64 << 20;

/// Where certificates, keys, revocation lists or stapled answers come from: a file, which is read anew on each reload, or bytes.
#[derive(Clone, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// Its content.
    Bytes(Arc<[u8]>),
}

impl Source {
    /// A file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File(path.into())
    }

    /// The content of a file.
    pub fn bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self::Bytes(Arc::from(bytes.as_ref()))
    }

    pub(crate) fn read(&self, setting: &str) -> Result<Vec<u8>, ConfigError> {
        let path = match self {
            Self::Bytes(bytes) => return Ok(bytes.to_vec()),
            Self::File(path) => path,
        };
        let mut content = Vec::new();
        let read = File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut content));
        match read {
            Ok(count) if count as u64 > LARGEST => {
                Err(ConfigError::new(setting, "has more than 64 MiB: it is no such file").of(self))
            }
            Ok(_) => Ok(content),
            Err(error) => Err(ConfigError::new(setting, format!("can't be read: {error}")).of(self)),
        }
    }

    pub(crate) fn blocks(&self, setting: &str) -> Result<Vec<Block>, ConfigError> {
        pem::blocks(&self.read(setting)?, setting, &self.to_string())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Bytes(_) => f.write_str("(bytes in memory)"),
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The bytes may be a key: they do not belong in a log by accident.
        write!(f, "Source({self})")
    }
}

/// All certificates of a source, checked.
pub(crate) fn certificates(source: &Source, setting: &str) -> Result<Vec<Block>, ConfigError> {
    let check = |der: &[u8]| {
        webpki::EndEntityCert::try_from(&der.into()).map(drop).map_err(|error| error.to_string())
    };
    let found = only(Kind::Certificate, source, setting, "-----BEGIN CERTIFICATE-----")?;
    checked(found, source, setting, "is no X.509 certificate (RFC 5280)", check)
}

/// All revocation lists of a source, checked.
pub(crate) fn revocation_lists(source: &Source, setting: &str) -> Result<Vec<Block>, ConfigError> {
    let check = |der: &[u8]| {
        webpki::OwnedCertRevocationList::from_der(der).map(drop).map_err(|error| error.to_string())
    };
    let found = only(Kind::RevocationList, source, setting, "-----BEGIN X509 CRL-----")?;
    checked(found, source, setting, "is no revocation list (RFC 5280, 5)", check)
}

/// The blocks of this kind, of which there must be one. Others are left out: certificates and their key are often in one file.
fn only(kind: Kind, source: &Source, setting: &str, expected: &str) -> Result<Vec<Block>, ConfigError> {
    let all = source.blocks(setting)?;
    let labels: Vec<String> = all.iter().map(|block| block.place.label.clone()).collect();
    let found: Vec<Block> = all.into_iter().filter(|block| block.kind == kind).collect();
    if found.is_empty() {
        return Err(ConfigError::new(setting, missing(expected, &labels)).of(source));
    }
    Ok(found)
}

/// What to say when a source has not what was expected.
pub(super) fn missing(expected: &str, labels: &[String]) -> String {
    if labels.is_empty() {
        format!("has no PEM block; expected {expected}")
    } else {
        format!("has only {}; expected {expected}", labels.join(", "))
    }
}

fn checked(
    blocks: Vec<Block>,
    source: &Source,
    setting: &str,
    problem: &str,
    check: impl Fn(&[u8]) -> Result<(), String>,
) -> Result<Vec<Block>, ConfigError> {
    for block in &blocks {
        check(&block.der).map_err(|error| {
            ConfigError::new(setting, format!("{problem}: {error}")).of(source).at(&block.place)
        })?;
    }
    Ok(blocks)
}
