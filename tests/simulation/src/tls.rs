//! TLS: a client and a server of flare-tls, from the handshake to the goodbye. Some wires change a byte, which must end the connection.

use std::sync::OnceLock;

use flare_tls::{
    ClientContext, ClientTls, Connection, Event, Failure, Identity, ServerContext, ServerTls, Source, Version,
};

use crate::content::{content, is_content};
use crate::network::{Arrival, Fate, Link, Way, Weather};
use crate::planted::{self, Bug};
use crate::random::Random;
use crate::scene::{Pair, Scene, run};
use crate::tally::Tally;
use crate::trace::Trace;

const PATIENCE: u64 = 15 * 60 * 1000;
/// Ciphertext that waits for the network, at most, before no more is made.
const HIGH: usize = 128 * 1024;
/// A record that came in part (RFC 8446, 5.2), or a handshake message.
const PARTIAL: usize = 20 * 1024;

/// A certificate and its key. The key's signatures are all of one length, so that a seed is the same in every run.
fn identity() -> &'static (String, String) {
    static PAIR: OnceLock<(String, String)> = OnceLock::new();
    PAIR.get_or_init(|| {
        let key =
            rcgen::KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap_or_else(|error| panic!("{error}"));
        let made = rcgen::CertificateParams::new(vec!["server.test".to_owned()]).and_then(|mut params| {
            params.serial_number = Some(rcgen::SerialNumber::from(1_u64));
            params.self_signed(&key)
        });
        (made.unwrap_or_else(|error| panic!("{error}")).pem(), key.serialize_pem())
    })
}

struct End {
    way: Way,
    tls: Connection,
    out: Vec<u8>,
    owner: u64,
    length: usize,
    piece: usize,
    pause: u64,
    due: u64,
    sent: usize,
    peer: (u64, usize),
    received: usize,
    ready: bool,
    complete: bool,
    peer_closed: bool,
    /// It has said that it sends nothing more.
    said: bool,
    failure: Option<Failure>,
    /// The transport of the other end has ended.
    ended: bool,
    last_news: u64,
    gone: bool,
    hoard: Vec<u8>,
}

struct Joined {
    link: Link,
    ends: [End; 2],
    /// The byte of one direction that is changed on its way.
    changes: Option<(Way, usize)>,
    changed: bool,
}

/// Some connections.
pub fn simulate(seed: u64, trace: Trace) -> Tally {
    let mut random = Random::new(seed);
    let (certificate, key) = identity();
    let pem = |text: &str| Source::bytes(text);
    let mut server = ServerTls::new(Identity::new(pem(certificate), pem(key)));
    let mut client = ClientTls::with_roots(pem(certificate));
    let oldest = random.pick(&[Version::Tls12, Version::Tls13]);
    (server.min_version, client.min_version) = (Version::Tls12, oldest);
    server.resumption.tickets = random.one_in(2);
    let server = ServerContext::new(&server).unwrap_or_else(|error| panic!("{error}"));
    let client = ClientContext::new(&client).unwrap_or_else(|error| panic!("{error}"));
    let count = random.within(1, 3) as u64;
    let mut pairs: Vec<Joined> = Vec::new();
    let mut memory = 2_000_000;
    for number in 0..count {
        let weather = Weather::new(&mut random, false);
        let most = if random.one_in(10) { weather.bearable().min(300_000) } else { 3000 };
        let lengths = [random.scaled(most), random.scaled(most)];
        memory += 500_000 + weather.memory() + 2 * HIGH;
        let mut end = |way, tls| {
            let side = usize::from(way == Way::Down);
            End {
                way,
                tls,
                out: Vec::new(),
                owner: 2 * number + side as u64 + 1,
                length: lengths[side],
                piece: 1 + random.scaled(40_000),
                pause: random.pick(&[0, 0, 0, 5]),
                due: 0,
                sent: 0,
                peer: (2 * number + 2 - side as u64, lengths[1 - side]),
                received: 0,
                ready: false,
                complete: false,
                peer_closed: false,
                said: false,
                failure: None,
                ended: false,
                last_news: 0,
                gone: false,
                hoard: Vec::new(),
            }
        };
        let asker = Connection::client(&client, "server.test").unwrap_or_else(|error| panic!("{error}"));
        let mut asker = end(Way::Up, asker);
        let started = asker.tls.start(&mut asker.out);
        assert!(started.is_ok());
        let answerer = Connection::server(&server).unwrap_or_else(|error| panic!("{error}"));
        let ends = [asker, end(Way::Down, answerer)];
        for end in &ends {
            assert!(end.piece > 0);
        }
        let changes = random
            .one_in(10)
            .then(|| (random.pick(&[Way::Up, Way::Down]), random.scaled(lengths[0] + lengths[1] + 1500)));
        let fate = Fate::new(&mut random);
        pairs.push(Joined { link: Link::new(weather, fate), ends, changes, changed: false });
    }
    // Pieces of one byte make many records.
    for pair in &mut pairs {
        for end in &mut pair.ends {
            end.piece = end.piece.max(end.length / 50 + 1);
        }
    }
    let mut scene = Scene { now: 0, random, trace, most_memory: memory };
    let turns = run(&mut scene, &mut pairs);
    let mut tally = Tally { connections: count, turns, ..Tally::default() };
    for pair in &pairs {
        pair.judge(&mut tally);
    }
    tally = tally.end(scene);
    if pairs.iter().any(|pair| pair.changed) {
        // What a changed header makes of ciphertext is up to the keys, which no seed rules.
        tally.digest = 0;
    }
    tally
}

