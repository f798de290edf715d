//! Both ends joined by streams that deliver when they please, in any order. Nothing is lost, no byte changes, everything ends.

use std::collections::BTreeMap;

use flare_proto::http3::{Client, Connection, Event, Limits, RequestParts, Role, Server, Unidirectional};
use flare_proto::{ContentLength, Headers};

use crate::answers::parts;
use crate::feeding::{End, Shown, client, list, server};
use crate::random::Random;

/// One direction of a stream: what is on its way, and whether it ends behind that.
#[derive(Default)]
struct Pipe {
    bytes: Vec<u8>,
    fin: bool,
    /// The end has come out.
    done: bool,
    blocked: bool,
}

/// A message that one side sends on a stream.
struct Outgoing {
    content: Vec<u8>,
    sent: usize,
    trailers: bool,
}

/// What came on a stream.
#[derive(Default, PartialEq, Debug)]
struct Incoming {
    fields: Vec<(String, Vec<u8>)>,
    content: Vec<u8>,
    trailers: bool,
    ended: bool,
}

/// One side: what it sends, what it got, and what is on its way to it.
struct Side<R: Shown> {
    end: End<R>,
    outgoing: BTreeMap<u64, Outgoing>,
    incoming: BTreeMap<u64, Incoming>,
    pipes: BTreeMap<u64, Pipe>,
    blocked: usize,
}

/// The ids of a side's unidirectional streams.
fn own_streams(is_server: bool) -> [(u64, Unidirectional); 3] {
    let first = if is_server { 3 } else { 2 };
    [
        (first, Unidirectional::Control),
        (first + 4, Unidirectional::Encoder),
        (first + 8, Unidirectional::Decoder),
    ]
}

impl<R: Shown> Side<R> {
    fn new(end: End<R>) -> Self {
        Side { end, outgoing: BTreeMap::new(), incoming: BTreeMap::new(), pipes: BTreeMap::new(), blocked: 0 }
    }

    /// Gives what came on a stream to the end; the new requests.
    fn deliver(&mut self, id: u64, count: usize, fields: fn(&R::Head) -> &Headers) -> Vec<u64> {
        let (mut heads, mut unblocked) = (Vec::new(), Vec::new());
        let Some(pipe) = self.pipes.get_mut(&id).filter(|pipe| !pipe.done && !pipe.blocked) else {
            return heads;
        };
        let count = count.min(pipe.bytes.len());
        let fin = pipe.fin && count == pipe.bytes.len();
        let piece: Vec<u8> = pipe.bytes[..count].to_vec();
        let (mut head, mut trailers, mut input) = (R::new_head(), Headers::new(), &piece[..]);
        while let Some(event) =
            self.end.connection.receive(id, &mut input, fin, &mut head, &mut trailers).unwrap()
        {
            match event {
                Event::Head { stream, .. } => {
                    let incoming = self.incoming.entry(stream).or_default();
                    assert!(incoming.fields.is_empty() && incoming.content.is_empty());
                    incoming.fields =
                        fields(&head).iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
                    incoming.ended = self.end.connection.has_received_all(stream);
                    heads.push(stream);
                }
                Event::Data { stream, bytes } => {
                    let incoming = self.incoming.get_mut(&stream).unwrap();
                    assert!(!incoming.ended);
                    incoming.content.extend_from_slice(bytes);
                }
                Event::End { stream, has_trailers } => {
                    let incoming = self.incoming.get_mut(&stream).unwrap();
                    assert!(!std::mem::replace(&mut incoming.ended, true));
                    incoming.trailers = has_trailers;
                    assert!(!has_trailers || trailers.get("x-sum") == Some(b"1"));
                }
                Event::Unblocked { stream } => unblocked.push(stream),
                Event::Settings | Event::Interim { .. } | Event::Goaway { .. } => {}
                other => panic!("{}", name_of(&other)),
            }
        }
        let left = input.len();
        let waits = self.is_waiting(id);
        let pipe = self.pipes.get_mut(&id).unwrap();
        pipe.bytes.drain(..count - left);
        // It takes nothing more while it is blocked.
        pipe.done = fin && left == 0 && !waits;
        pipe.blocked = waits;
        self.blocked += usize::from(waits);
        for stream in unblocked {
            self.pipes.get_mut(&stream).unwrap().blocked = false;
            heads.extend(self.deliver(stream, 0, fields));
        }
        heads
    }

