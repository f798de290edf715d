//! Both ends joined by a network that splits and delays, and ends that are fed nonsense. Nothing is lost, no byte changes, everything ends.

use std::collections::BTreeMap;
use std::collections::VecDeque;

use flare_proto::http2::{
    ClientConnection, Connection, ErrorCode, Event, Limits, RequestParts, Role, ServerConnection, StreamKey,
};
use flare_proto::{ContentLength, Headers, RequestHead, ResponseHead, ResponseParts};

use crate::answers::list;
use crate::feeding::{Told, feed};
use crate::random::Random;

/// A message that one side sends on a stream.
#[derive(Default)]
struct Outgoing {
    content: VecDeque<u8>,
    sent: Vec<u8>,
    trailers: bool,
}

/// What came on a stream.
#[derive(Default, PartialEq, Debug)]
struct Incoming {
    content: Vec<u8>,
    held: usize,
    ended: bool,
    trailers: bool,
    reset: Option<ErrorCode>,
}

/// One side: its streams, and the bytes on their way to it.
#[derive(Default)]
struct Side {
    outgoing: BTreeMap<u32, (StreamKey, Outgoing)>,
    done: BTreeMap<u32, Vec<u8>>,
    incoming: BTreeMap<u32, Incoming>,
    wire: Vec<u8>,
}

impl Side {
    fn note<I>(&mut self, event: &Event<'_, I>, trailers: &Headers) {
        match event {
            Event::Data { stream, bytes } => {
                let incoming = self.incoming.get_mut(&stream.id()).unwrap();
                assert!(!incoming.ended);
                incoming.content.extend_from_slice(bytes);
                incoming.held += bytes.len();
            }
            Event::End { stream, has_trailers } => {
                let incoming = self.incoming.get_mut(&stream.id()).unwrap();
                assert!(!std::mem::replace(&mut incoming.ended, true));
                incoming.trailers = *has_trailers;
                assert!(!has_trailers || trailers.get("x-sum").is_some());
            }
            Event::Reset { stream, code, .. } => {
                self.incoming.entry(stream.id()).or_default().reset = Some(*code);
                self.outgoing.remove(&stream.id());
            }
            _ => {}
        }
    }

    /// Sends, as the turns come, some of what there is; and gives back some of what it holds.
    fn act<R: Role>(&mut self, end: &mut Connection<R>, random: &mut Random, out: &mut Vec<u8>) {
        for _ in 0..random.below(8) {
            let Some(turn) = end.next_turn() else { break };
            let (_, outgoing) = self.outgoing.get_mut(&turn.stream.id()).unwrap();
            let count = outgoing.content.len().min(1 + random.below(turn.most));
            let last = count == outgoing.content.len() && !outgoing.trailers;
            end.begin_data(turn.stream, count, last, out).unwrap();
            let taken: Vec<u8> = outgoing.content.drain(..count).collect();
            out.extend_from_slice(&taken);
            outgoing.sent.extend(taken);
            if outgoing.content.is_empty() {
                if outgoing.trailers {
                    end.send_end(turn.stream, Some(&list(&[("x-sum", "1")])), out).unwrap();
                }
                let (_, outgoing) = self.outgoing.remove(&turn.stream.id()).unwrap();
                self.done.insert(turn.stream.id(), outgoing.sent);
            }
        }
        assert!(end.send_room(StreamKey::from_number(0)) == 0);
    }

    fn begin<R: Role>(&mut self, end: &mut Connection<R>, key: StreamKey, content: Vec<u8>, trailers: bool) {
        end.want_send(key);
        self.outgoing
            .insert(key.id(), (key, Outgoing { content: content.into(), sent: Vec::new(), trailers }));
    }
}

struct Network {
    client: ClientConnection,
    server: ServerConnection,
    client_side: Side,
    server_side: Side,
    keys: BTreeMap<u32, StreamKey>,
}

fn limits(random: &mut Random) -> Limits {
    Limits {
        stream_window: *random.pick(&[200, 1_000, 5_000, 100_000]),
        connection_window: *random.pick(&[65_535, 200_000]),
        streams: *random.pick(&[1, 3, 100]),
        data_bytes: *random.pick(&[10, 1_000, 16_384]),
        decoder_table_bytes: *random.pick(&[0, 100, 4096]),
        window_updates: flare_proto::http2::Rate { burst: 1 << 20, per_second: 0 },
        ..Limits::default()
    }
}

