//! A certificate chain and its key: who one claims to be, and the proof.

use std::any::Any;
use std::fmt;
use std::sync::{Arc, OnceLock};

use super::source::{certificates, missing};
use super::{NamePattern, Source};
use crate::error::ConfigError;
use crate::pem::Kind;

/// A certificate chain, its private key, and the names it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The chain as PEM: first the certificate of the server or client itself, then those that vouch for it, without the root.
    pub chain: Source,
    /// The private key as PEM: PKCS#8, PKCS#1 or SEC1, not encrypted. May be in the same file as the chain.
    pub key: Source,
    /// The names this identity is for: `www.example.org`, or `*.example.org` for one label. Empty: those in the certificate.
    pub names: Vec<String>,
    /// An answer of the authority about the certificate that is sent with it (OCSP stapling, RFC 6066, 8), as DER. It is sent as it
    /// is: whoever fetches it replaces the file and reloads.
    pub ocsp: Option<Source>,
}

impl Identity {
    /// A chain and a key; the names are those in the certificate.
    #[must_use]
    pub fn new(chain: Source, key: Source) -> Self {
        Self { chain, key, names: Vec::new(), ocsp: None }
    }

    /// A chain and a key from files.
    pub fn from_files(chain: impl Into<std::path::PathBuf>, key: impl Into<std::path::PathBuf>) -> Self {
        Self::new(Source::file(chain), Source::file(key))
    }

    /// A new key and a certificate that nobody believes, for 90 days: for development. Clients have to be told to take it.
    ///
    /// `names`: what it is for, DNS names and IP addresses.
    ///
    /// # Errors
    /// A name is neither, or there are no random numbers.
    #[cfg(feature = "self-signed")]
    pub fn self_signed(names: &[&str]) -> Result<Self, ConfigError> {
        use std::time::{Duration, SystemTime};
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let wrong = |error: rcgen::Error| ConfigError::new("self_signed", error.to_string());
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = rcgen::CertificateParams::new(names).map_err(wrong)?;
        params.distinguished_name.push(rcgen::DnType::CommonName, "flare development certificate");
        let now = SystemTime::now();
        params.not_before = (now - DAY).into();
        params.not_after = (now + 90 * DAY).into();
        let key = rcgen::KeyPair::generate().map_err(wrong)?;
        let certificate = params.self_signed(&key).map_err(wrong)?;
        Ok(Self::new(Source::bytes(certificate.pem()), Source::bytes(key.serialize_pem())))
    }

    /// Reads and checks the files.
    ///
    /// # Errors
    /// A file that can't be read, or holds something else; a key that does not belong to the certificate.
    pub fn load(&self) -> Result<LoadedIdentity, ConfigError> {
        self.load_as("identity")
    }

    /// The same, for a setting of this name: errors name it.
    ///
    /// # Errors
    /// As [`Identity::load`].
    pub fn load_as(&self, setting: &str) -> Result<LoadedIdentity, ConfigError> {
        let chain = certificates(&self.chain, &format!("{setting}.chain"))?;
        let (key, key_kind) = self.load_key(&format!("{setting}.key"))?;
        let loaded = LoadedIdentity {
            chain: chain.into_iter().map(|block| block.der).collect(),
            key,
            key_kind,
            ocsp: self.load_ocsp(&format!("{setting}.ocsp"))?,
            names: self.load_names(&format!("{setting}.names"))?,
            adapted: OnceLock::new(),
            elsewhere: OnceLock::new(),
        };
        loaded
            .adapt()
            .map_err(|problem| ConfigError::new(format!("{setting}.key"), problem).of(&self.key))?;
        Ok(loaded)
    }

    fn load_key(&self, setting: &str) -> Result<(Vec<u8>, Kind), ConfigError> {
        const EXPECTED: &str =
            "a private key: -----BEGIN PRIVATE KEY-----, RSA PRIVATE KEY or EC PRIVATE KEY";
        let all = self.key.blocks(setting)?;
        let labels: Vec<String> = all.iter().map(|block| block.place.label.clone()).collect();
        let mut keys = all.into_iter().filter(|block| block.kind.is_key());
        let Some(key) = keys.next() else {
            return Err(ConfigError::new(setting, missing(EXPECTED, &labels)).of(&self.key));
        };
        let wrong = |place, problem: &str| ConfigError::new(setting, problem).of(&self.key).at(place);
        if key.kind == Kind::EncryptedKey {
            return Err(wrong(&key.place, "is encrypted; expected a key without a passphrase"));
        }
        if let Some(second) = keys.next() {
            return Err(wrong(&second.place, "is a second private key; expected one"));
        }
        Ok((key.der, key.kind))
    }

