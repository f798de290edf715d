//! Files of certificates and keys, and what is said about wrong ones.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::path::PathBuf;

use flare_tls::{ConfigError, Identity, ServerTls, Source};

use support::Authority;

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("flare-tls-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

fn problem(chain: &str, key: &str) -> ConfigError {
    Identity::new(Source::bytes(chain), Source::bytes(key)).load().unwrap_err()
}

#[test]
fn files_are_read_and_named_in_errors() {
    let folder = Folder::new("files");
    let pair = Authority::new("tests").issue(&["server.test"]);
    let (chain, key) = (folder.file("chain.pem", &pair.chain), folder.file("key.pem", &pair.key));
    let tls = ServerTls::from_files(&chain, &key);
    assert_eq!(tls.validate(), Ok(()));
    assert_eq!(tls.files().collect::<Vec<_>>(), [chain.as_path(), key.as_path()]);

    let missing = folder.0.join("missing.pem");
    let error = ServerTls::from_files(&chain, &missing).validate().unwrap_err();
    assert_eq!(error.setting, "identities[0].key");
    assert_eq!(error.source.as_deref(), missing.to_str());
    assert!(error.to_string().contains("can't be read: No such file"), "{error}");

    let error = ServerTls::from_files(&chain, &chain).validate().unwrap_err();
    let expected = format!(
        "TLS setting identities[0].key: {}: has only CERTIFICATE; expected a private key: -----BEGIN PRIVATE KEY-----, \
         RSA PRIVATE KEY or EC PRIVATE KEY",
        chain.display()
    );
    assert_eq!(error.to_string(), expected);
}

#[test]
fn chain_and_key_may_be_in_one_file() {
    let pair = Authority::new("tests").issue(&["server.test"]);
    let both = Source::bytes(format!("{}{}", pair.key, pair.chain));
    assert_eq!(Identity::new(both.clone(), both).load().unwrap().certificates().count(), 1);
}

#[test]
fn keys_come_in_three_forms() {
    // Made by openssl; `tests/tls/run` makes new ones each time.
    for (chain, key) in [
        (include_str!("data/rsa.pem"), include_str!("data/rsa-pkcs8.key")),
        (include_str!("data/rsa.pem"), include_str!("data/rsa-pkcs1.key")),
        (include_str!("data/ec.pem"), include_str!("data/ec-sec1.key")),
        (include_str!("data/ec.pem"), include_str!("data/ec-pkcs8.key")),
    ] {
        let loaded = Identity::new(Source::bytes(chain), Source::bytes(key)).load().unwrap();
        assert_eq!(loaded.certificates().count(), 1);
    }
}

#[test]
fn a_wrong_file_is_explained() {
    let authority = Authority::new("tests");
    let pair = authority.issue(&["server.test"]);
    let other = authority.issue(&["server.test"]);
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAQID\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let broken = pair.chain.replacen('M', "!", 1);
    let not_a_certificate = "-----BEGIN CERTIFICATE-----\nAQID\n-----END CERTIFICATE-----\n";
    let not_a_key = "-----BEGIN PRIVATE KEY-----\nAQID\n-----END PRIVATE KEY-----\n";
    let two_keys = format!("{}{}", pair.key, other.key);
    let second_bad = format!("{}{not_a_certificate}", pair.chain);
    type Case<'a> = (&'a str, &'a str, &'a str, Option<usize>, &'a str);
    let cases: [Case<'_>; 10] = [
        ("", &pair.key, "identity.chain", None, "has no PEM block; expected -----BEGIN CERTIFICATE-----"),
        (&pair.key, &pair.key, "identity.chain", None, "has only PRIVATE KEY; expected"),
        (&broken, &pair.key, "identity.chain", Some(1), "is not base64"),
        (not_a_certificate, &pair.key, "identity.chain", Some(1), "is no X.509 certificate"),
        (&second_bad, &pair.key, "identity.chain", Some(2), "is no X.509 certificate"),
        (&pair.chain, "", "identity.key", None, "has no PEM block; expected a private key"),
        (
            &pair.chain,
            encrypted,
            "identity.key",
            Some(1),
            "is encrypted; expected a key without a passphrase",
        ),
        (&pair.chain, &two_keys, "identity.key", Some(2), "is a second private key; expected one"),
        (&pair.chain, not_a_key, "identity.key", None, "can't be used: expected RSA"),
        (
            &pair.chain,
            &other.key,
            "identity.key",
            None,
            "does not belong to the first certificate of the chain",
        ),
    ];
    for (chain, key, setting, block, words) in cases {
        let error = problem(chain, key);
        assert_eq!(
            (error.setting.as_str(), error.source.as_deref()),
            (setting, Some("(bytes in memory)")),
            "{error}"
        );
        assert_eq!(error.block.as_ref().map(|place| place.number), block, "{error}");
        assert!(error.problem.starts_with(words), "{error}");
    }
}

#[test]
fn names_and_answers_are_checked() {
    let pair = Authority::new("tests").issue(&["server.test"]);
    let mut identity = pair.identity();
    identity.names = vec!["*.*.test".to_owned()];
    let error = identity.load().unwrap_err();
    assert_eq!(error.setting, "identity.names");
    assert!(error.problem.contains("\"*.*.test\" is no server name"), "{error}");
    identity.names.clear();
    identity.ocsp = Some(Source::bytes("<html>not found</html>"));
    assert_eq!(identity.load().unwrap_err().setting, "identity.ocsp");
}

#[test]
fn nothing_secret_is_in_debug_text() {
    let pair = Authority::new("tests").issue(&["server.test"]);
    let identity = pair.identity();
    let secret = pair.key.lines().nth(1).unwrap();
    for text in [
        format!("{identity:?}"),
        format!("{:?}", identity.load().unwrap()),
        format!("{:?}", ServerTls::new(identity)),
    ] {
        assert!(!text.contains(secret) && !text.contains("key: ["), "{text}");
    }
}

#[test]
fn secrets_are_logged_where_the_setting_says() {
    let folder = Folder::new("keys");
    let path = folder.0.join("keys.log");
    let (_, mut server, client) = support::plain();
    server.key_log = Some(path.clone());
    let (server, client) = support::contexts(&server, &client);
    assert!(support::Joined::shaken(&server, &client).client.seen.complete);
    let log = std::fs::read_to_string(&path).unwrap();
    let line = log.lines().find(|line| line.starts_with("SERVER_TRAFFIC_SECRET_0 ")).unwrap();
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!((words.len(), words[1].len()), (3, 64));
    assert!(words[2].len() >= 64 && words[2].bytes().all(|byte| byte.is_ascii_hexdigit()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