    /// A request stream whose field section waits for its entries.
    fn is_waiting(&self, id: u64) -> bool {
        id & 2 == 0 && self.end.connection.is_blocked(id)
    }
}

fn name_of<I>(event: &Event<'_, I>) -> &'static str {
    match event {
        Event::Reset { .. } => "reset",
        Event::Rejected { reason, .. } => reason,
        Event::Refused { reason, .. } => reason,
        _ => "another event",
    }
}

/// What is sent becomes what is on its way.
fn send_unidirectional<R: Role>(
    connection: &mut Connection<R>,
    to: &mut BTreeMap<u64, Pipe>,
    is_server: bool,
) {
    for (id, which) in own_streams(is_server) {
        let out = connection.output(which);
        to.entry(id).or_default().bytes.append(out);
    }
}

fn send_content<R: Shown>(from: &mut Side<R>, to: &mut BTreeMap<u64, Pipe>, random: &mut Random) {
    let ids: Vec<u64> = from.outgoing.keys().copied().collect();
    for id in ids {
        if random.one_in(2) {
            continue;
        }
        let outgoing = from.outgoing.get_mut(&id).unwrap();
        let pipe = to.entry(id).or_default();
        let count = (1 + random.below(3000)).min(outgoing.content.len() - outgoing.sent);
        let part = &outgoing.content[outgoing.sent..][..count];
        let last = outgoing.sent + count == outgoing.content.len() && !outgoing.trailers;
        from.end.connection.send_data(id, part, last, &mut pipe.bytes).unwrap();
        outgoing.sent += count;
        if outgoing.sent == outgoing.content.len() {
            if outgoing.trailers {
                let trailers = list(&[("x-sum", "1")]);
                from.end.connection.send_end(id, Some(&trailers), &mut pipe.bytes).unwrap();
            }
            assert!(from.end.connection.has_sent_all(id));
            pipe.fin = true;
            from.outgoing.remove(&id);
        }
    }
}

fn limits(random: &mut Random) -> Limits {
    Limits {
        decoder_table_bytes: *random.pick(&[0, 100, 1000, 4096]),
        encoder_table_bytes: *random.pick(&[0, 300, 4096]),
        blocked_streams: *random.pick(&[0, 1, 5, 100]),
        encoder_blocked_streams: *random.pick(&[0, 3, 100]),
        ..Limits::default()
    }
}

fn random_fields(random: &mut Random) -> Headers {
    let mut headers = Headers::new();
    for _ in 0..random.below(6) {
        let name =
            *random.pick(&["server", "x-a", "content-type", "user-agent", "vary", "x-long-name-of-a-field"]);
        headers.append(name, format!("value {}", random.below(6))).unwrap();
    }
    headers
}

fn has_all(sent: &Headers, came: &[(String, Vec<u8>)]) -> bool {
    sent.iter().all(|(name, value)| came.iter().any(|(other, came)| other == name && came == value))
}

fn content(random: &mut Random) -> Vec<u8> {
    let length = *random.pick(&[1, 100, 5_000, 20_000]);
    random.bytes(length)
}

struct Joined {
    client: Side<Client>,
    server: Side<Server>,
    /// What each stream was asked and answered with.
    asked: BTreeMap<u64, (Headers, Vec<u8>, bool)>,
    answered: BTreeMap<u64, (Headers, Vec<u8>, bool)>,
}

impl Joined {
    fn ask(&mut self, random: &mut Random) {
        let (headers, content, trailers) = (random_fields(random), content(random), random.one_in(3));
        let has_content = random.one_in(2);
        let parts = RequestParts {
            method: if has_content { "POST" } else { "GET" },
            scheme: "https",
            authority: "example.org",
            target: "/path",
            protocol: None,
            headers: &headers,
            body: match has_content {
                true if random.one_in(2) => ContentLength::Known(content.len() as u64),
                true => ContentLength::Unknown,
                false => ContentLength::None,
            },
        };
        let mut out = Vec::new();
        let id = self.client.end.connection.send_request(&parts, &mut out).unwrap();
        let pipe = self.server.pipes.entry(id).or_default();
        pipe.bytes.append(&mut out);
        pipe.fin = !has_content;
        if has_content {
            self.client.outgoing.insert(id, Outgoing { content: content.clone(), sent: 0, trailers });
            self.asked.insert(id, (headers, content, trailers));
        } else {
            self.asked.insert(id, (headers, Vec::new(), false));
        }
    }

    fn answer(&mut self, random: &mut Random, id: u64) {
        let (headers, content, trailers) = (random_fields(random), content(random), random.one_in(3));
        let pipe = self.client.pipes.entry(id).or_default();
        let connection = &mut self.server.end.connection;
        if random.one_in(3) {
            connection.send_informational(id, 103, &random_fields(random), &mut pipe.bytes).unwrap();
        }
        let has_content = random.one_in(2);
        let body = if has_content { ContentLength::Unknown } else { ContentLength::None };
        let follows = connection.send_head(id, &parts(200, &headers, body).of(), &mut pipe.bytes).unwrap();
        assert_eq!(follows, has_content);
        pipe.fin = !follows;
        if follows {
            self.server.outgoing.insert(id, Outgoing { content: content.clone(), sent: 0, trailers });
            self.answered.insert(id, (headers, content, trailers));
        } else {
            self.answered.insert(id, (headers, Vec::new(), false));
        }
    }

    fn step(&mut self, random: &mut Random) {
        send_unidirectional(&mut self.client.end.connection, &mut self.server.pipes, false);
        send_unidirectional(&mut self.server.end.connection, &mut self.client.pipes, true);
        send_content(&mut self.client, &mut self.server.pipes, random);
        send_content(&mut self.server, &mut self.client.pipes, random);
        let ids: Vec<u64> = self.server.pipes.keys().copied().collect();
        let id = *random.pick(&ids);
        let count = *random.pick(&[1, 10, 100, 10_000]);
        for id in self.server.deliver(id, count, |head| head.headers()) {
            self.answer(random, id);
        }
        let ids: Vec<u64> = self.client.pipes.keys().copied().collect();
        let id = *random.pick(&ids);
        self.client.deliver(id, count, |head| head.headers());
    }

    fn is_over(&self) -> bool {
        let all = |pipes: &BTreeMap<u64, Pipe>| pipes.iter().all(|(id, pipe)| id & 2 != 0 || pipe.done);
        all(&self.server.pipes) && all(&self.client.pipes) && self.answered.len() == self.asked.len()
    }
}

#[test]
fn every_message_comes_whole() {
    let mut blocked = 0;
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut joined = Joined {
            client: Side::new(client(limits(&mut random))),
            server: Side::new(server(limits(&mut random))),
            asked: BTreeMap::new(),
            answered: BTreeMap::new(),
        };
        for _ in 0..40 {
            joined.ask(&mut random);
            for _ in 0..random.below(30) {
                joined.step(&mut random);
            }
        }
        let mut steps = 0;
        while !joined.is_over() {
            joined.step(&mut random);
            steps += 1;
            assert!(steps < 200_000, "seed {seed} does not end");
        }
        for (sent, came) in
            [(&joined.asked, &joined.server.incoming), (&joined.answered, &joined.client.incoming)]
        {
            assert_eq!(sent.len(), came.len());
            for (id, (headers, content, trailers)) in sent {
                let incoming = &came[id];
                assert!(
                    has_all(headers, &incoming.fields),
                    "seed {seed}, stream {id}: {:?}",
                    incoming.fields
                );
                assert!(incoming.content == *content && incoming.ended, "seed {seed}, stream {id}");
                assert_eq!(incoming.trailers, *trailers, "seed {seed}, stream {id}");
            }
        }
        assert_eq!(joined.client.end.connection.streams() + joined.server.end.connection.streams(), 0);
        assert_eq!(joined.client.end.connection.blocked() + joined.server.end.connection.blocked(), 0);
        blocked += joined.client.blocked + joined.server.blocked;
    }
    assert!(blocked > 50, "{blocked}");
}
