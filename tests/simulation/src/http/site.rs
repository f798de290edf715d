//! The server's program: handlers that answer as planned, and what they saw.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flare::log::AccessRecord;
use flare::message::{Pull, Source};
use flare::middleware::{Middleware, Step};
use flare::prelude::*;
use flare::{AnswerError, Event, Flow, Read, RouteOptions};

use super::plan::{Answer, Plan, filling};
use crate::content::{content, is_content};

/// What the server's side saw of an exchange.
#[derive(Debug, Default, Clone)]
pub struct Visit {
    /// How often its handler was called.
    pub calls: usize,
    pub begun: usize,
    pub ended: usize,
    /// The server says that the answer was sent whole.
    pub whole: bool,
}

/// The program. Clones are the same one.
#[derive(Clone)]
pub struct Site {
    inner: Arc<Mutex<Inner>>,
    plans: Arc<Vec<Plan>>,
}

struct Inner {
    now: u64,
    visits: Vec<Visit>,
    /// Exchanges that are answered step by step.
    actors: BTreeMap<usize, Actor>,
    /// Sources that wait, and when they have something.
    pulls: Vec<(u64, usize, Request)>,
    /// What must not be.
    faults: Vec<String>,
}

struct Actor {
    exchange: Exchange,
    due: Option<u64>,
    started: bool,
    read: usize,
    written: usize,
    /// Read and not written.
    between: Option<Vec<u8>>,
}

impl Site {
    pub fn new(plans: Arc<Vec<Plan>>) -> Self {
        let inner = Inner {
            now: 0,
            visits: vec![Visit::default(); plans.len()],
            actors: BTreeMap::new(),
            pulls: Vec::new(),
            faults: Vec::new(),
        };
        Self { inner: Arc::new(Mutex::new(inner)), plans }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fault(&self, tag: usize, what: &str) {
        self.lock().faults.push(format!("exchange {tag}: {what}"));
    }

    /// What must not be, and was.
    pub fn faults(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().faults)
    }

    pub fn visit(&self, tag: usize) -> Visit {
        self.lock().visits[tag].clone()
    }

    /// Exchanges that nobody has ended, and those that the program still works on.
    pub fn unended(&self) -> Vec<usize> {
        let inner = self.lock();
        let open = |(tag, visit): (usize, &Visit)| (visit.begun != visit.ended).then_some(tag);
        inner.actors.keys().copied().chain(inner.visits.iter().enumerate().filter_map(open)).collect()
    }

    /// The routes.
    pub fn router(&self) -> Result<Router, flare::RouteError> {
        let mut router = Router::new();
        router.layer(Watcher(self.clone()));
        let site = self.clone();
        router.any("/whole/:tag", flare::later(move |exchange| site.handle(exchange)))?;
        let site = self.clone();
        let options = RouteOptions::default().streaming();
        router.add_with("*", "/flow/:tag", options, flare::later(move |exchange| site.handle(exchange)))?;
        Ok(router)
    }

    fn tag_of(&self, request: &Request) -> Option<usize> {
        request.param("tag")?.parse().ok().filter(|tag| *tag < self.plans.len())
    }

    fn handle(&self, exchange: Exchange) {
        let Some(tag) = self.tag_of(exchange.request()) else {
            return self.lock().faults.push(format!("nobody asked for {}", exchange.request().path()));
        };
        let plan = &self.plans[tag];
        self.lock().visits[tag].calls += 1;
        self.check_request(tag, exchange.request());
        if plan.informs && exchange.inform(103, Headers::new()).is_err() {
            // The exchange is over, which its end tells.
        }
        match plan.answer {
            Answer::Now | Answer::Early => exchange.respond(self.response(tag)),
            Answer::Forgotten => drop(exchange),
            Answer::Pulled => {
                let source = Pieces { site: self.clone(), tag, given: 0, waited: false };
                let answer = self.head(tag).with_body(Body::from_source(source));
                exchange.respond(answer);
            }
            Answer::Later | Answer::Stream | Answer::Echo | Answer::Slow | Answer::Torn => {
                self.begin(tag, exchange);
            }
        }
    }

