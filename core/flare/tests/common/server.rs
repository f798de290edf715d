//! A server for one test.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex};

use flare::prelude::*;
use flare::server::RunningServer;

use super::PATIENCE;

/// Whether this is compiled into `on_ring` or `on_ring_deadlines`, which run the tests of other programs once more, with io_uring.
pub fn on_ring() -> bool {
    module_path!().starts_with("on_ring")
}

/// Default settings with this many workers.
pub fn workers(workers: usize) -> ServerConfig {
    ServerConfig { workers, io_uring: on_ring(), ..ServerConfig::default() }
}

/// Default settings with one worker, so that the order of things is known.
pub fn one_worker() -> ServerConfig {
    workers(1)
}

/// A server on a free port of 127.0.0.1.
pub fn start(router: Router, mut config: ServerConfig) -> RunningServer {
    config.io_uring |= on_ring();
    Server::new(router).config(config).listen("127.0.0.1:0").unwrap().bind().unwrap().start().unwrap()
}

/// A path for a Unix socket that no other test uses.
pub fn socket_path() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let next = NEXT.fetch_add(1, Ordering::Relaxed);
    // A program may have this module several times.
    let module = module_path!().replace("::", "-");
    std::env::temp_dir().join(format!("flare-{module}-{}-{next}.sock", std::process::id()))
}

/// Where threads wait for each other: opens when so many different ones have come.
#[derive(Default)]
pub struct Gate {
    came: Mutex<BTreeSet<usize>>,
    more: Condvar,
}

impl Gate {
    /// Comes, and stays until `count` different ones have. Whether they did.
    pub fn pass(&self, who: usize, count: usize) -> bool {
        self.came.lock().unwrap().insert(who);
        self.more.notify_all();
        self.wait(count)
    }

    /// Waits until `count` different ones have come. Whether they did.
    pub fn wait(&self, count: usize) -> bool {
        let came = self.came.lock().unwrap();
        let (came, _) = self.more.wait_timeout_while(came, PATIENCE, |came| came.len() < count).unwrap();
        came.len() >= count
    }
}
