//! The plain request on a connection that stays allocates nothing on its worker.
#![allow(clippy::unwrap_used, unsafe_code)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use common::{Client, one_worker};
use flare::prelude::*;

thread_local! {
    /// Whether allocations of this thread are counted.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

static COUNT: AtomicUsize = AtomicUsize::new(0);

struct Counting;

impl Counting {
    fn count() {
        if COUNTED.get() {
            COUNT.fetch_add(1, Ordering::Relaxed);
        }
    }
}

// SAFETY: each call is passed on unchanged to the system's allocator; counting touches numbers that need no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count();
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Counting::count();
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Asks again and again for so long, and says how often the worker was asked and how often it allocated after it was warm.
fn allocations(ask: &str, answer: &str, time: Duration) -> (usize, usize) {
    let mut router = Router::new();
    router.get("/plain", |_: &Request| "Hello, World!").unwrap();
    router
        .get(
            "/hi/:name",
            flare::later(|exchange: Exchange| {
                let name = exchange.request().param("name").unwrap_or_default();
                exchange
                    .draft(|response| {
                        response.headers_mut().append("content-type", "text/plain")?;
                        response.body_mut().copy_from(name.as_bytes());
                        Ok::<(), flare::InvalidField>(())
                    })
                    .unwrap()
                    .unwrap();
                exchange.finish().unwrap();
            }),
        )
        .unwrap();
    router
        .get("/owned/:name", |request: &Request| request.param("name").unwrap_or_default().to_owned())
        .unwrap();
    let running = Server::new(router)
        .config(one_worker())
        .on_worker_start(|_| COUNTED.set(true))
        .listen("127.0.0.1:0")
        .unwrap()
        .bind()
        .unwrap()
        .start()
        .unwrap();
    let mut client = Client::connect(&running.addresses()[0]);
    let mut rounds = |count: usize| {
        for _ in 0..count {
            client.send(ask);
            assert_eq!(client.answer().text(), answer);
        }
        count
    };
    rounds(100);
    let before = COUNT.load(Ordering::Relaxed);
    assert!(before > 0, "nothing is counted");
    let start = Instant::now();
    let mut asked = rounds(1000);
    while start.elapsed() < time {
        asked += rounds(100);
    }
    (asked, COUNT.load(Ordering::Relaxed) - before)
}

// One test, because the count is for the whole process.
#[test]
fn the_plain_request_allocates_nothing() {
    // Longer than a second, so that the Date field changes.
    let (short, long) = (Duration::from_millis(1), Duration::from_millis(1100));
    let plain = "GET /plain HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";
    assert_eq!(allocations(plain, "Hello, World!", long).1, 0, "a closure with static text");
    let parameter =
        "GET /hi/ann%20lee HTTP/1.1\r\nHost: localhost\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n";
    assert_eq!(allocations(parameter, "ann lee", long).1, 0, "a handler with a parameter");
    let fields: String = (0..20).map(|n| format!("X-Field-{n}: value number {n}\r\n")).collect();
    let many = format!("GET /hi/ann?a=1&b=2 HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
    assert_eq!(allocations(&many, "ann", short).1, 0, "many fields");
    // The text that the handler itself makes, and nothing else: so what a handler does is counted.
    let owned = "GET /owned/ann HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let (asked, allocated) = allocations(owned, "ann", short);
    assert_eq!(asked, allocated, "a closure that makes text");
}
