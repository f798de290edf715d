//! Servers in the loop of a host: this thread waits with poll(2) for their descriptors, and for nothing else.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use common::{Client, PATIENCE};
use flare::embed::{Budget, HostError, HostServer};
use flare::prelude::*;
use flare::{Address, AnswerError};
use rustix::event::{PollFd, PollFlags, Timespec};

/// What a deadline may come early by: the worker's clock counts whole milliseconds.
const TICK: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(3600);

/// Whether one of the servers has something to do within this time.
fn readable(servers: &[&HostServer], within: Duration) -> bool {
    let mut fds: Vec<_> = servers.iter().map(|server| PollFd::new(server, PollFlags::IN)).collect();
    let within = Timespec { tv_sec: within.as_secs() as i64, tv_nsec: within.subsec_nanos().into() };
    rustix::event::poll(&mut fds, Some(&within)).unwrap() > 0
}

fn quiet(server: &HostServer) -> bool {
    !readable(&[server], Duration::ZERO)
}

/// The loop of the host, until the condition holds.
fn drive(servers: &[&HostServer], mut until: impl FnMut() -> bool) {
    let start = Instant::now();
    while !until() {
        // Only what is readable may need a poll: without any, nothing happens.
        if readable(servers, Duration::from_millis(20)) {
            for server in servers {
                server.poll(Budget::default()).unwrap();
            }
        }
        assert!(start.elapsed() < PATIENCE, "the host waits in vain");
    }
}

/// Runs a client in a thread of its own while this thread is the host.
fn with_client<T: Send + 'static>(servers: &[&HostServer], client: impl FnOnce() -> T + Send + 'static) -> T {
    let client = thread::spawn(client);
    drive(servers, || client.is_finished());
    client.join().unwrap()
}

fn host(router: Router, config: ServerConfig) -> HostServer {
    Server::new(router).config(config).listen("127.0.0.1:0").unwrap().host().unwrap()
}

fn address(server: &HostServer) -> Address {
    server.addresses()[0].clone()
}

fn hello() -> Router {
    let mut router = Router::new();
    router.get("/", |_: &Request| "hello").unwrap();
    router.get("/big", |_: &Request| vec![b'x'; 8 << 20]).unwrap();
    router
}

/// A router whose `/hold` gives its exchange to the test.
fn holding() -> (Router, Receiver<Exchange>) {
    let (sender, held) = channel();
    let sender = Mutex::new(sender);
    let mut router = hello();
    let hold = flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap());
    router.get("/hold", hold).unwrap();
    (router, held)
}

const HOLD: &str = "GET /hold HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn requests_are_answered_and_then_it_is_quiet() {
    let server = host(hello(), ServerConfig { workers: 7, ..ServerConfig::default() });
    assert_eq!(server.handle().workers(), 1);
    let to = address(&server);
    let lengths = with_client(&[&server], move || {
        let mut client = Client::connect(&to);
        let lengths = [client.get("/").body.len(), client.get("/big").body.len(), client.get("/").body.len()];
        (lengths, client)
    });
    assert_eq!(lengths.0, [5, 8 << 20, 5]);
    drive(&[&server], || quiet(&server));
    let progress = server.poll(Budget::default()).unwrap();
    assert_eq!((progress.worked, progress.more), (0, false));
}

#[test]
fn what_is_answered_behind_a_turn_leaves_in_that_turn() {
    let (router, held) = holding();
    let server = host(router, ServerConfig::default());
    let to = address(&server);
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(&to)).collect();
    for client in &mut clients {
        client.send(HOLD);
    }
    let mut answered = 0;
    while answered < 3 {
        assert!(readable(&[&server], PATIENCE), "the requests do not come");
        let then = || {
            for exchange in held.try_iter() {
                exchange.respond(answered.to_string());
                answered += 1;
            }
        };
        server.poll_then(Budget::default(), then).unwrap();
    }
    // Nobody polls any more, and nobody has to.
    assert!(quiet(&server));
    let mut bodies: Vec<_> = clients.iter_mut().map(|client| client.answer().body).collect();
    bodies.sort();
    assert_eq!(bodies, [b"0", b"1", b"2"]);
}

