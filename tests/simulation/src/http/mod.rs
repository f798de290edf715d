//! Exchanges over HTTP: flare's server with its router and handlers, and flare's client.

mod plan;
mod site;
mod visitor;

use std::collections::VecDeque;
use std::sync::Arc;

use flare::ServerConfig;
use flare::client::{Failure, Limits, Session};
use flare::testing::TestClient;

use crate::host::Host;
use crate::network::{Fate, Link, Way, Weather};
use crate::random::Random;
use crate::scene::{Pair, Scene, run};
use crate::tally::Tally;
use crate::trace::Trace;
pub use plan::filling;
use plan::{Answer, Plan};
use site::Site;
use visitor::{Manner, Outcome, Visitor};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Http1,
    Http2,
}

struct Exchanges {
    number: usize,
    link: Link,
    host: Host,
    visitor: Visitor,
    site: Site,
}

impl Pair for Exchanges {
    fn next_arrival(&self) -> Option<u64> {
        self.link.next_arrival()
    }

    fn turn(&mut self, scene: &mut Scene) -> Option<u64> {
        self.visitor.receive(&mut self.link, scene);
        self.host.receive(&mut self.link, scene);
        self.visitor.act(&mut self.link, scene);
        let was_over = self.host.is_over();
        self.site.work(self.number, scene.now);
        self.host.act(&mut self.link, scene);
        if self.host.is_over() != was_over {
            // What the client has to send goes nowhere now, and waits for nothing.
            return Some(scene.now);
        }
        self.link.listen(Way::Up, self.host.wants_input());
        self.link.listen(Way::Down, self.visitor.wants_input());
        let faults = self.site.faults();
        assert!(faults.is_empty(), "the server's program: {}", faults.join("; "));
        [self.visitor.due(), self.host.due(), self.site.due(self.number)].into_iter().flatten().min()
    }

    fn is_over(&self) -> bool {
        // What the program still has to do about its exchanges, it does.
        self.visitor.is_over() && self.host.is_over() && self.site.due(self.number).is_none()
    }
}

/// Some connections to one server.
pub fn simulate(wire: Wire, seed: u64, trace: Trace) -> Tally {
    let mut random = Random::new(seed);
    let long = random.one_in(100);
    let count = if long { 1 } else { random.within(1, 4) };
    let (config, client_limits) = limits(wire, long, &mut random);
    let weathers: Vec<Weather> = (0..count).map(|_| Weather::new(&mut random, long)).collect();
    let mut plans = Vec::new();
    let mut tags: Vec<VecDeque<usize>> = vec![VecDeque::new(); count];
    for (number, weather) in weathers.iter().enumerate() {
        for _ in 0..if long { 1 } else { random.within(1, 4) } {
            tags[number].push_back(plans.len());
            plans.push(Plan::new(number, weather, long, &mut random));
        }
    }
    let memory: usize = plans.iter().map(Plan::memory).sum::<usize>()
        + weathers.iter().map(|weather| 200_000 + weather.memory()).sum::<usize>();
    let plans = Arc::new(plans);
    let site = Site::new(Arc::clone(&plans));
    // The limit, what a stream has written until then, and the one answer that reached the limit, if that is one piece.
    let whole = plans.iter().filter(|plan| !plan.answer.flows()).map(|plan| plan.download).max();
    let waiting = config.output_limit + 320 * 1024 + whole.unwrap_or(0);
    let router = site.router().unwrap_or_else(|error| panic!("the routes: {error}"));
    let server = TestClient::with_config(router, config);
    let drains = random.one_in(6);
    let mut pairs: Vec<Exchanges> = Vec::new();
    for (number, (weather, tags)) in weathers.into_iter().zip(tags).enumerate() {
        let session = match wire {
            Wire::Http1 => Session::http1(client_limits.clone()),
            Wire::Http2 => Session::http2(client_limits.clone()),
        };
        let at_once = if wire == Wire::Http1 { 1 } else { random.within(1, 4) };
        let manner = match random.below(6) {
            0 => Manner::Stay,
            1 if wire == Wire::Http1 => Manner::HalfClose,
            2 => Manner::Vanish,
            _ => Manner::Close,
        };
        let fate = if long { Fate::Whole } else { Fate::new(&mut random) };
        let drains_at = drains.then(|| random.scaled(3000) as u64);
        pairs.push(Exchanges {
            number,
            link: Link::new(weather, fate),
            host: Host::new(&server, waiting, drains_at),
            visitor: Visitor::new(session, Arc::clone(&plans), tags, at_once, manner),
            site: site.clone(),
        });
    }
    let mut scene = Scene { now: 0, random, trace, most_memory: memory };
    let turns = run(&mut scene, &mut pairs);
    let unended = site.unended();
    assert!(unended.is_empty(), "exchanges of the server's program have no end: {unended:?}");
    let mut tally = Tally { connections: count as u64, turns, ..Tally::default() };
    for pair in &mut pairs {
        pair.judge(wire, &plans, &mut tally);
    }
    tally.end(scene)
}

