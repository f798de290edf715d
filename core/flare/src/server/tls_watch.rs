//! Looks from time to time whether files of certificates changed, and takes the new ones.
//!
//! By their times and sizes, on a thread of its own: notices of the system do not come for files behind links that are exchanged, which
//! is how containers get new certificates, nor from network file systems; and reading files must not hold up a worker.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::log::Level;
use crate::server::shared::Shared;

/// Ends the thread when it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    _ends_with_this: Sender<()>,
}

impl Watcher {
    /// Watches the files of all addresses that ask for it, until the server is gone.
    pub(crate) fn start(shared: &Arc<Shared>) -> std::io::Result<()> {
        let Some(period) = shared.tls.watch_period() else { return Ok(()) };
        let (sender, ended) = channel::<()>();
        let weak = Arc::downgrade(shared);
        let mut seen = shared.tls.first_stamps();
        let mut changed = false;
        std::thread::Builder::new().name("flare-tls-watch".to_owned()).spawn(move || {
            while ended.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                let Some(shared) = Weak::upgrade(&weak) else { return };
                let now = shared.tls.stamps();
                // Taken when they have stayed the same for a period: chain and key are two files, written one after the other.
                if now != seen {
                    (seen, changed) = (now, true);
                } else if std::mem::take(&mut changed) {
                    take_new(&shared);
                }
            }
        })?;
        let set = shared.watcher.set(Self { _ends_with_this: sender });
        debug_assert!(set.is_ok(), "a server starts once");
        Ok(())
    }
}

fn take_new(shared: &Shared) {
    let log = &shared.service.log;
    match shared.tls.reload() {
        Ok(()) => log.tell(Level::Info, "TLS files taken", || "they changed".to_owned()),
        Err(error) => log.tell(Level::Error, "TLS files not taken", || error.to_string()),
    }
}

/// The shortest of these.
pub(crate) fn shortest(periods: impl Iterator<Item = Option<Duration>>) -> Option<Duration> {
    periods.flatten().min()
}
