//! The frame mux: two ends of `flare_proto::mux`, each with streams of its own.

use std::collections::BTreeMap;
use std::sync::Arc;

use flare_proto::mux::{Event, INITIAL_CREDIT, Limits, Mux, Role};

use crate::content::{content, is_content};
use crate::network::{Arrival, Fate, Link, Way, Weather};
use crate::planted::{self, Bug};
use crate::random::Random;
use crate::scene::{Pair, Scene, run};
use crate::tally::Tally;
use crate::trace::Trace;

/// Bytes that wait for the network before streams wait, as in flare's own driver.
const HIGH: usize = 256 * 1024;
/// What one stream sends before it is the next one's turn.
const TURN: usize = 16 * 1024;
const PATIENCE: u64 = 15 * 60 * 1000;

/// One stream.
#[derive(Debug)]
struct Plan {
    connection: usize,
    /// Who opens it.
    opener: Way,
    /// How much its opener sends behind the number of the plan, and the other one.
    lengths: [usize; 2],
    /// How it ends before its end: by whom.
    ending: Ending,
    /// Each reader takes so much at a time, every so many milliseconds.
    read: usize,
    pause: u64,
    opens_at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    Done,
    /// The opener cancels it when so much has come.
    Cancelled(usize),
    /// The other one fails when so much has come.
    Failed(usize),
}

/// An end's view of a stream.
#[derive(Debug, Default)]
struct Stream {
    plan: Option<usize>,
    is_own: bool,
    /// The number of the plan, as far as it has come or gone.
    tag: Vec<u8>,
    sent: usize,
    finished: bool,
    blocked: bool,
    /// Came and not read.
    unread: usize,
    received: usize,
    done: bool,
    reads_at: u64,
}

/// What became of a stream at one end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Whole,
    Cancelled,
    Failed,
    Cut,
}

struct End {
    way: Way,
    mux: Mux,
    out: Vec<u8>,
    plans: Arc<Vec<Plan>>,
    number: usize,
    to_open: Vec<usize>,
    streams: BTreeMap<u64, Stream>,
    outcomes: BTreeMap<usize, Outcome>,
    last_news: u64,
    /// The other end has ended.
    ended: bool,
    gone: bool,
    hoard: Vec<u8>,
}

/// Both ends of a connection.
struct Joined {
    link: Link,
    ends: [End; 2],
}

/// Some connections.
pub fn simulate(seed: u64, trace: Trace) -> Tally {
    let mut random = Random::new(seed);
    let count = random.within(1, 4);
    let long = random.one_in(100);
    let count = if long { 1 } else { count };
    let weathers: Vec<Weather> = (0..count).map(|_| Weather::new(&mut random, long)).collect();
    let mut plans = Vec::new();
    for (connection, weather) in weathers.iter().enumerate() {
        for _ in 0..random.within(1, 5) {
            let most = match random.below(20) {
                _ if long => 1_000_000,
                0 => weather.bearable().min(200_000),
                _ => 1500,
            };
            let lengths = [random.scaled(most), random.scaled(most)];
            plans.push(Plan {
                connection,
                opener: random.pick(&[Way::Up, Way::Up, Way::Down]),
                lengths,
                ending: match random.below(10) {
                    0 => Ending::Cancelled(random.below(lengths[1] + 1)),
                    1 => Ending::Failed(random.below(lengths[0] + 1)),
                    _ => Ending::Done,
                },
                read: 100 + random.scaled(60_000),
                pause: random.pick(&[0, 0, 0, 5, 30]),
                opens_at: random.scaled(1000) as u64,
            });
        }
    }
    let memory = weathers.iter().map(|weather| 100_000 + weather.memory()).sum::<usize>()
        + plans.iter().map(|plan| 2_000 + 6 * plan.lengths.iter().sum::<usize>().min(300_000)).sum::<usize>();
    let plans = Arc::new(plans);
    let frame = random.pick(&[100, 5000, 1024 * 1024]);
    let limits = Limits { max_frame: frame, max_streams: 64 };
    let mut pairs: Vec<Joined> = Vec::new();
    for (number, weather) in weathers.into_iter().enumerate() {
        let end = |way, role| {
            let is_mine = |plan: &Plan| plan.connection == number && plan.opener == way;
            let mine = plans.iter().enumerate().filter(|(_, plan)| is_mine(plan));
            End {
                way,
                mux: Mux::new(role, limits),
                out: Vec::new(),
                plans: Arc::clone(&plans),
                number,
                to_open: mine.map(|(index, _)| index).collect(),
                streams: BTreeMap::new(),
                outcomes: BTreeMap::new(),
                last_news: 0,
                ended: false,
                gone: false,
                hoard: Vec::new(),
            }
        };
        let ends = [end(Way::Up, Role::Connecting), end(Way::Down, Role::Accepting)];
        let fate = if long { Fate::Whole } else { Fate::new(&mut random) };
        pairs.push(Joined { link: Link::new(weather, fate), ends });
    }
    let mut scene = Scene { now: 0, random, trace, most_memory: memory };
    let turns = run(&mut scene, &mut pairs);
    let mut tally = Tally { connections: count as u64, turns, ..Tally::default() };
    for pair in &pairs {
        pair.judge(&plans, &mut tally);
    }
    tally.end(scene)
}