fn limits(wire: Wire, long: bool, random: &mut Random) -> (ServerConfig, Limits) {
    let mut config = ServerConfig::default();
    let mut client = Limits::default();
    config.output_limit = random.pick(&[4096, 16 * 1024, 256 * 1024]);
    config.discard_limit = random.pick(&[1000, 64 * 1024]);
    if wire == Wire::Http2 {
        let windows: &[u32] = if long { &[65_535, 256 * 1024] } else { &[1024, 20_000, 65_535, 256 * 1024] };
        config.http2.stream_window = random.pick(windows);
        config.http2.streams = random.pick(&[1, 2, 128]);
        config.http2.decoder_table_bytes = random.pick(&[0, 200, 4096]);
        let mut http2 = (*client.http2).clone();
        http2.stream_window = random.pick(windows);
        http2.decoder_table_bytes = random.pick(&[0, 200, 4096]);
        client.http2 = Arc::new(http2);
    }
    (config, client)
}

impl Exchanges {
    /// What must hold in the end.
    fn judge(&mut self, wire: Wire, plans: &[Plan], tally: &mut Tally) {
        let is_broken = self.link.is_broken() && !self.visitor.vanished;
        let drained = self.host.drained;
        assert!(!self.visitor.gave_up, "the client waited in vain");
        // HTTP/1.1 has nothing but the end of the connection to say that an exchange is over.
        let mut may_miss = is_broken || (wire == Wire::Http1 && self.visitor.cancelled);
        tally.bytes += self.link.delivered;
        tally.broken += u64::from(is_broken);
        for (tag, outcome) in &self.visitor.outcomes {
            let (plan, visit) = (&plans[*tag], self.site.visit(*tag));
            let what = format!("exchange {tag} ({:?}): {outcome:?}, {visit:?}", plan.answer);
            assert!(visit.calls <= 1 && visit.begun <= 1, "served twice: {what}");
            tally.exchanges += 1;
            match outcome {
                Outcome::NotAsked => assert!(may_miss || drained, "never asked: {what}"),
                Outcome::Running => panic!("has no end: {what}"),
                Outcome::Whole => {
                    tally.whole += 1;
                    assert_eq!(visit.calls, 1, "nobody answered: {what}");
                    // The client may know by the length that it has all, and leave before the program said so.
                    let by_length = plan.announced && plan.answer.flows();
                    let whole = visit.whole || by_length || plan.answer == Answer::Forgotten;
                    assert!(whole, "cut for the server: {what}");
                }
                Outcome::Failed(failure) => {
                    // A server that drains may leave what it has not begun; HTTP/1.1 can't say that it has.
                    let left_out = drained && visit.calls == 0;
                    let torn = plan.answer == Answer::Torn;
                    assert!(may_miss || left_out || torn, "not answered: {what}");
                    assert!(*failure != Failure::Refused || visit.calls == 0, "refused, and served: {what}");
                    let is_peace = matches!(failure, Failure::Cut | Failure::Refused | Failure::Reset(_));
                    assert!(is_peace, "our own server: {what}");
                }
                Outcome::Left => tally.left += 1,
            }
            if wire == Wire::Http1 {
                may_miss |=
                    matches!(outcome, Outcome::Left) || matches!(plan.answer, Answer::Torn | Answer::Early);
            }
        }
    }
}

pub mod http1 {
    //! HTTP/1.1.
    use super::{Tally, Trace, Wire};

    pub fn simulate(seed: u64, trace: Trace) -> Tally {
        super::simulate(Wire::Http1, seed, trace)
    }
}

pub mod http2 {
    //! HTTP/2, by prior knowledge.
    use super::{Tally, Trace, Wire};

    pub fn simulate(seed: u64, trace: Trace) -> Tally {
        super::simulate(Wire::Http2, seed, trace)
    }
}
