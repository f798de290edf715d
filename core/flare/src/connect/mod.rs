//! Connecting to others: names, several addresses, TLS, and one time limit over all of it.
//!
//! A [`Connector`] has the settings. It blocks ([`Connector::connect`]), or gives a [`Connecting`] that is polled from a loop
//! ([`Connector::begin`]). Either way there is a [`Connection`] in the end, or a [`ConnectError`] that says which step failed and for whom.
//!
//! ```
//! use std::io::{Read, Write};
//! use flare::connect::Connector;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! let port = listener.local_addr()?.port();
//! let mut connection = Connector::default().connect(&format!("localhost:{port}"))?;
//! connection.write_all(b"hello")?;
//! connection.close_write()?;
//!
//! let mut text = String::new();
//! listener.accept()?.0.read_to_string(&mut text)?;
//! assert_eq!(text, "hello");
//! # Ok(())
//! # }
//! ```

mod by_name;
mod config;
mod connecting;
mod connection;
mod connector;
mod error;
mod making;
mod patience;
#[cfg(feature = "tls")]
mod secure;
#[cfg(not(feature = "tls"))]
#[path = "without_tls.rs"]
mod secure;

pub use config::ConnectConfig;
pub use connecting::Connecting;
pub use connection::Connection;
pub use connector::Connector;
pub use error::{ConnectError, ConnectFailure, Phase};
pub use flare_net::{
    Attempt, DialError, DialFailure, Family, HostName, Lookup, ResolveError, Resolver, ResolverOptions,
    Target,
};
#[cfg(feature = "http3")]
pub(crate) use making::{Maker, Making, Turn};
