//! HTTP/3: both ends of `flare_proto::http3`, with QPACK, on a QUIC that is simulated.
//!
//! flare's own sessions are bound to the real QUIC, which reads the clock; so what stands around the protocol here is the simulation's.

mod end;
mod quic;

use std::collections::BTreeMap;
use std::sync::Arc;

use flare_proto::http3::{
    Client, ClientConnection, ErrorCode, Limits, RequestParts, Server, ServerConnection,
};
use flare_proto::{ContentLength, Headers, RequestHead, ResponseHead, ResponseParts};

use crate::content::is_content;
use crate::http::filling;
use crate::network::{Fate, Way, Weather};
use crate::random::Random;
use crate::scene::{Pair, Scene, run};
use crate::tally::Tally;
use crate::trace::Trace;
use end::{End, Outgoing, Told};
use quic::Quic;

const PATIENCE: u64 = 15 * 60 * 1000;

/// One exchange.
#[derive(Debug, Clone)]
struct Plan {
    connection: usize,
    /// The length of the content of the request and of the answer; `None`: there is none.
    lengths: [Option<usize>; 2],
    announced: [bool; 2],
    trailers: [bool; 2],
    piece: [usize; 2],
    pause: [u64; 2],
    fill: [usize; 2],
    asks_at: u64,
    /// The answer begins so long after the head of the request, or after its end.
    delay: u64,
    early: bool,
    /// The server gives it up behind the head of its answer.
    torn: bool,
    leaves: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Whole,
    Reset(u64),
    Left,
    Cut,
}

/// What came of a message.
#[derive(Debug, Default)]
struct Incoming {
    tag: usize,
    head: bool,
    received: usize,
    ended: bool,
}

/// The client's program.
struct Asker {
    end: End<Client>,
    to_ask: Vec<usize>,
    running: BTreeMap<u64, (Incoming, Option<u64>)>,
    outcomes: BTreeMap<usize, Outcome>,
    last_news: u64,
    done: bool,
}

/// The server's program.
struct Answerer {
    end: End<Server>,
    /// Requests, and when they are answered.
    running: BTreeMap<u64, (Incoming, Option<u64>)>,
    torn: Vec<(u64, u64)>,
    served: BTreeMap<usize, usize>,
    drains_at: Option<u64>,
    finishes_at: Option<u64>,
    drained: bool,
    done: bool,
}

struct Joined {
    quic: Quic,
    asker: Asker,
    answerer: Answerer,
    plans: Arc<Vec<Plan>>,
    number: usize,
}

struct Head {
    path: String,
    status: u16,
    fill: String,
}

fn owner(tag: usize, is_answer: bool) -> u64 {
    2 * tag as u64 + if is_answer { 2 } else { 1 }
}

impl Plan {
    fn new(connection: usize, weather: &Weather, random: &mut Random) -> Self {
        let most = match random.below(20) {
            0 => weather.bearable().min(300_000),
            1..=4 => weather.bearable().min(20_000),
            _ => 2000,
        };
        let mut length = || (!random.one_in(3)).then(|| random.scaled(most));
        let lengths = [length(), length()];
        let mut two = |of: &mut dyn FnMut(&mut Random) -> usize| [of(random), of(random)];
        let piece = two(&mut |random| 100 + random.scaled(30_000));
        let fill = two(&mut |random| random.scaled(1500));
        let pause = two(&mut |random| random.pick(&[0, 0, 0, 5, 20])).map(|pause| pause as u64);
        Self {
            connection,
            lengths,
            announced: [random.one_in(2), random.one_in(2)],
            trailers: [random.one_in(4), random.one_in(4)],
            piece,
            pause,
            fill,
            asks_at: if random.one_in(2) { 0 } else { random.scaled(2000) as u64 },
            delay: random.pick(&[0, 0, 1, 10, 300]),
            early: random.one_in(3),
            torn: random.one_in(16),
            leaves: random.one_in(16).then(|| random.scaled(2000) as u64),
        }
    }

    fn length(&self, is_answer: bool) -> usize {
        self.lengths[usize::from(is_answer)].unwrap_or(0)
    }

    fn body(&self, is_answer: bool) -> ContentLength {
        let side = usize::from(is_answer);
        match (self.lengths[side], self.announced[side]) {
            (None, _) => ContentLength::None,
            (Some(length), true) => ContentLength::Known(length as u64),
            (Some(_), false) => ContentLength::Unknown,
        }
    }