    fn load_ocsp(&self, setting: &str) -> Result<Option<Vec<u8>>, ConfigError> {
        let Some(source) = &self.ocsp else { return Ok(None) };
        let answer = source.read(setting)?;
        if !is_whole_sequence(&answer) {
            let problem = "is no OCSP response; expected DER (RFC 6960)";
            return Err(ConfigError::new(setting, problem).of(source));
        }
        Ok(Some(answer))
    }

    fn load_names(&self, setting: &str) -> Result<Option<Vec<NamePattern>>, ConfigError> {
        if self.names.is_empty() {
            return Ok(None);
        }
        let parse = |text: &String| {
            let problem = || {
                format!("{text:?} is no server name; expected one such as www.example.org or *.example.org")
            };
            NamePattern::parse(text).ok_or_else(|| ConfigError::new(setting, problem()))
        };
        self.names.iter().map(parse).collect::<Result<_, _>>().map(Some)
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        [&self.chain, &self.key].into_iter().chain(&self.ocsp)
    }
}

/// Whether bytes are one DER SEQUENCE and nothing else.
fn is_whole_sequence(bytes: &[u8]) -> bool {
    let (header, length) = match bytes {
        [0x30, short @ 0..=0x7f, ..] => (2, usize::from(*short)),
        [0x30, 0x81, one, ..] => (3, usize::from(*one)),
        [0x30, 0x82, high, low, ..] => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        [0x30, 0x83, a, b, c, ..] => (5, u32::from_be_bytes([0, *a, *b, *c]) as usize),
        _ => return false,
    };
    bytes.len() == header + length
}

/// An identity whose files were read and checked.
pub struct LoadedIdentity {
    pub(crate) chain: Vec<Vec<u8>>,
    pub(crate) key: Vec<u8>,
    pub(crate) key_kind: Kind,
    pub(crate) ocsp: Option<Vec<u8>>,
    /// `None`: those in the certificate.
    names: Option<Vec<NamePattern>>,
    /// In the form of the TLS library, once it was asked for.
    pub(crate) adapted: OnceLock<Arc<rustls::sign::CertifiedKey>>,
    /// In the form of another TLS library.
    elsewhere: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl LoadedIdentity {
    /// The certificates as DER, the own one first.
    pub fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.chain.iter().map(Vec::as_slice)
    }

    /// The private key as DER: PKCS#8, PKCS#1 or SEC1. Whoever has it is this identity: it belongs into no log.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// The answer of the authority to staple (RFC 6066, 8), as DER.
    #[must_use]
    pub fn ocsp(&self) -> Option<&[u8]> {
        self.ocsp.as_deref()
    }

    /// The identity in the form of another TLS library, which is made once: a callback gives the same identity to many handshakes. `None`: it
    /// can't be made, or was asked for in another form before.
    pub fn in_form<T: Send + Sync + 'static>(&self, make: impl FnOnce(&Self) -> Option<T>) -> Option<Arc<T>> {
        let made = match self.elsewhere.get() {
            Some(made) => made,
            None => {
                let made = make(self)?;
                self.elsewhere.get_or_init(|| Arc::new(made))
            }
        };
        Arc::clone(made).downcast().ok()
    }

    /// The names this identity is for. Those of a certificate that are none, such as mail addresses, are left out.
    pub(crate) fn patterns(&self) -> Vec<NamePattern> {
        if let Some(names) = &self.names {
            return names.clone();
        }
        let Some(leaf) = self.chain.first() else { return Vec::new() };
        let der = leaf.as_slice().into();
        let Ok(leaf) = webpki::EndEntityCert::try_from(&der) else { return Vec::new() };
        leaf.valid_dns_names().filter_map(NamePattern::parse).collect()
    }
}

impl fmt::Debug for LoadedIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the key.
        f.debug_struct("LoadedIdentity").field("names", &self.patterns()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sequence_has_the_length_it_says() {
        assert!(is_whole_sequence(&[0x30, 1, 5]));
        assert!(is_whole_sequence(&[0x30, 0]));
        let long = [vec![0x30, 0x82, 1, 0], vec![0; 256]].concat();
        assert!(is_whole_sequence(&long));
        for bad in [&[][..], &[0x30], &[0x31, 0], &[0x30, 1], &[0x30, 1, 2, 3], &long[..200], b"<html>"] {
            assert!(!is_whole_sequence(bad));
        }
    }
}
