//! Feeding an end, whole and in pieces, and what comes of it.

use std::sync::Arc;

use flare_proto::http2::{
    ClientConnection, Connection, ConnectionError, Event, Limits, Priority, RequestInfo, Role,
    ServerConnection, StreamKey,
};
use flare_proto::{Headers, RequestHead};

use crate::wire::shown;

pub fn server(limits: Limits) -> ServerConnection {
    ServerConnection::new(Arc::new(limits))
}

pub fn client(limits: Limits) -> ClientConnection {
    ClientConnection::new(Arc::new(limits))
}

/// What an end told, as text. Content that follows content is one.
#[derive(Default, Clone, PartialEq, Debug)]
pub struct Told {
    pub events: Vec<String>,
    /// The keys of heads, in order.
    pub keys: Vec<StreamKey>,
    last_data: Option<u32>,
}

impl Told {
    fn data(&mut self, id: u32, bytes: &[u8]) {
        assert!(!bytes.is_empty());
        let text = String::from_utf8_lossy(bytes);
        match self.events.last_mut() {
            Some(last) if self.last_data == Some(id) => last.push_str(&text),
            _ => self.events.push(format!("data {id} {text}")),
        }
        self.last_data = Some(id);
    }

    fn push(&mut self, text: String) {
        self.last_data = None;
        self.events.push(text);
    }
}

fn show_fields(headers: &Headers) -> String {
    headers.iter().map(|(name, value)| format!(" {name}={}", value.escape_ascii())).collect()
}

fn show_request(head: &RequestHead, info: &RequestInfo) -> String {
    let mut text = format!(
        "{} {} {} {}",
        head.method_str(),
        head.scheme().unwrap_or("-"),
        head.authority(),
        head.path()
    );
    if let Some(query) = head.query() {
        text.push_str(&format!(" ?{query}"));
    }
    if let Some(protocol) = head.protocol() {
        text.push_str(&format!(" protocol {protocol}"));
    }
    // The Host field that stands for the authority is not shown again.
    let is_authority =
        |(name, value): &(&str, &[u8])| *name == "host" && *value == head.authority().as_bytes();
    let fields = head.headers().iter().filter(|field| !is_authority(field));
    fields.for_each(|(name, value)| text.push_str(&format!(" {name}={}", value.escape_ascii())));
    for (is_so, word) in [
        (info.ended, " ended"),
        (info.expects_continue, " expects"),
        (info.accepts_trailers, " te"),
        (info.is_connect, " connect"),
    ] {
        if is_so {
            text.push_str(word);
        }
    }
    if let Some(length) = info.content_length {
        text.push_str(&format!(" length {length}"));
    }
    if info.priority != Priority::UNKNOWN {
        text.push_str(&format!(
            " u{}{}",
            info.priority.urgency,
            if info.priority.incremental { "i" } else { "" }
        ));
    }
    text
}

fn note<I>(
    told: &mut Told,
    event: Event<'_, I>,
    trailers: &Headers,
    head: impl Fn(&I) -> String,
    path: &str,
) {
    match event {
        Event::Head { stream, info } => {
            told.keys.push(stream);
            told.push(format!("head {} {}", stream.id(), head(&info)));
        }
        Event::Interim { stream } => told.push(format!("interim {} {path}", stream.id())),
        Event::Refused { stream, status, reason, ended } => {
            told.keys.push(stream);
            let ended = if ended { " ended" } else { "" };
            told.push(format!("refused {} {status} {reason}: {path}{ended}", stream.id()));
        }
        Event::Malformed { reason } => told.push(format!("malformed: {reason}")),
        Event::Data { stream, bytes } => told.data(stream.id(), bytes),
        Event::End { stream, has_trailers: true } => {
            told.push(format!("end {}{}", stream.id(), show_fields(trailers)));
        }
        Event::End { stream, .. } => told.push(format!("end {}", stream.id())),
        Event::Reset { stream, code, by_peer } => {
            told.push(format!("reset {} {code}{}", stream.id(), if by_peer { " by peer" } else { "" }));
        }
        Event::Goaway { last, code } => told.push(format!("goaway {last} {code}")),
        Event::Pong { payload } => told.push(format!("pong {}", payload.escape_ascii())),
    }
}