    fn headers(&self, tag: usize, is_answer: bool) -> Headers {
        let mut headers = Headers::new();
        let mut add = |name: &str, value: &str| assert!(headers.append(name, value).is_ok());
        add("x-fill", &filling(tag, self.fill[usize::from(is_answer)]));
        // The same in every message, and some that come again: for the dynamic table.
        add("x-same", "the same value in every message");
        add("x-few", &format!("one of few values: {}", tag % 3));
        headers
    }

    fn outgoing(&self, tag: usize, is_answer: bool, now: u64) -> Outgoing {
        let side = usize::from(is_answer);
        let mut trailers = Headers::new();
        assert!(trailers.append("x-end", tag.to_string()).is_ok());
        Outgoing {
            owner: owner(tag, is_answer),
            length: self.length(is_answer),
            sent: 0,
            piece: self.piece[side],
            pause: self.pause[side],
            due: now,
            trailers: self.trailers[side].then_some(trailers),
        }
    }
}

/// Some connections.
pub fn simulate(seed: u64, trace: Trace) -> Tally {
    let mut random = Random::new(seed);
    let count = random.within(1, 4);
    let weathers: Vec<Weather> = (0..count).map(|_| Weather::new(&mut random, false)).collect();
    let mut plans = Vec::new();
    for (connection, weather) in weathers.iter().enumerate() {
        for _ in 0..random.within(1, 6) {
            plans.push(Plan::new(connection, weather, &mut random));
        }
    }
    let memory: usize = plans.iter().map(|plan| plan.memory(&weathers[plan.connection])).sum();
    let plans = Arc::new(plans);
    let mut limits = || {
        Arc::new(Limits {
            decoder_table_bytes: random.pick(&[0, 100, 1000, 4096]),
            encoder_table_bytes: random.pick(&[0, 300, 4096]),
            blocked_streams: random.pick(&[0, 1, 16]),
            encoder_blocked_streams: random.pick(&[0, 3, 16]),
            ..Limits::default()
        })
    };
    let (of_client, of_server) = (limits(), limits());
    let drains = random.one_in(8);
    let mut pairs: Vec<Joined> = Vec::new();
    for (number, weather) in weathers.into_iter().enumerate() {
        let mine = plans.iter().enumerate().filter(|(_, plan)| plan.connection == number);
        let client = ClientConnection::new(Arc::clone(&of_client));
        let server = ServerConnection::new(Arc::clone(&of_server));
        pairs.push(Joined {
            quic: Quic::new(weather, Fate::new(&mut random)),
            asker: Asker {
                end: End::new(client, Way::Up, ResponseHead::new()),
                to_ask: mine.map(|(tag, _)| tag).collect(),
                running: BTreeMap::new(),
                outcomes: BTreeMap::new(),
                last_news: 0,
                done: false,
            },
            answerer: Answerer {
                end: End::new(server, Way::Down, RequestHead::new()),
                running: BTreeMap::new(),
                torn: Vec::new(),
                served: BTreeMap::new(),
                drains_at: drains.then(|| random.scaled(3000) as u64),
                finishes_at: None,
                drained: false,
                done: false,
            },
            plans: Arc::clone(&plans),
            number,
        });
    }
    let mut scene = Scene { now: 0, random, trace, most_memory: memory + count * 200_000 };
    let turns = run(&mut scene, &mut pairs);
    let mut tally = Tally { connections: count as u64, turns, ..Tally::default() };
    for pair in &pairs {
        pair.judge(&mut tally);
    }
    tally.end(scene)
}

impl Plan {
    /// Memory that it may take at both ends and on the way: three streams' worth, and what is on the way in small pieces.
    fn memory(&self, weather: &Weather) -> usize {
        let content = self.length(false) + self.length(true);
        20_000 + (6 * content).min(600_000 + weather.memory())
    }
}

impl Pair for Joined {
    fn next_arrival(&self) -> Option<u64> {
        self.quic.next_arrival()
    }

    fn turn(&mut self, scene: &mut Scene) -> Option<u64> {
        self.asker.hear(&self.plans, &mut self.quic, scene);
        self.answerer.hear(&self.plans, &mut self.quic, scene);
        self.asker.act(&self.plans, &mut self.quic, scene);
        self.answerer.act(&self.plans, &mut self.quic, scene);
        [self.asker.due(&self.plans), self.answerer.due()].into_iter().flatten().min()
    }

    fn is_over(&self) -> bool {
        self.asker.done && self.answerer.done
    }
}

