//! Raw bytes of a server to the client's connection: the same answers come out however the bytes are split, nothing is read past an answer,
//! and content is what was framed.
//!
//! | byte | means |
//! |---|---|
//! | 0, bits 0 to 2 | what the client asks for: GET, HEAD, POST, CONNECT, GET with Upgrade, GET and close |
//! | 0, bits 3 to 4 | the limits: the defaults or small ones |
//! | 1 | how the text is split |
//! | the rest | what the server sends, and then it closes |

use flare_proto::http1::{BodyEvent, ClientConnection, ContentLength, Error, Limits, RequestParts};
use flare_proto::{Headers, ResponseHead};

use crate::input::Input;
use crate::{PLANTED, splits};

/// An answer that was received whole, and how far it reached.
#[derive(Debug, Default, PartialEq)]
struct Answer {
    status: u16,
    fields: Vec<(String, Vec<u8>)>,
    content: Vec<u8>,
    trailers: usize,
}

/// What came of a text: whole answers, how many bytes they were, and how it ended.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    answers: Vec<Answer>,
    used: usize,
    refused: bool,
    upgraded: bool,
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let options = input.byte();
    let seed = input.byte();
    let limits = limits(options >> 3 & 3);
    let text = input.rest();
    let mut ways = splits::all_ways(text, seed).into_iter().map(|way| receive(&limits, options & 7, &way));
    let whole = ways.next().unwrap_or_default();
    assert!(whole.used <= text.len());
    let content: usize = whole.answers.iter().map(|answer| answer.content.len()).sum();
    assert!(content <= text.len(), "content is made of nothing");
    for other in ways {
        assert_eq!(whole, other, "split matters: {}", text.escape_ascii());
    }
}

fn limits(choice: u8) -> Limits {
    let defaults = Limits::default();
    match choice {
        0 => defaults,
        1 => Limits { head_bytes: 100, ..defaults },
        2 => Limits { header_count: 3, trailer_bytes: 20, ..defaults },
        _ => Limits { chunk_line_bytes: 16, ..defaults },
    }
}

/// Sends a request. Its content, if there is any, is sent whole.
fn ask(wire: &mut ClientConnection, kind: u8) {
    let mut headers = Headers::new();
    let added = match kind {
        4 => headers.append("connection", "upgrade").and_then(|()| headers.append("upgrade", "x")),
        5 => headers.append("connection", "close"),
        _ => Ok(()),
    };
    added.expect("fields");
    let (method, target) = match kind {
        1 => ("HEAD", "/"),
        2 => ("POST", "/"),
        3 => ("CONNECT", "a:443"),
        _ => ("GET", "/"),
    };
    let body = if kind == 2 { ContentLength::Known(4) } else { ContentLength::None };
    let parts = RequestParts { method, target, authority: "a:443", headers: &headers, body };
    let mut out = Vec::new();
    wire.send_head(&mut out, &parts).expect("a request");
    if kind == 2 {
        wire.send_data(&mut out, b"body").expect("content");
        wire.send_end(&mut out, None).expect("the end");
    }
}

/// PLANTED: a tilde at the end of a piece is lost.
fn planted(pending: &mut Vec<u8>, is_whole: bool) {
    if PLANTED && !is_whole && pending.ends_with(b"~") {
        pending.pop();
    }
}

/// Feeds the pieces, asks again behind each answer, and closes at the end.
fn receive(limits: &Limits, kind: u8, pieces: &[&[u8]]) -> Outcome {
    let mut wire = ClientConnection::new();
    ask(&mut wire, kind);
    let mut reader =
        Reader { wire, limits, kind, answer: None, trailers: Headers::new(), outcome: Outcome::default() };
    let (mut pending, mut consumed) = (Vec::new(), 0);
    for piece in pieces {
        pending.extend_from_slice(piece);
        planted(&mut pending, pieces.len() == 1);
        loop {
            match reader.step(&pending, consumed) {
                Ok(Some(used)) => {
                    pending.drain(..used);
                    consumed += used;
                }
                Ok(None) => break,
                Err(_) => {
                    reader.outcome.refused = true;
                    assert!(!reader.wire.keeps_alive(), "a connection of which the peer broke the rules");
                    return reader.outcome;
                }
            }
            if reader.is_over() {
                return reader.outcome;
            }
        }
    }
    match reader.wire.receive_eof() {
        Ok(()) => reader.finish(consumed),
        Err(_) => reader.outcome.refused = true,
    }
    reader.outcome
}

struct Reader<'a> {
    wire: ClientConnection,
    limits: &'a Limits,
    kind: u8,
    answer: Option<Answer>,
    trailers: Headers,
    outcome: Outcome,
}

impl Reader<'_> {
    /// One thing more. How much of `pending` it took; `None`: more has to come.
    fn step(&mut self, pending: &[u8], consumed: usize) -> Result<Option<usize>, Error> {
        let Some(answer) = &mut self.answer else { return self.head(pending, consumed) };
        let (used, event) = self.wire.receive_body(self.limits, pending, &mut self.trailers)?;
        assert!(used <= pending.len());
        let goes_on = match event {
            BodyEvent::Data(data) => {
                assert!(!data.is_empty());
                answer.content.extend_from_slice(data);
                true
            }
            BodyEvent::End => true,
            BodyEvent::Incomplete => used > 0,
        };
        if self.wire.response_complete() {
            self.finish(consumed + used);
        }
        Ok(goes_on.then_some(used))
    }

    fn head(&mut self, pending: &[u8], consumed: usize) -> Result<Option<usize>, Error> {
        let mut head = ResponseHead::new();
        let Some((used, info)) = self.wire.receive_head(self.limits, pending, &mut head)? else {
            return Ok(None);
        };
        assert!((1..=pending.len()).contains(&used) && used <= self.limits.head_bytes as usize + 4);
        if !info.informational {
            let fields =
                head.headers().iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
            self.answer = Some(Answer { status: head.status(), fields, ..Answer::default() });
            if self.wire.upgraded() || self.wire.response_complete() {
                self.finish(consumed + used);
            }
        }
        Ok(Some(used))
    }

    /// An answer is whole.
    fn finish(&mut self, used: usize) {
        let Some(mut answer) = self.answer.take() else { return };
        answer.trailers = self.trailers.len();
        self.outcome.answers.push(answer);
        self.outcome.used = used;
        self.outcome.upgraded = self.wire.upgraded();
        self.trailers = Headers::new();
        if self.wire.keeps_alive() && !self.outcome.upgraded {
            self.wire.next_request();
            ask(&mut self.wire, self.kind);
        }
    }

    fn is_over(&self) -> bool {
        self.answer.is_none()
            && !self.outcome.answers.is_empty()
            && (self.outcome.upgraded || !self.wire.keeps_alive())
    }
}
