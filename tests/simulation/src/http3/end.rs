//! One end of HTTP/3 on the simulated QUIC: what flare's sessions do around `flare_proto::http3`.

use std::collections::BTreeMap;

use flare_proto::Headers;
use flare_proto::http3::{Connection, Event, Role, Unidirectional};

use super::quic::{Came, Quic};
use crate::content::content;
use crate::network::Way;
use crate::planted::{self, Bug};
use crate::scene::Scene;

const OWN: [Unidirectional; 3] = [Unidirectional::Control, Unidirectional::Encoder, Unidirectional::Decoder];

/// Frames of a stream that wait for the transport, at most, before the program adds no more.
const HIGH: usize = 64 * 1024;

/// What an end was told, by value.
#[derive(Debug)]
pub enum Told<H> {
    Head(u64, H, bool),
    Data(u64, Vec<u8>),
    End(u64, Option<String>),
    Reset(u64, u64, bool),
    Stopped(u64),
    Closed,
}

/// A message that is being sent.
#[derive(Debug)]
pub struct Outgoing {
    pub owner: u64,
    pub length: usize,
    pub sent: usize,
    pub piece: usize,
    pub pause: u64,
    pub due: u64,
    pub trailers: Option<Headers>,
}

pub struct End<R: Role> {
    pub connection: Connection<R>,
    way: Way,
    head: R::Head,
    trailers: Headers,
    /// What came behind a field section that waits, and whether the stream ends behind it.
    halted: BTreeMap<u64, (Vec<u8>, bool)>,
    /// Frames that the transport has not taken, and whether the stream ends behind them.
    outbox: BTreeMap<u64, (Vec<u8>, bool)>,
    pub outgoing: BTreeMap<u64, Outgoing>,
    pub closed: bool,
    hoard: Vec<u8>,
}

impl<R: Role> End<R> {
    /// `way`: in which it sends.
    pub fn new(connection: Connection<R>, way: Way, head: R::Head) -> Self {
        Self {
            connection,
            way,
            head,
            trailers: Headers::new(),
            halted: BTreeMap::new(),
            outbox: BTreeMap::new(),
            outgoing: BTreeMap::new(),
            closed: false,
            hoard: Vec::new(),
        }
    }

    fn back(&self) -> Way {
        if self.way == Way::Up { Way::Down } else { Way::Up }
    }

    /// Takes what arrived. `read`: what is to be known of a head.
    pub fn receive<H>(
        &mut self,
        quic: &mut Quic,
        scene: &mut Scene,
        read: impl Fn(&R::Head) -> H,
    ) -> Vec<Told<H>> {
        self.connection.set_now(scene.now);
        let mut told = Vec::new();
        while let Some((stream, came)) = quic.arrived(self.back(), scene.now, &mut scene.random) {
            if self.closed {
                continue;
            }
            match came {
                Came::Bytes(bytes, fin) => {
                    scene.trace.note(format_args!("{:?} takes {} of {stream}", self.back(), bytes.len()));
                    // PLANTED: what came is kept for ever.
                    if planted::has(Bug::Grows) {
                        (0..40).for_each(|_| self.hoard.extend_from_slice(&bytes));
                    }
                    self.take(stream, &bytes, fin, &mut told, &read);
                    // One that is halted takes nothing; others may go on now.
                    quic.listen(self.back(), |stream| !self.halted.contains_key(&stream));
                }
                Came::Reset(code) => {
                    self.halted.remove(&stream);
                    match self.connection.receive_reset(stream, code) {
                        Ok(None) => {}
                        Ok(Some(event)) => note(event, &mut told),
                        Err(error) => panic!("the reset of {stream}: {error}"),
                    }
                }
                Came::Stop(code) => match self.connection.receive_stop(stream, code) {
                    Ok(None) => {}
                    Ok(Some(event)) => note(event, &mut told),
                    Err(error) => panic!("the stop of {stream}: {error}"),
                },
                Came::Closed => {
                    self.closed = true;
                    told.push(Told::Closed);
                }
            }
        }
        told
    }

    fn take<H>(
        &mut self,
        stream: u64,
        bytes: &[u8],
        fin: bool,
        told: &mut Vec<Told<H>>,
        read: &impl Fn(&R::Head) -> H,
    ) {
        let (mut all, was_fin) = self.halted.remove(&stream).unwrap_or_default();
        all.extend_from_slice(bytes);
        let fin = fin || was_fin;
        let (mut input, mut unblocked) = (&all[..], Vec::new());
        loop {
            let event = self.connection.receive(stream, &mut input, fin, &mut self.head, &mut self.trailers);
            let event = match event {
                Ok(None) => break,
                Ok(Some(event)) => event,
                Err(error) => panic!("the other end breaks the protocol: {error}"),
            };
            match event {
                // PLANTED: content is lost, changed, told twice; an end is not told.
                Event::Data { bytes, .. } if planted::has(Bug::Lost) && bytes.len() % 4 == 3 => {}
                Event::Data { stream, bytes } if planted::has(Bug::Twice) && bytes.len() % 4 == 3 => {
                    told.push(Told::Data(stream, [bytes, bytes].concat()));
                }
                Event::Data { stream, bytes } => {
                    let mut bytes = bytes.to_vec();
                    if planted::has(Bug::Changed) && bytes.len() % 4 == 3 {
                        bytes[0] ^= 1;
                    }
                    told.push(Told::Data(stream, bytes));
                }
                Event::End { stream, .. } if planted::has(Bug::Endless) && stream % 8 == 4 => {}
                Event::End { stream, has_trailers } => {
                    let value = self.trailers.get_str("x-end").filter(|_| has_trailers);
                    told.push(Told::End(stream, value.map(str::to_owned)));
                }
                Event::Head { stream, .. } => {
                    let ended = self.connection.has_received_all(stream);
                    told.push(Told::Head(stream, read(&self.head), ended));
                }
                Event::Unblocked { stream } => unblocked.push(stream),
                event => note(event, told),
            }
        }
        let is_halted = stream & 2 == 0 && self.connection.is_blocked(stream);
        assert!(input.is_empty() || is_halted, "it left something and told nothing");
        if is_halted {
            self.halted.insert(stream, (input.to_vec(), fin));
        }
        for stream in unblocked {
            self.take(stream, &[], false, told, read);
        }
    }

