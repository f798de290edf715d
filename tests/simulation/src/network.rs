//! The network between two ends: streams of bytes that keep their order, take time, come in pieces, fill up, and break.

use std::collections::VecDeque;

use crate::random::Random;

/// One of the two directions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

/// What a connection's way through the network is like.
#[derive(Debug, Clone)]
pub struct Weather {
    /// The least time from one end to the other, in milliseconds.
    latency: u64,
    /// What a piece may take beyond that.
    jitter: u64,
    /// The longest piece.
    piece: usize,
    /// How much is on its way at most; then the sender waits.
    capacity: usize,
}

impl Weather {
    /// As the seed says. `broad`: for much content.
    pub fn new(random: &mut Random, broad: bool) -> Self {
        let pieces: &[usize] = if broad { &[1460, 16 * 1024] } else { &[7, 100, 1460, 1460, 16 * 1024] };
        let capacities: &[usize] = if broad { &[64 * 1024] } else { &[1000, 4000, 16 * 1024, 64 * 1024] };
        let piece = random.pick(pieces);
        Self {
            latency: random.pick(&[0, 0, 1, 20, 150]),
            jitter: random.pick(&[0, 0, 1, 10, 200]),
            piece,
            capacity: random.pick(capacities).min(piece * 400),
        }
    }

    /// How much is on its way at most.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// How long a piece takes.
    pub fn delay(&self, random: &mut Random) -> u64 {
        self.latency + random.below(self.jitter as usize + 1) as u64
    }

    /// How long a piece is.
    pub fn length(&self, random: &mut Random) -> usize {
        match random.below(4) {
            0 => random.within(1, self.piece),
            1 => random.within(1, 3),
            _ => self.piece,
        }
    }

    /// Memory that is on its way, at most.
    pub fn memory(&self) -> usize {
        8 * self.capacity
    }

    /// How much content may be sent through it without taking more virtual time than deadlines allow.
    pub fn bearable(&self) -> usize {
        // A piece costs a turn of both ends, and what is on its way is sent once in a round trip.
        (self.piece * 300).min(self.capacity * 30)
    }
}

/// What is to break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Nothing does.
    Whole,
    /// Both ends are told that the connection is lost, behind so many bytes of one direction.
    Cut(Way, usize),
    /// Nothing arrives any more, and nobody is told.
    Silent(Way, usize),
}

impl Fate {
    /// As the seed says: most connections live.
    pub fn new(random: &mut Random) -> Self {
        let way = random.pick(&[Way::Up, Way::Down]);
        let after = random.scaled(200_000);
        match random.below(16) {
            0..=1 => Fate::Cut(way, after),
            2 => Fate::Silent(way, after),
            _ => Fate::Whole,
        }
    }
}

/// What comes out of the network.
#[derive(Debug, PartialEq, Eq)]
pub enum Arrival {
    Bytes(Vec<u8>),
    /// The other end sends nothing more.
    End,
    /// The connection is lost.
    Lost,
}

#[derive(Debug, Default)]
struct Lane {
    flying: VecDeque<(u64, Vec<u8>)>,
    size: usize,
    /// When the last piece arrives: none overtakes it.
    last: u64,
    /// When the end of the sender's side arrives.
    end: Option<u64>,
    ended: bool,
    /// When the receiver is told that the connection is lost.
    lost: Option<u64>,
    told: bool,
    /// The receiver takes nothing for now.
    stopped: bool,
    /// The receiver is gone.
    gone: bool,
}

/// A connection's way through the network, in both directions.
#[derive(Debug)]
pub struct Link {
    weather: Weather,
    fate: Fate,
    up: Lane,
    down: Lane,
    /// The fate has come.
    broken: bool,
    /// Bytes that have arrived.
    pub delivered: u64,
}

impl Link {
    pub fn new(weather: Weather, fate: Fate) -> Self {
        Self { weather, fate, up: Lane::default(), down: Lane::default(), broken: false, delivered: 0 }
    }

    /// Whether the network has broken it.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    fn lane(&mut self, way: Way) -> &mut Lane {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// How much may be sent now.
    pub fn room(&mut self, way: Way) -> usize {
        let capacity = self.weather.capacity;
        let lane = self.lane(way);
        if lane.end.is_some() { 0 } else { capacity.saturating_sub(lane.size) }
    }