impl Network {
    fn new(random: &mut Random) -> Self {
        let mut network = Network {
            client: crate::feeding::client(limits(random)),
            server: crate::feeding::server(limits(random)),
            client_side: Side::default(),
            server_side: Side::default(),
            keys: BTreeMap::new(),
        };
        network.client.start(&mut network.server_side.wire);
        network.server.start(&mut network.client_side.wire);
        network
    }

    fn ask(&mut self, random: &mut Random) {
        let length = *random.pick(&[0, 1, 3_000, 30_000]);
        let known = random.one_in(2);
        let trailers = !known && random.one_in(2);
        let body = match (length, known) {
            (0, true) => ContentLength::None,
            (_, true) => ContentLength::Known(length as u64),
            _ => ContentLength::Unknown,
        };
        let target = format!("/{}", random.below(1000));
        let headers = list(&[("x-a", "same"), ("x-b", &target)]);
        let parts = RequestParts {
            method: "POST",
            scheme: "http",
            authority: "a",
            target: &target,
            protocol: None,
            headers: &headers,
            body,
        };
        let Ok(key) = self.client.send_request(&parts, &mut self.server_side.wire) else { return };
        self.client_side.incoming.insert(key.id(), Incoming::default());
        if body != ContentLength::None {
            let content = random.bytes(length);
            self.client_side.begin(&mut self.client, key, content, trailers);
        } else {
            self.client_side.done.insert(key.id(), Vec::new());
        }
        self.keys.insert(key.id(), key);
    }

    fn server_gets(&mut self, piece: &[u8], random: &mut Random) {
        let (mut head, mut trailers, mut input) = (RequestHead::new(), Headers::new(), piece);
        while let Some(event) =
            self.server.receive(&mut input, &mut head, &mut trailers, &mut self.client_side.wire).unwrap()
        {
            match event {
                Event::Head { stream, info } => {
                    assert_eq!(head.headers().get_str("x-b"), Some(head.path()));
                    self.server_side
                        .incoming
                        .insert(stream.id(), Incoming { ended: info.ended, ..Incoming::default() });
                    let length = random.below(40_000);
                    let body = if random.one_in(2) {
                        ContentLength::Unknown
                    } else {
                        ContentLength::Known(length as u64)
                    };
                    let trailers = body == ContentLength::Unknown && random.one_in(2);
                    let parts =
                        ResponseParts { status: 200, headers: &list(&[("x-c", "d")]), body, origin: None };
                    if self.server.send_head(stream, &parts, &mut self.client_side.wire).unwrap() {
                        let content = random.bytes(length);
                        self.server_side.begin(&mut self.server, stream, content, trailers);
                    } else {
                        self.server_side.done.insert(stream.id(), Vec::new());
                    }
                }
                Event::Malformed { reason } => panic!("{reason}"),
                event => self.server_side.note(&event, &trailers),
            }
        }
    }

    fn client_gets(&mut self, piece: &[u8]) {
        let (mut head, mut trailers, mut input) = (ResponseHead::new(), Headers::new(), piece);
        while let Some(event) =
            self.client.receive(&mut input, &mut head, &mut trailers, &mut self.server_side.wire).unwrap()
        {
            match event {
                Event::Head { stream, info } => {
                    assert_eq!((head.status(), head.headers().get("x-c")), (200, Some(&b"d"[..])));
                    self.client_side.incoming.get_mut(&stream.id()).unwrap().ended = info.ended;
                }
                event => self.client_side.note(&event, &trailers),
            }
        }
    }

    fn give_back(&mut self, random: &mut Random) {
        for (id, incoming) in &mut self.client_side.incoming {
            let held = std::mem::take(&mut incoming.held);
            self.client.consumed(self.keys[id], held, &mut self.server_side.wire);
        }
        if random.one_in(2) {
            let server = &self.server;
            let key_of = |id: u32| {
                // Slots of the two sides are not the same.
                let all = (0..128).map(|slot| StreamKey::from_number(u64::from(id) << 32 | slot));
                all.into_iter().find(|key| server.is_open(*key))
            };
            let held: Vec<_> = self
                .server_side
                .incoming
                .iter_mut()
                .filter(|(_, incoming)| incoming.held > 0)
                .map(|(id, incoming)| (key_of(*id), std::mem::take(&mut incoming.held)))
                .collect();
            for (key, held) in held {
                // None: both messages have ended, so the room was given back.
                if let Some(key) = key {
                    self.server.consumed(key, held, &mut self.client_side.wire);
                }
            }
        }
    }
}

