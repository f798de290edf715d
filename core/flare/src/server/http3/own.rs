//! The streams that this end opens: control, and both of QPACK (RFC 9114, 6.2).

use flare_proto::http3::{ServerConnection, Unidirectional};
use flare_quic::{Connection as Quic, StreamError};

const KINDS: [Unidirectional; 3] =
    [Unidirectional::Control, Unidirectional::Encoder, Unidirectional::Decoder];

/// Their ids, as far as the client has let them be opened.
#[derive(Default)]
pub(super) struct OwnStreams([Option<u64>; KINDS.len()]);

/// The client wants no more of one, which it may not do.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) id: u64,
    pub(super) code: u64,
}

impl OwnStreams {
    /// Sends what waits for them. What the transport does not take now waits for the next time.
    pub(super) fn flush(&mut self, wire: &mut ServerConnection, quic: &mut Quic) -> Result<(), Stopped> {
        for (kind, place) in KINDS.into_iter().zip(&mut self.0) {
            let waiting = wire.output(kind);
            if waiting.is_empty() {
                continue;
            }
            // Err: none is allowed for now.
            let Some(id) = place.or_else(|| open(quic)) else { continue };
            *place = Some(id);
            match quic.write(id, waiting, false) {
                Ok(taken) => drop(waiting.drain(..taken.min(waiting.len()))),
                Err(StreamError::Stopped(code)) => return Err(Stopped { id, code }),
                // The connection is over, or there is no room.
                Err(_) => {}
            }
        }
        Ok(())
    }
}

/// Opens one. What it carries goes before all answers.
fn open(quic: &mut Quic) -> Option<u64> {
    let id = quic.open_unidirectional().ok()?;
    quic.set_priority(id, 0, false);
    Some(id)
}
