//! flare's QUIC layer (RFC 9000, 9001, 9002, 9221): connections as values, without sockets. The one room that knows quiche.
//!
//! An [`Endpoint`] looks at each datagram of one UDP socket and says whose it is; it makes new connections, and answers what belongs to
//! none (Retry, version negotiation, stateless reset). A [`Connection`] takes its datagrams, and gives streams, datagrams to send and the
//! next deadline. Both live on one thread. quiche reads the clock and random numbers itself.
//!
//! A client has no endpoint: each [`Connection::connect`] has a socket of its own.

mod connection;
mod context;
mod endpoint;
mod path;
mod settings;
mod varint;

pub use connection::{Close, Connection, Handshake, Read, Run, Stats, StreamError};
pub use context::{ClientContext, ServerContext};
pub use endpoint::{Endpoint, EndpointCounters, EndpointShared, Instruction, Reply, Route};
pub use path::{Ecn, Path};
pub use settings::{Congestion, QuicSettings, Retry};
