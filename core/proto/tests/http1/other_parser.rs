//! What is accepted, another parser accepts too and understands alike: httparse, which is lenient, and fuzzed by many.

use crate::feeding::receive;
use crate::random::Random;
use crate::random_input::{REQUESTS, mutated};
use flare_proto::Version;
use flare_proto::http1::Limits;

/// Method, target, version and fields, names in lower case. `None`: refused or not whole.
type Understood = (String, String, u8, Vec<(String, Vec<u8>)>);

fn httparse(text: &[u8]) -> Option<Understood> {
    // It does not know the versions that RFC 9110 section 2.5 wants to be read as HTTP/1.1.
    let mut text = text.to_vec();
    let version = text.windows(8).position(|bytes| bytes.starts_with(b" HTTP/1.")).map(|at| at + 8);
    if let Some(minor @ b'2'..=b'9') = version.and_then(|at| text.get_mut(at)) {
        *minor = b'1';
    }
    let mut storage = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut storage);
    if !request.parse(&text).ok()?.is_complete() {
        return None;
    }
    let fields = request.headers.iter().map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()));
    Some((request.method?.to_owned(), request.path?.to_owned(), request.version?, fields.collect()))
}

fn flare(text: &[u8]) -> Option<Understood> {
    let received = receive(&Limits::default(), &[text]).ok()??;
    let head = received.head;
    let target = match (head.scheme(), head.path(), head.query()) {
        (None, "", _) => head.authority().to_owned(),
        (None, path, None) => path.to_owned(),
        (None, path, Some(query)) => format!("{path}?{query}"),
        // How it was written is not kept: case of the scheme, and whether there was a path.
        (Some(_), ..) => String::new(),
    };
    let fields = head.headers().iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    let version = u8::from(head.version() == Version::Http11);
    Some((head.method_str().to_owned(), target, version, fields))
}

#[test]
fn heads_are_understood_alike() {
    let (mut accepted, mut theirs_alone) = (0, 0);
    for seed in 0..60_000 {
        let mut random = Random::new(seed);
        let text = mutated(&mut random, &REQUESTS);
        let start = text.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or_default();
        let theirs = httparse(&text[start..]);
        match flare(&text) {
            Some(mut ours) => {
                let theirs = theirs.unwrap_or_else(|| panic!("accepted: {}", text.escape_ascii()));
                if ours.1.is_empty() {
                    ours.1.clone_from(&theirs.1);
                }
                assert_eq!(ours, theirs, "{}", text.escape_ascii());
                accepted += 1;
            }
            None => theirs_alone += usize::from(theirs.is_some()),
        }
    }
    // It takes bare line feeds, many hosts, any target: so both happen often.
    assert!(accepted > 10_000 && theirs_alone > 3_000, "{accepted} {theirs_alone}");
}