#[test]
fn what_comes_behind_a_turn_is_a_worker_and_may_not_poll() {
    let server = host(hello(), ServerConfig::default());
    let mut found = None;
    server
        .poll_then(Budget::default(), || {
            assert!(flare::embed::on_worker());
            found = Some(server.poll(Budget::default()));
        })
        .unwrap();
    assert!(matches!(found, Some(Err(HostError::Reentered))));
}

#[test]
fn deadlines_make_it_readable() {
    let server =
        host(hello(), ServerConfig { head_timeout: Duration::from_millis(60), ..ServerConfig::default() });
    let to = address(&server);
    let took = with_client(&[&server], move || {
        let start = Instant::now();
        let mut client = Client::connect(&to);
        client.send("GET / HTT");
        assert_eq!(client.answer().status, 408);
        start.elapsed()
    });
    assert!(took >= Duration::from_millis(60) - TICK, "{took:?}");
}

#[test]
fn timers_of_hooks_and_tasks_of_threads_run_on_the_hosts_thread() {
    let (sender, ran) = channel();
    let hooked = sender.clone();
    let server = Server::new(hello())
        .on_worker_start(move |context| {
            let sender = hooked.clone();
            let start = Instant::now();
            context.after(Duration::from_millis(30), move |_| {
                sender.send((thread::current().id(), start.elapsed())).unwrap();
            });
        })
        .listen("127.0.0.1:0")
        .unwrap()
        .host()
        .unwrap();
    // The first poll is asked for without a connection. Timers count from then.
    thread::sleep(Duration::from_millis(40));
    let mut seen = None;
    drive(&[&server], || {
        seen = ran.try_recv().ok();
        seen.is_some()
    });
    let (on, after) = seen.unwrap();
    assert_eq!(on, thread::current().id());
    assert!(after >= Duration::from_millis(30) - TICK, "{after:?}");

    let handle = server.handle();
    thread::spawn(move || {
        assert!(handle.post(0, move |_| sender.send((thread::current().id(), Duration::ZERO)).unwrap()));
    });
    drive(&[&server], || ran.try_recv().is_ok_and(|(on, _)| on == thread::current().id()));
}

#[test]
fn later_answers_leave_from_any_thread() {
    let (router, held) = holding();
    let server = host(router, ServerConfig::default());
    let to = address(&server);
    let client = thread::spawn(move || {
        let mut client = Client::connect(&to);
        (client.get("/hold").body, client.get("/hold").body)
    });
    let mut exchange = None;
    let next = |exchange: &mut Option<Exchange>| {
        drive(&[&server], || {
            *exchange = held.try_recv().ok();
            exchange.is_some()
        });
    };
    next(&mut exchange);
    let first = exchange.take().unwrap();
    thread::spawn(move || first.respond("elsewhere"));
    next(&mut exchange);
    // Here, between two polls.
    exchange.take().unwrap().respond("here");
    drive(&[&server], || client.is_finished());
    assert_eq!(client.join().unwrap(), (b"elsewhere".to_vec(), b"here".to_vec()));
}

