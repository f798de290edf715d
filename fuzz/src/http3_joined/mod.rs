//! A client and a server joined without QUIC: what is read is what was written, on its stream, whatever the tables of QPACK are, whichever stream delivers
//! how much next, and whoever gives what up; everything ends, and nothing waits for ever.
//!
//! Bytes 0 and 1: the tables of the client and of the server, see [`limits`]. The next text (its length before it): the requests, see [`Plan::read`]. The
//! rest: the steps, two bytes each, see [`Joined::step`]. What they leave undone is done in turns.

mod plan;
mod side;
mod way;

use std::collections::BTreeMap;

use flare_proto::http3::{Client, ErrorCode, Limits, Priority, Rate, RequestParts, Server, Unidirectional};
use flare_proto::{ContentLength, Headers, ResponseParts};

use self::plan::{AUTHORITY, METHODS, Plan, Text, fields, list, pseudo, trailers};
use self::side::Side;
use self::way::Way;
use crate::input::Input;

/// More requests say nothing new.
const MOST_REQUESTS: usize = 12;
/// More turns than any input needs: what goes on longer hangs.
const MOST_TURNS: usize = 1000;
/// All of it, as an amount.
const ALL: usize = 31;

const OWN: [Unidirectional; 3] = [Unidirectional::Control, Unidirectional::Encoder, Unidirectional::Decoder];

struct Joined {
    client: Side<Client>,
    server: Side<Server>,
    /// The requests that were not sent.
    to_ask: Vec<Plan>,
    asked: BTreeMap<u64, Plan>,
}

/// Two bits each: the table for what is received and the one for what is sent, and how many streams may wait in either.
fn limits(choice: u8) -> Limits {
    let pick = |place: u8| usize::from(choice >> place & 3);
    let plenty = Rate { burst: 1 << 30, per_second: 0 };
    Limits {
        decoder_table_bytes: [0, 100, 300, 4096][pick(0)],
        encoder_table_bytes: [0, 100, 300, 4096][pick(2)],
        blocked_streams: [0, 1, 2, 100][pick(4)],
        encoder_blocked_streams: [0, 1, 2, 100][pick(6)],
        datagrams: true,
        resets: plenty,
        priorities: plenty,
        empty_frames: plenty,
        idle_frames: plenty,
        instructions: plenty,
        ..Limits::default()
    }
}

/// An input that is taken apart.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let (one, other) = (limits(input.byte()), limits(input.byte()));
    let mut joined = Joined {
        client: Side::new(one),
        server: Side::new(other),
        to_ask: input.bytes().as_chunks().0.iter().take(MOST_REQUESTS).map(Plan::read).collect(),
        asked: BTreeMap::new(),
    };
    for &[what, which] in input.rest().as_chunks().0 {
        joined.step(what & 7, usize::from(what >> 3), usize::from(which));
    }
    joined.finish();
    // Whatever was given up before, this one is whole.
    joined.to_ask = vec![Plan::read(&[0x5c, 2, 0x0f, 3, 0x1f])];
    joined.finish();
}

impl Joined {
    /// The low three bits of the first byte say what is done, the others how much: all of it is 31. The second byte says on which stream.
    fn step(&mut self, what: u8, amount: usize, which: usize) {
        let Joined { client, server, .. } = self;
        let count = client.ways.len();
        let id = 4 * (which % count.max(1)) as u64;
        let own = which % (3 + count);
        match what {
            0 => self.ask(),
            1 => {
                let way = server.ways.get_mut(&id).filter(|way| !way.message.is_done);
                if let Some(way) = way {
                    way.send(&mut client.end, amount);
                }
            }
            2 => self.answer(id, amount),
            3 if own < 3 => {
                let out = client.end.output(OWN[own]);
                server.get_own(4 * own as u64 + 2, out, amount, &mut client.ways);
            }
            3 => server.get(4 * (own as u64 - 3), amount, &mut client.ways),
            4 if own < 3 => {
                let out = server.end.output(OWN[own]);
                client.get_own(4 * own as u64 + 3, out, amount, &mut server.ways);
            }
            4 => client.get(4 * (own as u64 - 3), amount, &mut server.ways),
            5 => self.give_up(id, amount),
            6 if amount == 0 => server.end.drain(),
            6 if amount == 1 => server.end.finish_drain(),
            6 if amount == 2 => client.end.drain(),
            6 => {
                let priority = Priority { urgency: amount as u8 & 7, incremental: amount & 8 != 0 };
                // It may be over.
                let _ = client.end.send_priority(id, priority);
            }
            _ if amount & 1 == 0 => Side::send_datagram(client, server, id, amount),
            _ => Side::send_datagram(server, client, id, amount),
        }
    }

