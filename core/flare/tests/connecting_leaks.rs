//! However connecting ends, no descriptor is left. Alone in its process, so that nobody else opens any.
#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use flare::connect::{ConnectConfig, Connector, HostName, Lookup, ResolveError, Resolver, ResolverOptions};

/// For what never answers.
const SHORT: Duration = Duration::from_millis(200);
/// For what has to succeed, or fails at once: far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Every name has these addresses.
struct These(Vec<SocketAddr>);

impl Lookup for These {
    fn lookup(&self, _name: &HostName) -> Result<Vec<SocketAddr>, ResolveError> {
        Ok(self.0.clone())
    }
}

fn open() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn nothing_is_left_open() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let dead: SocketAddr = format!("127.0.0.2:{}", address.port()).parse().unwrap();
    // Loopback addresses that nobody routes: SYNs to them are lost or refused, as the host likes.
    let silent: SocketAddr = format!("240.0.0.1:{}", address.port()).parse().unwrap();
    let with = |addresses: &[SocketAddr], timeout| {
        let config =
            ConnectConfig::default().with_timeout(timeout).with_attempt_delay(Duration::from_millis(10));
        let resolver = Resolver::new(ResolverOptions::default(), These(addresses.to_vec()));
        Connector::new(config).unwrap().with_resolver(resolver)
    };
    let target = format!("a:{}", address.port());
    let before = open();
    for _ in 0..5 {
        drop(with(&[dead, silent, address], PATIENCE).connect(&target).unwrap());
        assert!(with(&[dead], PATIENCE).connect(&target).is_err());
        assert!(with(&[silent], SHORT).connect(&target).is_err());
        // Dropped in the middle.
        let begun = with(&[silent, address], PATIENCE).begin(&target).unwrap();
        begun.wait(Some(Duration::from_millis(5))).ok();
        drop(begun);
        // Connected, and never taken.
        let taken = with(&[address], PATIENCE).begin(&target).unwrap();
        taken.cancel();
        drop(taken);
        while listener.set_nonblocking(true).is_ok() && listener.accept().is_ok() {}
    }
    assert_eq!(open(), before);
}
