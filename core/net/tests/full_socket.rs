//! A socket that takes no more datagrams. Loopback is never full; one of 100 Mbit/s is, in a network of its own. A system that lets nobody
//! have one (user namespaces, and tc of iproute2) has nothing to test.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![cfg(target_os = "linux")]

mod support;

use flare_net::{Driver, Ecn, Event, Sent, Transmits, UdpCounters, UdpKey, UdpOptions};
use std::net::SocketAddr;
use std::process::Command;
use support::udp::{bind, keep};
use support::{driver, event};

const NARROW: &str = "ip link set lo up && tc qdisc add dev lo root tbf rate 100mbit burst 100k limit 100m";

/// Set where the test below runs once more.
const INSIDE: &str = "FLARE_TEST_NARROW_NETWORK";

/// Runs a test of this file once more, in a network of its own.
fn in_a_narrow_network(test: &str) {
    let narrow = |then: &str| {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "sh", "-c", &format!("{NARROW} && {then}")]);
        command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default()));
        command
    };
    if !narrow("true").output().is_ok_and(|output| output.status.success()) {
        println!("not tested here: there are no networks of one's own, or no tc");
        return;
    }
    let program = std::env::current_exe().unwrap();
    let mut again = narrow(&format!("exec '{}' --exact {test} --nocapture", program.display()));
    let output = again.env(INSIDE, "1").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}{output:?}");
}

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// Two sockets; the first has a small buffer of the system, which is soon full.
fn pair(unsent_limit: usize, segment: bool) -> (Driver, UdpKey, UdpKey, SocketAddr) {
    let mut driver = driver(64);
    let sending = UdpOptions { send_buffer: 128 << 10, unsent_limit, segment, ..UdpOptions::default() };
    let (from, _) = bind(&mut driver, "127.0.0.1", &sending);
    let (to, address) = bind(&mut driver, "127.0.0.1", &UdpOptions::default());
    (driver, from, to, address)
}

fn fill(transmits: &mut Transmits, numbers: std::ops::Range<u32>, to: SocketAddr) {
    for number in numbers {
        let space = transmits.space(1200);
        space.fill(0);
        space[..4].copy_from_slice(&number.to_be_bytes());
        transmits.commit(1200, to, None, Ecn::NotEct);
    }
}

/// Adds the numbers that a batch brought.
fn take(driver: &mut Driver, event: Event, numbers: &mut Vec<u32>) {
    let Event::Datagrams { batch, .. } = event else { panic!("{event:?}") };
    for kept in keep(driver, batch) {
        assert_eq!(kept.bytes.len(), 1200);
        numbers.push(u32::from_be_bytes(kept.bytes[..4].try_into().unwrap()));
    }
}

#[test]
fn who_waits_for_the_socket_loses_nothing() {
    if !is_inside() {
        return in_a_narrow_network("who_waits_for_the_socket_loses_nothing");
    }
    for segment in [true, false] {
        let (mut driver, from, _, to) = pair(1 << 20, segment);
        let mut transmits = Transmits::new();
        let (mut next, mut queued, mut flushed, mut waiting) = (0, 0, 0, false);
        let mut got = Vec::new();
        while got.len() < 2_000 {
            while next < 2_000 && !waiting {
                fill(&mut transmits, next..next + 40, to);
                next += 40;
                waiting = driver.send_datagrams(from, &mut transmits) == Sent::Queued;
                queued += u32::from(waiting);
            }
            match event(&mut driver) {
                Event::DatagramsFlushed { socket } => {
                    assert!(socket == from && waiting);
                    assert_eq!(driver.unsent_datagrams(from), 0);
                    waiting = false;
                    flushed += 1;
                }
                other => take(&mut driver, other, &mut got),
            }
        }
        assert!(queued > 5, "the socket was full {queued} times");
        // The last flush may come behind the last datagram.
        assert!(flushed == queued || flushed + 1 == queued);
        assert_eq!(got, (0..2_000).collect::<Vec<_>>());
        let UdpCounters { sent, refused, overflowed, .. } = driver.udp_counters(from);
        assert_eq!((sent, refused, overflowed), (2_000, 0, 0));
    }
}

#[test]
fn who_does_not_wait_loses_the_newest() {
    if !is_inside() {
        return in_a_narrow_network("who_does_not_wait_loses_the_newest");
    }
    let (mut driver, from, _, to) = pair(100_000, true);
    let mut transmits = Transmits::new();
    let mut next = 0;
    while driver.udp_counters(from).overflowed == 0 {
        fill(&mut transmits, next..next + 40, to);
        next += 40;
        driver.send_datagrams(from, &mut transmits);
        assert!(driver.unsent_datagrams(from) <= 100_000);
        assert!(next < 100_000, "the socket is never full");
    }
    let lost = driver.udp_counters(from).overflowed;
    let mut got = Vec::new();
    while got.len() as u64 + lost < u64::from(next) {
        match event(&mut driver) {
            Event::DatagramsFlushed { .. } => {}
            other => take(&mut driver, other, &mut got),
        }
    }
    assert_eq!(got, (0..next - lost as u32).collect::<Vec<_>>());
    assert_eq!(driver.udp_counters(from).sent, got.len() as u64);
}