    /// Frames of a stream are to be sent.
    pub fn queue(&mut self, stream: u64, frames: &[u8]) {
        let is_last = self.connection.has_sent_all(stream);
        let (waiting, fin) = self.outbox.entry(stream).or_default();
        waiting.extend_from_slice(frames);
        *fin = is_last;
    }

    /// Ends a stream in both directions.
    pub fn reset(&mut self, stream: u64, code: u64, quic: &mut Quic, scene: &mut Scene) {
        self.connection.reset(stream);
        self.forget(stream);
        quic.reset(self.way, stream, code, scene.now, &mut scene.random);
        quic.stop(self.back(), stream, code, scene.now, &mut scene.random);
    }

    /// A stream is over.
    pub fn forget(&mut self, stream: u64) {
        self.outgoing.remove(&stream);
        self.outbox.remove(&stream);
        self.halted.remove(&stream);
    }

    /// Makes content of what is to be sent, and gives the transport what it takes.
    pub fn send(&mut self, quic: &mut Quic, scene: &mut Scene) {
        if self.closed {
            return;
        }
        loop {
            let mut moved = false;
            let streams: Vec<u64> = self.outgoing.keys().copied().collect();
            for stream in streams {
                moved |= self.make(stream, scene.now);
            }
            let first = if self.way == Way::Up { 2 } else { 3 };
            for (place, own) in OWN.into_iter().enumerate() {
                let stream = first + 4 * place as u64;
                let room = quic.room(self.way, stream);
                let output = self.connection.output(own);
                let length = output.len().min(room);
                if length > 0 {
                    quic.send(self.way, stream, &output[..length], false, scene.now, &mut scene.random);
                    output.drain(..length);
                    moved = true;
                }
            }
            let mut sent = Vec::new();
            for (stream, (waiting, fin)) in &mut self.outbox {
                assert!(waiting.len() <= HIGH + 50_000, "{} bytes wait on {stream}", waiting.len());
                let length = waiting.len().min(quic.room(self.way, *stream));
                let ends = *fin && length == waiting.len();
                if length > 0 || ends {
                    let bytes = &waiting[..length];
                    quic.send(self.way, *stream, bytes, ends, scene.now, &mut scene.random);
                    waiting.drain(..length);
                    moved = true;
                }
                if waiting.is_empty() && (ends || !*fin) {
                    sent.push(*stream);
                }
            }
            for stream in sent {
                self.outbox.remove(&stream);
            }
            if !moved {
                return;
            }
        }
    }

    /// Makes a piece of content of a stream. Whether there was one.
    fn make(&mut self, stream: u64, now: u64) -> bool {
        let Some(outgoing) = self.outgoing.get_mut(&stream) else { return false };
        let waiting = self.outbox.get(&stream).map_or(0, |(waiting, _)| waiting.len());
        if outgoing.due > now || waiting >= HIGH {
            return false;
        }
        let mut frames = Vec::new();
        let length = outgoing.piece.min(outgoing.length - outgoing.sent);
        let made = if length > 0 {
            let bytes = content(outgoing.owner, outgoing.sent, length);
            outgoing.sent += length;
            outgoing.due = now + outgoing.pause;
            self.connection.send_data(stream, &bytes, false, &mut frames)
        } else {
            let trailers = outgoing.trailers.take();
            let ended = self.connection.send_end(stream, trailers.as_ref(), &mut frames);
            self.outgoing.remove(&stream);
            ended
        };
        assert!(made.is_ok(), "content of {stream}: {made:?}");
        self.queue(stream, &frames);
        true
    }

    /// When content is due.
    pub fn due(&self) -> Option<u64> {
        let is_full = |stream| self.outbox.get(stream).is_some_and(|(waiting, _)| waiting.len() >= HIGH);
        let due = self.outgoing.iter().filter(|(stream, _)| !is_full(stream));
        due.map(|(_, outgoing)| outgoing.due).min().filter(|_| !self.closed)
    }

    /// Whether the transport has taken all.
    pub fn is_sent(&self) -> bool {
        self.outgoing.is_empty() && self.outbox.is_empty()
    }
}

/// An event without what it borrows.
fn note<H, I>(event: Event<'_, I>, told: &mut Vec<Told<H>>) {
    match event {
        Event::Reset { stream, code, by_peer } => told.push(Told::Reset(stream, code.number(), by_peer)),
        Event::Rejected { stream, code, .. } => told.push(Told::Reset(stream, code.number(), false)),
        Event::Stopped { stream, .. } => told.push(Told::Stopped(stream)),
        Event::Refused { reason, .. } => panic!("a request was refused: {reason}"),
        _ => {}
    }
}