/// An end whose heads can be shown.
pub trait Shown: Role {
    fn new_head() -> Self::Head;
    fn show(told: &mut Told, event: Event<'_, Self::Info>, head: &Self::Head, trailers: &Headers);
}

impl Shown for flare_proto::http2::Server {
    fn new_head() -> RequestHead {
        RequestHead::new()
    }

    fn show(told: &mut Told, event: Event<'_, RequestInfo>, head: &RequestHead, trailers: &Headers) {
        let path = format!("{} {}", head.method_str(), head.path());
        note(told, event, trailers, |info| show_request(head, info), &path);
    }
}

impl Shown for flare_proto::http2::Client {
    fn new_head() -> flare_proto::ResponseHead {
        flare_proto::ResponseHead::new()
    }

    fn show(told: &mut Told, event: Event<'_, Self::Info>, head: &Self::Head, trailers: &Headers) {
        let fields = format!("{}{}", head.status(), show_fields(head.headers()));
        let shown = |info: &Self::Info| format!("{fields}{}", if info.ended { " ended" } else { "" });
        note(told, event, trailers, shown, &fields);
    }
}

/// Feeds one piece, and adds what came of it.
pub fn feed<R: Shown>(
    end: &mut Connection<R>,
    mut input: &[u8],
    out: &mut Vec<u8>,
    told: &mut Told,
) -> Result<(), ConnectionError> {
    let (mut head, mut trailers) = (R::new_head(), Headers::new());
    while let Some(event) = end.receive(&mut input, &mut head, &mut trailers, out)? {
        R::show(told, event, &head, &trailers);
    }
    assert!(input.is_empty(), "it left something and told nothing");
    Ok(())
}

/// What came of an input.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    pub events: Vec<String>,
    /// The frames that were written, without those before the input.
    pub out: Vec<String>,
    pub error: Option<String>,
}

/// Feeds everything to an end that is made anew for each way to split it: whole, in single bytes, and in two at every byte (of a long input,
/// at some). All of them must tell, answer and say the same.
pub fn at_every_split<R: Shown>(make: impl Fn() -> Connection<R>, input: &[u8]) -> Outcome {
    let run = |pieces: &[&[u8]]| {
        let (mut end, mut told, mut out) = (make(), Told::default(), Vec::new());
        let result = pieces.iter().try_for_each(|piece| feed(&mut end, piece, &mut out, &mut told));
        let again = feed(&mut end, b"", &mut out, &mut told);
        assert_eq!(again, result, "an error stays");
        let error = result.err().map(|error| error.to_string());
        Outcome { events: told.events, out: shown(&out), error }
    };
    let whole = run(&[input]);
    let single: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(run(&single), whole, "in single bytes");
    for at in (0..=input.len()).step_by(1 + input.len() / 600) {
        let (one, other) = input.split_at(at);
        assert_eq!(run(&[one, other]), whole, "split at {at}");
    }
    whole
}

/// What a server with these limits makes of what a client sends, from its preface on. The first frame it writes acknowledges the client's
/// SETTINGS, which is left out.
pub fn served_with(limits: &Limits, input: &[u8]) -> Outcome {
    let mut outcome = at_every_split(|| server(limits.clone()), input);
    if outcome.out.first().is_some_and(|first| first == "SETTINGS ack") {
        outcome.out.remove(0);
    }
    outcome
}

pub fn served(frames: &[Vec<u8>]) -> Outcome {
    served_with(&Limits::default(), &crate::wire::client(frames))
}

/// A server that was fed a client's preface and these frames, and the keys of its streams.
pub fn serving(limits: Limits, frames: &[Vec<u8>]) -> (ServerConnection, Vec<StreamKey>) {
    let (mut server, mut told, mut out) = (server(limits), Told::default(), Vec::new());
    feed(&mut server, &crate::wire::client(frames), &mut out, &mut told).unwrap();
    (server, told.keys)
}

/// Feeds frames, and gives the events and the frames that were written.
pub fn fed<R: Shown>(end: &mut Connection<R>, frames: &[Vec<u8>]) -> (Vec<String>, Vec<String>) {
    let (mut told, mut out) = (Told::default(), Vec::new());
    feed(end, &frames.concat(), &mut out, &mut told).unwrap();
    (told.events, shown(&out))
}