impl Pair for Joined {
    fn next_arrival(&self) -> Option<u64> {
        self.link.next_arrival()
    }

    fn turn(&mut self, scene: &mut Scene) -> Option<u64> {
        for end in &mut self.ends {
            end.receive(&mut self.link, scene);
        }
        for end in &mut self.ends {
            end.act(&mut self.link, scene);
        }
        // Each closes when it has nothing left to do and the other one has not either; it sees that by what it was told.
        let is_done = self.ends.iter().all(End::is_idle);
        for end in &mut self.ends {
            if !end.gone && (is_done || end.ended && end.is_idle()) {
                scene.trace.note(format_args!("{:?} closes", end.way));
                self.link.end(end.way, scene.now, &mut scene.random);
                end.gone = true;
            }
        }
        for end in &self.ends {
            self.link.listen(other(end.way), true);
        }
        self.ends.iter().filter_map(End::due).min()
    }

    fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.gone)
    }
}

fn other(way: Way) -> Way {
    match way {
        Way::Up => Way::Down,
        Way::Down => Way::Up,
    }
}

/// Whose content a direction of a stream has.
fn owner(plan: usize, by_opener: bool) -> u64 {
    2 * plan as u64 + if by_opener { 1 } else { 2 }
}

impl End {
    fn is_idle(&self) -> bool {
        self.gone || self.to_open.is_empty() && self.streams.is_empty() && self.out.is_empty()
    }

    fn due(&self) -> Option<u64> {
        if self.gone {
            return None;
        }
        let opens = self.to_open.iter().map(|plan| self.plans[*plan].opens_at);
        let reads = self.streams.values().filter(|stream| stream.unread > 0 && stream.plan.is_some());
        let reads = reads.map(|stream| stream.reads_at);
        opens.chain(reads).chain([self.last_news + PATIENCE]).min()
    }

    fn receive(&mut self, link: &mut Link, scene: &mut Scene) {
        while let Some(arrival) = link.arrived(other(self.way), true, scene.now, &mut scene.random) {
            match arrival {
                _ if self.gone => {}
                Arrival::Bytes(bytes) => {
                    self.last_news = scene.now;
                    // PLANTED: what came is kept for ever.
                    if planted::has(Bug::Grows) {
                        (0..20).for_each(|_| self.hoard.extend_from_slice(&bytes));
                    }
                    self.take(&bytes, scene);
                }
                Arrival::End => self.ended = true,
                Arrival::Lost => self.lose(),
            }
        }
    }

    /// The connection is gone.
    fn lose(&mut self) {
        self.gone = true;
        for (_, stream) in std::mem::take(&mut self.streams) {
            if let Some(plan) = stream.plan {
                self.outcomes.insert(plan, Outcome::Cut);
            }
        }
        self.to_open.clear();
        self.out.clear();
    }

    fn take(&mut self, bytes: &[u8], scene: &mut Scene) {
        let mut input = bytes;
        loop {
            let event = match self.mux.receive(&mut input, &mut self.out) {
                Ok(None) => return,
                Ok(Some(event)) => event,
                Err(error) => panic!("{:?}: the other end breaks the protocol: {error:?}", self.way),
            };
            scene.trace.note(format_args!("{:?} hears {}", self.way, told(&event)));
            match event {
                Event::Opened { id } => {
                    let before = self.streams.insert(id, Stream::default());
                    assert!(before.is_none(), "stream {id} is opened twice");
                }
                // PLANTED: content is lost, and its room is given back.
                Event::Data { id, bytes } if planted::has(Bug::Lost) && bytes.len() % 4 == 3 => {
                    let _ = self.mux.credit(id, bytes.len() as u32, &mut self.out);
                }
                Event::Data { id, bytes } => {
                    let Some(stream) = self.streams.get_mut(&id) else {
                        panic!("content of a stream that is over");
                    };
                    stream.take(&self.plans, bytes, scene.now);
                }
                // PLANTED: an end is not heard.
                Event::Done { id } if planted::has(Bug::Endless) && id % 3 == 1 => {}
                Event::Done { id } => {
                    let Some(stream) = self.streams.get_mut(&id) else { panic!("the end of no stream") };
                    assert!(!stream.done, "stream {id} ends twice");
                    stream.done = true;
                }
                Event::Error { id, text } => {
                    let plan = self.end(id, Outcome::Failed);
                    let is_right = plan.is_some_and(|plan| text == format!("failure of {plan}"));
                    assert!(is_right, "another failure: {text}");
                }
                Event::Cancelled { id } => drop(self.end(id, Outcome::Cancelled)),
                Event::Writable { id } => {
                    if let Some(stream) = self.streams.get_mut(&id) {
                        stream.blocked = false;
                    }
                }
                other => panic!("{other:?}"),
            }
        }
    }

