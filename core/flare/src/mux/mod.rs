//! Many streams on one connection, for programs on one machine: a frame mux for sidecars.
//!
//! A front that opens a connection for each request pays for the connecting, and for the descriptors. Here one connection, usually a Unix
//! socket, carries any number of streams of bytes. Each has its own backpressure: a slow reader stops its own stream and no other. The
//! wire is described in [`flare_proto::mux`].
//!
//! ```
//! use flare::mux::{Mux, MuxListener};
//!
//! # fn main() -> Result<(), flare::mux::MuxError> {
//! let listener = MuxListener::bind("127.0.0.1:0")?;
//! let mux = Mux::connect(&listener.address().to_string())?;
//! let sidecar = std::thread::spawn(move || -> Result<(), flare::mux::MuxError> {
//!     let stream = listener.accept(None)?.accept(None)?;
//!     while let Some(bytes) = stream.recv(None)? {
//!         stream.send(&bytes.to_ascii_uppercase(), None)?;
//!     }
//!     stream.finish()
//! });
//! let stream = mux.open()?;
//! stream.send(b"hello", None)?;
//! stream.finish()?;
//! assert_eq!(stream.recv(None)?, Some(b"HELLO".to_vec()));
//! assert_eq!(stream.recv(None)?, None);
//! # sidecar.join().unwrap()?;
//! # Ok(())
//! # }
//! ```
//!
//! Each connection that was made, and each listener with all its connections, has one thread, which never waits for anything but the
//! system. Calls of the program meet it in the buffers of a stream, under a lock that is held for moments.

mod connect;
mod connection;
mod error;
mod hub;
mod link;
mod listener;
mod options;
mod pipe;
mod stream;
mod wait;

pub use connection::Mux;
pub use error::{Ended, MuxError};
pub use flare_proto::mux::ProtocolError;
pub use listener::MuxListener;
pub use options::MuxOptions;
pub use stream::MuxStream;