    fn ask(&mut self) {
        if !self.client.end.can_open() {
            return;
        }
        let Some(plan) = self.to_ask.pop() else { return };
        let Plan { method, request: Text { length, is_announced, has_trailers, fields: choice }, .. } = plan;
        let headers = fields(choice);
        let body = match method {
            0 if is_announced => ContentLength::Known(length as u64),
            0 | 3 => ContentLength::Unknown,
            _ => ContentLength::None,
        };
        let parts = RequestParts {
            method: METHODS[method],
            scheme: "https",
            authority: AUTHORITY,
            target: "/",
            protocol: None,
            headers: &headers,
            body,
        };
        let mut bytes = Vec::new();
        let id = self.client.end.send_request(&parts, &mut bytes).expect("a good request");
        let path = if method == 3 { "" } else { "/" };
        let mut head =
            vec![pseudo(":method", METHODS[method]), pseudo(":authority", AUTHORITY), pseudo(":path", path)];
        head.extend(list(&headers));
        if let ContentLength::Known(length) = body {
            head.push(pseudo("content-length", &length.to_string()));
        }
        head.push(pseudo("host", AUTHORITY));
        let is_whole = self.client.end.has_sent_all(id);
        let trailers = (has_trailers && !is_whole).then(|| trailers(choice));
        let mut way = Way::new(id, id, head, length, trailers, 0);
        way.bytes = bytes;
        if is_whole {
            way.end();
        }
        self.server.ways.insert(id, way);
        self.client.ways.insert(id, expected_answer(id, &plan));
        self.asked.insert(id, plan);
    }

    /// Sends some of an answer: interim answers, the head, some of the content, or the end.
    fn answer(&mut self, id: u64, amount: usize) {
        let end = &mut self.server.end;
        let Some(way) = self.client.ways.get_mut(&id).filter(|way| !way.message.is_done) else { return };
        if !self.server.ways[&id].message.has_head {
            return;
        }
        if way.message.is_begun {
            return way.send(end, amount);
        }
        if way.message.interims > 0 {
            way.message.interims -= 1;
            let mut headers = Headers::new();
            headers.append("link", "x").expect("a field");
            return end.send_informational(id, 103, &headers, &mut way.bytes).expect("before the answer");
        }
        let Plan { answer: Text { length, is_announced, fields: choice, .. }, status, .. } = self.asked[&id];
        let body = match is_announced {
            true => ContentLength::Known(length as u64),
            false => ContentLength::Unknown,
        };
        let parts = ResponseParts { status, headers: &fields(choice), body, origin: None };
        way.message.is_begun = true;
        if !end.send_head(id, &parts, &mut way.bytes).expect("an answer") {
            way.end();
        }
    }

    /// Bit 0: 0 the client, 1 the server. Bit 1: a whole stream, or what comes. Bit 2: what is on its way comes all the same, or the code is H3_NO_ERROR.
    fn give_up(&mut self, id: u64, amount: usize) {
        let Joined { client, server, .. } = self;
        let code = if amount & 4 != 0 { ErrorCode::NoError } else { ErrorCode::RequestCancelled };
        // Each side only what it knows of, and is not over.
        match (amount & 1 == 0, amount & 2 == 0) {
            (true, true) if client.end.is_open(id) => client.give_up(id, code, &mut server.ways),
            (true, false) if client.end.is_open(id) => client.stop(id, amount & 4 != 0),
            (false, is_whole) if server.end.is_open(id) && server.message(id).has_head => {
                if is_whole {
                    server.give_up(id, code, &mut client.ways);
                } else {
                    server.stop(id, amount & 4 != 0);
                }
            }
            _ => {}
        }
    }

    fn finish(&mut self) {
        for turn in 0.. {
            assert!(turn < MOST_TURNS, "it hangs");
            self.step(0, ALL, 0);
            for which in 0..3 + self.asked.len() {
                (1..=4).for_each(|what| self.step(what, ALL, which));
            }
            let is_over = |way: &Way| way.is_over && way.message.is_done && way.stop.is_none();
            let all = self.client.ways.values().chain(self.server.ways.values());
            if (self.to_ask.is_empty() || !self.client.end.can_open()) && all.into_iter().all(is_over) {
                break;
            }
        }
        for way in self.client.ways.values().chain(self.server.ways.values()) {
            assert!(way.message.has_ended || way.message.is_cut, "on stream {}", way.message.stream);
        }
        let (client, server) = (&self.client.end, &self.server.end);
        assert_eq!((client.streams(), server.streams()), (0, 0));
        assert_eq!((client.blocked(), server.blocked()), (0, 0));
    }
}

/// What the client has to get.
fn expected_answer(id: u64, plan: &Plan) -> Way {
    let Plan { method, answer: Text { length, is_announced, has_trailers, fields: choice }, status, .. } =
        *plan;
    let is_tunnel = method == 3 && status == 200;
    let mut head = vec![pseudo(":status", &status.to_string())];
    head.extend(list(&fields(choice)));
    let is_bare = method == 2 || is_announced && length == 0 && !is_tunnel;
    if is_announced && !is_tunnel {
        head.push(pseudo("content-length", &length.to_string()));
    }
    let trailers = (has_trailers && !is_bare).then(|| trailers(choice));
    Way::new(id, id + 1, head, if is_bare { 0 } else { length }, trailers, usize::from(plan.is_interim))
}
