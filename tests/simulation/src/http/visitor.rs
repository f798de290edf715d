//! The client: it asks what was planned, and judges what comes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use flare::client::{ContentLength, Event, ExchangeId, Failure, Request, RequestError, Response, Session};
use flare::message::Headers;

use super::plan::{Answer, Plan, filling};
use crate::client_end::{ClientEnd, PATIENCE};
use crate::content::{content, is_content};
use crate::network::{Link, Way};
use crate::planted::{self, Bug};
use crate::scene::Scene;

/// What became of an exchange, as the client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    NotAsked,
    Running,
    Whole,
    Failed(Failure),
    /// The client let go of it.
    Left,
}

/// How a client that has asked everything ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It says so, and closes.
    Close,
    /// It stays until the server ends.
    Stay,
    /// It closes its side behind its last request, and waits for the answers.
    HalfClose,
    /// It is gone.
    Vanish,
}

/// Two limits of the session: what it takes of content, and what it frames at a time.
const MOST_OUTPUT: usize = 400 * 1024;

pub struct Visitor {
    end: ClientEnd,
    plans: Arc<Vec<Plan>>,
    /// What is still to be asked.
    to_ask: VecDeque<usize>,
    at_once: usize,
    manner: Manner,
    running: BTreeMap<ExchangeId, Asked>,
    pub outcomes: BTreeMap<usize, Outcome>,
    /// Content that is used later: when, of what, and how much.
    unused: VecDeque<(u64, ExchangeId, usize)>,
    /// It waited too long, and no network is to blame.
    pub gave_up: bool,
    /// It left without a word.
    pub vanished: bool,
    /// It did not send the rest of a request whose answer had come.
    pub cancelled: bool,
}

struct Asked {
    tag: usize,
    sent: usize,
    finished: bool,
    refused: bool,
    /// When it sends on.
    due: Option<u64>,
    leaves: Option<u64>,
    status: Option<u16>,
    received: usize,
    ended: bool,
}

impl Visitor {
    pub fn new(
        session: Session,
        plans: Arc<Vec<Plan>>,
        tags: VecDeque<usize>,
        at_once: usize,
        manner: Manner,
    ) -> Self {
        let outcomes = tags.iter().map(|tag| (*tag, Outcome::NotAsked)).collect();
        Self {
            end: ClientEnd::new(session, MOST_OUTPUT),
            plans,
            to_ask: tags,
            at_once,
            manner,
            running: BTreeMap::new(),
            outcomes,
            unused: VecDeque::new(),
            gave_up: false,
            vanished: false,
            cancelled: false,
        }
    }

    pub fn is_over(&self) -> bool {
        self.end.gone
    }

    pub fn wants_input(&self) -> bool {
        self.end.wants_input()
    }

    /// Takes what arrived.
    pub fn receive(&mut self, link: &mut Link, scene: &mut Scene) {
        self.end.session.set_now(scene.now);
        while self.end.receive(link, scene) {
            self.take_events(scene);
        }
    }

    /// Does what is due, and sends.
    pub fn act(&mut self, link: &mut Link, scene: &mut Scene) {
        if self.end.gone {
            return;
        }
        self.end.session.set_now(scene.now);
        self.use_content(scene.now);
        loop {
            self.take_events(scene);
            self.leave(scene);
            self.ask(scene);
            let wrote = self.write(scene);
            let sent = self.end.send(link, scene);
            if !wrote && !sent {
                break;
            }
        }
        if self.manner == Manner::HalfClose
            && self.to_ask.is_empty()
            && self.running.values().all(|asked| asked.finished)
            && self.end.session.output().is_empty()
        {
            link.end(Way::Up, scene.now, &mut scene.random);
        }
        if self.to_ask.is_empty() && self.running.is_empty() {
            match self.manner {
                Manner::Close => {
                    self.end.session.close();
                    self.end.send(link, scene);
                }
                Manner::Vanish => {
                    scene.trace.note(format_args!("client is gone"));
                    self.vanished = !link.is_broken();
                    link.cut(scene.now, &mut scene.random);
                    self.end.gone = true;
                }
                Manner::Stay | Manner::HalfClose => {}
            }
        }
        if scene.now >= self.end.heard + PATIENCE {
            scene.trace.note(format_args!("client gives up"));
            self.gave_up = !link.is_broken();
            link.cut(scene.now, &mut scene.random);
            self.end.session.lose();
            self.take_events(scene);
            self.end.gone = true;
        }
        if self.end.closes(link) {
            self.take_events(scene);
            self.end.close(link, scene);
        }
    }

    /// When it has something to do.
    pub fn due(&self) -> Option<u64> {
        if self.end.gone {
            return None;
        }
        let sends = self
            .running
            .values()
            .filter(|asked| !asked.refused && !asked.finished)
            .filter_map(|asked| asked.due);
        let leaves = self.running.values().filter_map(|asked| asked.leaves);
        let uses = self.unused.iter().map(|(at, ..)| *at);
        sends.chain(leaves).chain(uses).chain([self.end.heard + PATIENCE]).min()
    }