    /// A stream is over.
    fn end(&mut self, id: u64, outcome: Outcome) -> Option<usize> {
        let stream = self.streams.remove(&id)?;
        if let Some(plan) = stream.plan {
            let before = self.outcomes.insert(plan, outcome);
            assert!(before.is_none(), "stream {id} is over twice");
        }
        stream.plan
    }

    fn act(&mut self, link: &mut Link, scene: &mut Scene) {
        if self.gone {
            return;
        }
        if scene.now >= self.last_news + PATIENCE {
            assert!(link.is_broken(), "connection {}: an end waited in vain", self.number);
            return self.lose();
        }
        let due = |plan: &usize| self.plans[*plan].opens_at <= scene.now;
        let opening: Vec<usize> = self.to_open.iter().copied().filter(due).collect();
        self.to_open.retain(|plan| !opening.contains(plan));
        for plan in opening {
            let id = self.mux.open(&mut self.out).unwrap_or_else(|error| panic!("no stream: {error:?}"));
            scene.trace.note(format_args!("{:?} opens {id}: {:?}", self.way, self.plans[plan]));
            self.streams.insert(id, Stream { plan: Some(plan), is_own: true, ..Stream::default() });
        }
        loop {
            let ids: Vec<u64> = self.streams.keys().copied().collect();
            let mut moved = false;
            for id in ids {
                moved |= self.read(id, scene);
                moved |= self.write(id);
            }
            moved |= self.send(link, scene);
            if !moved {
                break;
            }
        }
    }

    /// Reads what has come of a stream, and ends it when the plan says so.
    fn read(&mut self, id: u64, scene: &mut Scene) -> bool {
        let Some(stream) = self.streams.get_mut(&id) else { return false };
        assert!(stream.unread <= INITIAL_CREDIT as usize, "{} bytes wait for a reader", stream.unread);
        let Some(number) = stream.plan else { return false };
        let plan = &self.plans[number];
        let ending = match plan.ending {
            Ending::Cancelled(after) if stream.is_own && stream.received >= after => Some(None),
            Ending::Failed(after) if !stream.is_own && stream.received >= after => Some(Some(number)),
            _ => None,
        };
        if let Some(text) = ending.filter(|_| self.mux.is_open(id)) {
            let (ended, outcome) = match text {
                None => (self.mux.cancel(id, &mut self.out), Outcome::Cancelled),
                Some(_) => {
                    (self.mux.error(id, &format!("failure of {number}"), &mut self.out), Outcome::Failed)
                }
            };
            assert!(ended.is_ok(), "a stream can't be ended: {ended:?}");
            scene.trace.note(format_args!("{:?} ends {id}: {outcome:?}", self.way));
            self.end(id, outcome);
            return true;
        }
        if stream.unread == 0 || stream.reads_at > scene.now {
            return false;
        }
        let read = plan.read.min(stream.unread);
        stream.unread -= read;
        stream.reads_at = scene.now + plan.pause;
        if self.mux.is_open(id) {
            let given = self.mux.credit(id, read as u32, &mut self.out);
            assert!(given.is_ok(), "room can't be given back: {given:?}");
        }
        true
    }

