//! Raw bytes into the server's session, as from a socket: the same requests reach the handlers, and get the same answers, however the
//! bytes are split. What handlers see is in their answers, so a smuggled request shows.
//!
//! | byte | means |
//! |---|---|
//! | 0 | bits 0 to 1: the settings. Bit 2: the server drains at the end |
//! | 1 | how the text is split |
//! | the rest | what the client sends |

use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use flare::prelude::*;
use flare::testing::{TestClient, TestConnection};
use flare_proto::ResponseHead;
use flare_proto::http1::{BodyEvent, ClientConnection, ContentLength, Limits, RequestParts};

use crate::input::Input;
use crate::{PLANTED, splits};

/// To the thread that answers exchanges after their handler has returned.
static LATER: OnceLock<Mutex<Sender<Exchange>>> = OnceLock::new();

/// An answer as a client reads it.
#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    allow: Option<String>,
    content: Vec<u8>,
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let seed = input.byte();
    let text = input.rest();
    let client = client(options & 3);
    let mut ways = splits::all_ways(text, seed).into_iter().map(|way| {
        let mut connection = client.connect();
        let answers = exchange(&mut connection, &way, options & 4 != 0);
        assert!(!connection.is_open(), "nothing more can come, so it has to end");
        answers
    });
    let whole = ways.next().unwrap_or_default();
    // A client that expects 100 and has not sent its content yet may not send it after a refusal, so the connection closes. Whether
    // content came with the head is a matter of pieces.
    let may_end_early = text.to_ascii_lowercase().windows(12).any(|word| word == b"100-continue");
    for other in ways {
        let same = whole.iter().zip(&other).all(|(one, other)| one == other);
        let same_length = may_end_early || whole.len() == other.len();
        assert!(same && same_length, "split matters: {}: {whole:?} {other:?}", text.escape_ascii());
    }
}

/// The servers live as long as the process; what a run changes is its connections alone.
fn client(choice: u8) -> &'static TestClient {
    static CLIENTS: OnceLock<[TestClient; 4]> = OnceLock::new();
    let clients =
        CLIENTS.get_or_init(|| [0, 1, 2, 3].map(|choice| TestClient::with_config(router(), config(choice))));
    &clients[usize::from(choice)]
}

fn config(choice: u8) -> ServerConfig {
    let mut config = ServerConfig::default();
    match choice {
        0 => {}
        1 => {
            config.http1.head_bytes = 256;
            config.http1.target_bytes = 64;
            config.body_limit = 20;
        }
        2 => config.discard_limit = 30,
        _ => config.output_limit = 4096,
    }
    config
}

fn router() -> Router {
    let mut router = Router::new();
    let added = (|| {
        router.get("/", |_: &Request| "hello")?;
        router.any("/echo/*rest", tell)?;
        router.post("/limited", Limited)?;
        router.any("/later", flare::later(answer_later))?;
        router.get("/large", |_: &Request| vec![b'x'; 20_000])?;
        router.get("/trailers", |_: &Request| {
            let mut response = Response::text("content");
            response.trailers_mut().append("x-end", "1").expect("a field");
            response
        })?;
        router.get("/close", |_: &Request| Response::text("bye").with_header("connection", "close"))?;
        router.get("/none", |_: &Request| ())?;
        Ok::<(), flare::RouteError>(())
    })();
    added.expect("the routes are right");
    router
}

/// Hands the exchange to another thread.
fn answer_later(exchange: Exchange) {
    let thread = LATER.get_or_init(|| {
        let (sender, receiver) = channel::<Exchange>();
        std::thread::spawn(move || {
            for exchange in receiver {
                let answer = tell(exchange.request());
                exchange.respond(answer);
            }
        });
        Mutex::new(sender)
    });
    thread.lock().unwrap_or_else(PoisonError::into_inner).send(exchange).expect("the thread never ends");
}

/// A handler that drops what it gets.
struct Limited;

impl Handler for Limited {
    fn handle(&self, exchange: Exchange) {
        drop(exchange);
    }
}

