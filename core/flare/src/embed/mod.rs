//! What the languages above Rust are built on: exchanges that are pulled, and servers whose loop belongs to the host.

mod queue;

pub use queue::{Closed, Queue};
