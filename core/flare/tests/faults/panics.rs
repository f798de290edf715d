//! Handlers that panic in the middle of others: theirs is 500, and no other answer is lost.

use std::thread;

use flare::RouteOptions;
use flare::prelude::*;

use crate::common::{Client, start, wait_until, workers};

#[test]
fn panics_amid_load_take_no_other_answer_with_them() {
    const ROUNDS: usize = 200;
    let blocking = RouteOptions { blocking: true, ..RouteOptions::default() };
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router.get("/panic", |_: &Request| -> &'static str { panic!("on purpose") }).unwrap();
    router
        .add_with("GET", "/pool", blocking, |_: &Request| -> &'static str { panic!("on purpose") })
        .unwrap();
    router
        .get(
            "/thread",
            flare::later(|exchange: Exchange| {
                thread::spawn(move || {
                    let _kept = exchange;
                    panic!("on purpose");
                });
            }),
        )
        .unwrap();
    let running = start(router, workers(2));
    let address = running.addresses()[0].clone();
    let clients: Vec<_> = ["/panic", "/pool", "/thread", "/"]
        .into_iter()
        .map(|path| {
            let address = address.clone();
            thread::spawn(move || {
                let mut client = Client::connect(&address);
                for _ in 0..ROUNDS {
                    assert_eq!(client.get(path).status, if path == "/" { 200 } else { 500 });
                    assert_eq!(client.get("/").text(), "home");
                }
            })
        })
        .collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
    // A panic on a thread of the program is the program's. One in the pool is counted behind its answer.
    wait_until("all are counted", || running.handle().stats().panics as usize == 2 * ROUNDS);
    let stats = running.handle().stats();
    assert_eq!((stats.answers[3] as usize, stats.accepted), (3 * ROUNDS, 4));
}