impl Pair for Joined {
    fn next_arrival(&self) -> Option<u64> {
        self.link.next_arrival()
    }

    fn turn(&mut self, scene: &mut Scene) -> Option<u64> {
        for end in &mut self.ends {
            let way = if end.way == Way::Up { Way::Down } else { Way::Up };
            while let Some(arrival) = self.link.arrived(way, true, scene.now, &mut scene.random) {
                match arrival {
                    _ if end.gone => {}
                    Arrival::Bytes(mut bytes) => {
                        scene.trace.note(format_args!("{way:?} brings {} bytes", bytes.len()));
                        if let Some((changes, left)) = &mut self.changes
                            && *changes == way
                            // rustls asserts, in builds with such checks, that no alert follows its goodbye, and then sends one.
                            && !end.said
                        {
                            if let Some(byte) = bytes.get_mut(*left) {
                                *byte ^= 0x10;
                                (self.changed, self.changes) = (true, None);
                                scene.trace.note(format_args!("{way:?} changes a byte"));
                            } else {
                                *left -= bytes.len();
                            }
                        }
                        end.take(&mut bytes, scene);
                    }
                    Arrival::End => end.ended = true,
                    Arrival::Lost => end.gone = true,
                }
            }
        }
        for end in &mut self.ends {
            end.act(&mut self.link, scene);
        }
        let due = |end: &End| {
            let sends = (end.complete && !end.said && end.failure.is_none() && end.out.len() < HIGH)
                .then_some(end.due);
            (!end.gone).then_some([sends, Some(end.last_news + PATIENCE)].into_iter().flatten().min()?)
        };
        self.ends.iter().filter_map(due).min()
    }

    fn is_over(&self) -> bool {
        self.ends.iter().all(|end| end.gone)
    }
}

impl End {
    fn take(&mut self, bytes: &mut [u8], scene: &mut Scene) {
        self.last_news = scene.now;
        // PLANTED: what came is kept for ever.
        if planted::has(Bug::Grows) {
            (0..3000).for_each(|_| self.hoard.extend_from_slice(bytes));
        }
        let mut seen = Vec::new();
        let taken = self.tls.receive(bytes, &mut self.out, |event| match event {
            Event::Ready(_) => seen.push(Seen::Ready),
            Event::Complete => seen.push(Seen::Complete),
            Event::PeerClosed => seen.push(Seen::PeerClosed),
            Event::Early(_) => panic!("early data, which nobody allowed"),
            Event::Data(data) => seen.push(Seen::Data(data.to_vec())),
        });
        for seen in seen {
            self.see(seen, scene);
        }
        assert!(self.tls.partial() <= PARTIAL, "{} bytes of a record wait", self.tls.partial());
        if let Err(failure) = taken
            && self.failure.is_none()
        {
            scene.trace.note(format_args!("{:?} fails", self.way));
            self.failure = Some(failure);
        }
    }

