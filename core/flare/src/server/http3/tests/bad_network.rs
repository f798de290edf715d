//! A network that loses, repeats and reorders: every answer comes, whole and once. On a busy machine it found that quiche may stop sending for
//! good (`flare-quic`, `connection/stuck.rs`): one of ten runs, eight of which shared two cores.

use std::time::Instant;

use flare_proto::http3::Limits;
use flare_quic::Path;

use super::client::{Client, Link, context, path, settings};
use super::served::Served;
use super::{holding, holding_with, pattern};
use crate::server::ServerConfig;
use crate::{Event, Flow};

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
        let server = Served::new(&service, &settings());
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

/// Datagrams may be lost. What comes was sent, is whole, and comes once.
#[test]
fn datagrams_come_whole_and_at_most_once() {
    const SENT: usize = 300;
    // The number, and as many bytes as it says.
    let datagram = |number: usize| [&(number as u32).to_be_bytes()[..], &pattern(3 * number)].concat();
    let http3 = Limits { datagrams: true, ..ServerConfig::default().http3 };
    for (seed, lost, repeated, reordered) in [(1, 10, 0, 0), (2, 0, 20, 30), (3, 10, 10, 20)] {
        let (service, held) = holding_with(ServerConfig { http3: http3.clone(), ..ServerConfig::default() });
        let server = Served::new(&service, &settings());
        let link = Bad { server, random: seed, lost, repeated, reordered };
        let limits = Limits { datagrams: true, ..Limits::default() };
        let mut client = Client::over(link, path(), &context(&settings()), false, limits);
        client.until("SETTINGS", |client| client.wire.peer_settings().datagrams);
        let id = client.offer("/hold", "echo", &[]);
        let mut exchanges = Vec::new();
        client.until("the request", |_| {
            exchanges.extend(held.try_iter());
            !exchanges.is_empty()
        });
        let exchange = exchanges.remove(0);
        exchange.switch_to_datagrams("echo").unwrap();
        exchange.drive(|exchange, event| {
            match event {
                // Err: too many wait, or one is larger than the path allows.
                Event::Datagram(datagram) => drop(exchange.send_datagram(datagram)),
                Event::End => exchange.finish().unwrap(),
                _ => {}
            }
            Flow::Continue
        });
        client.until("the switch", |client| client.answer(id).status == 200);
        for number in 0..SENT {
            client.until("room", |client| !client.quic.is_full_of_datagrams());
            assert!(client.datagram(id, &datagram(number)));
        }
        client.write(id, b"", true);
        let came = client.whole(id).datagrams.clone();
        let mut seen = [false; SENT];
        for one in &came {
            let number = u32::from_be_bytes(one[..4].try_into().unwrap()) as usize;
            assert!(*one == datagram(number), "seed {seed}: {number} is another");
            assert!(!std::mem::replace(&mut seen[number], true), "seed {seed}: {number} came twice");
        }
        assert!(came.len() >= SENT / 4, "seed {seed}: only {} of {SENT} came back", came.len());
    }
}