impl Incoming {
    fn content(&mut self, is_answer: bool, bytes: &[u8]) {
        let tag = self.tag;
        assert!(self.head && !self.ended, "exchange {tag}: content outside of the message");
        assert!(
            is_content(owner(tag, is_answer), self.received, bytes),
            "exchange {tag}: other content came"
        );
        self.received += bytes.len();
    }

    fn end(&mut self, plan: &Plan, is_answer: bool, trailers: Option<&str>) {
        let tag = self.tag;
        assert!(!self.ended, "exchange {tag} ends twice");
        self.ended = true;
        assert_eq!(self.received, plan.length(is_answer), "exchange {tag}: the length of what came");
        let side = usize::from(is_answer);
        // Of a message without content, or whose content is said to be none, the head is the end.
        let is_head_alone = plan.lengths[side].is_none_or(|length| length == 0 && plan.announced[side]);
        let expected = (plan.trailers[side] && !is_head_alone).then(|| tag.to_string());
        assert_eq!(trailers, expected.as_deref(), "exchange {tag}: the trailers");
    }
}

impl Asker {
    fn hear(&mut self, plans: &[Plan], quic: &mut Quic, scene: &mut Scene) {
        let read = |head: &ResponseHead| Head {
            path: String::new(),
            status: head.status(),
            fill: head.headers().get_str("x-fill").unwrap_or_default().to_owned(),
        };
        for told in self.end.receive(quic, scene, read) {
            self.last_news = scene.now;
            match told {
                Told::Head(stream, head, ended) => {
                    let Some((incoming, _)) = self.running.get_mut(&stream) else { panic!("nobody asked") };
                    let plan = &plans[incoming.tag];
                    scene.trace.note(format_args!("client, exchange {}: {}", incoming.tag, head.status));
                    assert!(!std::mem::replace(&mut incoming.head, true), "answered twice");
                    assert_eq!(head.status, 200);
                    assert!(head.fill == filling(incoming.tag, plan.fill[1]), "another field");
                    if ended {
                        incoming.end(plan, true, None);
                        self.end_if_whole(stream, plans, quic, scene);
                    }
                }
                Told::Data(stream, bytes) => {
                    let Some((incoming, _)) = self.running.get_mut(&stream) else { panic!("nobody asked") };
                    incoming.content(true, &bytes);
                }
                Told::End(stream, trailers) => {
                    let Some((incoming, _)) = self.running.get_mut(&stream) else { panic!("nobody asked") };
                    scene.trace.note(format_args!("client, exchange {}: end", incoming.tag));
                    incoming.end(&plans[incoming.tag], true, trailers.as_deref());
                    assert!(!plans[incoming.tag].torn, "a torn answer looks whole");
                    self.end_if_whole(stream, plans, quic, scene);
                }
                Told::Reset(stream, code, by_peer) => {
                    if let Some((incoming, _)) = self.running.remove(&stream) {
                        scene.trace.note(format_args!("client, exchange {}: reset {code:x}", incoming.tag));
                        self.outcomes.entry(incoming.tag).or_insert(Outcome::Reset(code));
                    }
                    self.end.forget(stream);
                    if !by_peer {
                        self.end.reset(stream, code, quic, scene);
                    }
                }
                Told::Stopped(stream) => self.end.forget(stream),
                Told::Closed => self.cut(),
            }
        }
    }

    fn end_if_whole(&mut self, stream: u64, plans: &[Plan], quic: &mut Quic, scene: &mut Scene) {
        let Some((incoming, _)) = self.running.remove(&stream) else { return };
        self.outcomes.insert(incoming.tag, Outcome::Whole);
        // The rest of the request is not needed, unless the seed sends it all the same.
        if !self.end.connection.has_sent_all(stream) && plans[incoming.tag].leaves.is_some() {
            self.end.reset(stream, ErrorCode::NoError.number(), quic, scene);
        }
    }

    fn cut(&mut self) {
        self.done = true;
        for (_, (incoming, _)) in std::mem::take(&mut self.running) {
            self.outcomes.entry(incoming.tag).or_insert(Outcome::Cut);
        }
    }