    fn see(&mut self, seen: Seen, scene: &mut Scene) {
        assert!(self.failure.is_none() && !self.peer_closed, "something comes behind the end");
        match seen {
            Seen::Ready => assert!(!std::mem::replace(&mut self.ready, true), "ready twice"),
            Seen::Complete => {
                assert!(self.ready && !std::mem::replace(&mut self.complete, true), "complete twice");
                self.due = scene.now;
                scene.trace.note(format_args!("{:?} is complete", self.way));
            }
            // PLANTED: the goodbye is not heard.
            Seen::PeerClosed if planted::has(Bug::Endless) => {}
            Seen::PeerClosed => self.peer_closed = true,
            Seen::Data(mut data) => {
                assert!(self.complete, "data before the handshake has ended");
                // PLANTED: data is lost, comes twice, or is another.
                let is_odd = data.len() % 4 == 3;
                if planted::has(Bug::Lost) && is_odd {
                    return;
                }
                if planted::has(Bug::Twice) && is_odd {
                    data = data.repeat(2);
                }
                if planted::has(Bug::Changed) && is_odd {
                    data[0] ^= 1;
                }
                let (owner, length) = self.peer;
                assert!(is_content(owner, self.received, &data), "other data came");
                self.received += data.len();
                assert!(self.received <= length, "more came than was sent");
            }
        }
    }

    fn act(&mut self, link: &mut Link, scene: &mut Scene) {
        if self.gone {
            return;
        }
        loop {
            while self.complete && self.failure.is_none() && self.out.len() < HIGH && self.due <= scene.now {
                let length = self.piece.min(self.length - self.sent);
                if length == 0 {
                    if !std::mem::replace(&mut self.said, true) {
                        self.tls.close(&mut self.out);
                    }
                    break;
                }
                let sent = self.tls.send(&content(self.owner, self.sent, length), &mut self.out);
                assert!(sent.is_ok(), "data can't be sent: {sent:?}");
                self.sent += length;
                self.due = scene.now + self.pause;
            }
            // What it makes at a time, as records.
            assert!(self.out.len() <= HIGH + 60_000, "{} bytes wait", self.out.len());
            let room = link.room(self.way).min(self.out.len());
            if room == 0 {
                break;
            }
            link.send(self.way, &self.out[..room], scene.now, &mut scene.random);
            self.out.drain(..room);
        }
        let waited = scene.now >= self.last_news + PATIENCE;
        // Both have said goodbye, or the other end is gone, or this one can't go on.
        let is_done = self.said && self.peer_closed || self.failure.is_some() || self.ended;
        if waited || is_done && (self.out.is_empty() || link.is_broken()) {
            scene.trace.note(format_args!("{:?} closes", self.way));
            link.end(self.way, scene.now, &mut scene.random);
            self.gone = true;
        }
    }
}

enum Seen {
    Ready,
    Complete,
    Data(Vec<u8>),
    PeerClosed,
}

impl Joined {
    fn judge(&self, tally: &mut Tally) {
        let is_broken = self.link.is_broken();
        tally.bytes += self.link.delivered;
        tally.broken += u64::from(is_broken || self.changed);
        for end in &self.ends {
            tally.exchanges += 1;
            let whole = end.received == end.peer.1;
            assert!(!end.peer_closed || whole, "{:?}: a goodbye before the end of the data", end.way);
            // A length that was changed may leave a receiver waiting, which its owner's deadline ends; and some bytes mean nothing (RFC 8446, 5.1).
            // Neither may give other data, or take what came for whole when it is not: see above.
            if is_broken || self.changed {
                continue;
            }
            assert!(end.failure.is_none(), "{:?}: {:?}", end.way, end.failure);
            assert!(end.peer_closed && whole, "{:?}: {} of {:?}", end.way, end.received, end.peer);
            tally.whole += 1;
        }
    }
}