    /// Sends bytes: not more than there is room for. What is broken loses them.
    pub fn send(&mut self, way: Way, mut bytes: &[u8], now: u64, random: &mut Random) {
        if self.broken {
            return;
        }
        let breaks = match &mut self.fate {
            Fate::Cut(fated, left) | Fate::Silent(fated, left) if *fated == way => {
                let sent = bytes.len().min(*left);
                *left -= sent;
                bytes = &bytes[..sent];
                *left == 0
            }
            _ => false,
        };
        let weather = self.weather.clone();
        let lane = self.lane(way);
        assert!(lane.end.is_none(), "bytes behind the end of a stream");
        if lane.gone {
            return;
        }
        lane.size += bytes.len();
        while !bytes.is_empty() {
            let (first, rest) = bytes.split_at(weather.length(random).min(bytes.len()));
            lane.last = lane.last.max(now + weather.delay(random));
            lane.flying.push_back((lane.last, first.to_vec()));
            bytes = rest;
        }
        if breaks {
            self.break_now(now, random);
        }
    }

    /// Loses the connection now, as a host that goes down.
    pub fn cut(&mut self, now: u64, random: &mut Random) {
        if !self.broken {
            self.fate = Fate::Cut(Way::Up, 0);
            self.break_now(now, random);
        }
    }

    fn break_now(&mut self, now: u64, random: &mut Random) {
        self.broken = true;
        let is_cut = matches!(self.fate, Fate::Cut(..));
        for lane in [&mut self.up, &mut self.down] {
            // Some of what is on its way still arrives.
            lane.flying.truncate(random.below(lane.flying.len() + 1));
            lane.size = lane.flying.iter().map(|(_, bytes)| bytes.len()).sum();
            // A peer that went down says so; one behind a broken wire does not.
            lane.end = None;
            if is_cut {
                lane.lost = Some(now.max(lane.last) + random.below(100) as u64);
            }
        }
    }

    /// The sender of this direction sends nothing more.
    pub fn end(&mut self, way: Way, now: u64, random: &mut Random) {
        if self.broken {
            return;
        }
        let delay = self.weather.delay(random);
        let lane = self.lane(way);
        if lane.end.is_none() {
            lane.end = Some(lane.last.max(now + delay));
        }
    }

    /// Whether the sender of this direction has ended it.
    pub fn is_ended(&self, way: Way) -> bool {
        let lane = match way {
            Way::Up => &self.up,
            Way::Down => &self.down,
        };
        lane.end.is_some()
    }

    /// What has arrived by now. `wants`: whether the receiver takes bytes; the news of a lost connection it cannot refuse.
    pub fn arrived(&mut self, way: Way, wants: bool, now: u64, random: &mut Random) -> Option<Arrival> {
        let joins = random.one_in(3);
        let lane = self.lane(way);
        lane.stopped = !wants;
        if lane.told {
            return None;
        }
        if wants && lane.flying.front().is_some_and(|(at, _)| *at <= now) {
            let (_, mut bytes) = lane.flying.pop_front()?;
            while joins
                && bytes.len() < 64 * 1024
                && lane.flying.front().is_some_and(|(at, _)| *at <= now)
                && let Some((_, more)) = lane.flying.pop_front()
            {
                bytes.extend_from_slice(&more);
            }
            lane.size -= bytes.len();
            self.delivered += bytes.len() as u64;
            return Some(Arrival::Bytes(bytes));
        }
        if lane.flying.is_empty() && !lane.ended && lane.end.is_some_and(|at| at <= now) {
            lane.ended = true;
            return Some(Arrival::End);
        }
        if lane.lost.is_some_and(|at| at <= now) {
            lane.told = true;
            return Some(Arrival::Lost);
        }
        None
    }

    /// Whether the receiver of this direction takes bytes now.
    pub fn listen(&mut self, way: Way, wants: bool) {
        self.lane(way).stopped = !wants;
    }

    /// Bytes of this direction are lost from now on, because their receiver is gone.
    pub fn discard(&mut self, way: Way) {
        let lane = self.lane(way);
        lane.flying.clear();
        lane.size = 0;
        lane.gone = true;
    }

    /// When something arrives next.
    pub fn next_arrival(&self) -> Option<u64> {
        [&self.up, &self.down].into_iter().filter_map(Lane::next_arrival).min()
    }
}

impl Lane {
    fn next_arrival(&self) -> Option<u64> {
        if self.told {
            return None;
        }
        let piece = self.flying.front().map(|(at, _)| *at);
        let end = self.end.filter(|_| !self.ended && piece.is_none());
        let lost = self.lost;
        [piece.filter(|_| !self.stopped), end, lost].into_iter().flatten().min()
    }
}
