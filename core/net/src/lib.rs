//! flare's operating-system layer: readiness, sockets, timers and wake-ups. It knows nothing of any protocol.
//!
//! A [`Driver`] owns the connections of one thread and does their input and output. It is shaped like a completion queue:
//! bytes arrive in a [`Lease`] that is given back, and leave in an [`Output`]. A [`Wheel`] keeps the deadlines, a
//! [`Mailbox`] lets other threads in. Nothing here allocates for a connection that reads and writes without being blocked.
//!
//! # Example
//!
//! ```
//! use flare_net::{Address, Driver, DriverOptions, Event, ListenOptions, Listener, Output};
//! use std::io::{Read, Write};
//!
//! # fn main() -> std::io::Result<()> {
//! let mut driver = Driver::new(DriverOptions::default())?;
//! let listener = Listener::bind(&Address::from(([127, 0, 0, 1], 0)), &ListenOptions::default())?;
//! let address = listener.local_address().clone();
//! driver.listen(listener, false)?;
//!
//! let client = std::thread::spawn(move || {
//!     let mut stream = flare_net::Stream::connect(&address)?;
//!     stream.write_all(b"hello")?;
//!     let mut echo = [0; 5];
//!     stream.read_exact(&mut echo)?;
//!     std::io::Result::Ok(echo)
//! });
//!
//! let mut output = Output::new();
//! 'serve: loop {
//!     driver.wait(None)?;
//!     while let Some(event) = driver.next() {
//!         match event {
//!             Event::Received { key, lease } => {
//!                 output.buffer().extend_from_slice(&lease);
//!                 driver.recycle(lease);
//!                 driver.send(key, &mut output)?;
//!             }
//!             Event::ReadClosed { .. } => break 'serve,
//!             _ => {}
//!         }
//!     }
//! }
//! assert_eq!(&client.join().unwrap()?, b"hello");
//! # Ok(())
//! # }
//! ```
// The one crate of the core that may call the operating system without a safe wrapper. Each such call says why it is sound.
#![allow(unsafe_code)]

#[cfg(not(unix))]
compile_error!("flare-net runs on Unix systems: Linux, and by kqueue macOS and the BSDs");

mod address;
mod affinity;
mod backlog;
mod beneath;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod broken_pipe;
mod clock;
mod credentials;
mod descriptors;
mod dial;
mod driver;
mod event;
mod file_part;
mod host_name;
mod key;
mod lease;
mod listener;
mod mailbox;
mod output;
mod queue;
mod resolver;
mod send_file;
mod signals;
mod socket_file;
mod stream;
mod target;
mod timer_source;
mod transmit;
mod udp;
mod undelivered;
mod watch;
mod wheel;

pub use address::{Address, AddressError, Peer, resolve};
pub use affinity::{cores, pin_to_core};
pub use beneath::{Links, Root};
pub use clock::{Clock, Millis};
pub use credentials::Credentials;
pub use descriptors::raise_descriptor_limit;
pub use dial::{
    Attempt, Dial, DialError, DialFailure, DialOptions, Family, Progress, Race, SocketOptions, Step,
};
pub use driver::{Driver, DriverOptions, Sent};
pub use event::Event;
pub use host_name::{HostName, HostNameError};
pub use key::{Key, ListenerKey, UdpKey};
pub use lease::Lease;
pub use listener::{ListenOptions, Listener};
pub use mailbox::{Mailbox, MailboxReceiver, PostError};
pub use output::Output;
pub use queue::Queue;
pub use resolver::{
    Answer, Asking, Lookup, Resolution, ResolveError, Resolver, ResolverOptions, SystemLookup,
};
pub use signals::{Signal, TerminationSignals};
pub use stream::Stream;
pub use target::Target;
pub use udp::{BpfInstruction, Datagram, Datagrams, Ecn, Transmits, UdpCounters, UdpOptions, UdpSocket};
pub use watch::{Readiness, Waker, Watch};
pub use wheel::{TimerId, Wheel};
