//! A server that drains under load, on every wire: each answer that began arrives whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use flare::prelude::*;

use crate::common::{pattern, wait_until, workers};
use crate::wires::{WIRES, ask, serve};

const LENGTH: usize = 200_000;

#[test]
fn every_answer_that_began_arrives_whole() {
    for wire in WIRES {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&begun);
        let content: Arc<[u8]> = pattern(LENGTH).into();
        let all = Arc::clone(&content);
        let mut router = Router::new();
        // On a thread of its own, so that many are half sent at any time.
        let answer = move |exchange: Exchange| {
            count.fetch_add(1, Ordering::SeqCst);
            let all = Arc::clone(&all);
            thread::spawn(move || {
                for piece in all.chunks(10_000) {
                    exchange.write_blocking(piece.to_vec()).unwrap();
                }
                exchange.finish().unwrap();
            });
        };
        router.get("/", flare::later(answer)).unwrap();
        let served = serve(router, workers(2));
        let over = Arc::new(AtomicBool::new(false));
        let clients: Vec<_> = (0..4)
            .map(|_| {
                let (door, over, content) = (served.door(), Arc::clone(&over), Arc::clone(&content));
                thread::spawn(move || {
                    let mut whole = 0;
                    // Until the server lets nobody in.
                    while !over.load(Ordering::SeqCst)
                        && let Some(mut client) = door.connect(wire)
                    {
                        while let Ok(answer) = client.fetch(&ask("/"), b"") {
                            assert!(answer.content[..] == content[..], "{wire:?}: other content");
                            whole += 1;
                        }
                    }
                    whole
                })
            })
            .collect();
        wait_until("they are at it", || begun.load(Ordering::SeqCst) >= 40);
        served.running.handle().drain(Duration::from_secs(20));
        let report = served.running.wait();
        over.store(true, Ordering::SeqCst);
        let whole: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
        assert_eq!(report.aborted(), 0, "{wire:?}");
        assert_eq!(whole, begun.load(Ordering::SeqCst), "{wire:?}: answers that began");
    }
}
