//! PEM files (RFC 7468), block by block, so that an error can say which one it is about.
//!
//! Only the blocks are found here; what is in one is decoded by the reader that comes with rustls.

use rustls_pki_types::pem::{self, PemObject, SectionKind};

use crate::error::{ConfigError, Place};

/// A block that was decoded.
pub(crate) struct Block {
    pub(crate) place: Place,
    pub(crate) kind: Kind,
    pub(crate) der: Vec<u8>,
}

/// What a block holds, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Certificate,
    /// PKCS#8 (RFC 5958).
    Pkcs8Key,
    /// PKCS#1 (RFC 8017).
    Pkcs1Key,
    /// SEC1 (RFC 5915).
    Sec1Key,
    RevocationList,
    /// A key that nobody can use without its passphrase.
    EncryptedKey,
    Other,
}

impl Kind {
    pub(crate) fn is_key(self) -> bool {
        matches!(self, Self::Pkcs8Key | Self::Pkcs1Key | Self::Sec1Key | Self::EncryptedKey)
    }
}

/// Reads all blocks of a file.
///
/// # Errors
/// A block that has no end, or is not base64.
pub(crate) fn blocks(text: &[u8], setting: &str, source: &str) -> Result<Vec<Block>, ConfigError> {
    let wrong = |place: &Place, problem: String| ConfigError::new(setting, problem).of(source).at(place);
    let mut blocks = Vec::new();
    for (place, body) in find(text) {
        let encrypted = place.label == "ENCRYPTED PRIVATE KEY" || has_encryption_header(body);
        if encrypted {
            blocks.push(Block { place, kind: Kind::EncryptedKey, der: Vec::new() });
            continue;
        }
        let (kind, der) = match <(SectionKind, Vec<u8>)>::from_pem_slice(body) {
            Ok((kind, der)) => (kind_of(kind), der),
            // A label that the reader doesn't know, such as `EC PARAMETERS`.
            Err(pem::Error::NoItemsFound) => (Kind::Other, Vec::new()),
            Err(error) => {
                let problem = match error {
                    pem::Error::MissingSectionEnd { .. } => {
                        format!("has no line -----END {}-----", place.label)
                    }
                    pem::Error::Base64Decode(_) => "is not base64 (RFC 7468)".to_owned(),
                    other => other.to_string(),
                };
                return Err(wrong(&place, problem));
            }
        };
        blocks.push(Block { place, kind, der });
    }
    Ok(blocks)
}

fn kind_of(kind: SectionKind) -> Kind {
    match kind {
        SectionKind::Certificate => Kind::Certificate,
        SectionKind::PrivateKey => Kind::Pkcs8Key,
        SectionKind::RsaPrivateKey => Kind::Pkcs1Key,
        SectionKind::EcPrivateKey => Kind::Sec1Key,
        SectionKind::Crl => Kind::RevocationList,
        _ => Kind::Other,
    }
}

/// `Proc-Type: 4,ENCRYPTED` (RFC 1421) in an old key.
fn has_encryption_header(body: &[u8]) -> bool {
    body.split(|byte| *byte == b'\n').skip(1).take(3).any(|line| {
        line.strip_prefix(b"Proc-Type:").is_some_and(|rest| rest.windows(9).any(|word| word == b"ENCRYPTED"))
    })
}

/// Each block from its `BEGIN` to the next one's.
fn find(text: &[u8]) -> Vec<(Place, &[u8])> {
    let mut begins: Vec<(usize, usize, String)> = Vec::new();
    let mut offset = 0;
    for (index, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if let Some(label) = label(line) {
            begins.push((offset, index + 1, label));
        }
        offset += line.len();
    }
    let ends: Vec<usize> = begins.iter().skip(1).map(|(at, ..)| *at).chain([text.len()]).collect();
    let numbered = begins.into_iter().zip(ends).enumerate();
    numbered
        .map(|(index, ((at, line, label), end))| {
            let place = Place { number: index + 1, line, label };
            (place, text.get(at..end).unwrap_or_default())
        })
        .collect()
}

fn label(line: &[u8]) -> Option<String> {
    let label = line.trim_ascii().strip_prefix(b"-----BEGIN ")?.strip_suffix(b"-----")?;
    Some(String::from_utf8_lossy(label).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Block>, ConfigError> {
        blocks(text.as_bytes(), "key", "some.pem")
    }

    #[test]
    fn blocks_are_numbered_and_what_stands_between_them_is_ignored() {
        let text = "subject=x\n-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n\nissuer=y\n\
                    -----BEGIN EC PARAMETERS-----\nBgg=\n-----END EC PARAMETERS-----\r\n\
                    -----BEGIN EC PRIVATE KEY-----\r\nBAUG\r\n-----END EC PRIVATE KEY-----\r\n";
        let found = read(text).unwrap();
        let kinds: Vec<_> =
            found.iter().map(|block| (block.kind, block.place.line, block.der.clone())).collect();
        assert_eq!(
            kinds,
            [
                (Kind::Certificate, 2, vec![1, 2, 3]),
                (Kind::Other, 7, vec![]),
                (Kind::Sec1Key, 10, vec![4, 5, 6]),
            ]
        );
        assert_eq!(found[2].place.number, 3);
        assert!(read("no block at all").unwrap().is_empty());
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn an_error_says_which_block_it_is_about() {
        let good = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
        for (bad, problem) in [
            ("-----BEGIN CERTIFICATE-----\nA*ID\n-----END CERTIFICATE-----\n", "is not base64 (RFC 7468)"),
            ("-----BEGIN CERTIFICATE-----\nAQID\n", "has no line -----END CERTIFICATE-----"),
        ] {
            let error = read(&format!("{good}{bad}")).err().unwrap();
            assert_eq!(error.problem, problem);
            let text = error.to_string();
            assert_eq!(text, format!("TLS setting key: some.pem: block 2 (CERTIFICATE, line 4): {problem}"));
            let first = read(&format!("{bad}{good}")).err().unwrap();
            assert_eq!(first.block.unwrap().number, 1, "a block must not borrow the end of the next");
        }
    }

    #[test]
    fn encrypted_keys_are_known_in_both_forms() {
        for text in [
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAQID\n-----END RSA PRIVATE KEY-----\n",
        ] {
            assert_eq!(read(text).unwrap()[0].kind, Kind::EncryptedKey);
        }
    }

    #[test]
    fn random_text_is_an_error_or_blocks_and_never_a_panic() {
        let words = [
            "-----BEGIN ",
            "-----END ",
            "CERTIFICATE",
            "-----",
            "\n",
            "\r",
            "AQID",
            "=",
            "PRIVATE KEY",
            "\0",
            "é",
        ];
        let mut state = 7_u32;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..state % 24 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text.push_str(words[(state >> 16) as usize % words.len()]);
            }
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            for block in read(&text).unwrap_or_default() {
                assert!(block.place.number >= 1 && block.place.line >= 1);
            }
        }
    }
}
