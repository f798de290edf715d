//! The stream of one request, from its first byte to the moment when the transport has taken all of its answer.

use std::time::Duration;

use flare_net::Millis;
use flare_proto::http3::ServerConnection;
use flare_quic::{Connection as Quic, StreamError};

use super::outbox::{Outbox, Sent};
use super::own::OwnStreams;
use crate::server::environment::Environment;
use crate::server::running::Answer;
use crate::server::streams::Stream;

/// So many bytes of one stream are sent in its turn. Windows of tests are too small to use that up.
const TURN: usize = if cfg!(test) { 8 * 1024 } else { 256 * 1024 };

/// So much content is asked of an exchange at a time.
const FILL: u64 = 64 * 1024;

/// The stream of one request.
pub(super) struct Lane {
    pub(super) carried: Carried,
    /// What was read behind a field section that waits for the client's QPACK.
    pub(super) halted: Option<Halted>,
    pub(super) outbox: Outbox,
}

/// What a stream carries.
pub(super) enum Carried {
    /// A head that is not whole, or can't be read yet. It has to come until this time.
    Head { deadline: Millis },
    /// An exchange.
    Exchange(Stream),
    /// The answer to a request that was refused for its head, and is no exchange. `received_all`: nothing follows that head.
    Refusal { status: u16, received_all: bool },
}

/// Input that can't be used yet.
pub(super) struct Halted {
    pub(super) rest: Vec<u8>,
    /// The stream has ended behind it.
    pub(super) fin: bool,
}

impl Lane {
    pub(super) fn new(carried: Carried) -> Self {
        Self { carried, halted: None, outbox: Outbox::default() }
    }

    /// Its exchange.
    pub(super) fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.carried {
            Carried::Exchange(stream) => Some(stream),
            Carried::Head { .. } | Carried::Refusal { .. } => None,
        }
    }

    /// Whether input has a place to go to. If not, it is left to the transport, whose window then stops the client.
    pub(super) fn takes_input(&self) -> bool {
        self.halted.is_none()
            && match &self.carried {
                Carried::Head { .. } => true,
                Carried::Exchange(stream) => !stream.received_all && stream.takes_content(),
                Carried::Refusal { .. } => false,
            }
    }

    /// When something of it has lasted too long.
    pub(super) fn deadline(&self, write_timeout: Duration) -> Millis {
        let own = match &self.carried {
            Carried::Head { deadline } => *deadline,
            Carried::Exchange(stream) => stream.deadline(false, self.outbox.waits()),
            Carried::Refusal { .. } => Millis::NEVER,
        };
        own.min(self.outbox.deadline(write_timeout))
    }

    /// Sends what waits and what there is, as much as the transport takes, and at most a turn.
    pub(super) fn send(
        &mut self,
        id: u64,
        wire: &mut ServerConnection,
        own: &mut OwnStreams,
        quic: &mut Quic,
        env: &Environment,
    ) -> Result<Sent, Unsent> {
        let mut turn = TURN;
        while turn > 0 {
            let outgoing = match &mut self.carried {
                Carried::Exchange(stream) => {
                    if self.outbox.wants_frame() {
                        next_frame(stream, &mut self.outbox, id, wire, env)?;
                    }
                    Some(&mut stream.outgoing)
                }
                Carried::Head { .. } | Carried::Refusal { .. } => None,
            };
            // What the frames need of QPACK goes first: a client that can't read them takes nothing behind them, and its window would be
            // full before the rest could come (RFC 9204, 2.1.3). Err: it is found again behind the batch.
            let _ = own.flush(wire, quic);
            match self.outbox.send(id, outgoing, quic, env.now)? {
                Sent::More(count) => turn = turn.saturating_sub(count),
                other => return Ok(other),
            }
        }
        Ok(Sent::More(TURN))
    }
}

/// Begins the next frame of an answer, if there is content, or its end.
fn next_frame(
    stream: &mut Stream,
    outbox: &mut Outbox,
    id: u64,
    wire: &mut ServerConnection,
    env: &Environment,
) -> Result<(), Unsent> {
    if stream.running.answer != Answer::Streaming {
        return Ok(());
    }
    stream.fill(FILL, env).map_err(|_| Unsent::Broken("its source failed".to_owned()))?;
    let count = stream.outgoing.len();
    let ends = !stream.flows && stream.trailers.is_none();
    let written = if count > 0 {
        stream.running.stays_alive(env);
        stream.running.body_bytes += count;
        // Lossless: bodies of more than an address space are refused by their length.
        outbox.begin_content(|out| wire.begin_data(id, count as usize, ends, out), ends)
    } else if !stream.flows {
        let trailers = stream.trailers.take();
        outbox.end(|out| wire.send_end(id, trailers.as_deref(), out))
    } else {
        Ok(())
    };
    written.map_err(|error| Unsent::Broken(error.to_string()))
}

/// Why an answer does not go on.
#[derive(Debug)]
pub(super) enum Unsent {
    /// It can't become whole.
    Broken(String),
    /// The client wants no more of it.
    Stopped(u64),
    /// The stream is over, or the connection.
    Closed,
}

impl From<StreamError> for Unsent {
    fn from(error: StreamError) -> Self {
        match error {
            StreamError::Stopped(code) => Self::Stopped(code),
            StreamError::Reset(_) | StreamError::Closed | StreamError::Limit | StreamError::Blocked => {
                Self::Closed
            }
        }
    }
}
