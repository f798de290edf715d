//! A server that is replaced under load by one that shares its port.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use flare::prelude::*;
use flare::server::RunningServer;

use crate::common::{Client, wait_until, workers};

fn server(name: &'static str, address: &str) -> RunningServer {
    let mut router = Router::new();
    router.get("/", move |_: &Request| name).unwrap();
    let config = ServerConfig { reuse_port: true, ..workers(2) };
    Server::new(router).config(config).listen(address).unwrap().bind().unwrap().start().unwrap()
}

/// Clients whose connections were accepted, or who ask on one that stays until they are told that it closes, get every answer.
#[test]
fn a_replacement_loses_nobody() {
    let old = server("old", "127.0.0.1:0");
    let address = old.addresses()[0].clone();
    let over = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (address, over) = (address.clone(), Arc::clone(&over));
            thread::spawn(move || {
                let (mut by_old, mut by_new, mut reset) = (0, 0, 0);
                while !over.load(Ordering::Relaxed) {
                    let mut client = Client::connect(&address);
                    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
                    match client.try_answer() {
                        Some(answer) if answer.text() == "old" => by_old += 1,
                        Some(answer) => {
                            assert_eq!(answer.text(), "new");
                            by_new += 1;
                        }
                        None => reset += 1,
                    }
                }
                (by_old, by_new, reset)
            })
        })
        .collect();
    wait_until("the old one is at it", || old.handle().stats().requests > 200);
    let new = server("new", &address.to_string());
    wait_until("the new one is at it", || new.handle().stats().requests > 200);
    old.handle().drain(Duration::from_secs(20));
    let report = old.wait();
    let before = new.handle().stats().requests;
    wait_until("the new one has all", || new.handle().stats().requests > before + 200);
    over.store(true, Ordering::Relaxed);
    let told = clients.into_iter().map(|client| client.join().unwrap());
    let (by_old, by_new, reset) =
        told.fold((0, 0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1, sum.2 + one.2));
    assert_eq!(report.aborted(), 0);
    assert!(by_old > 200 && by_new > 400, "{by_old} {by_new}");
    // Whoever the system had put into one of the old one's two queues a moment before it closed is reset by the system, before a byte was read.
    assert!(reset <= 2 * 4, "{reset} of {}", by_old + by_new);
}