#[test]
fn everything_arrives_whole_on_its_stream() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let mut network = Network::new(&mut random);
        let (mut to_ask, mut rounds) = (20, 0);
        loop {
            rounds += 1;
            assert!(rounds < 200_000, "seed {seed} hangs");
            if to_ask > 0 && random.one_in(3) && network.client.can_open() {
                network.ask(&mut random);
                to_ask -= 1;
            }
            network.client_side.act(&mut network.client, &mut random, &mut network.server_side.wire);
            network.server_side.act(&mut network.server, &mut random, &mut network.client_side.wire);
            for to_server in [true, false] {
                let side = if to_server { &mut network.server_side } else { &mut network.client_side };
                // A part of what is on its way arrives, in pieces.
                let count = random.below(side.wire.len() + 1);
                let arrived: Vec<u8> = side.wire.drain(..count).collect();
                for piece in random.pieces(&arrived) {
                    if to_server {
                        network.server_gets(piece, &mut random)
                    } else {
                        network.client_gets(piece)
                    }
                }
            }
            network.give_back(&mut random);
            let idle = network.client_side.outgoing.is_empty() && network.server_side.outgoing.is_empty();
            if to_ask == 0
                && idle
                && network.client_side.wire.is_empty()
                && network.server_side.wire.is_empty()
            {
                break;
            }
        }
        let (client, server) = (&network.client_side, &network.server_side);
        let mut whole = 0;
        for (id, incoming) in &client.incoming {
            if incoming.reset == Some(ErrorCode::RefusedStream) {
                assert!(!server.incoming.contains_key(id));
                continue;
            }
            assert_eq!(incoming.reset, None, "seed {seed}, stream {id}");
            assert!(incoming.ended && incoming.content == server.done[id], "seed {seed}, stream {id}");
            assert!(
                server.incoming[id].ended && server.incoming[id].content == client.done[id],
                "seed {seed}, stream {id}"
            );
            whole += 1;
        }
        assert!(whole > 0, "seed {seed}");
        assert_eq!((network.client.streams(), network.server.streams()), (0, 0), "seed {seed}");
    }
}

#[test]
fn nonsense_never_panics_and_memory_stays_small() {
    // A good conversation to start from.
    let mut script = Vec::new();
    let mut random = Random::new(1);
    let mut network = Network::new(&mut random);
    for _ in 0..300 {
        if random.one_in(4) {
            network.ask(&mut random);
        }
        network.client_side.act(&mut network.client, &mut random, &mut network.server_side.wire);
        network.server_side.act(&mut network.server, &mut random, &mut network.client_side.wire);
        let arrived = std::mem::take(&mut network.server_side.wire);
        if script.len() < 40_000 {
            script.extend_from_slice(&arrived);
        }
        network.server_gets(&arrived, &mut random);
        let arrived = std::mem::take(&mut network.client_side.wire);
        network.client_gets(&arrived);
        network.give_back(&mut random);
    }
    let mut ended = 0;
    for seed in 0..2_000 {
        let mut random = Random::new(seed);
        let mut input = script[..random.below(script.len())].to_vec();
        for _ in 0..1 + random.below(4) {
            if input.len() < 100 {
                break;
            }
            let at = 24 + random.below(input.len() - 24);
            match random.below(3) {
                0 => input[at] = random.below(256) as u8,
                1 => input[at] ^= 1 << random.below(8),
                _ => drop(input.drain(at..input.len().min(at + 1 + random.below(30)))),
            }
        }
        let mut server = crate::feeding::server(Limits { streams: 3, ..Limits::default() });
        let (mut out, mut told) = (Vec::new(), Told::default());
        let pieces = random.pieces(&input);
        let result = pieces.iter().try_for_each(|piece| feed(&mut server, piece, &mut out, &mut told));
        ended += usize::from(result.is_err());
        assert!(server.streams() <= 3);
        assert!(out.len() <= input.len() + 200, "{} for {}", out.len(), input.len());
    }
    assert!(ended > 200, "only {ended} were refused");
}
