//! Feeding an end, whole and in pieces, and what comes of it.

use std::sync::Arc;

use flare_proto::http3::{
    Client, ClientConnection, Connection, ConnectionError, Event, Limits, Priority, RequestInfo,
    ResponseInfo, Role, Server, ServerConnection, Unidirectional,
};
use flare_proto::{Headers, RequestHead, ResponseHead};

use crate::wire::{CLIENT_CONTROL, SERVER_CONTROL, control};

pub fn list(fields: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.append(name, value).unwrap();
    }
    headers
}

/// What differs when an end is shown.
pub trait Shown: Role {
    fn new_head() -> Self::Head;
    fn show(head: &Self::Head, info: Option<&Self::Info>) -> String;
}

fn show_fields(headers: &Headers) -> String {
    headers.iter().map(|(name, value)| format!(" {name}={}", value.escape_ascii())).collect()
}

impl Shown for Server {
    fn new_head() -> RequestHead {
        RequestHead::new()
    }

    fn show(head: &RequestHead, info: Option<&RequestInfo>) -> String {
        let mut text = format!("{} {} {}", head.method_str(), head.authority(), head.path());
        if let Some(protocol) = head.protocol() {
            text.push_str(&format!(" protocol {protocol}"));
        }
        if let Some(info) = info {
            let Priority { urgency, incremental } = info.priority;
            if info.priority != Priority::UNKNOWN {
                text.push_str(&format!(" urgency {urgency}{}", if incremental { "i" } else { "" }));
            }
            if info.expects_continue {
                text.push_str(" expects");
            }
            if let Some(length) = info.content_length {
                text.push_str(&format!(" length {length}"));
            }
            text.push_str(if info.ended { " ended" } else { "" });
        }
        let fields = show_fields(head.headers()).replace(&format!(" host={}", head.authority()), "");
        text + &fields
    }
}

impl Shown for Client {
    fn new_head() -> ResponseHead {
        ResponseHead::new()
    }

    fn show(head: &ResponseHead, info: Option<&ResponseInfo>) -> String {
        let ended = info.is_some_and(|info| info.ended);
        format!("{}{}{}", head.status(), if ended { " ended" } else { "" }, show_fields(head.headers()))
    }
}

/// An end, and what it told, as text. Content that follows content is one.
pub struct End<R: Shown> {
    pub connection: Connection<R>,
    pub events: Vec<String>,
    last_data: Option<u64>,
}

pub fn server(limits: Limits) -> End<Server> {
    End::new(ServerConnection::new(Arc::new(limits)))
}

pub fn client(limits: Limits) -> End<Client> {
    End::new(ClientConnection::new(Arc::new(limits)))
}

impl<R: Shown> End<R> {
    fn new(connection: Connection<R>) -> Self {
        End { connection, events: Vec::new(), last_data: None }
    }

    /// The peer's control stream, with these settings.
    pub fn with_settings(mut self, settings: &[(u64, u64)]) -> Self {
        let id = if R::show(&R::new_head(), None).starts_with('0') { SERVER_CONTROL } else { CLIENT_CONTROL };
        self.feed(id, &control(settings), false).unwrap();
        assert_eq!(self.told(), ["settings"]);
        self
    }

    /// What was told since.
    pub fn told(&mut self) -> Vec<String> {
        self.last_data = None;
        std::mem::take(&mut self.events)
    }

