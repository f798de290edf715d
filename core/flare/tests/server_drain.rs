//! The end of a server: drain, stop and drop, and what becomes of connections in each state.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod common;

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use common::{Client, PATIENCE, one_worker, socket_path, start, wait_until, workers};
use flare::prelude::*;
use flare::server::{DrainReport, RunningServer};
use flare::{CancelReason, Error, ServerHandle};

/// Longer than any test waits: a drain that should be over by itself.
const LONG: Duration = Duration::from_secs(3600);

/// A router whose `/hold` gives its exchange to the test.
fn holding_router() -> (Router, Receiver<Exchange>) {
    let (sender, held) = mpsc::channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.post("/length", |request: &Request| request.body().len().to_string()).unwrap();
    router
        .get("/hold", flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap()))
        .unwrap();
    router.get("/huge", |_: &Request| vec![b'x'; 32 << 20]).unwrap();
    (router, held)
}

/// A server with that router.
fn holding(config: ServerConfig) -> (RunningServer, Receiver<Exchange>) {
    let (router, held) = holding_router();
    (start(router, config), held)
}

fn connect(running: &RunningServer) -> Client {
    Client::connect(&running.addresses()[0])
}

/// A connection whose exchange the test holds.
fn busy(running: &RunningServer, held: &Receiver<Exchange>) -> (Client, Exchange) {
    let mut client = connect(running);
    client.send("GET /hold HTTP/1.1\r\nHost: a\r\n\r\n");
    (client, held.recv_timeout(PATIENCE).unwrap())
}

/// Waits for the end in another thread, so that a server which does not end fails the test and not its time limit.
fn ended(running: RunningServer) -> DrainReport {
    let (sender, report) = mpsc::channel();
    std::thread::spawn(move || sender.send(running.wait()));
    report.recv_timeout(PATIENCE).expect("the server does not end")
}

#[test]
fn idle_connections_close_and_running_ones_finish() {
    let (running, held) = holding(one_worker());
    let mut idle = connect(&running);
    assert_eq!(idle.get("/").status, 200);
    let (mut client, exchange) = busy(&running, &held);
    running.handle().drain(LONG);
    idle.expect_end();
    exchange.respond("last");
    let answer = client.answer();
    assert_eq!((answer.text(), answer.closes()), ("last", true));
    client.expect_end();
    let report = ended(running);
    assert_eq!((report.finished(), report.aborted()), (2, 0));
}

#[test]
fn a_request_that_is_on_its_way_is_answered() {
    let (running, _held) = holding(one_worker());
    let (mut head, mut body) = (connect(&running), connect(&running));
    let (begun, longer) =
        ("GET / HTTP/1.1\r\nHo", "POST /length HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    head.send(begun);
    body.send(longer);
    wait_until("both have come", || running.handle().stats().bytes_in == (begun.len() + longer.len()) as u64);
    running.handle().drain(LONG);
    wait_until("nobody listens", || flare_net::Stream::connect(&running.addresses()[0]).is_err());
    head.send("st: a\r\n\r\n");
    body.send("llo");
    for (client, text) in [(&mut head, "home"), (&mut body, "5")] {
        let answer = client.answer();
        assert_eq!((answer.text(), answer.closes()), (text, true));
        client.expect_end();
    }
    assert_eq!(ended(running).aborted(), 0);
}

#[test]
fn the_deadline_cuts_what_still_runs() {
    let (running, held) = holding(one_worker());
    let (mut client, exchange) = busy(&running, &held);
    let mut idle = connect(&running);
    assert_eq!(idle.get("/").status, 200);
    let start = Instant::now();
    let time = Duration::from_millis(100);
    running.handle().drain(time);
    client.expect_lost();
    assert!(start.elapsed() + Duration::from_millis(2) >= time);
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::Drain));
    let report = ended(running);
    assert_eq!((report.finished(), report.aborted()), (1, 1));
}

#[test]
fn an_answer_that_nobody_reads_is_cut_and_counted() {
    let (running, _held) = holding(one_worker());
    let mut client = Client::connect_narrow(&running.addresses()[0]);
    client.send("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n");
    wait_until("the answer is made", || running.handle().stats().bytes_out > 0);
    running.handle().drain(Duration::from_millis(50));
    let report = ended(running);
    assert_eq!((report.finished(), report.aborted()), (0, 1));
    drop(client);
}

