//! The configuration in the form of rustls: made once, shared by all connections.

mod adapt;
mod client;
mod judge;
mod key_log;
mod resolver;
mod server;
mod tickets;

pub use client::ClientContext;
pub(crate) use client::server_name;
pub use judge::{Disbelief, Judge, check_server_name};
pub use key_log::KeyLog;
pub(crate) use resolver::take_asked;
pub use server::ServerContext;
