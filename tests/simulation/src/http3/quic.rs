//! A QUIC that is simulated: streams that deliver in order, each for itself, and in any order between each other.

use std::collections::{BTreeMap, VecDeque};

use crate::network::{Fate, Way, Weather};
use crate::random::Random;

/// What an end is told of a stream.
#[derive(Debug)]
pub enum Came {
    /// Bytes, and whether the stream ends behind them.
    Bytes(Vec<u8>, bool),
    /// The sender gave it up (RESET_STREAM).
    Reset(u64),
    /// The receiver wants no more of it (STOP_SENDING).
    Stop(u64),
    /// The connection is over.
    Closed,
}

#[derive(Debug, Default)]
struct Lane {
    flying: VecDeque<(u64, Vec<u8>)>,
    size: usize,
    last: u64,
    fin: Option<u64>,
    reset: Option<(u64, u64)>,
    /// Nothing comes any more.
    told: bool,
    /// Its receiver takes nothing for now.
    stopped: bool,
}

/// One direction of a connection, as its receiver sees it.
#[derive(Debug, Default)]
struct Side {
    lanes: BTreeMap<u64, Lane>,
    stops: Vec<(u64, u64, u64)>,
    closed: Option<u64>,
    told: bool,
}

/// A connection.
pub struct Quic {
    weather: Weather,
    fate: Fate,
    broken: bool,
    up: Side,
    down: Side,
    pub delivered: u64,
}

impl Quic {
    pub fn new(weather: Weather, fate: Fate) -> Self {
        Self { weather, fate, broken: false, up: Side::default(), down: Side::default(), delivered: 0 }
    }

    pub fn is_broken(&self) -> bool {
        self.broken
    }

    fn side(&mut self, way: Way) -> &mut Side {
        match way {
            Way::Up => &mut self.up,
            Way::Down => &mut self.down,
        }
    }

    /// How much may be sent on a stream now.
    pub fn room(&mut self, way: Way, stream: u64) -> usize {
        let capacity = self.weather.capacity();
        let size = self.side(way).lanes.get(&stream).map_or(0, |lane| lane.size);
        capacity.saturating_sub(size)
    }

    pub fn send(
        &mut self,
        way: Way,
        stream: u64,
        mut bytes: &[u8],
        fin: bool,
        now: u64,
        random: &mut Random,
    ) {
        if self.broken {
            return;
        }
        let breaks = match &mut self.fate {
            Fate::Cut(fated, left) | Fate::Silent(fated, left) if *fated == way => {
                *left = left.saturating_sub(bytes.len());
                *left == 0
            }
            _ => false,
        };
        let weather = self.weather.clone();
        let lane = self.side(way).lanes.entry(stream).or_default();
        assert!(lane.fin.is_none(), "bytes behind the end of stream {stream}");
        lane.size += bytes.len();
        while !bytes.is_empty() {
            let (first, rest) = bytes.split_at(weather.length(random).min(bytes.len()));
            lane.last = lane.last.max(now + weather.delay(random));
            lane.flying.push_back((lane.last, first.to_vec()));
            bytes = rest;
        }
        if fin {
            lane.fin = Some(lane.last.max(now + weather.delay(random)));
        }
        if breaks {
            self.break_now(now, random);
        }
    }

    /// Loses the connection. A silent one is noticed by both ends, after the idle time of their transport.
    fn break_now(&mut self, now: u64, random: &mut Random) {
        self.broken = true;
        let notice = if matches!(self.fate, Fate::Silent(..)) { 30_000 } else { 0 };
        for side in [&mut self.up, &mut self.down] {
            for lane in side.lanes.values_mut() {
                lane.flying.truncate(random.below(lane.flying.len() + 1));
                lane.size = lane.flying.iter().map(|(_, bytes)| bytes.len()).sum();
                lane.fin = None;
            }
            side.closed = Some(now + notice + random.below(100) as u64);
        }
    }