#[test]
fn a_slow_reader_gets_all_answers_before_the_end() {
    // Requests wait behind answers that wait: closing must not reset what is still on its way.
    let mut router = Router::new();
    router.get("/part", |_: &Request| vec![b'x'; 512 << 10]).unwrap();
    let running = start(router, ServerConfig { output_limit: 64 << 10, ..one_worker() });
    let mut client = connect(&running);
    // So small that much still waits on the server's side when the server is done.
    socket2::SockRef::from(&client.stream).set_recv_buffer_size(64 << 10).unwrap();
    let ask = "GET /part HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20_000);
    client.send_until_full(ask.as_bytes(), Duration::from_millis(100));
    let mut answered = 0;
    wait_until("no more is answered", || {
        std::thread::sleep(Duration::from_millis(30));
        std::mem::replace(&mut answered, running.handle().stats().answers[0]) == answered && answered > 0
    });
    running.handle().drain(LONG);
    wait_until("nobody listens", || flare_net::Stream::connect(&running.addresses()[0]).is_err());
    for number in 0..answered {
        assert_eq!(client.answer().body.len(), 512 << 10, "answer {number} of {answered}");
    }
    drop(client);
    assert_eq!(ended(running).aborted(), 0);
}

#[test]
fn each_worker_reports_and_the_sum_is_all() {
    let (running, held) = holding(workers(4));
    let mut finish: Vec<_> = (0..40).map(|_| busy(&running, &held)).collect();
    let mut idle: Vec<_> = (0..40).map(|_| connect(&running)).collect();
    for client in &mut idle {
        assert_eq!(client.get("/").status, 200);
    }
    let mut cut = finish.split_off(15);
    let handle = running.handle();
    handle.drain(LONG);
    for client in &mut idle {
        client.expect_end();
    }
    for (mut client, exchange) in finish {
        exchange.respond("done");
        assert!(client.answer().closes());
    }
    wait_until("all others are closed", || handle.stats().open == 25);
    handle.stop();
    for (client, _) in &mut cut {
        client.expect_lost();
    }
    let report = ended(running);
    assert_eq!(report.workers.iter().map(|worker| worker.worker).collect::<Vec<_>>(), [0, 1, 2, 3]);
    assert_eq!((report.finished(), report.aborted()), (55, 25));
    assert!(report.workers.iter().filter(|worker| worker.finished > 0).count() > 1, "{report:?}");
    assert_eq!((handle.stats().accepted, handle.stats().open), (80, 0));
}

#[test]
fn a_second_drain_only_shortens() {
    let (running, held) = holding(workers(2));
    let (mut client, _exchange) = busy(&running, &held);
    let handle = running.handle();
    handle.drain(Duration::from_millis(100));
    let start = Instant::now();
    handle.drain(LONG);
    client.expect_lost();
    assert!(start.elapsed() < PATIENCE / 2, "the second drain made it longer");
    ended(running);

    let (running, held) = holding(workers(2));
    let (mut client, _exchange) = busy(&running, &held);
    running.handle().drain(LONG);
    running.handle().drain(Duration::from_millis(1));
    client.expect_lost();
    assert_eq!(ended(running).aborted(), 1);
}

#[test]
fn a_drain_between_bind_and_start_ends_the_start() {
    let bound = Server::new(Router::new()).config(workers(3)).listen("127.0.0.1:0").unwrap().bind().unwrap();
    bound.handle().drain(LONG);
    let report = ended(bound.start().unwrap());
    assert_eq!((report.workers.len(), report.finished(), report.aborted()), (3, 0, 0));
}

#[test]
fn clients_that_come_during_a_drain_get_a_whole_answer_or_none() {
    let (running, _held) = holding(workers(2));
    let (handle, address) = (running.handle(), running.addresses()[0].clone());
    let over = Arc::new(AtomicBool::new(false));
    let hammers: Vec<_> = (0..4)
        .map(|_| {
            let (address, over) = (address.clone(), Arc::clone(&over));
            std::thread::spawn(move || {
                let mut answers = 0;
                while !over.load(Ordering::Relaxed) {
                    let Ok(stream) = flare_net::Stream::connect(&address) else { continue };
                    let mut client = Client::new(stream);
                    // Fails when the server closed first.
                    if client.stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").is_ok()
                        && let Some(answer) = client.try_answer()
                    {
                        assert_eq!(answer.text(), "home");
                        answers += 1;
                    }
                }
                answers
            })
        })
        .collect();
    wait_until("they are at it", || handle.stats().requests > 200);
    handle.drain(LONG);
    let report = ended(running);
    over.store(true, Ordering::Relaxed);
    let answers: u64 = hammers.into_iter().map(|hammer| hammer.join().unwrap()).sum();
    let stats = handle.stats();
    assert_eq!((stats.open, report.aborted()), (0, 0));
    assert!(answers > 200 && answers <= stats.answers[0], "{answers} of {stats:?}");
}

/// Where code that is made before the server finds its handle.
type Slot = Arc<OnceLock<ServerHandle>>;