    fn use_content(&mut self, now: u64) {
        while let Some((at, id, bytes)) = self.unused.front().copied()
            && at <= now
        {
            self.unused.pop_front();
            self.end.session.consumed(id, bytes);
        }
    }

    fn leave(&mut self, scene: &mut Scene) {
        let leaving: Vec<ExchangeId> = self
            .running
            .iter()
            .filter(|(_, asked)| asked.leaves.is_some_and(|at| at <= scene.now))
            .map(|(id, _)| *id)
            .collect();
        for id in leaving {
            let Some(asked) = self.running.remove(&id) else { continue };
            scene.trace.note(format_args!("client leaves exchange {}", asked.tag));
            match asked.ended {
                true => self.cancelled = true,
                false => drop(self.outcomes.insert(asked.tag, Outcome::Left)),
            }
            self.end.session.cancel(id);
        }
    }

    fn ask(&mut self, scene: &mut Scene) {
        while self.running.len() < self.at_once && self.end.session.can_open() {
            let Some(tag) = self.to_ask.pop_front() else { return };
            let plan = &self.plans[tag];
            let upload = &plan.upload;
            let flow = if plan.answer.reads() { "flow" } else { "whole" };
            let method = match (plan.head_only, upload.announced) {
                (true, _) => "HEAD",
                (false, None) => "GET",
                (false, Some(_)) => "POST",
            };
            let mut request = Request::new(method, "simulation.test", &format!("/{flow}/{tag}"));
            request.content = match upload.announced {
                None => ContentLength::None,
                Some(true) => ContentLength::Known(upload.length as u64),
                Some(false) => ContentLength::Unknown,
            };
            let mut set = |name, value: &str| {
                let set = request.headers.set(name, value);
                assert!(set.is_ok(), "the field {name} can't be set");
            };
            set("x-fill", &filling(tag, plan.fill[0]));
            let expects = upload.expects && upload.length > 0;
            if expects {
                set("expect", "100-continue");
            }
            let id = match self.end.session.open(&request) {
                Ok(id) => id,
                Err(error) => panic!("exchange {tag} can't be asked: {error}"),
            };
            scene.trace.note(format_args!("client asks exchange {tag}: {method} {flow} {:?}", plan.answer));
            self.outcomes.insert(tag, Outcome::Running);
            let asked = Asked {
                tag,
                sent: 0,
                finished: upload.announced.is_none(),
                refused: false,
                due: upload.announced.map(|_| if expects { scene.now + 1000 } else { scene.now }),
                leaves: plan.leaves.map(|after| scene.now + after),
                status: None,
                received: 0,
                ended: false,
            };
            self.running.insert(id, asked);
        }
    }

    /// Gives content. Whether any was taken.
    fn write(&mut self, scene: &mut Scene) -> bool {
        let mut wrote = false;
        let mut over = Vec::new();
        for (id, asked) in &mut self.running {
            let plan = &self.plans[asked.tag];
            let upload = &plan.upload;
            while !asked.finished && !asked.refused && asked.due.is_some_and(|due| due <= scene.now) {
                let length = upload.piece.min(upload.length - asked.sent);
                let done = if length > 0 {
                    self.end.session.write(*id, &content(Plan::up(asked.tag), asked.sent, length))
                } else {
                    let mut trailers = Headers::new();
                    let added = trailers.append("x-end", asked.tag.to_string());
                    assert!(added.is_ok());
                    let trailers = (upload.trailers && upload.announced == Some(false)).then_some(&trailers);
                    self.end.session.finish(*id, trailers)
                };
                match done {
                    Ok(()) => {
                        wrote = true;
                        asked.sent += length;
                        asked.finished = length == 0;
                        asked.due = (length > 0).then_some(scene.now + upload.pause);
                    }
                    Err(RequestError::WouldBlock) => asked.refused = true,
                    // Its end comes as an event, or has come.
                    Err(RequestError::Over) => {
                        wrote = true;
                        asked.finished = true;
                    }
                    Err(error) => panic!("content of exchange {}: {error}", asked.tag),
                }
            }
            if asked.finished && asked.ended {
                over.push(*id);
            }
        }
        for id in over {
            self.running.remove(&id);
        }
        wrote
    }