    /// The sender of this direction gives a stream up: what is on its way is lost.
    pub fn reset(&mut self, way: Way, stream: u64, code: u64, now: u64, random: &mut Random) {
        let at = now + self.weather.delay(random);
        if self.broken {
            return;
        }
        let lane = self.side(way).lanes.entry(stream).or_default();
        if lane.reset.is_none() && !lane.told {
            lane.flying.truncate(random.below(lane.flying.len() + 1));
            lane.size = lane.flying.iter().map(|(_, bytes)| bytes.len()).sum();
            lane.fin = None;
            lane.reset = Some((at.max(lane.flying.back().map_or(0, |(at, _)| *at)), code));
        }
    }

    /// The receiver of this direction wants no more of a stream: its sender is told.
    pub fn stop(&mut self, way: Way, stream: u64, code: u64, now: u64, random: &mut Random) {
        let at = now + self.weather.delay(random);
        let lane = self.side(way).lanes.entry(stream).or_default();
        lane.told = true;
        lane.flying.clear();
        lane.size = 0;
        if !self.broken {
            let back = if way == Way::Up { Way::Down } else { Way::Up };
            self.side(back).stops.push((at, stream, code));
        }
    }

    /// An end closes the connection: the other one, the receiver of this direction, is told.
    pub fn close(&mut self, way: Way, now: u64, random: &mut Random) {
        let at = now + self.weather.delay(random);
        self.side(way).closed.get_or_insert(at);
    }

    /// Of which streams the receiver of this direction takes bytes now.
    pub fn listen(&mut self, way: Way, wants: impl Fn(u64) -> bool) {
        for (stream, lane) in &mut self.side(way).lanes {
            lane.stopped = !wants(*stream);
        }
    }

    /// What has arrived by now, of whichever stream.
    pub fn arrived(&mut self, way: Way, now: u64, random: &mut Random) -> Option<(u64, Came)> {
        let side = self.side(way);
        if side.told {
            return None;
        }
        if let Some(place) = side.stops.iter().position(|(at, ..)| *at <= now) {
            let (_, stream, code) = side.stops.swap_remove(place);
            return Some((stream, Came::Stop(code)));
        }
        let ready: Vec<u64> = side
            .lanes
            .iter()
            .filter(|(_, lane)| lane.next_arrival().is_some_and(|at| at <= now))
            .map(|(stream, _)| *stream)
            .collect();
        if ready.is_empty() {
            if side.closed.is_some_and(|at| at <= now) {
                side.told = true;
                return Some((0, Came::Closed));
            }
            return None;
        }
        let stream = random.pick(&ready);
        let lane = side.lanes.get_mut(&stream)?;
        if lane.stopped {
            (lane.told, lane.size) = (true, 0);
            lane.flying.clear();
            return Some((stream, Came::Reset(lane.reset.map_or(0, |(_, code)| code))));
        }
        let mut bytes = Vec::new();
        let joins = random.one_in(3);
        while (bytes.is_empty() || joins)
            && lane.flying.front().is_some_and(|(at, _)| *at <= now)
            && let Some((_, more)) = lane.flying.pop_front()
        {
            bytes.extend_from_slice(&more);
        }
        lane.size -= bytes.len();
        let is_all = lane.flying.is_empty();
        let fin = is_all && lane.fin.is_some_and(|at| at <= now);
        if bytes.is_empty() && !fin {
            lane.told = true;
            let code = lane.reset.map_or(0, |(_, code)| code);
            return Some((stream, Came::Reset(code)));
        }
        lane.told = fin;
        self.delivered += bytes.len() as u64;
        Some((stream, Came::Bytes(bytes, fin)))
    }

    /// When something arrives next.
    pub fn next_arrival(&self) -> Option<u64> {
        [&self.up, &self.down].into_iter().filter_map(Side::next_arrival).min()
    }
}

impl Side {
    fn next_arrival(&self) -> Option<u64> {
        if self.told {
            return None;
        }
        let stops = self.stops.iter().map(|(at, ..)| *at);
        let lanes = self.lanes.values().filter_map(Lane::next_arrival);
        stops.chain(lanes).chain(self.closed).min()
    }
}

impl Lane {
    fn next_arrival(&self) -> Option<u64> {
        if self.told {
            return None;
        }
        if self.stopped {
            return self.reset.map(|(at, _)| at);
        }
        match self.flying.front() {
            Some((at, _)) => Some(*at),
            None => self.fin.or(self.reset.map(|(at, _)| at)),
        }
    }
}
