//! WebSockets: flare's server with its routes and handlers; flare's client with the socket of flare-proto on an exchange. On HTTP/1.1 and HTTP/2.

mod client;
mod server;
mod talk;

use std::sync::Arc;

use flare::client::{Limits, Session};
use flare::prelude::*;
use flare::testing::TestClient;
use flare::websocket::WsOptions;
use flare_proto::websocket::{Contexts, DeflateConfig};

use crate::host::Host;
use crate::network::{Fate, Link, Way, Weather};
use crate::random::Random;
use crate::scene::{Pair, Scene, run};
use crate::tally::Tally;
use crate::trace::Trace;
use client::Client;
use server::{Echo, Saw};
use talk::{CLIENT_CODE, SERVER_CODE, Talk};

struct Socket {
    link: Link,
    host: Host,
    client: Client,
    saw: Saw,
}

impl Pair for Socket {
    fn next_arrival(&self) -> Option<u64> {
        self.link.next_arrival()
    }

    fn turn(&mut self, scene: &mut Scene) -> Option<u64> {
        self.client.receive(&mut self.link, scene);
        self.host.receive(&mut self.link, scene);
        self.client.act(&mut self.link, scene);
        let was_over = self.host.is_over();
        self.host.act(&mut self.link, scene);
        let faults = self.saw.faults();
        assert!(faults.is_empty(), "the server's program: {}", faults.join("; "));
        self.link.listen(Way::Up, self.host.wants_input());
        self.link.listen(Way::Down, self.client.wants_input());
        if self.host.is_over() != was_over {
            return Some(scene.now);
        }
        [self.client.due(), self.host.due()].into_iter().flatten().min()
    }

    fn is_over(&self) -> bool {
        self.client.is_over() && self.host.is_over()
    }
}

/// Without compression.
pub fn plain(seed: u64, trace: Trace) -> Tally {
    simulate(false, seed, trace)
}

/// With compression, where the ends agree on it.
pub fn deflate(seed: u64, trace: Trace) -> Tally {
    simulate(true, seed, trace)
}

fn simulate(deflate: bool, seed: u64, trace: Trace) -> Tally {
    let mut random = Random::new(seed);
    let count = random.within(1, 4);
    let weathers: Vec<Weather> = (0..count).map(|_| Weather::new(&mut random, false)).collect();
    let talks: Vec<Talk> =
        weathers.iter().map(|weather| Talk::new(deflate, weather.bearable(), &mut random)).collect();
    let memory = talks.iter().map(Talk::memory).sum::<usize>()
        + weathers.iter().map(|weather| 200_000 + weather.memory()).sum::<usize>();
    let talks = Arc::new(talks);
    let saw = Saw::default();
    let mut options = WsOptions::default();
    if deflate {
        options = options.deflate(random.one_in(2));
    }
    let mut router = Router::new();
    let (for_sockets, all) = (saw.clone(), Arc::clone(&talks));
    let accept = move |request: &Request| Echo::new(request, for_sockets.clone(), Arc::clone(&all));
    if let Err(error) = router.ws_with("/ws/:number", options, accept) {
        panic!("the route: {error}");
    }
    let mut config = ServerConfig { output_limit: random.pick(&[4096, 256 * 1024]), ..Default::default() };
    config.http2.stream_window = random.pick(&[1024, 65_535, 256 * 1024]);
    let most = talks.iter().flat_map(|talk| talk.greetings.iter().chain(&talk.messages));
    // Messages of one read are answered before the limit is looked at.
    let waiting = config.output_limit + 400 * 1024 + most.map(|said| said.length).max().unwrap_or(0);
    let server = TestClient::with_config(router, config);
    let takeover = random.one_in(2);
    let contexts = Contexts::default();
    let drains = random.one_in(8);
    let mut pairs: Vec<Socket> = Vec::new();
    for (number, (weather, talk)) in weathers.into_iter().zip(talks.iter()).enumerate() {
        let is_http1 = random.one_in(2);
        let session = if is_http1 { Session::http1 } else { Session::http2 };
        let config = DeflateConfig {
            send_takeover: takeover,
            receive_takeover: takeover,
            contexts: contexts.clone(),
            ..DeflateConfig::default()
        };
        let drains_at = drains.then(|| random.scaled(3000) as u64);
        pairs.push(Socket {
            link: Link::new(weather, Fate::new(&mut random)),
            host: Host::new(&server, waiting, drains_at),
            client: Client::new(session(Limits::default()), is_http1, talk.clone(), number, config),
            saw: saw.clone(),
        });
    }
    let mut scene = Scene { now: 0, random, trace, most_memory: memory };
    let turns = run(&mut scene, &mut pairs);
    let mut tally = Tally { connections: count as u64, turns, ..Tally::default() };
    for (number, pair) in pairs.iter().enumerate() {
        pair.judge(number, &talks[number], &mut tally);
    }
    tally.end(scene)
}

impl Socket {
    /// What must hold in the end.
    fn judge(&self, number: usize, talk: &Talk, tally: &mut Tally) {
        let client = &self.client;
        let is_broken = self.link.is_broken() && !client.vanished;
        let (opened, codes) = self.saw.of(number);
        tally.bytes += self.link.delivered;
        tally.broken += u64::from(is_broken);
        tally.exchanges += talk.messages.len() as u64 + talk.greetings.len() as u64;
        tally.whole += client.heard as u64;
        let what =
            format!("socket {number}: opened {opened} times, closed with {codes:?}, {:?}", client.closed);
        assert!(opened <= 1 && codes.len() == opened, "not one end for one begin: {what}");
        if is_broken {
            return;
        }
        if client.vanished {
            assert!(matches!(codes[..], [1006 | 1001 | SERVER_CODE]), "{what}");
            return;
        }
        if self.host.drained && (!client.was_open() || client.closed == Some(Some(1001))) {
            return;
        }
        assert!(client.was_open(), "it never was one: {what}");
        match talk.server_closes_after {
            Some(_) => assert_eq!(client.closed, Some(Some(SERVER_CODE)), "{what}"),
            None => {
                assert_eq!(client.closed, Some(Some(CLIENT_CODE)), "{what}");
                assert_eq!(codes, [CLIENT_CODE], "{what}");
                assert!(client.said_all());
            }
        }
        assert_eq!(client.missing(), 0, "messages were lost: {what}");
    }
}