#[test]
fn a_handler_may_drain_its_own_server() {
    let slot = Slot::default();
    let inside = Arc::clone(&slot);
    let mut router = Router::new();
    router
        .post("/stop", move |_: &Request| {
            inside.get().unwrap().drain(LONG);
            "ending"
        })
        .unwrap();
    let running = start(router, workers(2));
    slot.set(running.handle()).unwrap();
    let mut client = connect(&running);
    assert_eq!(client.post("/stop", b"now").text(), "ending");
    client.expect_end();
    assert_eq!(ended(running).aborted(), 0);
}

#[test]
fn hooks_tasks_and_timers_may_drain() {
    // From the start hook, before any other worker has started.
    let slot = Slot::default();
    let inside = Arc::clone(&slot);
    let bound = Server::new(Router::new())
        .config(workers(2))
        .on_worker_start(move |_| inside.get().unwrap().drain(LONG))
        .listen("127.0.0.1:0")
        .unwrap()
        .bind()
        .unwrap();
    slot.set(bound.handle()).unwrap();
    ended(bound.start().unwrap());

    let running = start(Router::new(), workers(2));
    let handle = running.handle();
    assert!(running.handle().post(1, move |_| handle.drain(LONG)));
    ended(running);

    let running = start(Router::new(), workers(2));
    let handle = running.handle();
    assert!(
        running.handle().post(0, |context| context.after(Duration::from_millis(5), move |_| handle.stop()))
    );
    ended(running);
}

#[test]
fn stop_cuts_at_once() {
    let (running, held) = holding(one_worker());
    let (mut client, exchange) = busy(&running, &held);
    running.handle().stop();
    client.expect_lost();
    assert!(exchange.answer("late").is_err());
    assert_eq!(ended(running).aborted(), 1);
}

#[test]
fn a_dropped_server_ends_at_once() {
    let (running, held) = holding(workers(2));
    let (mut client, exchange) = busy(&running, &held);
    let (handle, address) = (running.handle(), running.addresses()[0].clone());
    drop(running);
    client.expect_lost();
    assert_eq!(exchange.request().cancelled(), Some(CancelReason::Drain));
    assert_eq!(handle.stats().open, 0);
    assert!(flare_net::Stream::connect(&address).is_err(), "somebody still listens");
    assert!(!handle.post(0, |_| {}), "a worker still takes tasks");
}

#[test]
fn a_server_may_be_dropped_on_its_own_worker() {
    let (running, held) = holding(workers(2));
    let (mut client, _exchange) = busy(&running, &held);
    let handle = running.handle();
    let (told, dropped) = mpsc::channel();
    assert!(handle.post(0, move |_| {
        drop(running);
        told.send(()).unwrap();
    }));
    dropped.recv_timeout(PATIENCE).expect("the worker waits for itself");
    client.expect_lost();
    wait_until("the workers have ended", || !handle.post(0, |_| {}) && !handle.post(1, |_| {}));
}

#[test]
fn a_new_server_takes_the_port_while_the_old_one_drains() {
    // Once nobody listens, the system may give the port to any test beside this one that asks for a free one. Not on an address of its own.
    let own = if cfg!(target_os = "linux") { "127.0.0.2:0" } else { "127.0.0.1:0" };
    let (router, held) = holding_router();
    let server = Server::new(router).config(workers(2)).listen(own).unwrap();
    let old = server.bind().unwrap().start().unwrap();
    let (mut client, exchange) = busy(&old, &held);
    let address = old.addresses()[0].clone();
    old.handle().drain(LONG);
    // A refused client does not tell that all workers have closed their listener: the first one resets those it had not taken yet.
    let mut bound = None;
    wait_until("the port is free", || {
        let mut router = Router::new();
        router.get("/", |_: &Request| "new").unwrap();
        let server = Server::new(router).config(workers(2)).listen(&address.to_string()).unwrap();
        match server.bind() {
            Ok(server) => bound = Some(server),
            Err(Error::Bind { error, .. }) => assert_eq!(error.kind(), ErrorKind::AddrInUse),
            Err(other) => panic!("{other}"),
        }
        bound.is_some()
    });
    let new = bound.unwrap().start().unwrap();
    assert_eq!(connect(&new).get("/").text(), "new");
    exchange.respond("old");
    assert_eq!(client.answer().text(), "old");
    drop(client);
    assert_eq!(ended(old).aborted(), 0);
}

#[test]
fn a_drained_unix_socket_is_removed_while_exchanges_finish() {
    let (sender, held) = mpsc::channel();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    router
        .get("/hold", flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap()))
        .unwrap();
    let path = socket_path();
    let address = format!("unix:{}", path.display());
    let running =
        Server::new(router).config(workers(2)).listen(&address).unwrap().bind().unwrap().start().unwrap();
    let (mut client, exchange) = busy(&running, &held);
    running.handle().drain(LONG);
    wait_until("the file is gone", || !path.exists());
    exchange.respond("last");
    assert_eq!(client.answer().text(), "last");
    assert_eq!(ended(running).finished(), 1);
}
