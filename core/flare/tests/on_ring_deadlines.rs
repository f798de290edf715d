//! The deadlines of a server once more, with workers that use io_uring. Not in `on_ring`, whose other tests would take their time.
#![cfg(target_os = "linux")]

#[path = "server_deadlines.rs"]
mod server_deadlines;
