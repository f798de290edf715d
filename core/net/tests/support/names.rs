//! Names with the addresses that a test gives them, and a driver loop around a dial.

use super::PATIENCE;
use flare_net::{
    Clock, Dial, DialOptions, Driver, Event, HostName, Lookup, Mailbox, Progress, ResolveError, Resolver,
    ResolverOptions, Target,
};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Every name has these addresses.
pub struct These(pub Vec<SocketAddr>);

impl Lookup for These {
    fn lookup(&self, _name: &HostName) -> Result<Vec<SocketAddr>, ResolveError> {
        if self.0.is_empty() { Err(ResolveError::NotFound) } else { Ok(self.0.clone()) }
    }
}

/// A resolver that gives every name these addresses.
pub fn these(addresses: &[SocketAddr]) -> Resolver {
    Resolver::new(ResolverOptions::default(), These(addresses.to_vec()))
}

pub fn wake(mailbox: &Mailbox<()>) -> impl FnOnce() + Send + 'static {
    let mailbox = mailbox.clone();
    move || drop(mailbox.post(()))
}

/// Drives a dial to its end, which must come in time.
pub fn dial(driver: &mut Driver, target: &str, options: &DialOptions, resolver: &Resolver) -> Progress {
    let (mailbox, _receiver) = driver.mailbox(8).unwrap();
    let clock = Clock::start();
    let target = Target::parse(target).unwrap();
    let mut dial = Dial::new(target, options, resolver, clock.now(), wake(&mailbox));
    let start = Instant::now();
    loop {
        let at = match dial.advance(driver, clock.now(), |_| ()) {
            Progress::Until(at) => at,
            end => return end,
        };
        driver.wait(Some(Duration::from_millis(at.0.saturating_sub(clock.now().0)).min(PATIENCE))).unwrap();
        while let Some(event) = driver.next() {
            match event {
                Event::Connected { key } => assert!(dial.connected(key)),
                Event::Failed { key, error } => assert!(dial.failed(driver, key, error)),
                Event::Woken => {}
                other => panic!("{other:?}"),
            }
        }
        assert!(start.elapsed() < PATIENCE, "the dial has no end");
    }
}
