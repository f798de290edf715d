//! A network that loses, repeats and reorders: every answer comes, whole and once.

use std::time::Instant;

use flare_proto::http3::Limits;
use flare_quic::Path;

use super::client::{Client, Link, context, path, settings};
use super::served::Served;
use super::{holding, pattern};

/// A network whose faults a seed decides.
struct Bad {
    server: Served,
    random: u64,
    /// In percent.
    lost: u64,
    repeated: u64,
    reordered: u64,
}

impl Bad {
    fn below(&mut self, limit: u64) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) % limit
    }

    fn spoil(&mut self, datagrams: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut through: Vec<Vec<u8>> = Vec::new();
        for datagram in datagrams {
            if self.below(100) < self.lost {
                continue;
            }
            if self.below(100) < self.repeated {
                through.push(datagram.clone());
            }
            let place = match through.len() as u64 {
                length @ 1.. if self.below(100) < self.reordered => self.below(length) as usize,
                length => length as usize,
            };
            through.insert(place, datagram);
        }
        through
    }
}

impl Link for Bad {
    fn give(&mut self, datagrams: Vec<Vec<u8>>, path: Path) {
        let through = self.spoil(datagrams);
        self.server.give(through, path);
    }

    fn take(&mut self) -> Vec<Vec<u8>> {
        let datagrams = self.server.take();
        self.spoil(datagrams)
    }

    fn work(&mut self) -> bool {
        self.server.work()
    }

    fn wait(&mut self, until: Instant) {
        self.server.wait(until);
    }
}

#[test]
fn every_answer_comes_whole_and_once() {
    let lengths: Vec<usize> = (0..60).map(|at| at * at * 50).collect();
    for (seed, lost, repeated, reordered) in [(1, 2, 0, 0), (2, 0, 10, 30), (3, 5, 5, 10)] {
        let (service, held) = holding();
        let server = Served::new(&service, &settings(), path());
        let link = Bad { server, random: seed, lost, repeated, reordered };
        let mut client = Client::over(link, path(), &context(&settings()), false, Limits::default());
        client.until("SETTINGS", |client| client.wire.peer_settings().extended_connect);
        let echoed = client.begin("POST", "/echo", &[]);
        client.write(echoed, &pattern(300_000), true);
        let ask = |length: &usize| client.send("GET", &format!("/wait?{length}"), &[("x-often", "the same")]);
        let ids: Vec<u64> = lengths.iter().map(ask).collect();
        let mut exchanges = Vec::new();
        client.until("all requests", |_| {
            exchanges.extend(held.try_iter());
            exchanges.len() == lengths.len()
        });
        for exchange in exchanges {
            let length = exchange.request().query().unwrap().parse().unwrap();
            exchange.respond(pattern(length));
        }
        for (id, length) in ids.into_iter().zip(&lengths) {
            assert!(client.whole(id).body == pattern(*length), "{seed}: {length}");
        }
        assert!(client.whole(echoed).body == pattern(300_000), "{seed}");
        assert_eq!(client.server.server.env.in_flight, 0);
    }
}
