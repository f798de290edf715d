//! What wires with many streams share: an exchange on a stream of its own, and its content that waits for one side or the other.
//!
//! It knows neither frames nor windows: a wire says how much there is room for.

mod head;
mod outgoing;
mod stream;

pub(crate) use head::{opening, refusal, response_parts, switches};
#[cfg(feature = "http3")]
pub(crate) use outgoing::Outgoing;
pub(crate) use stream::Stream;