    fn begin(&self, tag: usize, exchange: Exchange) {
        let plan = &self.plans[tag];
        let site = self.clone();
        let tell = move |_: Event<'_>| {
            let mut inner = site.lock();
            let now = inner.now;
            if let Some(actor) = inner.actors.get_mut(&tag) {
                actor.due.get_or_insert(now);
            }
            Flow::Continue
        };
        if plan.answer.reads() {
            exchange.watch(tell);
        } else {
            exchange.notice(tell);
        }
        let mut inner = self.lock();
        let due = Some(inner.now + plan.delay);
        let actor = Actor { exchange, due, started: false, read: 0, written: 0, between: None };
        inner.actors.insert(tag, actor);
    }

    fn check_request(&self, tag: usize, request: &Request) {
        let plan = &self.plans[tag];
        if request.header("x-fill") != Some(&filling(tag, plan.fill[0])) {
            self.fault(tag, "another field arrived");
        }
        if !plan.answer.reads() {
            if request.body().len() != plan.upload.length {
                self.fault(tag, "content of another length arrived");
            } else if !is_content(Plan::up(tag), 0, request.body()) {
                self.fault(tag, "other content arrived");
            }
            self.check_trailers(tag, request);
        }
    }

    fn check_trailers(&self, tag: usize, request: &Request) {
        let plan = &self.plans[tag];
        // HTTP/1.1 has no place for them behind content whose length was said.
        let sent = plan.upload.trailers && plan.upload.announced == Some(false);
        let value = request.trailers().get_str("x-end").and_then(|value| value.parse().ok());
        if sent != (value == Some(tag)) {
            self.fault(tag, "other trailers arrived");
        }
    }

    fn head(&self, tag: usize) -> Response {
        let plan = &self.plans[tag];
        let mut response = Response::new(200);
        let set = response.headers_mut().set("x-fill", filling(tag, plan.fill[1]));
        set.unwrap_or_else(|_| self.fault(tag, "a field can't be set"));
        if plan.trailers {
            let added = response.trailers_mut().append("x-end", tag.to_string().as_bytes());
            added.unwrap_or_else(|_| self.fault(tag, "a trailer can't be added"));
        }
        response
    }

    fn response(&self, tag: usize) -> Response {
        let plan = &self.plans[tag];
        self.head(tag).with_body(content(plan.down(tag), 0, plan.download))
    }

    /// When something of this connection is due.
    pub fn due(&self, connection: usize) -> Option<u64> {
        let inner = self.lock();
        let actors = inner.actors.iter().filter(|(tag, _)| self.plans[**tag].connection == connection);
        let pulls = inner.pulls.iter().filter(|(_, tag, _)| self.plans[*tag].connection == connection);
        actors.filter_map(|(_, actor)| actor.due).chain(pulls.map(|(at, ..)| *at)).min()
    }

    /// Does what is due.
    pub fn work(&self, connection: usize, now: u64) {
        let mut inner = self.lock();
        inner.now = now;
        let due: Vec<usize> = inner
            .actors
            .iter()
            .filter(|(tag, actor)| {
                self.plans[**tag].connection == connection && actor.due.is_some_and(|due| due <= now)
            })
            .map(|(tag, _)| *tag)
            .collect();
        let mut woken = Vec::new();
        inner.pulls.retain(|(at, tag, request)| {
            let is_due = *at <= now && self.plans[*tag].connection == connection;
            if is_due {
                woken.push(request.clone());
            }
            !is_due
        });
        drop(inner);
        for request in woken {
            request.wake();
        }
        for tag in due {
            let Some(mut actor) = self.lock().actors.remove(&tag) else { continue };
            actor.due = None;
            if self.act(tag, &mut actor) == Next::Wait {
                self.lock().actors.insert(tag, actor);
            }
        }
    }

    fn act(&self, tag: usize, actor: &mut Actor) -> Next {
        let plan = &self.plans[tag];
        let now = self.lock().now;
        if actor.exchange.request().cancelled().is_some() {
            return Next::Over;
        }
        match plan.answer {
            Answer::Later => self.respond(tag, actor),
            Answer::Stream | Answer::Torn => self.write(tag, actor, now),
            Answer::Slow => match actor.exchange.read_up_to(plan.piece) {
                Ok(Read::Data(bytes)) => {
                    self.took(tag, actor, &bytes);
                    actor.due = Some(now + plan.delay.min(20));
                    Next::Wait
                }
                Ok(Read::WouldBlock) => Next::Wait,
                Ok(Read::End) => {
                    self.took_all(tag, actor);
                    self.respond(tag, actor)
                }
                Err(_) => Next::Over,
            },
            Answer::Echo => self.echo(tag, actor, now),
            _ => Next::Over,
        }
    }

    fn respond(&self, tag: usize, actor: &Actor) -> Next {
        match actor.exchange.answer(self.response(tag)) {
            Ok(()) | Err(AnswerError::Cancelled(_)) => {}
            Err(error) => self.fault(tag, &format!("its answer was refused: {error}")),
        }
        Next::Over
    }

    fn took(&self, tag: usize, actor: &mut Actor, bytes: &[u8]) {
        if !is_content(Plan::up(tag), actor.read, bytes) {
            self.fault(tag, "other content was read");
        }
        actor.read += bytes.len();
    }

    fn took_all(&self, tag: usize, actor: &Actor) {
        if actor.read != self.plans[tag].upload.length {
            self.fault(tag, "content ended too early");
        }
        self.check_trailers(tag, actor.exchange.request());
    }

    /// Starts the answer, once. False: it is over.
    fn start(&self, tag: usize, actor: &mut Actor) -> bool {
        let plan = &self.plans[tag];
        if std::mem::replace(&mut actor.started, true) {
            return true;
        }
        let mut head = self.head(tag);
        if plan.announced && (plan.answer != Answer::Echo || plan.upload.announced == Some(true)) {
            let set = head.headers_mut().set("content-length", plan.answer_length().to_string());
            set.unwrap_or_else(|_| self.fault(tag, "a length can't be set"));
        }
        let drafted = actor.exchange.draft(|response| *response = head);
        drafted.and_then(|()| actor.exchange.start()).is_ok()
    }

    fn write(&self, tag: usize, actor: &mut Actor, now: u64) -> Next {
        let plan = &self.plans[tag];
        if !self.start(tag, actor) {
            return Next::Over;
        }
        let torn = plan.answer == Answer::Torn;
        let end = if torn { plan.download / 2 } else { plan.download };
        let length = plan.piece.min(end - actor.written);
        if length == 0 {
            if torn {
                actor.exchange.reset();
            } else {
                self.finish(tag, actor);
            }
            return Next::Over;
        }
        match actor.exchange.write(content(plan.down(tag), actor.written, length)) {
            Ok(()) => {
                actor.written += length;
                actor.due = Some(now + plan.delay.min(20));
                Next::Wait
            }
            // The event tells.
            Err(AnswerError::WouldBlock) => Next::Wait,
            Err(_) => Next::Over,
        }
    }

    fn echo(&self, tag: usize, actor: &mut Actor, now: u64) -> Next {
        let plan = &self.plans[tag];
        if !self.start(tag, actor) {
            return Next::Over;
        }
        if actor.between.is_none() {
            match actor.exchange.read_up_to(plan.piece) {
                Ok(Read::Data(bytes)) => {
                    self.took(tag, actor, &bytes);
                    actor.between = Some(bytes.to_vec());
                }
                Ok(Read::WouldBlock) => return Next::Wait,
                Ok(Read::End) => {
                    self.took_all(tag, actor);
                    self.finish(tag, actor);
                    return Next::Over;
                }
                Err(_) => return Next::Over,
            }
        }
        let Some(bytes) = actor.between.take() else { return Next::Wait };
        match actor.exchange.write(bytes.clone()) {
            Ok(()) => {
                actor.due = Some(now + plan.delay.min(20));
                Next::Wait
            }
            Err(AnswerError::WouldBlock) => {
                actor.between = Some(bytes);
                Next::Wait
            }
            Err(_) => Next::Over,
        }
    }

    fn finish(&self, tag: usize, actor: &Actor) {
        match actor.exchange.finish() {
            Ok(()) | Err(AnswerError::Cancelled(_)) => {}
            Err(error) => self.fault(tag, &format!("its end was refused: {error}")),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    Wait,
    Over,
}

/// Content that the server pulls, and that is not always there.
struct Pieces {
    site: Site,
    tag: usize,
    given: usize,
    waited: bool,
}

impl Source for Pieces {
    fn length(&self) -> Option<u64> {
        let plan = &self.site.plans[self.tag];
        plan.announced.then_some(plan.download as u64)
    }

    fn pull(&mut self, request: &Request) -> Pull {
        let plan = &self.site.plans[self.tag];
        if plan.delay > 0 && !std::mem::replace(&mut self.waited, true) {
            let mut inner = self.site.lock();
            let at = inner.now + plan.delay.min(20);
            inner.pulls.push((at, self.tag, request.clone()));
            return Pull::WouldBlock;
        }
        self.waited = false;
        let length = plan.piece.min(plan.download - self.given);
        if length == 0 {
            return Pull::End;
        }
        let bytes = content(plan.down(self.tag), self.given, length);
        self.given += length;
        Pull::Data(bytes.into())
    }
}

/// Counts begins and ends.
struct Watcher(Site);

impl Middleware for Watcher {
    fn on_request(&self, exchange: Exchange) -> Step {
        // The path's parameter is not there yet.
        if let Some(tag) = tag_of_path(exchange.request().path()) {
            self.0.lock().visits[tag].begun += 1;
        }
        Step::Next(exchange)
    }

    fn on_end(&self, record: &AccessRecord<'_>) {
        if let Some(tag) = tag_of_path(record.request.path()) {
            let mut inner = self.0.lock();
            inner.visits[tag].ended += 1;
            inner.visits[tag].whole = record.whole;
        }
    }
}

fn tag_of_path(path: &str) -> Option<usize> {
    path.rsplit('/').next()?.parse().ok()
}
