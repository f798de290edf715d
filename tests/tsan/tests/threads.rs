//! The tests of flare in which threads meet: workers and those who answer, cancel, stream, drain and host. Each brings what it shares with the others.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::duplicate_mod, missing_docs)]

#[path = "../../../core/flare/tests/exchange_races.rs"]
mod exchange_races;
#[path = "../../../core/flare/tests/host.rs"]
mod host;
#[path = "../../../core/flare/tests/mux.rs"]
mod mux;
#[path = "../../../core/flare/tests/relay.rs"]
mod relay;
#[path = "../../../core/flare/tests/server_drain.rs"]
mod server_drain;
#[path = "../../../core/flare/tests/server_workers.rs"]
mod server_workers;
#[path = "../../../core/flare/tests/stream/main.rs"]
mod stream;
