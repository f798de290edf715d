//! Code that runs on workers: hooks, tasks, timers, and panics.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use common::{Client, PATIENCE, one_worker, start, wait_until, workers};
use flare::prelude::*;
use flare::server::WorkerContext;

fn here() -> ThreadId {
    std::thread::current().id()
}

#[test]
fn hooks_run_on_each_worker_before_the_first_and_after_the_last_connection() {
    #[derive(Debug, PartialEq, Clone, Copy)]
    enum Step {
        Start,
        Request,
        Stop,
    }
    let steps: Arc<Mutex<Vec<(ThreadId, Step)>>> = Arc::default();
    let hook = |step, steps: &Arc<Mutex<Vec<(ThreadId, Step)>>>| {
        let steps = Arc::clone(steps);
        move |_: &mut WorkerContext| steps.lock().unwrap().push((here(), step))
    };
    let numbers: Arc<Mutex<Vec<usize>>> = Arc::default();
    let numbered = Arc::clone(&numbers);
    let mut router = Router::new();
    let handled = Arc::clone(&steps);
    router.get("/", move |_: &Request| handled.lock().unwrap().push((here(), Step::Request))).unwrap();
    let running = Server::new(router)
        .config(workers(3))
        .on_worker_start(hook(Step::Start, &steps))
        .on_worker_start(move |context| numbered.lock().unwrap().push(context.worker()))
        .on_worker_stop(hook(Step::Stop, &steps))
        .listen("127.0.0.1:0")
        .unwrap()
        .bind()
        .unwrap()
        .start()
        .unwrap();
    let mut clients: Vec<_> = (0..30).map(|_| Client::connect(&running.addresses()[0])).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").status, 204);
    }
    drop(running);
    let mut numbers = numbers.lock().unwrap().clone();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2]);
    let steps = steps.lock().unwrap();
    let threads: Vec<_> =
        steps.iter().filter(|(_, step)| *step == Step::Start).map(|(thread, _)| *thread).collect();
    assert_eq!(threads.len(), 3);
    for thread in threads {
        let of: Vec<_> = steps.iter().filter(|(of, _)| *of == thread).map(|(_, step)| *step).collect();
        assert_eq!((of[0], of[of.len() - 1]), (Step::Start, Step::Stop));
        assert!(of[1..of.len() - 1].iter().all(|step| *step == Step::Request), "{of:?}");
    }
}

#[test]
fn tasks_run_in_order_on_their_worker() {
    let running = start(Router::new(), workers(2));
    let handle = running.handle();
    let (sender, ran) = mpsc::channel();
    for n in 0..1000 {
        for worker in 0..2 {
            let sender = sender.clone();
            assert!(handle.post(worker, move |context| {
                sender.send((context.worker(), n, here())).unwrap();
            }));
        }
    }
    let mut next = [0, 0];
    let mut threads = [None, None];
    for _ in 0..2000 {
        let (worker, n, thread) = ran.recv_timeout(PATIENCE).unwrap();
        assert_eq!(n, next[worker]);
        next[worker] += 1;
        assert_eq!(*threads[worker].get_or_insert(thread), thread);
    }
    assert_ne!(threads[0], threads[1]);
    assert!(!handle.post(2, |_| {}), "there is no such worker");
}