    fn act(&mut self, plans: &[Plan], quic: &mut Quic, scene: &mut Scene) {
        if self.done {
            return;
        }
        self.end.connection.set_now(scene.now);
        let leaving: Vec<u64> = self
            .running
            .iter()
            .filter(|(_, (_, leaves))| leaves.is_some_and(|at| at <= scene.now))
            .map(|(stream, _)| *stream)
            .collect();
        for stream in leaving {
            let Some((incoming, _)) = self.running.remove(&stream) else { continue };
            scene.trace.note(format_args!("client leaves exchange {}", incoming.tag));
            self.outcomes.insert(incoming.tag, Outcome::Left);
            self.end.reset(stream, ErrorCode::RequestCancelled.number(), quic, scene);
        }
        let due = |tag: &usize| plans[*tag].asks_at <= scene.now;
        let asking: Vec<usize> = self.to_ask.iter().copied().filter(due).collect();
        for tag in asking {
            if !self.end.connection.can_open() {
                break;
            }
            self.to_ask.retain(|other| *other != tag);
            let plan = &plans[tag];
            let (target, headers) = (format!("/{tag}"), plan.headers(tag, false));
            let parts = RequestParts {
                method: if plan.lengths[0].is_some() { "POST" } else { "GET" },
                scheme: "https",
                authority: "simulation.test",
                target: &target,
                protocol: None,
                headers: &headers,
                body: plan.body(false),
            };
            let mut frames = Vec::new();
            let stream = self.end.connection.send_request(&parts, &mut frames);
            let stream = stream.unwrap_or_else(|error| panic!("exchange {tag} can't be asked: {error}"));
            scene.trace.note(format_args!("client asks exchange {tag} on {stream}: {plan:?}"));
            self.end.queue(stream, &frames);
            if !self.end.connection.has_sent_all(stream) {
                self.end.outgoing.insert(stream, plan.outgoing(tag, false, scene.now));
            }
            let leaves = plan.leaves.map(|after| scene.now + after);
            self.running.insert(stream, (Incoming { tag, ..Incoming::default() }, leaves));
        }
        self.end.send(quic, scene);
        if scene.now >= self.last_news + PATIENCE {
            panic!("the client waited in vain");
        }
        let can_ask = !self.to_ask.is_empty() && !self.end.connection.is_draining();
        if !can_ask && self.running.is_empty() && self.end.is_sent() {
            scene.trace.note(format_args!("client closes"));
            quic.close(Way::Up, scene.now, &mut scene.random);
            self.end.closed = true;
            self.done = true;
        }
    }

    fn due(&self, plans: &[Plan]) -> Option<u64> {
        if self.done {
            return None;
        }
        let can_open = self.end.connection.can_open();
        let asks = self.to_ask.iter().filter(|_| can_open).map(|tag| plans[*tag].asks_at);
        let leaves = self.running.values().filter_map(|(_, leaves)| *leaves);
        asks.chain(leaves).chain(self.end.due()).chain([self.last_news + PATIENCE]).min()
    }
}

impl Answerer {
    fn hear(&mut self, plans: &[Plan], quic: &mut Quic, scene: &mut Scene) {
        let read = |head: &RequestHead| Head {
            path: head.path().to_owned(),
            status: 0,
            fill: head.headers().get_str("x-fill").unwrap_or_default().to_owned(),
        };
        for told in self.end.receive(quic, scene, read) {
            match told {
                Told::Head(stream, head, ended) => {
                    let tag = head.path.trim_start_matches('/').parse().unwrap_or(usize::MAX);
                    let Some(plan) = plans.get(tag) else { panic!("nobody asked for {}", head.path) };
                    scene.trace.note(format_args!("server, exchange {tag}: head"));
                    *self.served.entry(tag).or_default() += 1;
                    assert!(head.fill == filling(tag, plan.fill[0]), "another field");
                    let mut incoming = Incoming { tag, head: true, ..Incoming::default() };
                    if ended {
                        incoming.end(plan, false, None);
                    }
                    let answers = (plan.early || ended).then(|| scene.now + plan.delay);
                    let before = self.running.insert(stream, (incoming, answers));
                    assert!(before.is_none(), "a stream has two requests");
                }
                Told::Data(stream, bytes) => {
                    let Some((incoming, _)) = self.running.get_mut(&stream) else { continue };
                    incoming.content(false, &bytes);
                }
                Told::End(stream, trailers) => {
                    let Some((incoming, answers)) = self.running.get_mut(&stream) else { continue };
                    let plan = &plans[incoming.tag];
                    incoming.end(plan, false, trailers.as_deref());
                    if !plan.early {
                        *answers = Some(scene.now + plan.delay);
                    }
                }
                Told::Reset(stream, code, by_peer) => {
                    self.running.remove(&stream);
                    self.end.forget(stream);
                    if !by_peer {
                        self.end.reset(stream, code, quic, scene);
                    }
                }
                Told::Stopped(stream) => self.end.forget(stream),
                Told::Closed => self.done = true,
            }
        }
    }

