//! Connecting, on the thread of the caller: it waits anyway.

use std::io;
use std::time::{Duration, Instant};

use flare_net::{Address, Driver, DriverOptions, Event, Key, resolve};
use flare_proto::mux::Role;

use super::connection::Mux;
use super::error::MuxError;
use super::hub::Hub;
use super::options::MuxOptions;
use super::wait::deadline;

/// How long to wait before another attempt when the queue of a Unix listener is full: no event tells.
const RETRY: Duration = Duration::from_millis(10);

/// Connects to the first address that answers, and starts the thread of the connection.
pub(super) fn connect(address: &str, options: &MuxOptions) -> Result<Mux, MuxError> {
    let until = deadline(Some(options.connect_timeout));
    let mut hub = Hub::new(Driver::new(DriverOptions::default())?, options.clone())?;
    let mut result = Err(MuxError::Timeout);
    for address in resolve(address)? {
        result = one(&mut hub.driver, &address, until);
        if result.is_ok() {
            break;
        }
    }
    let mux = hub.add(result?, Role::Connecting);
    hub.start()?;
    Ok(mux)
}

fn one(driver: &mut Driver, address: &Address, until: Option<Instant>) -> Result<Key, MuxError> {
    let mut begun = None;
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            if let Some(key) = begun {
                driver.close(key);
            }
            return Err(MuxError::Timeout);
        }
        let mut wait = left;
        if begun.is_none() {
            match driver.connect(address) {
                Ok(key) => begun = Some(key),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait = Some(left.map_or(RETRY, |left| left.min(RETRY)));
                }
                Err(error) => return Err(error.into()),
            }
        }
        driver.wait(wait)?;
        while let Some(event) = driver.next() {
            match event {
                Event::Connected { key } if begun == Some(key) => return Ok(key),
                Event::Failed { key, error } if begun == Some(key) => {
                    driver.close(key);
                    return Err(error.into());
                }
                _ => {}
            }
        }
    }
}
