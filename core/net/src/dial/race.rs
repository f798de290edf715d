//! Which of several addresses to try, and when: happy eyeballs (RFC 8305) as a value, without sockets or a clock.

use crate::{Address, Millis};
use std::collections::VecDeque;
use std::io;
use std::time::Duration;

/// When an address whose queue of connections was full is asked again.
const AGAIN: Duration = Duration::from_millis(5);

/// One address that did not work, and why.
#[derive(Debug)]
pub struct Attempt {
    /// The address.
    pub address: Address,
    /// What the system said.
    pub error: io::Error,
}

/// What a race wants.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// An attempt at this address begins. Tell how it fails, or stop racing when it is there.
    Connect(Address),
    /// Nothing to begin before this time, or before an attempt fails. [`Millis::NEVER`]: all have been begun.
    Wait(Millis),
    /// All addresses have failed: see [`Race::into_failures`].
    Failed,
}

/// Addresses that are tried until one is connected to.
///
/// They are tried in their order, with the families taking turns from the second on (RFC 8305, 4). The next attempt begins when the one before
/// has failed, or after a delay while it goes on (RFC 8305, 5); so several may be on their way at a time, and the first that is there wins.
/// The order inside of a family is the resolver's, which has sorted by RFC 6724.
#[derive(Debug)]
pub struct Race {
    waiting: VecDeque<Address>,
    /// Attempts that have begun and not failed.
    running: usize,
    /// No attempt begins before, unless one fails.
    next: Millis,
    delay: Duration,
    failures: Vec<Attempt>,
}

impl Race {
    /// What [RFC 8305, 5](https://www.rfc-editor.org/rfc/rfc8305#section-5) recommends between two attempts.
    pub const DELAY: Duration = Duration::from_millis(250);

    /// A race between these addresses, whose attempts begin this long after each other.
    pub fn new(addresses: impl IntoIterator<Item = Address>, delay: Duration) -> Race {
        Race { waiting: interleaved(addresses), running: 0, next: Millis(0), delay, failures: Vec::new() }
    }

    /// What to do now. Ask again after each `Connect`.
    pub fn step(&mut self, now: Millis) -> Step {
        if self.waiting.is_empty() {
            return if self.running == 0 { Step::Failed } else { Step::Wait(Millis::NEVER) };
        }
        if now < self.next {
            return Step::Wait(self.next);
        }
        match self.waiting.pop_front() {
            Some(address) => {
                self.running += 1;
                self.next = now + self.delay;
                Step::Connect(address)
            }
            None => Step::Failed,
        }
    }

    /// An attempt has failed. The next one begins at once.
    pub fn failed(&mut self, address: Address, error: io::Error) {
        self.running = self.running.saturating_sub(1);
        self.next = Millis(0);
        self.failures.push(Attempt { address, error });
    }

    /// An attempt could not begin because the queue of the listener is full at the moment: it is tried again before the others.
    pub fn busy(&mut self, address: Address, now: Millis) {
        self.running = self.running.saturating_sub(1);
        self.next = now + AGAIN;
        self.waiting.push_front(address);
    }

    /// The attempts that have failed so far, in the order in which they did.
    pub fn into_failures(self) -> Vec<Attempt> {
        self.failures
    }
}

/// The same addresses with their families in turn, beginning with that of the first. Unix addresses count as a family of their own.
fn interleaved(addresses: impl IntoIterator<Item = Address>) -> VecDeque<Address> {
    let mut families: [VecDeque<Address>; 3] = Default::default();
    let mut order = Vec::new();
    for address in addresses {
        let family = match &address {
            Address::Ip(ip) if ip.is_ipv6() => 0,
            Address::Ip(_) => 1,
            Address::Unix(_) => 2,
        };
        if !order.contains(&family) {
            order.push(family);
        }
        if let Some(queue) = families.get_mut(family) {
            queue.push_back(address);
        }
    }
    let mut all = VecDeque::new();
    loop {
        let before = all.len();
        for family in &order {
            all.extend(families.get_mut(*family).and_then(VecDeque::pop_front));
        }
        if all.len() == before {
            return all;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::Ip(text.parse().unwrap())
    }

    fn race(addresses: &[&str]) -> Race {
        Race::new(addresses.iter().map(|text| address(text)), Race::DELAY)
    }

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    const A6: &str = "[2001:db8::a]:1";
    const B6: &str = "[2001:db8::b]:1";
    const C6: &str = "[2001:db8::c]:1";
    const A4: &str = "192.0.2.1:1";
    const B4: &str = "192.0.2.2:1";

    #[test]
    fn families_take_turns_in_the_order_of_the_resolver() {
        for (given, expected) in [
            (&[A6, B6, C6, A4, B4][..], &[A6, A4, B6, B4, C6][..]),
            (&[A4, B4, A6], &[A4, A6, B4]),
            (&[A4, B4], &[A4, B4]),
            (&[A6], &[A6]),
        ] {
            let all = interleaved(given.iter().map(|text| address(text)));
            let expected: Vec<_> = expected.iter().map(|text| address(text)).collect();
            assert_eq!(all, expected);
        }
    }

    #[test]
    fn attempts_begin_a_delay_after_each_other() {
        let mut race = race(&[A6, A4]);
        assert_eq!(race.step(Millis(1000)), Step::Connect(address(A6)));
        assert_eq!(race.step(Millis(1000)), Step::Wait(Millis(1250)));
        assert_eq!(race.step(Millis(1249)), Step::Wait(Millis(1250)));
        assert_eq!(race.step(Millis(1250)), Step::Connect(address(A4)));
        assert_eq!(race.step(Millis(9999)), Step::Wait(Millis::NEVER));
    }

    #[test]
    fn a_failure_starts_the_next_at_once() {
        let mut race = race(&[A6, A4, B4]);
        assert_eq!(race.step(Millis(10)), Step::Connect(address(A6)));
        race.failed(address(A6), refused());
        assert_eq!(race.step(Millis(11)), Step::Connect(address(A4)));
        assert_eq!(race.step(Millis(11)), Step::Wait(Millis(261)));
        // One of two that run: the delay of the other does not hold up the third.
        assert_eq!(race.step(Millis(261)), Step::Connect(address(B4)));
        race.failed(address(A4), refused());
        assert_eq!(race.step(Millis(262)), Step::Wait(Millis::NEVER));
        race.failed(address(B4), io::ErrorKind::HostUnreachable.into());
        assert_eq!(race.step(Millis(263)), Step::Failed);
        let failures = race.into_failures();
        let order: Vec<_> = failures.iter().map(|attempt| attempt.address.to_string()).collect();
        assert_eq!(order, [A6, A4, B4]);
        assert_eq!(failures.last().unwrap().error.kind(), io::ErrorKind::HostUnreachable);
    }

    #[test]
    fn a_full_queue_is_asked_again() {
        let mut race = race(&[A4, B4]);
        assert_eq!(race.step(Millis(10)), Step::Connect(address(A4)));
        race.busy(address(A4), Millis(10));
        assert_eq!(race.step(Millis(10)), Step::Wait(Millis(15)));
        assert_eq!(race.step(Millis(15)), Step::Connect(address(A4)));
    }

    #[test]
    fn without_addresses_it_has_failed() {
        assert_eq!(race(&[]).step(Millis(0)), Step::Failed);
    }
}
