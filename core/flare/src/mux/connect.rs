//! Connecting, on the thread of the caller: it waits anyway.

use std::time::Duration;

use flare_net::{
    AddressError, Clock, Dial, DialError, DialFailure, DialOptions, Driver, DriverOptions, Event, Key,
    Progress, Resolver, Target,
};
use flare_proto::mux::Role;

use super::connection::Mux;
use super::error::MuxError;
use super::hub::{Hub, Message};
use super::options::MuxOptions;

/// Connects to the first address that answers, and starts the thread of the connection.
pub(super) fn connect(address: &str, options: &MuxOptions) -> Result<Mux, MuxError> {
    let target = Target::parse(address)?;
    let mut hub = Hub::new(Driver::new(DriverOptions::default())?, options.clone())?;
    let key = dial(&mut hub, target, options)?;
    let mux = hub.add(key, Role::Connecting);
    hub.start()?;
    Ok(mux)
}

fn dial(hub: &mut Hub, target: Target, options: &MuxOptions) -> Result<Key, MuxError> {
    let clock = Clock::start();
    let mailbox = hub.mailbox();
    let wake = move || {
        // Err: nobody waits for it any more.
        let _ = mailbox.post(Message::Resolved);
    };
    let limits = DialOptions { timeout: options.connect_timeout, ..DialOptions::default() };
    let mut dial = Dial::new(target, &limits, Resolver::system(), clock.now(), wake);
    loop {
        let at = match dial.advance(&mut hub.driver, clock.now(), |_| ()) {
            Progress::Until(at) => at,
            Progress::Connected(key, _) => return Ok(key),
            Progress::Failed(error) => return Err(failed(*error)),
        };
        hub.driver.wait(Some(Duration::from_millis(at.0.saturating_sub(clock.now().0))))?;
        while let Some(event) = hub.driver.next() {
            match event {
                // What the peer says first is left for the thread.
                Event::Connected { key } if dial.connected(key) => break,
                Event::Failed { key, error } => drop(dial.failed(&mut hub.driver, key, error)),
                Event::Woken => hub.read_messages(),
                _ => {}
            }
        }
    }
}

fn failed(error: DialError) -> MuxError {
    let kind = error.kind();
    match error.reason {
        DialFailure::ResolveTimeout(_) | DialFailure::ConnectTimeout(..) => MuxError::Timeout,
        DialFailure::Resolve(why) => {
            AddressError::Unresolved(error.target.to_string(), std::io::Error::new(kind, why)).into()
        }
        _ => MuxError::Io(std::io::Error::new(kind, error)),
    }
}