    /// Gives the end what came on a stream; what it left, because the stream is blocked.
    pub fn feed<'a>(
        &mut self,
        stream: u64,
        mut input: &'a [u8],
        fin: bool,
    ) -> Result<&'a [u8], ConnectionError> {
        let (mut head, mut trailers) = (R::new_head(), Headers::new());
        loop {
            let before = input.len();
            let event = self.connection.receive(stream, &mut input, fin, &mut head, &mut trailers)?;
            let Some(event) = event else { return Ok(input) };
            assert!(input.len() <= before);
            self.note(&event, &head, &trailers);
        }
    }

    pub fn note(&mut self, event: &Event<'_, R::Info>, head: &R::Head, trailers: &Headers) {
        if let Event::Data { stream, bytes } = event {
            assert!(!bytes.is_empty());
            let text = bytes.escape_ascii();
            match self.events.last_mut() {
                Some(last) if self.last_data == Some(*stream) => last.push_str(&text.to_string()),
                _ => self.events.push(format!("data {stream} {text}")),
            }
            self.last_data = Some(*stream);
            return;
        }
        self.last_data = None;
        self.events.push(match event {
            Event::Head { stream, info } => format!("head {stream} {}", R::show(head, Some(info))),
            Event::Interim { stream } => format!("interim {stream} {}", R::show(head, None)),
            Event::Refused { stream, status, reason, ended } => {
                format!("refused {stream} {status} {reason}{}", if *ended { " ended" } else { "" })
            }
            Event::Rejected { stream, code, reason } => format!("rejected {stream} {code} {reason}"),
            Event::End { stream, has_trailers: true } => format!("end {stream}{}", show_fields(trailers)),
            Event::End { stream, .. } => format!("end {stream}"),
            Event::Reset { stream, code, by_peer } => {
                format!("reset {stream} {code}{}", if *by_peer { " by peer" } else { "" })
            }
            Event::Stopped { stream, code } => format!("stopped {stream} {code}"),
            Event::Unblocked { stream } => format!("unblocked {stream}"),
            Event::Priority { stream, priority } => {
                format!(
                    "priority {stream} {}{}",
                    priority.urgency,
                    if priority.incremental { "i" } else { "" }
                )
            }
            Event::Settings => "settings".to_owned(),
            Event::Goaway { first } => format!("goaway {first}"),
            Event::UnknownStream { stream, kind } => format!("unknown {stream} {kind:#x}"),
            Event::Datagram { stream, bytes } => format!("datagram {stream} {}", bytes.escape_ascii()),
            Event::Data { .. } => unreachable!(),
        });
    }

    /// What waits for a unidirectional stream, which is taken as sent.
    pub fn sent(&mut self, stream: Unidirectional) -> Vec<u8> {
        std::mem::take(self.connection.output(stream))
    }
}

/// What an end tells of a stream that comes whole, which is the same in pieces of each kind: cut anywhere, by the byte, and with the end behind or apart.
pub fn told_of<R: Shown>(new: impl Fn() -> End<R>, stream: u64, bytes: &[u8]) -> Vec<String> {
    let feed = |pieces: &[&[u8]], fin_apart: bool| {
        let mut end = new();
        let result = pieces.iter().enumerate().try_for_each(|(at, piece)| {
            let fin = at + 1 == pieces.len() && !fin_apart;
            end.feed(stream, piece, fin).map(|left| assert!(left.is_empty()))
        });
        let result = result.and_then(|()| end.feed(stream, b"", true).map(|_| ()));
        let mut told = end.told();
        told.extend(result.err().map(|error| format!("error {error}")));
        told
    };
    let whole = feed(&[bytes], false);
    // Whether a message ends with its head is not known when that came apart.
    let apart = |told: &[String]| -> Vec<String> {
        let mut events = Vec::new();
        for event in told {
            let (start, rest) = event.split_once(" ended").unwrap_or((event, ""));
            events.push(format!("{start}{rest}"));
            if start.len() < event.len() {
                events.push(format!("end {stream}"));
            }
        }
        events
    };
    for at in 0..=bytes.len() {
        let (first, second) = bytes.split_at(at);
        let told = feed(&[first, second], false);
        assert_eq!(apart(&told), apart(&whole), "cut at {at}");
        assert_eq!(apart(&feed(&[first, second], true)), apart(&whole), "cut at {at}, and the end apart");
    }
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(apart(&feed(&each, false)), apart(&whole), "by the byte");
    whole
}
