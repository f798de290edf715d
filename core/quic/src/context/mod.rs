//! What all connections of a server, or of a client, share: quiche's and BoringSSL's settings, made from ours.

mod client;
mod library;
mod server;
mod tickets;
mod transport;

pub use client::ClientContext;
pub(crate) use client::{Disbelief, SessionKey};
pub use server::ServerContext;
pub(crate) use server::{Begin, Retried};
