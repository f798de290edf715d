//! The end of a server by signal.

use std::io;

use flare_net::TerminationSignals;

use crate::server::ServerHandle;

/// Drains a server when the process is asked to end (SIGTERM, SIGINT), as long as this value lives.
#[derive(Debug)]
pub struct SignalDrain {
    _signals: TerminationSignals,
}

impl ServerHandle {
    /// Drains the server when the process gets SIGTERM or SIGINT, with the setting `drain_timeout`; a second signal cuts what
    /// still runs. Dropping the result gives the signals back.
    ///
    /// # Errors
    /// When no thread or descriptor is left.
    pub fn drain_on_signals(&self) -> io::Result<SignalDrain> {
        let handle = self.clone();
        let mut asked = false;
        let signals = TerminationSignals::start(move |_| {
            if std::mem::replace(&mut asked, true) {
                handle.stop();
            } else {
                handle.drain(handle.drain_timeout());
            }
        })?;
        Ok(SignalDrain { _signals: signals })
    }
}
