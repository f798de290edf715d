//! Names that are looked up off the thread that asks, by a lookup that the test holds in its hands.
#![allow(clippy::unwrap_used)]

use flare_net::{Answer, HostName, Lookup, Resolution, ResolveError, Resolver, ResolverOptions};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(20);

/// Says which names are asked for, and answers when it is told what.
struct Held {
    asked: Mutex<Sender<String>>,
    answers: Mutex<Receiver<Result<Vec<SocketAddr>, ResolveError>>>,
}

impl Lookup for Held {
    fn lookup(&self, name: &HostName) -> Result<Vec<SocketAddr>, ResolveError> {
        self.asked.lock().unwrap().send(name.to_string()).unwrap();
        self.answers.lock().unwrap().recv_timeout(PATIENCE).unwrap()
    }
}

struct Test {
    resolver: Resolver,
    asked: Receiver<String>,
    answer: Sender<Result<Vec<SocketAddr>, ResolveError>>,
}

fn start(options: ResolverOptions) -> Test {
    let ((to_asked, asked), (answer, answers)) = (channel(), channel());
    let held = Held { asked: Mutex::new(to_asked), answers: Mutex::new(answers) };
    Test { resolver: Resolver::new(options, held), asked, answer }
}

fn one_thread() -> ResolverOptions {
    ResolverOptions { threads: 1, ..ResolverOptions::default() }
}

fn name(text: &str) -> HostName {
    HostName::new(text).unwrap()
}

impl Test {
    /// Asks, for an answer that must not be at hand.
    fn ask(&self, text: &str) -> (flare_net::Asking, Receiver<Answer>) {
        let (sender, receiver) = channel();
        match self.resolver.resolve(&name(text), move |answer| drop(sender.send(answer))) {
            Resolution::Asked(asking) => (asking, receiver),
            Resolution::Known(answer) => panic!("{answer:?}"),
        }
    }

    /// An answer that must be at hand.
    fn known(&self, text: &str) -> Answer {
        match self.resolver.resolve(&name(text), |_| panic!("it was at hand")) {
            Resolution::Known(answer) => answer,
            Resolution::Asked(_) => panic!("it was not at hand"),
        }
    }

    fn looks_up(&self, text: &str) {
        assert_eq!(self.asked.recv_timeout(PATIENCE).unwrap(), text);
    }
}

fn addresses() -> Vec<SocketAddr> {
    vec!["192.0.2.1:0".parse().unwrap(), "[2001:db8::1]:0".parse().unwrap()]
}

#[test]
fn all_who_ask_for_a_name_share_one_lookup_and_later_ones_the_cache() {
    let test = start(one_thread());
    let waiting: Vec<_> = (0..3).map(|_| test.ask("A.example")).collect();
    test.looks_up("a.example");
    test.answer.send(Ok(addresses())).unwrap();
    let expected: Answer = Ok(Arc::from(addresses()));
    for (_asking, receiver) in &waiting {
        assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), expected);
    }
    assert_eq!(test.known("a.EXAMPLE"), expected);
    assert!(test.asked.try_recv().is_err());
}

#[test]
fn that_there_is_no_such_name_is_kept_and_other_failures_are_not() {
    let test = start(one_thread());
    let failed = ResolveError::Failed("try again".to_owned());
    for error in [failed, ResolveError::NotFound] {
        let (_asking, receiver) = test.ask("a");
        test.looks_up("a");
        test.answer.send(Err(error.clone())).unwrap();
        assert_eq!(receiver.recv_timeout(PATIENCE).unwrap(), Err(error));
    }
    assert_eq!(test.known("a"), Err(ResolveError::NotFound));
}

#[test]
fn whoever_stops_waiting_is_not_told_and_the_late_answer_is_kept() {
    let test = start(one_thread());
    let (asking, receiver) = test.ask("a");
    test.looks_up("a");
    drop(asking);
    assert!(receiver.recv_timeout(PATIENCE).is_err(), "its callback is dropped");
    test.answer.send(Ok(addresses())).unwrap();
    // The thread that took it comes to the next name when the answer of this one is kept.
    let (_asking, _receiver) = test.ask("b");
    test.looks_up("b");
    assert_eq!(test.known("a"), Ok(Arc::from(addresses())));
    test.answer.send(Ok(addresses())).unwrap();
}

#[test]
fn threads_and_queue_are_bounded() {
    let test = start(ResolverOptions { threads: 1, queue: 1, ..ResolverOptions::default() });
    let (_first, first) = test.ask("a");
    test.looks_up("a");
    let (second, _) = test.ask("b");
    assert_eq!(test.known("c"), Err(ResolveError::Busy));
    // A name that nobody waits for any more leaves its place.
    drop(second);
    let (_third, third) = test.ask("c");
    test.answer.send(Ok(addresses())).unwrap();
    test.answer.send(Ok(addresses())).unwrap();
    assert!(first.recv_timeout(PATIENCE).unwrap().is_ok() && third.recv_timeout(PATIENCE).unwrap().is_ok());
    test.looks_up("c");
}

#[test]
fn a_lookup_that_panics_is_a_failure_and_its_thread_goes_on() {
    struct Bomb;
    impl Lookup for Bomb {
        fn lookup(&self, _name: &HostName) -> Result<Vec<SocketAddr>, ResolveError> {
            panic!("on purpose")
        }
    }
    let resolver = Resolver::new(one_thread(), Bomb);
    for _ in 0..3 {
        let (sender, receiver) = channel();
        let asked = resolver.resolve(&name("a"), move |answer| drop(sender.send(answer)));
        assert!(matches!(receiver.recv_timeout(PATIENCE).unwrap(), Err(ResolveError::Failed(_))));
        drop(asked);
    }
}

#[test]
fn the_system_resolver_finds_this_host() {
    let (sender, receiver) = channel();
    match Resolver::system().resolve(&name("localhost"), move |answer| drop(sender.send(answer))) {
        Resolution::Known(answer) => assert!(answer.is_ok()),
        Resolution::Asked(_asking) => assert!(receiver.recv_timeout(PATIENCE).unwrap().is_ok()),
    }
}