#[test]
fn tasks_from_many_threads_all_run() {
    let running = start(Router::new(), one_worker());
    let count = Arc::new(AtomicUsize::new(0));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (handle, count) = (running.handle(), Arc::clone(&count));
            std::thread::spawn(move || {
                for _ in 0..1000 {
                    let count = Arc::clone(&count);
                    assert!(handle.post(0, move |_| {
                        count.fetch_add(1, Ordering::Relaxed);
                    }));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    wait_until("all have run", || count.load(Ordering::Relaxed) == 8000);
}

#[test]
fn nobody_takes_tasks_before_the_start_and_after_the_end() {
    let bound =
        Server::new(Router::new()).config(one_worker()).listen("127.0.0.1:0").unwrap().bind().unwrap();
    let handle = bound.handle();
    assert!(!handle.post(0, |_| {}));
    let running = bound.start().unwrap();
    assert!(handle.post(0, |_| {}));
    drop(running);
    assert!(!handle.post(0, |_| {}));
}

#[test]
fn timers_fire_in_order_and_not_early() {
    let running = start(Router::new(), one_worker());
    let (sender, fired) = mpsc::channel();
    let begin = Instant::now();
    assert!(running.handle().post(0, move |context| {
        for millis in [40, 10, 30, 20] {
            let sender = sender.clone();
            context.after(Duration::from_millis(millis), move |context| {
                sender.send((millis, context.worker())).unwrap();
            });
        }
    }));
    for millis in [10, 20, 30, 40] {
        assert_eq!(fired.recv_timeout(PATIENCE).unwrap(), (millis, 0));
        // The worker's clock began up to a millisecond before ours.
        assert!(begin.elapsed() + Duration::from_millis(2) >= Duration::from_millis(millis));
    }
}

/// A task that asks for itself again, at once, until somebody says stop.
fn again(context: &mut WorkerContext, rounds: Arc<AtomicUsize>) {
    rounds.fetch_add(1, Ordering::Relaxed);
    context.after(Duration::ZERO, move |context| again(context, rounds));
}

#[test]
fn a_timer_that_asks_for_itself_at_once_does_not_keep_the_worker() {
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    // Not ended when the test fails: a worker that is kept never ends.
    let running = ManuallyDrop::new(start(router, one_worker()));
    let rounds = Arc::new(AtomicUsize::new(0));
    let own = Arc::clone(&rounds);
    assert!(running.handle().post(0, move |context| again(context, own)));
    wait_until("it runs", || rounds.load(Ordering::Relaxed) > 10);
    let mut client = Client::connect(&running.addresses()[0]);
    assert_eq!(client.get("/").text(), "home");
    drop(ManuallyDrop::into_inner(running));
    assert_eq!(Arc::strong_count(&rounds), 1, "timers of a worker that ended were not dropped");
}

#[test]
fn a_timer_may_answer_later() {
    let (sender, held) = mpsc::channel::<Exchange>();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    router.get("/", flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap())).unwrap();
    let running = start(router, one_worker());
    let mut client = Client::connect(&running.addresses()[0]);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let exchange = held.recv_timeout(PATIENCE).unwrap();
    assert!(running.handle().post(0, move |context| {
        context.after(Duration::from_millis(5), move |_| exchange.respond("from a timer"));
    }));
    assert_eq!(client.answer().text(), "from a timer");
}

#[test]
fn a_handler_that_panics_answers_500_and_the_worker_lives_on() {
    let mut router = Router::new();
    router.get("/panic", |_: &Request| -> &'static str { panic!("on purpose") }).unwrap();
    router
        .get(
            "/draft",
            flare::later(|exchange: Exchange| {
                exchange.draft(|_| panic!("on purpose, with the answer in hand")).unwrap();
            }),
        )
        .unwrap();
    router.get("/", |_: &Request| "home").unwrap();
    let running = start(router, one_worker());
    let mut client = Client::connect(&running.addresses()[0]);
    for _ in 0..5 {
        assert_eq!(client.get("/panic").status, 500);
        assert_eq!(client.get("/draft").status, 500);
        assert_eq!(client.get("/").text(), "home");
    }
    assert_eq!(running.handle().stats().panics, 10);
    assert_eq!(running.handle().stats().accepted, 1, "the connection went on");
}

#[test]
fn tasks_timers_and_logs_that_panic_leave_the_worker_alive() {
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    let running = Server::new(router)
        .config(one_worker())
        .on_worker_start(|_| panic!("on purpose, in the start hook"))
        .on_worker_stop(|_| panic!("on purpose, in the stop hook"))
        .access_log(|_| panic!("on purpose, in the access log"))
        .listen("127.0.0.1:0")
        .unwrap()
        .bind()
        .unwrap()
        .start()
        .unwrap();
    let handle = running.handle();
    let mut client = Client::connect(&running.addresses()[0]);
    assert_eq!(client.get("/").text(), "home");
    assert!(handle.post(0, |_| panic!("on purpose, in a task")));
    assert_eq!(client.get("/").text(), "home");
    assert!(
        handle
            .post(0, |context| context.after(Duration::from_millis(1), |_| panic!("on purpose, in a timer")))
    );
    wait_until("all have panicked", || handle.stats().panics == 5);
    assert_eq!(client.get("/").text(), "home");
    handle.drain(PATIENCE);
    assert_eq!(running.wait().finished(), 1);
    assert_eq!(handle.stats().panics, 7);
}

#[test]
fn a_panic_outside_of_handlers_ends_its_connection_alone() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("on purpose, when the exchange goes");
        }
    }
    let (entered, enters) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let (entered, released) = (Mutex::new(entered), Mutex::new(released));
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.get("/bomb", |request: &Request| request.set_extension(Bomb)).unwrap();
    router
        .get("/block", move |_: &Request| {
            entered.lock().unwrap().send(()).unwrap();
            released.lock().unwrap().recv().unwrap();
        })
        .unwrap();
    let running = start(router, one_worker());
    let mut clients: Vec<_> = (0..10).map(|_| Client::connect(&running.addresses()[0])).collect();
    for client in &mut clients {
        assert_eq!(client.get("/").text(), "home");
    }
    let mut blocker = Client::connect(&running.addresses()[0]);
    blocker.send("GET /block HTTP/1.1\r\nHost: a\r\n\r\n");
    enters.recv_timeout(PATIENCE).unwrap();
    // The worker finds all of these in one turn.
    for (number, client) in clients.iter_mut().enumerate() {
        let path = if number % 2 == 0 { "/bomb" } else { "/" };
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
    }
    release.send(()).unwrap();
    for (number, client) in clients.iter_mut().enumerate() {
        let answer = client.try_answer();
        assert_eq!(answer.is_none(), number % 2 == 0, "{number}: {answer:?}");
    }
    assert_eq!(blocker.answer().status, 204);
    let stats = running.handle().stats();
    assert_eq!((stats.panics, stats.open), (5, 6));
}

