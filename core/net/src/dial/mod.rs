//! One connection on its way: the lookup of its name, the race between its addresses, and one deadline over both.

mod error;
mod options;
mod race;

use crate::resolver::{Answer, Asking, Resolution};
use crate::{Address, Driver, Key, Millis, Resolver, Target};
pub use error::{DialError, DialFailure};
pub use options::{DialOptions, Family, SocketOptions};
pub use race::{Attempt, Race, Step};
use std::fmt;
use std::io;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// How far a dial is.
#[derive(Debug)]
pub enum Progress {
    /// Advance it again at this time, or when something happens to it before.
    Until(Millis),
    /// This connection is there. It belongs to the caller, and all others of this dial are closed.
    Connected(Key, Address),
    /// It has failed, and nothing is open.
    Failed(Box<DialError>),
}

/// One connection on its way, on a driver that the caller has.
///
/// The caller drives it: [`Dial::advance`] at first, when the callback of [`Dial::new`] was called, and at the time that it said;
/// [`Dial::connected`] or [`Dial::failed`] with `advance` behind it for events of its keys. Whoever gives up calls [`Dial::close`]. Dropping it
/// ends the lookup, but its sockets belong to the driver: they close with that, or by `close`.
pub struct Dial {
    target: Target,
    options: DialOptions,
    deadline: Millis,
    phase: Phase,
}

enum Phase {
    Resolving { port: u16, answer: Arc<Mutex<Option<Answer>>>, _asking: Option<Asking> },
    Racing { race: Race, running: Vec<(Key, Address)>, winner: Option<(Key, Address)> },
}

impl Dial {
    /// A dial to this target, whose time begins now. `wake` is called once when a name has been looked up, on a thread of the resolver: it must
    /// not block, and makes the caller advance the dial. Nothing is called when there is nothing to look up, or the dial was dropped before.
    pub fn new(
        target: Target,
        options: &DialOptions,
        resolver: &Resolver,
        now: Millis,
        wake: impl FnOnce() + Send + 'static,
    ) -> Dial {
        let phase = match &target {
            Target::Address(address) => racing([address.clone()], options),
            Target::Name { host, port } => {
                let answer = Arc::new(Mutex::new(None));
                let place = Arc::clone(&answer);
                let told = move |found| {
                    *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
                    wake();
                };
                let _asking = match resolver.resolve(host, told) {
                    Resolution::Asked(asking) => Some(asking),
                    Resolution::Known(known) => {
                        *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
                        None
                    }
                };
                Phase::Resolving { port: *port, answer, _asking }
            }
        };
        Dial { target, options: options.clone(), deadline: now + options.timeout, phase }
    }

    /// Whom it is for.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Whether a name is being looked up.
    pub fn is_resolving(&self) -> bool {
        matches!(self.phase, Phase::Resolving { .. })
    }

    /// The connections that are on their way.
    pub fn keys(&self) -> impl Iterator<Item = Key> + '_ {
        let running = match &self.phase {
            Phase::Resolving { .. } => &[][..],
            Phase::Racing { running, .. } => running,
        };
        running.iter().map(|(key, _)| *key)
    }

    /// Does what can be done now. `begun` is told of each connection that begins: events of these keys belong to this dial.
    ///
    /// After `Connected` or `Failed` it is over, and must not be advanced again.
    pub fn advance(&mut self, driver: &mut Driver, now: Millis, mut begun: impl FnMut(Key)) -> Progress {
        self.look_at_answer();
        let (race, running) = match &mut self.phase {
            Phase::Resolving { answer, .. } => {
                let failed = answer.lock().unwrap_or_else(PoisonError::into_inner).take();
                return match failed {
                    Some(Err(error)) => self.fail(DialFailure::Resolve(error)),
                    _ if now >= self.deadline => self.fail(DialFailure::ResolveTimeout(self.options.timeout)),
                    _ => Progress::Until(self.deadline),
                };
            }
            Phase::Racing { race, running, winner } => {
                if let Some((key, address)) = winner.take() {
                    for (key, _) in running.drain(..) {
                        driver.close(key);
                    }
                    return Progress::Connected(key, address);
                }
                (race, running)
            }
        };
        if now >= self.deadline {
            let failures = self.close(driver);
            return self.fail(DialFailure::ConnectTimeout(self.options.timeout, failures));
        }
        loop {
            match race.step(now) {
                Step::Connect(address) => match driver.connect_with(&address, &self.options.socket) {
                    Ok(key) => {
                        begun(key);
                        running.push((key, address));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => race.busy(address, now),
                    Err(error) => race.failed(address, error),
                },
                Step::Wait(at) => return Progress::Until(at.min(self.deadline)),
                Step::Failed => {
                    let failures = self.close(driver);
                    return self.fail(match failures.is_empty() {
                        true => DialFailure::Family(self.options.family()),
                        false => DialFailure::Connect(failures),
                    });
                }
            }
        }
    }

    /// Begins the race when the addresses are known.
    fn look_at_answer(&mut self) {
        let Phase::Resolving { port, answer, .. } = &self.phase else { return };
        let with_port = |address: &SocketAddr| {
            let mut address = *address;
            address.set_port(*port);
            Address::Ip(address)
        };
        let addresses: Vec<Address> = match &*answer.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Ok(found)) => found.iter().map(with_port).collect(),
            _ => return,
        };
        self.phase = racing(addresses, &self.options);
    }

    fn fail(&self, reason: DialFailure) -> Progress {
        Progress::Failed(Box::new(DialError { target: self.target.clone(), reason }))
    }

    /// A connection of this dial is there. Whether it is one; then advance it.
    pub fn connected(&mut self, key: Key) -> bool {
        let Some((address, winner)) = self.take(key) else { return false };
        *winner = Some((key, address));
        true
    }

    /// A connection of this dial has failed, and is closed. Whether it is one; then advance it.
    pub fn failed(&mut self, driver: &mut Driver, key: Key, error: io::Error) -> bool {
        let Some((address, _)) = self.take(key) else { return false };
        driver.close(key);
        if let Phase::Racing { race, .. } = &mut self.phase {
            race.failed(address, error);
        }
        true
    }

    fn take(&mut self, key: Key) -> Option<(Address, &mut Option<(Key, Address)>)> {
        let Phase::Racing { running, winner, .. } = &mut self.phase else { return None };
        let at = running.iter().position(|(own, _)| *own == key)?;
        Some((running.swap_remove(at).1, winner))
    }

    /// Gives up: closes everything that was begun, and ends the lookup. What had failed before comes back.
    pub fn close(&mut self, driver: &mut Driver) -> Vec<Attempt> {
        match mem::replace(&mut self.phase, racing([], &self.options)) {
            Phase::Resolving { .. } => Vec::new(),
            Phase::Racing { race, running, winner } => {
                for (key, _) in running.into_iter().chain(winner) {
                    driver.close(key);
                }
                race.into_failures()
            }
        }
    }
}

fn racing(addresses: impl IntoIterator<Item = Address>, options: &DialOptions) -> Phase {
    let family = options.family();
    let wanted = addresses.into_iter().filter(|address| family.has(address));
    Phase::Racing { race: Race::new(wanted, options.attempt_delay), running: Vec::new(), winner: None }
}

impl fmt::Debug for Dial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dial")
            .field("target", &self.target)
            .field("resolving", &self.is_resolving())
            .field("running", &self.keys().count())
            .finish_non_exhaustive()
    }
}