#[test]
fn a_wait_of_the_host_for_its_own_exchange_is_refused() {
    let (router, held) = holding();
    let server = host(router, ServerConfig::default());
    let mut client = Client::connect(&address(&server));
    client.send(HOLD);
    let mut exchange = None;
    drive(&[&server], || {
        exchange = held.try_recv().ok();
        exchange.is_some()
    });
    let exchange = exchange.unwrap();
    let full = loop {
        match exchange.write_blocking(vec![0; 64 << 10]) {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(matches!(full, AnswerError::Misuse(_)), "{full}");
}

#[test]
fn a_poll_does_no_more_than_its_budget_and_comes_back() {
    const CLIENTS: usize = 20;
    for budget in [1, 3] {
        let server = host(hello(), ServerConfig::default());
        let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::connect(&address(&server))).collect();
        for client in &mut clients {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        }
        let mut polls = 0;
        while server.handle().stats().requests < CLIENTS as u64 {
            assert!(readable(&[&server], PATIENCE), "work is left, and nobody is told");
            let progress = server.poll(Budget::events(budget)).unwrap();
            assert!(progress.worked <= budget, "{progress:?}");
            polls += 1;
        }
        // Each connection was accepted and read.
        assert!(polls >= 2 * CLIENTS / budget, "{polls}");
        for client in &mut clients {
            assert_eq!(client.answer().text(), "hello");
        }
    }
}

#[test]
fn exchanges_that_are_touched_in_a_turn_keep_to_the_budget() {
    const CLIENTS: usize = 50;
    let (router, held) = holding();
    let waiting = Arc::new(Mutex::new(Vec::<Exchange>::new()));
    let all = Arc::clone(&waiting);
    let mut router = router;
    router
        .get("/all", move |_: &Request| {
            for exchange in all.lock().unwrap().drain(..) {
                exchange.respond("all");
            }
            "done"
        })
        .unwrap();
    let server = host(router, ServerConfig::default());
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| Client::connect(&address(&server))).collect();
    clients.iter_mut().for_each(|client| client.send(HOLD));
    drive(&[&server], || {
        waiting.lock().unwrap().extend(held.try_iter());
        waiting.lock().unwrap().len() == CLIENTS
    });
    let mut last = Client::connect(&address(&server));
    last.send("GET /all HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut polls = 0;
    while server.handle().stats().answers[0] <= CLIENTS as u64 {
        assert!(readable(&[&server], PATIENCE));
        assert!(server.poll(Budget::events(5)).unwrap().worked <= 5);
        polls += 1;
    }
    assert!(polls >= CLIENTS / 5, "{polls}");
    for client in &mut clients {
        assert_eq!(client.answer().text(), "all");
    }
}

#[test]
fn a_handler_cannot_poll() {
    let place = Arc::new(OnceLock::<HostServer>::new());
    let (sender, refused) = channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    let inside = Arc::clone(&place);
    router
        .get("/", move |_: &Request| {
            let result = inside.get().unwrap().poll(Budget::default());
            sender.lock().unwrap().send(matches!(result, Err(HostError::Reentered))).unwrap();
            "asked"
        })
        .unwrap();
    place.set(host(router.clone(), ServerConfig::default())).unwrap();
    let server = place.get().unwrap();
    let to = address(server);
    assert_eq!(with_client(&[server], move || Client::connect(&to).get("/").status), 200);
    assert_eq!(refused.recv_timeout(PATIENCE), Ok(true));
    // Nor can one that runs on a worker's thread.
    let running = common::start(router, common::one_worker());
    assert_eq!(Client::connect(&running.addresses()[0]).get("/").status, 200);
    assert_eq!(refused.recv_timeout(PATIENCE), Ok(true));
}

#[test]
fn it_belongs_to_the_first_thread_that_polls() {
    let server = host(hello(), ServerConfig::default());
    server.poll(Budget::default()).unwrap();
    let elsewhere = thread::scope(|scope| scope.spawn(|| server.poll(Budget::default())).join().unwrap());
    assert!(matches!(elsewhere, Err(HostError::WrongThread)), "{elsewhere:?}");
    let to = address(&server);
    assert_eq!(with_client(&[&server], move || Client::connect(&to).get("/").status), 200);
}

#[test]
fn a_drain_returns_at_once_and_reports_at_the_end() {
    let (router, held) = holding();
    let stopped = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&stopped);
    let server = Server::new(router)
        .on_worker_stop(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
        })
        .listen("127.0.0.1:0")
        .unwrap()
        .host()
        .unwrap();
    let mut busy = Client::connect(&address(&server));
    busy.send(HOLD);
    let mut exchange = None;
    drive(&[&server], || {
        exchange = held.try_recv().ok();
        exchange.is_some()
    });
    let mut idle = Client::connect(&address(&server));
    drive(&[&server], || server.handle().stats().open == 2);
    server.drain(LONG);
    assert!(server.drained().is_none(), "before a poll");
    drive(&[&server], || server.handle().stats().open == 1);
    idle.expect_end();
    assert!(server.drained().is_none(), "an exchange still runs");
    exchange.unwrap().respond("last");
    drive(&[&server], || server.drained().is_some());
    let answer = busy.answer();
    assert!(answer.closes() && answer.text() == "last");
    let report = server.drained().unwrap();
    assert_eq!((report.finished(), report.aborted()), (2, 0));
    assert_eq!(stopped.load(Ordering::Relaxed), 1);
    assert!(quiet(&server));
    assert_eq!(server.poll(Budget::default()).unwrap().worked, 0);
    assert!(!server.handle().post(0, |_| {}), "nobody runs it any more");
    drop(server);
    assert_eq!(stopped.load(Ordering::Relaxed), 1);
}

