//! UDP in batches: what a QUIC endpoint needs of the operating system, and nothing of QUIC.
//!
//! Many datagrams come by one system call and leave by one, and where the system can, several of one size to or from one address travel
//! as one (GRO and GSO of Linux). Neither is seen from outside: [`Datagrams`] gives one datagram after the other, [`Transmits`] takes one
//! after the other.

mod counters;
mod datagrams;
mod deliver;
mod ecn;
mod socket;
mod steering;
mod system;
mod transmits;

pub use counters::UdpCounters;
pub(crate) use datagrams::Batches;
pub use datagrams::{Datagram, Datagrams};
pub(crate) use deliver::deliver;
pub use ecn::Ecn;
pub use socket::{UdpOptions, UdpSocket};
pub use steering::BpfInstruction;
pub(crate) use system::Way;
pub use transmits::Transmits;
