//! PEM files: certificates, keys and revocation lists.
//!
//! The bytes are a file that is given as each of them. An error about a block names one that is there, and a line in front of the file changes
//! nothing but the number of the line.

use std::sync::OnceLock;

use flare_tls::{ClientTls, ConfigError, Identity, Source};

use crate::PLANTED;

/// One for all runs: to make a key takes longer than everything else here.
fn good() -> &'static Identity {
    static GOOD: OnceLock<Identity> = OnceLock::new();
    GOOD.get_or_init(|| Identity::self_signed(&["localhost"]).expect("the name is good"))
}

fn errors(text: &[u8]) -> [Option<ConfigError>; 3] {
    let source = Source::bytes(text);
    let good = good().clone();
    let mut client = ClientTls::with_roots(source.clone());
    client.revocation_lists = vec![source.clone()];
    [
        Identity::new(source.clone(), good.key).load().err(),
        Identity::new(good.chain, source).load().err(),
        client.validate().err(),
    ]
}

/// Runs the target.
pub fn run(text: &[u8]) {
    let begins = text
        .split(|byte| *byte == b'\n')
        .filter(|line| line.trim_ascii().starts_with(b"-----BEGIN "))
        .count();
    let found = errors(text);
    let behind = errors(&[b"a line\n", text].concat());
    for (one, other) in found.into_iter().zip(behind) {
        let (Some(one), Some(mut other)) = (&one, other) else {
            assert!(one.is_none(), "a line in front makes it good");
            continue;
        };
        if let Some(place) = &one.block {
            assert!((1..=begins).contains(&place.number), "{one}: there are {begins} blocks");
        }
        if let Some(place) = &mut other.block {
            place.line -= 1;
            // PLANTED: the second block is called the first.
            if PLANTED && place.number == 2 {
                place.number = 1;
            }
        }
        assert_eq!(one, &other);
    }
}
