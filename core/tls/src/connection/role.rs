//! The two sides of a connection over the unbuffered interface of rustls.
//!
//! Unbuffered: rustls then keeps no buffers of its own for a connection, which would be 4 KiB more for an idle one, and writes
//! ciphertext where we want it.

use std::ops::Deref;

use rustls::CommonState;
use rustls::client::UnbufferedClientConnection;
use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus, WriteTraffic};

use super::{Event, Failure, MAX_RECORD};

/// What a record is longer than its plaintext, at most: header, type or explicit nonce, tag.
const OVERHEAD: usize = 32;

pub(super) enum Role {
    Server(Box<UnbufferedServerConnection>),
    Client(Box<UnbufferedClientConnection>),
}

/// What came of a step. Numbers are input that was used.
pub(super) enum Step {
    Again(usize),
    /// Early data is there, and nobody has been told that it may come.
    Early(usize),
    PeerClosed,
    /// Nothing happens before more input comes.
    Blocked(usize),
}

impl Role {
    pub(super) fn common(&self) -> &CommonState {
        match self {
            Self::Server(connection) => connection.deref().deref(),
            Self::Client(connection) => connection.deref().deref(),
        }
    }

    /// Works on the input until something happens. Data is handed out only if `ready`.
    pub(super) fn step(
        &mut self,
        input: &mut [u8],
        ready: bool,
        out: &mut Vec<u8>,
        sink: &mut dyn FnMut(Event<'_>),
    ) -> Result<Step, Failure> {
        let result = match self {
            Self::Server(connection) => match connection.process_tls_records(input) {
                UnbufferedStatus { discard, state: Ok(ConnectionState::ReadEarlyData(mut data)), .. } => {
                    if !ready {
                        return Ok(Step::Early(discard));
                    }
                    let mut used = discard;
                    while let Some(record) = data.next_record() {
                        let record = record?;
                        used += record.discard;
                        sink(Event::Early(record.payload));
                    }
                    return Ok(Step::Again(used));
                }
                status => step(status, ready, out, sink),
            },
            Self::Client(connection) => step(connection.process_tls_records(input), ready, out, sink),
        };
        if result.is_err() {
            self.drain_alert(input, out);
        }
        result
    }

    /// After a failure: what the peer is to be told. Nothing more is read: rustls must not meet what it refused a second time.
    fn drain_alert(&mut self, input: &mut [u8], out: &mut Vec<u8>) {
        while self.common().wants_write() {
            let more = match self {
                Self::Server(connection) => drain(connection.process_tls_records(input), out),
                Self::Client(connection) => drain(connection.process_tls_records(input), out),
            };
            if !more {
                return;
            }
        }
    }

    /// Encrypts data. `partial`: input that was not used yet.
    pub(super) fn encrypt(
        &mut self,
        partial: &mut [u8],
        data: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Failure> {
        self.write(partial, out, data)
    }

    /// Says that nothing more is sent.
    pub(super) fn close(&mut self, partial: &mut [u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        self.write(partial, out, &[])
    }

    /// Without data: says that nothing more is sent.
    fn write(&mut self, partial: &mut [u8], out: &mut Vec<u8>, data: &[u8]) -> Result<(), Failure> {
        loop {
            let written = match self {
                Self::Server(connection) => write(connection.process_tls_records(partial), out, data),
                Self::Client(connection) => write(connection.process_tls_records(partial), out, data),
            };
            if written? {
                return Ok(());
            }
        }
    }
}

fn step<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    ready: bool,
    out: &mut Vec<u8>,
    sink: &mut dyn FnMut(Event<'_>),
) -> Result<Step, Failure> {
    let UnbufferedStatus { discard, state, .. } = status;
    let mut used = discard;
    match state? {
        ConnectionState::ReadTraffic(mut data) => {
            // Not ready: it stays inside until everybody knows that the handshake has ended.
            while ready && let Some(record) = data.next_record() {
                let record = record?;
                used += record.discard;
                sink(Event::Data(record.payload));
            }
            Ok(Step::Again(used))
        }
        ConnectionState::EncodeTlsData(mut message) => {
            append(out, 512, |room| match message.encode(room) {
                Err(EncodeError::InsufficientSize(needed)) => Err(Some(needed.required_size)),
                other => other.map_err(|_| None),
            })?;
            Ok(Step::Again(used))
        }
        ConnectionState::TransmitTlsData(transmit) => {
            transmit.done();
            Ok(Step::Again(used))
        }
        ConnectionState::PeerClosed => Ok(Step::PeerClosed),
        _ => Ok(Step::Blocked(used)),
    }
}

/// Appends an alert. False: there is none.
fn drain<Data>(status: UnbufferedStatus<'_, '_, Data>, out: &mut Vec<u8>) -> bool {
    let Ok(ConnectionState::EncodeTlsData(mut message)) = status.state else { return false };
    append(out, 64, |room| match message.encode(room) {
        Err(EncodeError::InsufficientSize(needed)) => Err(Some(needed.required_size)),
        other => other.map_err(|_| None),
    })
    .is_ok()
}

/// Encrypts data, or says the end. False: something else had to be done before.
fn write<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    out: &mut Vec<u8>,
    data: &[u8],
) -> Result<bool, Failure> {
    match status.state? {
        ConnectionState::WriteTraffic(mut traffic) => {
            let records = data.len().div_ceil(MAX_RECORD).max(1);
            append(out, data.len() + records * OVERHEAD, |room| write_into(&mut traffic, data, room))?;
            Ok(true)
        }
        ConnectionState::EncodeTlsData(mut message) => {
            append(out, 64, |room| match message.encode(room) {
                Err(EncodeError::InsufficientSize(needed)) => Err(Some(needed.required_size)),
                other => other.map_err(|_| None),
            })?;
            Ok(false)
        }
        ConnectionState::TransmitTlsData(transmit) => {
            transmit.done();
            Ok(false)
        }
        _ => Err(Failure::Over),
    }
}

fn write_into<Data>(
    traffic: &mut WriteTraffic<'_, Data>,
    data: &[u8],
    room: &mut [u8],
) -> Result<usize, Option<usize>> {
    let written =
        if data.is_empty() { traffic.queue_close_notify(room) } else { traffic.encrypt(data, room) };
    written.map_err(|error| match error {
        EncryptError::InsufficientSize(needed) => Some(needed.required_size),
        EncryptError::EncryptExhausted => None,
    })
}

/// Appends what `write` puts into the room it gets: so many bytes, or as many as it then says that it needs.
fn append(
    out: &mut Vec<u8>,
    expected: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<usize>>,
) -> Result<(), Failure> {
    let begin = out.len();
    let mut room = expected;
    loop {
        out.resize(begin + room, 0);
        let written = write(out.get_mut(begin..).unwrap_or_default());
        match written {
            Ok(count) => {
                out.truncate(begin + count);
                return Ok(());
            }
            Err(Some(needed)) if needed > room => room = needed,
            Err(_) => {
                out.truncate(begin);
                return Err(Failure::KeysUsedUp);
            }
        }
    }
}