#[test]
fn the_deadline_of_a_drain_cuts_what_still_runs() {
    let (router, held) = holding();
    let server = host(router, ServerConfig::default());
    let mut client = Client::connect(&address(&server));
    client.send(HOLD);
    let mut exchange = None;
    drive(&[&server], || {
        exchange = held.try_recv().ok();
        exchange.is_some()
    });
    server.drain(Duration::from_millis(40));
    let start = Instant::now();
    drive(&[&server], || server.drained().is_some());
    assert!(start.elapsed() >= Duration::from_millis(40) - TICK, "{:?}", start.elapsed());
    assert_eq!(server.drained().unwrap().aborted(), 1);
    assert_eq!(exchange.unwrap().request().cancelled(), Some(flare::CancelReason::Drain));
    client.expect_lost();
}

#[test]
fn two_servers_share_a_thread() {
    let (router, held) = holding();
    let one = host(router, ServerConfig::default());
    let held = Mutex::new(held);
    let mut router = hello();
    // An exchange of the one server is answered on the turn of the other.
    router
        .get("/release", move |_: &Request| {
            held.lock().unwrap().recv_timeout(PATIENCE).unwrap().respond("released");
            "done"
        })
        .unwrap();
    let other = host(router, ServerConfig::default());
    let (to_one, to_other) = (address(&one), address(&other));
    let answers = with_client(&[&one, &other], move || {
        let mut first = Client::connect(&to_one);
        first.send(HOLD);
        let mut second = Client::connect(&to_other);
        let mut release = || second.get("/release").body;
        (release(), first.answer().body)
    });
    assert_eq!(answers, (b"done".to_vec(), b"released".to_vec()));
    one.drain(Duration::ZERO);
    drive(&[&one, &other], || one.drained().is_some());
    let to_other = address(&other);
    assert_eq!(with_client(&[&one, &other], move || Client::connect(&to_other).get("/").status), 200);
    assert!(other.drained().is_none());
}

#[test]
fn dropping_it_ends_it_at_once() {
    let (router, held) = holding();
    let server = host(router, ServerConfig::default());
    let mut client = Client::connect(&address(&server));
    client.send(HOLD);
    let mut exchange = None;
    drive(&[&server], || {
        exchange = held.try_recv().ok();
        exchange.is_some()
    });
    // On another thread than its own.
    thread::spawn(move || drop(server)).join().unwrap();
    client.expect_lost();
    assert_eq!(exchange.unwrap().request().cancelled(), Some(flare::CancelReason::Drain));
}

#[test]
fn a_server_for_several_workers_is_not_for_a_host() {
    let bound =
        Server::new(hello()).config(common::workers(2)).listen("127.0.0.1:0").unwrap().bind().unwrap();
    assert!(matches!(bound.host(), Err(flare::Error::State(_))));
}
