//! The tests of servers once more, with workers that use io_uring (where the system permits it). `common::on_ring` tells them.
#![cfg(target_os = "linux")]
// Each of them brings what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::duplicate_mod)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../http2_slow_reader.rs"]
mod http2_slow_reader;
#[path = "../faults/panics.rs"]
mod panics;
#[path = "../proxy_protocol.rs"]
mod proxy_protocol;
#[path = "../relay.rs"]
mod relay;
#[path = "../relay_faults.rs"]
mod relay_faults;
#[path = "../faults/resets.rs"]
mod resets;
#[path = "../server_bodies.rs"]
mod server_bodies;
#[path = "../server_connection_cap.rs"]
mod server_connection_cap;
#[path = "../server_drain.rs"]
mod server_drain;
#[path = "../server_keep_alive.rs"]
mod server_keep_alive;
#[path = "../server_leaving.rs"]
mod server_leaving;
#[path = "../server_limits.rs"]
mod server_limits;
#[path = "../server_pipelining.rs"]
mod server_pipelining;
#[path = "../server_refusals.rs"]
mod server_refusals;
#[path = "../slow_peers.rs"]
mod slow_peers;
#[path = "../switch.rs"]
mod switch;
#[cfg(feature = "tls")]
#[path = "../tls/main.rs"]
mod tls;

#[test]
fn workers_use_io_uring_where_the_system_permits_it() {
    let options = flare_net::DriverOptions { io_uring: true, ..flare_net::DriverOptions::default() };
    let permitted = matches!(flare_net::Driver::new(options).unwrap().io_uring(), Some(Ok(())));
    let running = common::start(flare::Router::new(), common::one_worker());
    assert_eq!(common::Client::connect(&running.addresses()[0]).get("/").status, 404);
    let rings = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .filter(|target| target.to_string_lossy().contains("io_uring"))
        .count();
    assert_eq!(rings > 0, permitted, "{rings} rings");
}