    fn take_events(&mut self, scene: &mut Scene) {
        while let Some(mut event) = self.end.session.next_event() {
            let id = event.exchange();
            let Some(asked) = self.running.get_mut(&id) else {
                panic!("an event of an exchange that is over: {event:?}");
            };
            // PLANTED: content is lost, changed, or told twice; the end is not told.
            if let Event::Data(_, data) = &mut event {
                let is_odd = data.len() % 4 == 3;
                if planted::has(Bug::Lost) && is_odd {
                    self.end.session.consumed(id, data.len());
                    continue;
                }
                if planted::has(Bug::Twice) && is_odd {
                    *data = [&data[..], &data[..]].concat().into();
                }
                if planted::has(Bug::Changed) && is_odd {
                    let mut changed = data.to_vec();
                    changed[0] ^= 1;
                    *data = changed.into();
                }
            }
            if planted::has(Bug::Endless) && matches!(event, Event::End(..)) && asked.tag % 4 == 3 {
                continue;
            }
            scene.trace.note(format_args!("client, exchange {}: {}", asked.tag, Told(&event)));
            asked.take(&self.plans[asked.tag], &event, scene.now);
            match event {
                Event::Data(_, data) => {
                    let after = self.plans[asked.tag].uses_after;
                    if after == 0 {
                        self.end.session.consumed(id, data.len());
                    } else {
                        let at = self.unused.back().map_or(0, |(at, ..)| *at).max(scene.now + after);
                        self.unused.push_back((at, id, data.len()));
                    }
                }
                Event::End(..) => {
                    self.outcomes.insert(asked.tag, Outcome::Whole);
                    if !asked.finished && scene.random.one_in(2) {
                        self.end.session.cancel(id);
                        self.cancelled = true;
                        asked.finished = true;
                    }
                }
                // The server did nothing about it, so it is asked again.
                Event::Failed(_, Failure::Refused) if !asked.ended => {
                    self.outcomes.insert(asked.tag, Outcome::NotAsked);
                    self.to_ask.push_back(asked.tag);
                    self.running.remove(&id);
                    continue;
                }
                Event::Failed(_, failure) => {
                    if !asked.ended {
                        self.outcomes.insert(asked.tag, Outcome::Failed(failure));
                    }
                    self.running.remove(&id);
                    continue;
                }
                _ => {}
            }
            if asked.ended && asked.finished {
                self.running.remove(&id);
            }
        }
    }
}

impl Asked {
    /// Judges an event.
    fn take(&mut self, plan: &Plan, event: &Event, now: u64) {
        let tag = self.tag;
        // Behind the answer there may be a request that goes on.
        let is_late = self.ended && !matches!(event, Event::Writable(_));
        assert!(!is_late, "exchange {tag} has ended, and then: {event:?}");
        match event {
            Event::Informational(_, Response { status: 100, .. }) => {
                assert!(self.status.is_none() && plan.upload.expects, "exchange {tag}: nobody waits for 100");
                self.due = self.due.map(|due| due.min(now));
            }
            Event::Informational(_, Response { status, .. }) => {
                assert!(self.status.is_none() && *status == 103 && plan.informs, "exchange {tag}: {status}");
            }
            Event::Head(_, response) => {
                assert!(self.status.is_none(), "exchange {tag} is answered twice");
                self.status = Some(response.status);
                self.due = self.due.map(|due| due.min(now));
                let expected = if plan.answer == Answer::Forgotten { 500 } else { 200 };
                assert_eq!(response.status, expected, "exchange {tag}: the status");
                let fill = response.headers.get_str("x-fill");
                assert!(
                    expected == 500 || fill == Some(&filling(tag, plan.fill[1])),
                    "exchange {tag}: another field"
                );
            }
            Event::Data(_, data) => {
                assert!(self.status.is_some(), "exchange {tag}: content before the head");
                if plan.answer == Answer::Forgotten {
                    self.received += data.len();
                    assert!(self.received < 200, "exchange {tag}: much content");
                    return;
                }
                assert!(
                    is_content(plan.down(tag), self.received, data),
                    "exchange {tag}: other content, {} bytes behind {}",
                    data.len(),
                    self.received
                );
                self.received += data.len();
                assert!(self.received <= plan.answer_length(), "exchange {tag}: too much content");
            }
            Event::End(_, trailers) => {
                assert!(self.status.is_some(), "exchange {tag}: no answer, and its end");
                self.ended = true;
                assert_ne!(plan.answer, Answer::Torn, "exchange {tag}: a torn answer looks whole");
                if plan.answer == Answer::Forgotten {
                    return;
                }
                let expected = if plan.head_only { 0 } else { plan.answer_length() };
                assert_eq!(self.received, expected, "exchange {tag}: the length of the content");
                let value = trailers.get_str("x-end").map(str::to_owned);
                assert!(
                    value.is_none_or(|value| plan.trailers && value == tag.to_string()),
                    "exchange {tag}: other trailers"
                );
            }
            Event::Writable(_) => self.refused = false,
            Event::Failed(..) => {}
            other => panic!("exchange {tag}: {other:?}"),
        }
    }
}

/// An event, in short and without what differs from run to run.
struct Told<'a>(&'a Event);

impl std::fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Event::Informational(_, response) | Event::Head(_, response) => {
                write!(f, "status {}", response.status)
            }
            Event::Data(_, data) => write!(f, "{} bytes", data.len()),
            Event::End(..) => f.write_str("end"),
            Event::Writable(_) => f.write_str("writable"),
            Event::Failed(_, failure) => write!(f, "{failure}"),
            other => write!(f, "{other:?}"),
        }
    }
}