    fn act(&mut self, plans: &[Plan], quic: &mut Quic, scene: &mut Scene) {
        if self.done {
            return;
        }
        self.end.connection.set_now(scene.now);
        if self.drains_at.is_some_and(|at| at <= scene.now) {
            scene.trace.note(format_args!("server drains"));
            (self.drains_at, self.drained) = (None, true);
            self.end.connection.drain();
            self.finishes_at = Some(scene.now + 500);
        }
        if self.finishes_at.is_some_and(|at| at <= scene.now) {
            self.finishes_at = None;
            self.end.connection.finish_drain();
        }
        let due: Vec<(u64, usize)> = self
            .running
            .iter()
            .filter(|(_, (_, answers))| answers.is_some_and(|at| at <= scene.now))
            .map(|(stream, (incoming, _))| (*stream, incoming.tag))
            .collect();
        for (stream, tag) in due {
            if let Some((_, answers)) = self.running.get_mut(&stream) {
                *answers = None;
            }
            self.answer(stream, tag, plans, scene);
        }
        let torn: Vec<u64> = self.torn.iter().filter(|(at, _)| *at <= scene.now).map(|(_, id)| *id).collect();
        self.torn.retain(|(at, _)| *at > scene.now);
        self.end.send(quic, scene);
        for stream in torn {
            if self.running.remove(&stream).is_some() {
                scene.trace.note(format_args!("server gives {stream} up"));
                self.end.reset(stream, ErrorCode::Internal.number(), quic, scene);
            }
        }
    }

    fn answer(&mut self, stream: u64, tag: usize, plans: &[Plan], scene: &mut Scene) {
        let plan = &plans[tag];
        let headers = plan.headers(tag, true);
        let body = if plan.torn { ContentLength::Unknown } else { plan.body(true) };
        let parts = ResponseParts { status: 200, headers: &headers, body, origin: None };
        let mut frames = Vec::new();
        let sent = self.end.connection.send_head(stream, &parts, &mut frames);
        let follows = match sent {
            Ok(follows) => follows,
            // The client wants no answer any more (STOP_SENDING).
            Err(error) => {
                scene.trace.note(format_args!("server, exchange {tag}: {error}"));
                return;
            }
        };
        scene.trace.note(format_args!("server answers exchange {tag}"));
        self.end.queue(stream, &frames);
        if plan.torn {
            self.torn.push((scene.now + 5, stream));
        } else if follows {
            self.end.outgoing.insert(stream, plan.outgoing(tag, true, scene.now));
        }
    }

    fn due(&self) -> Option<u64> {
        if self.done {
            return None;
        }
        let answers = self.running.values().filter_map(|(_, answers)| *answers);
        let torn = self.torn.iter().map(|(at, _)| *at);
        answers.chain(torn).chain(self.end.due()).chain(self.drains_at).chain(self.finishes_at).min()
    }
}

impl Joined {
    fn judge(&self, tally: &mut Tally) {
        let is_broken = self.quic.is_broken();
        tally.bytes += self.quic.delivered;
        tally.broken += u64::from(is_broken);
        for (tag, plan) in self.plans.iter().enumerate().filter(|(_, plan)| plan.connection == self.number) {
            let outcome = self.asker.outcomes.get(&tag).copied();
            let served = self.answerer.served.get(&tag).copied().unwrap_or(0);
            let what = format!("exchange {tag}: {outcome:?}, served {served} times, {plan:?}");
            tally.exchanges += 1;
            assert!(served <= 1, "{what}");
            let rejected = ErrorCode::RequestRejected.number();
            match outcome {
                None => assert!(is_broken || self.answerer.drained, "never asked: {what}"),
                Some(Outcome::Whole) => {
                    tally.whole += 1;
                    assert_eq!(served, 1, "nobody answered: {what}");
                }
                Some(Outcome::Reset(code)) if code == rejected => {
                    assert!(served == 0 && self.answerer.drained, "refused, and served: {what}");
                }
                Some(Outcome::Reset(_)) => assert!(plan.torn, "not answered: {what}"),
                Some(Outcome::Left) => tally.left += 1,
                Some(Outcome::Cut) => assert!(is_broken, "cut: {what}"),
            }
        }
    }
}