    /// Writes what a stream has to say.
    fn write(&mut self, id: u64) -> bool {
        let Some(stream) = self.streams.get_mut(&id) else { return false };
        let Some(number) = stream.plan else { return false };
        let plan = &self.plans[number];
        let length = plan.lengths[usize::from(!stream.is_own)];
        let mut moved = false;
        if !stream.finished && !stream.blocked && self.out.len() < HIGH {
            let mut bytes = Vec::new();
            let tag = if stream.is_own { 8 } else { 0 };
            if stream.sent < tag {
                bytes.extend_from_slice(&(number as u64).to_be_bytes()[stream.sent..]);
            }
            let from = stream.sent.saturating_sub(tag);
            bytes.extend(content(owner(number, stream.is_own), from, TURN.min(length - from)));
            if bytes.is_empty() {
                let finished = self.mux.finish(id, &mut self.out);
                assert!(finished.is_ok(), "a stream can't be finished: {finished:?}");
                stream.finished = true;
            } else {
                let sent = self.mux.send(id, &bytes, &mut self.out);
                let sent = sent.unwrap_or_else(|error| panic!("content was refused: {error:?}"));
                stream.sent += sent;
                stream.blocked = sent < bytes.len();
            }
            moved = true;
        }
        if stream.finished && stream.done && stream.unread == 0 {
            let expected = plan.lengths[usize::from(stream.is_own)];
            assert_eq!(stream.received, expected, "stream {id}: the length of what came");
            assert!(!self.mux.is_open(id), "both ends are done, and the stream is not");
            self.end(id, Outcome::Whole);
            moved = true;
        }
        moved
    }

    fn send(&mut self, link: &mut Link, scene: &mut Scene) -> bool {
        let room = link.room(self.way).min(self.out.len());
        // Its own limit, the turn that passed it, and answers to what came.
        assert!(self.out.len() <= HIGH + 2 * TURN + 64 * 1024, "{} bytes wait", self.out.len());
        if room == 0 {
            return false;
        }
        link.send(self.way, &self.out[..room], scene.now, &mut scene.random);
        self.out.drain(..room);
        true
    }
}

impl Stream {
    fn take(&mut self, plans: &[Plan], came: &[u8], now: u64) {
        assert!(!self.done, "content behind the end");
        let mut changed;
        let mut bytes = came;
        // PLANTED: a byte is another one, or content comes twice.
        if planted::has(Bug::Changed) && bytes.len() % 4 == 3 {
            changed = came.to_vec();
            changed[0] ^= 1;
            bytes = &changed;
        }
        if planted::has(Bug::Twice) && bytes.len() % 4 == 3 {
            changed = [came, came].concat();
            bytes = &changed;
        }
        if self.unread == 0 {
            self.reads_at = now;
        }
        self.unread += bytes.len();
        if !self.is_own && self.tag.len() < 8 {
            let (tag, rest) = bytes.split_at(bytes.len().min(8 - self.tag.len()));
            self.tag.extend_from_slice(tag);
            bytes = rest;
            if let Ok(tag) = <[u8; 8]>::try_from(&self.tag[..]) {
                let plan = usize::try_from(u64::from_be_bytes(tag)).unwrap_or(usize::MAX);
                assert!(plan < plans.len(), "a stream that nobody planned");
                self.plan = Some(plan);
            }
        }
        if bytes.is_empty() {
            return;
        }
        let Some(plan) = self.plan else { panic!("content of a stream that nobody knows") };
        assert!(is_content(owner(plan, !self.is_own), self.received, bytes), "other content came");
        self.received += bytes.len();
    }
}

/// An event in short.
fn told(event: &Event<'_>) -> String {
    match event {
        Event::Data { id, bytes } => format!("{} bytes of {id}", bytes.len()),
        other => format!("{other:?}"),
    }
}

impl Joined {
    fn judge(&self, plans: &[Plan], tally: &mut Tally) {
        let is_broken = self.link.is_broken();
        tally.bytes += self.link.delivered;
        tally.broken += u64::from(is_broken);
        let number = self.ends[0].number;
        for (index, plan) in plans.iter().enumerate().filter(|(_, plan)| plan.connection == number) {
            let outcomes = self.ends.each_ref().map(|end| end.outcomes.get(&index).copied());
            tally.exchanges += 1;
            tally.whole += u64::from(outcomes == [Some(Outcome::Whole); 2]);
            let what = format!("stream {index} ({:?}): {outcomes:?}", plan.ending);
            if is_broken {
                continue;
            }
            let allowed: &[Outcome] = match plan.ending {
                Ending::Done => &[Outcome::Whole],
                // It may have come whole before, for one of both.
                Ending::Cancelled(_) => &[Outcome::Cancelled, Outcome::Whole],
                Ending::Failed(_) => &[Outcome::Failed, Outcome::Whole],
            };
            for outcome in outcomes {
                // The other end may have heard of no more than that there was a stream.
                let unknown = outcome.is_none() && matches!(plan.ending, Ending::Cancelled(_));
                assert!(unknown || outcome.is_some_and(|outcome| allowed.contains(&outcome)), "{what}");
            }
            tally.left += u64::from(outcomes.contains(&Some(Outcome::Cancelled)));
        }
    }
}