/// Everything a handler sees.
fn tell(request: &Request) -> String {
    let fields: Vec<String> =
        request.headers().iter().map(|(name, value)| format!("{name}={}", value.escape_ascii())).collect();
    let trailers: Vec<String> =
        request.trailers().iter().map(|(name, value)| format!("{name}={}", value.escape_ascii())).collect();
    format!(
        "{} {} {:?} {} {:?} {fields:?} {:?} {} {trailers:?}",
        request.method_str(),
        request.path(),
        request.query(),
        request.authority(),
        request.version(),
        request.params(),
        request.body().escape_ascii(),
    )
}

/// PLANTED: a tab at the end of a piece is lost.
fn planted(piece: &[u8], is_whole: bool) -> &[u8] {
    match piece {
        [kept @ .., b'\t'] if PLANTED && !is_whole => kept,
        _ => piece,
    }
}

/// Sends the pieces, and reads the answers. A refusal at the end is left out: see [`answers`].
fn exchange(connection: &mut TestConnection, pieces: &[&[u8]], drains: bool) -> Vec<Answer> {
    let mut received = Vec::new();
    for piece in pieces {
        connection.send(planted(piece, pieces.len() == 1));
        assert!(connection.wait(), "the thread answers all");
        received.extend(connection.received());
    }
    if drains {
        connection.drain();
    }
    connection.close_write();
    received.extend(connection.received());
    // A time-out ends what is half done.
    connection.advance(Duration::from_secs(3600));
    received.extend(connection.received());
    answers(&received)
}

/// The final answers. A server may see a fault in a piece of a message that another split hides until the end: so refusals of
/// malformed messages, which come last, do not count.
fn answers(mut text: &[u8]) -> Vec<Answer> {
    let limits = Limits { head_bytes: 1 << 20, header_count: 1024, ..Limits::default() };
    let mut found = Vec::new();
    while !text.is_empty() {
        let mut wire = ClientConnection::new();
        let headers = Headers::new();
        // The answer to a HEAD says so: it has a length and no content, and what follows is the next answer or the end.
        let method = if ends_without_content(text) { "HEAD" } else { "GET" };
        let parts =
            RequestParts { method, target: "/", authority: "", headers: &headers, body: ContentLength::None };
        wire.send_head(&mut Vec::new(), &parts).expect("a request");
        let mut head = ResponseHead::new();
        let (used, info) =
            wire.receive_head(&limits, text, &mut head).expect("an answer").expect("a whole head");
        text = &text[used..];
        if info.informational {
            continue;
        }
        let (mut content, mut trailers) = (Vec::new(), Headers::new());
        while !wire.response_complete() {
            match wire.receive_body(&limits, text, &mut trailers).expect("content") {
                (used, BodyEvent::Data(data)) => {
                    content.extend_from_slice(data);
                    text = &text[used..];
                }
                (0, BodyEvent::Incomplete) => {
                    wire.receive_eof().expect("the content ends with the connection");
                    assert!(text.is_empty());
                }
                (used, _) => text = &text[used..],
            }
        }
        let is_refusal = matches!(head.status(), 400 | 408 | 414 | 417 | 431 | 501 | 505)
            && text.is_empty()
            && !wire.keeps_alive();
        if !is_refusal {
            let allow = head.headers().get_str("allow").map(str::to_owned);
            found.push(Answer { status: head.status(), allow, content });
        }
    }
    found
}

/// Whether behind this head comes the next answer, or nothing, although the head has a length.
fn ends_without_content(text: &[u8]) -> bool {
    let Some(end) = text.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = text[..end].to_ascii_lowercase();
    let has_length = head.windows(17).any(|name| name == b"\ncontent-length: ")
        && !head.windows(19).any(|field| field == b"\ncontent-length: 0\r\n");
    let has_chunks = head.windows(20).any(|name| name == b"\ntransfer-encoding: ");
    let rest = &text[end + 4..];
    (has_length || has_chunks) && (rest.is_empty() || rest.starts_with(b"HTTP/1.1 "))
}
