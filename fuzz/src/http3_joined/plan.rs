//! What is asked and answered, and which fields that has.

use flare_proto::Headers;

use crate::content::UNIT;

pub(super) const METHODS: [&str; 4] = ["POST", "GET", "HEAD", "CONNECT"];
pub(super) const AUTHORITY: &str = "a:1";

pub(super) const NAMES: [&str; 10] = [
    "server",
    "x-a",
    "cookie",
    "authorization",
    "accept-encoding",
    "content-type",
    "x-another",
    "vary",
    "etag",
    "location",
];

pub(super) type Fields = Vec<(String, Vec<u8>)>;

/// One request and its answer.
#[derive(Clone)]
pub(super) struct Plan {
    pub(super) method: usize,
    pub(super) request: Text,
    pub(super) answer: Text,
    pub(super) is_interim: bool,
    pub(super) status: u16,
}

/// A message: how long its content is, whether it says so, and what choose its fields.
#[derive(Clone)]
pub(super) struct Text {
    pub(super) length: usize,
    pub(super) is_announced: bool,
    pub(super) has_trailers: bool,
    pub(super) fields: u8,
}

impl Plan {
    /// Of the first byte the low two bits choose the method, and the others: a length that is announced, and trailers; an interim answer; the same two of the
    /// answer; another status. Then, of the request and of the answer: its length in units, and what chooses its fields.
    pub(super) fn read(&[how, sends, request, gets, answer]: &[u8; 5]) -> Plan {
        let method = usize::from(how & 3);
        let (has_content, is_tunnel, is_head) = (matches!(method, 0 | 3), method == 3, method == 2);
        Plan {
            method,
            request: Text {
                length: if has_content { usize::from(sends) * UNIT } else { 0 },
                is_announced: how & 4 != 0 && !is_tunnel || !has_content,
                has_trailers: how & 8 != 0 && method == 0,
                fields: request,
            },
            is_interim: how & 16 != 0,
            answer: Text {
                length: usize::from(gets) * UNIT,
                is_announced: how & 32 != 0,
                has_trailers: how & 64 != 0 && !is_tunnel && !is_head,
                fields: answer,
            },
            status: if how & 128 != 0 { 404 } else { 200 },
        }
    }
}

/// Up to seven fields with different names. Few have other values each time, so that the tables are used.
pub(super) fn fields(choice: u8) -> Headers {
    let (count, start) = (usize::from(choice & 7), usize::from(choice >> 3));
    let mut headers = Headers::new();
    for at in 0..count {
        let name = NAMES[(start + at) % NAMES.len()];
        headers.append(name, format!("{name} {}", (start + at) / 8)).expect("a field");
    }
    headers
}

pub(super) fn trailers(choice: u8) -> Headers {
    let mut headers = Headers::new();
    headers.append("x-sum", format!("{}", choice & 7)).expect("a field");
    headers.append("x-a", "x-a 0").expect("a field");
    headers
}

pub(super) fn list(headers: &Headers) -> Fields {
    headers.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

pub(super) fn pseudo(name: &str, value: &str) -> (String, Vec<u8>) {
    (name.to_owned(), value.as_bytes().to_vec())
}