#[test]
fn a_thread_may_let_an_exchange_go_with_its_last_breath() {
    use std::cell::RefCell;

    thread_local! {
        static BEFORE: RefCell<Option<Exchange>> = const { RefCell::new(None) };
        static BEHIND: RefCell<Option<Exchange>> = const { RefCell::new(None) };
    }
    let (sender, held) = mpsc::channel::<Exchange>();
    let sender = Mutex::new(sender);
    let mut router = Router::new();
    router.get("/", flare::later(move |exchange| sender.lock().unwrap().send(exchange).unwrap())).unwrap();
    let running = start(router, one_worker());
    let mut clients: Vec<_> = (0..3).map(|_| Client::connect(&running.addresses()[0])).collect();
    for client in &mut clients {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    let thread = std::thread::spawn(move || {
        // What the thread keeps for itself is destroyed in some order: on both sides of what the library keeps in it.
        BEFORE.set(Some(held.recv().unwrap()));
        held.recv().unwrap().respond("answered");
        BEHIND.set(Some(held.recv().unwrap()));
    });
    thread.join().unwrap();
    let mut statuses: Vec<_> = clients.iter_mut().map(|client| client.answer().status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 500, 500]);
}

/// Content without an end, that takes its time.
struct Endless;

impl flare::message::Source for Endless {
    fn pull(&mut self, _: &Request) -> flare::message::Pull {
        std::thread::sleep(Duration::from_micros(100));
        flare::message::Pull::Data(vec![b'x'; 16 * 1024].into())
    }
}

#[test]
fn a_source_without_an_end_leaves_time_for_others() {
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.get("/endless", |_: &Request| Response::new(200).with_body(Body::from_source(Endless))).unwrap();
    let running = start(router, one_worker());
    let mut greedy = Client::connect(&running.addresses()[0]);
    let mut other = Client::connect(&running.addresses()[0]);
    greedy.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    let stop = Arc::new(AtomicUsize::new(0));
    let stopped = Arc::clone(&stop);
    let reader = std::thread::spawn(move || {
        while stopped.load(Ordering::Relaxed) == 0 {
            greedy.exactly(64 * 1024);
        }
    });
    for _ in 0..10 {
        assert_eq!(other.get("/").text(), "home");
    }
    stop.store(1, Ordering::Relaxed);
    reader.join().unwrap();
}
