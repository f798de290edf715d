//! A client that stops, on every wire: it is given up after a while, what its exchange holds is freed, and others go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flare::Body;
use flare::message::{Pull, Source};
use flare::prelude::*;

use crate::common::{one_worker, wait_until};
use crate::wires::{WIRES, ask, serve};

/// Counts those that are alive.
struct Endless(Arc<AtomicUsize>);

impl Source for Endless {
    fn pull(&mut self, _: &Request) -> Pull {
        Pull::Data(vec![b'x'; 16_384].into())
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[test]
fn who_takes_nothing_is_given_up_and_others_go_on() {
    let alive = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&alive);
    let mut router = Router::new();
    router.get("/", |_: &Request| "home").unwrap();
    router
        .get("/endless", move |_: &Request| {
            count.fetch_add(1, Ordering::SeqCst);
            Response::new(200).with_body(Body::from_source(Endless(Arc::clone(&count))))
        })
        .unwrap();
    let config = ServerConfig { write_timeout: Duration::from_millis(500), ..one_worker() };
    let served = serve(router, config);
    let door = served.door();
    for wire in WIRES {
        let mut other = door.connect(wire).unwrap();
        let mut stopped = door.connect(wire).unwrap();
        stopped.open(&ask("/endless")).unwrap();
        wait_until("its answer has begun", || alive.load(Ordering::SeqCst) == 1);
        // From here on it reads nothing.
        assert_eq!(&other.fetch(&ask("/"), b"").unwrap().content[..], b"home", "{wire:?}");
        wait_until("it is given up", || alive.load(Ordering::SeqCst) == 0);
        assert_eq!(&other.fetch(&ask("/"), b"").unwrap().content[..], b"home", "{wire:?}");
    }
    assert_eq!(served.running.handle().stats().panics, 0);
}
