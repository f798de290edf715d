//! The chunked coding: content, trailers and end are the oracle's, for both roles, however the text is split.
//!
//! | byte | means |
//! |---|---|
//! | 0 | bits 0 to 1: the limits. Bit 2: 0 a server, 1 a client |
//! | 1 | how the text is split |
//! | the rest | the text behind the head |

use std::borrow::Cow;

use flare_proto::http1::{
    BodyEvent, ClientConnection, ContentLength, Error, Limits, RequestParts, ServerConnection,
};
use flare_proto::{Headers, RequestHead, ResponseHead};

use crate::input::Input;
use crate::oracle::chunks::{self, Said};
use crate::{PLANTED, splits};

/// Either role, behind a head that announced chunks.
enum Connection {
    Server(ServerConnection),
    Client(ClientConnection),
}

impl Connection {
    fn new(is_client: bool) -> Self {
        let limits = Limits::default();
        if is_client {
            let mut connection = ClientConnection::new();
            let headers = Headers::new();
            let parts = RequestParts {
                method: "GET",
                target: "/",
                authority: "a",
                headers: &headers,
                body: ContentLength::None,
            };
            connection.send_head(&mut Vec::new(), &parts).expect("a request");
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            connection.receive_head(&limits, head, &mut ResponseHead::new()).expect("a head").expect("whole");
            Connection::Client(connection)
        } else {
            let mut connection = ServerConnection::new();
            let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
            connection.receive_head(&limits, head, &mut RequestHead::new()).expect("a head").expect("whole");
            Connection::Server(connection)
        }
    }

    fn receive<'a>(
        &mut self,
        limits: &Limits,
        input: &'a [u8],
        trailers: &mut Headers,
    ) -> Result<(usize, BodyEvent<'a>), Error> {
        match self {
            Connection::Server(connection) => connection.receive_body(limits, input, trailers),
            Connection::Client(connection) => connection.receive_body(limits, input, trailers),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Connection::Server(connection) => connection.request_complete(),
            Connection::Client(connection) => connection.response_complete(),
        }
    }
}

/// What came out.
#[derive(Debug, Default, PartialEq)]
struct Decoded {
    content: Vec<u8>,
    trailers: Headers,
    used: usize,
    is_complete: bool,
    /// The status of the error.
    error: Option<u16>,
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let seed = input.byte();
    let defaults = Limits::default();
    let limits = match options & 3 {
        0 => defaults,
        1 => Limits { trailer_bytes: 20, header_count: 2, ..defaults },
        2 => Limits { chunk_line_bytes: 16, ..defaults },
        _ => Limits { trailer_bytes: 2, chunk_line_bytes: 3, ..defaults },
    };
    let text = input.rest();
    let given = planted(text);
    let mut ways =
        splits::all_ways(&given, seed).into_iter().map(|way| decode(&limits, &way, options & 4 != 0));
    let whole = ways.next().unwrap_or_default();
    for other in ways {
        // How much was consumed before an error was found is nobody's business.
        let same = if whole.error.is_some() {
            whole.error == other.error
        } else {
            whole == other || is_open(&whole, &other)
        };
        assert!(same, "split matters: {whole:?} {other:?}: {}", text.escape_ascii());
    }
    check(&whole, chunks::decode(&limits, text), text);
}

/// An unfinished trailer line is not consumed, and how much stands before it in its last piece does not matter.
fn is_open(whole: &Decoded, other: &Decoded) -> bool {
    !whole.is_complete && !other.is_complete && other.error.is_none() && whole.content == other.content
}

/// PLANTED: a bare LF ends a line that has an extension.
fn planted(text: &[u8]) -> Cow<'_, [u8]> {
    if !PLANTED {
        return Cow::Borrowed(text);
    }
    let mut changed: Vec<u8> = Vec::new();
    for &byte in text {
        let line = changed.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        if byte == b'\n' && line.contains(&b';') && !line.ends_with(b"\r") {
            changed.push(b'\r');
        }
        changed.push(byte);
    }
    Cow::Owned(changed)
}

fn decode(limits: &Limits, pieces: &[&[u8]], is_client: bool) -> Decoded {
    let mut connection = Connection::new(is_client);
    let (mut decoded, mut pending) = (Decoded::default(), Vec::new());
    for piece in pieces {
        pending.extend_from_slice(piece);
        while !connection.is_complete() {
            let used = match connection.receive(limits, &pending, &mut decoded.trailers) {
                Ok((used, BodyEvent::Data(data))) => {
                    assert!(!data.is_empty() && used >= data.len());
                    decoded.content.extend_from_slice(data);
                    used
                }
                Ok((used, BodyEvent::End)) => {
                    assert!(connection.is_complete());
                    used
                }
                Ok((used, BodyEvent::Incomplete)) => {
                    pending.drain(..used);
                    decoded.used += used;
                    break;
                }
                Err(error) => {
                    assert!(
                        connection.receive(limits, b"0\r\n\r\n", &mut Headers::new()).is_err(),
                        "an error stays"
                    );
                    decoded.error = Some(error.status());
                    return decoded;
                }
            };
            assert!(used <= pending.len());
            pending.drain(..used);
            decoded.used += used;
        }
    }
    decoded.is_complete = connection.is_complete();
    decoded
}

fn check(decoded: &Decoded, said: Said, text: &[u8]) {
    let shown = text.escape_ascii();
    match said {
        Said::Whole(content, trailers, used) => {
            assert!(decoded.is_complete && decoded.error.is_none(), "refused: {shown}: {decoded:?}");
            assert_eq!((&decoded.content, decoded.used), (&content, used), "{shown}");
            let found: Vec<_> =
                decoded.trailers.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
            assert_eq!(found, trailers, "{shown}");
        }
        Said::Start { content, open_line } => {
            assert!(!decoded.is_complete, "complete: {shown}");
            assert!(open_line || decoded.error.is_none(), "refused: {shown}: {decoded:?}");
            assert!(decoded.error.is_some() || decoded.content == content, "{shown}");
        }
        Said::Bad => assert!(decoded.error.is_some(), "accepted: {shown}: {decoded:?}"),
    }
}
