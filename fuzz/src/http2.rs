//! One end of an HTTP/2 connection: what it tells and what it answers do not depend on how the frames are split; streams and output are bounded.
//!
//! | byte | means |
//! |---|---|
//! | 0 | bit 0: the end is 0 a server, 1 a client with three requests. Bit 1: small limits |
//! | 1 | how the frames are split |
//! | the rest | frames of the peer, behind its preface and SETTINGS |
//!
//! The end reacts: a server answers each request with 300 bytes as far as they go, and resets every eighth stream.

use std::sync::Arc;

use flare_proto::http2::{
    Client, Connection, ErrorCode, Event, Limits, PREFACE, Rate, RequestParts, Role, Server, StreamKey,
};
use flare_proto::{ContentLength, Headers, RequestHead, ResponseHead, ResponseParts};

use crate::input::Input;
use crate::{PLANTED, splits};

static CONTENT: [u8; 300] = [b'x'; 300];

/// What came of an input.
#[derive(PartialEq, Debug, Default)]
struct Said {
    events: Vec<String>,
    content: Vec<(u32, Vec<u8>)>,
    out: Vec<u8>,
    error: String,
    open: usize,
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let first = input.byte();
    let split = input.byte();
    let few = Rate { burst: 10, per_second: 0 };
    let mut limits = Limits { extended_connect: true, ..Limits::default() };
    if first & 2 != 0 {
        limits = Limits {
            head_bytes: 200,
            header_count: 8,
            section_bytes: 400,
            streams: 3,
            stream_window: 100,
            resets: few,
            pings: few,
            ..limits
        };
    }
    let limits = Arc::new(limits);
    let mut frames = if first & 1 == 0 { PREFACE.to_vec() } else { Vec::new() };
    frames.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0]);
    frames.extend_from_slice(input.rest());
    let mut before: Option<Said> = None;
    for pieces in splits::all_ways(&frames, split) {
        let said = if first & 1 == 0 {
            feed(Connection::<Server>::new(Arc::clone(&limits)), RequestHead::new(), &pieces, react)
        } else {
            feed(client(&limits), ResponseHead::new(), &pieces, |_, _, _| {})
        };
        assert!(said.open <= limits.streams as usize);
        assert!(said.out.len() <= 2 * frames.len() + 400 * (1 + said.events.len()), "more out than in");
        let before = before.get_or_insert_with(|| said_again(&said));
        assert_eq!(*before, said, "it depends on the split");
    }
}

fn said_again(said: &Said) -> Said {
    Said {
        events: said.events.clone(),
        content: said.content.clone(),
        out: said.out.clone(),
        error: said.error.clone(),
        open: said.open,
    }
}

fn client(limits: &Arc<Limits>) -> Connection<Client> {
    let mut client = Connection::<Client>::new(Arc::clone(limits));
    let mut out = Vec::new();
    client.start(&mut out);
    for (method, body) in
        [("GET", ContentLength::None), ("POST", ContentLength::Unknown), ("HEAD", ContentLength::None)]
    {
        let parts = RequestParts {
            method,
            scheme: "http",
            authority: "a",
            target: "/",
            protocol: None,
            headers: &Headers::new(),
            body,
        };
        client.send_request(&parts, &mut out).expect("the first requests");
    }
    client
}

fn react(end: &mut Connection<Server>, stream: StreamKey, out: &mut Vec<u8>) {
    if stream.id() % 16 == 15 {
        return end.reset(stream, ErrorCode::Cancel, out);
    }
    let parts = ResponseParts {
        status: 200,
        headers: &Headers::new(),
        body: ContentLength::Known(300),
        origin: None,
    };
    if end.send_head(stream, &parts, out) == Ok(true) {
        let taken = end.send_data(stream, &CONTENT, true, out).expect("as far as the windows allow");
        if taken < CONTENT.len() {
            // The rest never comes: it stalls.
            end.want_send(stream);
        }
    }
}

fn feed<R: Role>(
    mut end: Connection<R>,
    mut head: R::Head,
    pieces: &[&[u8]],
    react: impl Fn(&mut Connection<R>, StreamKey, &mut Vec<u8>),
) -> Said
where
    R::Info: std::fmt::Debug,
{
    let (mut said, mut trailers) = (Said::default(), Headers::new());
    let mut out = Vec::new();
    for piece in pieces {
        let mut input = *piece;
        loop {
            match end.receive(&mut input, &mut head, &mut trailers, &mut out) {
                Ok(None) => break,
                Err(error) => {
                    said.error = error.to_string();
                    assert_eq!(end.error(), Some(error));
                    said.out = out;
                    return said;
                }
                // PLANTED: content that begins with 255 is lost.
                Ok(Some(Event::Data { bytes: [255, ..], .. })) if PLANTED => {}
                Ok(Some(Event::Data { stream, bytes })) => {
                    assert!(!bytes.is_empty() && end.is_open(stream));
                    match said.content.last_mut() {
                        Some((id, content)) if *id == stream.id() => content.extend_from_slice(bytes),
                        _ => said.content.push((stream.id(), bytes.to_vec())),
                    }
                }
                Ok(Some(event)) => {
                    said.events.push(format!("{event:?}"));
                    match event {
                        Event::Head { stream, .. } | Event::Refused { stream, .. } => {
                            react(&mut end, stream, &mut out)
                        }
                        Event::End { stream, .. } => end.consumed(stream, usize::MAX, &mut out),
                        Event::Reset { stream, .. } => assert!(!end.is_open(stream)),
                        _ => {}
                    }
                }
            }
        }
        assert!(input.is_empty(), "it left something and told nothing");
    }
    said.open = end.streams();
    let mut turns = 0;
    while let Some(turn) = end.next_turn() {
        assert!(turn.most > 0 && turn.most <= end.send_room(turn.stream));
        end.stop_send(turn.stream);
        turns += 1;
        assert!(turns <= said.open);
    }
    said.out = out;
    said
}
