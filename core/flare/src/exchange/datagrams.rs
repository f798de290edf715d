//! Datagrams that belong to an exchange (RFC 9297), as its holder sends and reads them.

use bytes::Bytes;
use flare_proto::capsule;

use super::datagram_queues::Datagrams;
use super::{AnswerError, Exchange};

/// A datagram was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DatagramError {
    /// It is longer than the way to the client allows now.
    TooLarge {
        /// The most bytes that a datagram may have: [`Exchange::max_datagram_size`](crate::Exchange::max_datagram_size).
        most: usize,
    },
    /// So many wait for the client that this one was not taken. It may be tried again or forgotten.
    Full,
    /// The exchange has no datagrams ([`AnswerError::Misuse`]), its answer has ended, or it is over.
    Closed(AnswerError),
}

impl std::fmt::Display for DatagramError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge { most } => write!(f, "a datagram may have {most} bytes here"),
            Self::Full => f.write_str("the client has to take some of the datagrams first"),
            Self::Closed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DatagramError {}

impl From<AnswerError> for DatagramError {
    fn from(error: AnswerError) -> Self {
        Self::Closed(error)
    }
}

impl Exchange {
    /// Accepts a protocol whose byte stream is one of capsules, and that has datagrams (RFC 9297), as [`Exchange::switch_protocol`] does; the answer
    /// says `Capsule-Protocol: ?1`. From then on [`Event::Datagram`](crate::Event::Datagram) or [`Exchange::read_datagram`] gives what the client sends,
    /// [`Exchange::send_datagram`] sends, [`Exchange::finish`] closes.
    ///
    /// Datagrams are unreliable: one may be lost, or come before another that was sent first. They travel as QUIC DATAGRAM frames where both ends
    /// of an HTTP/3 connection agreed on that (the setting `http3_datagrams`), and otherwise as capsules in the byte stream; a handler need
    /// not know which. Those that nobody reads wait up to 128 and 128 KiB, as do those that the client does not take; more are dropped.
    /// Capsules of other kinds are skipped. Nothing can be written to the byte stream itself.
    ///
    /// # Errors
    /// As [`Exchange::switch_protocol`].
    pub fn switch_to_datagrams(&self, protocol: &str) -> Result<(), AnswerError> {
        self.check_offer(protocol)?;
        self.draft(|response| response.headers_mut().set(capsule::FIELD, capsule::FIELD_VALUE))?
            .map_err(|_| AnswerError::Misuse("the head has no room for one more field"))?;
        self.channel().stream.lock().datagrams.get_or_insert_default().accepted = true;
        let switched = self.switch_protocol(protocol);
        if switched.is_err() {
            // It can still be answered in another way.
            if let Some(datagrams) = &mut self.channel().stream.lock().datagrams {
                datagrams.accepted = false;
            }
            let _ = self.draft(|response| response.headers_mut().remove(capsule::FIELD));
        }
        switched
    }

    /// Sends a datagram to the client, behind [`Exchange::switch_to_datagrams`]. It is copied, whole or not at all. That it was taken does not say
    /// that it arrives.
    ///
    /// # Errors
    /// [`DatagramError::TooLarge`] says how large one may be; [`DatagramError::Full`]: too many wait for the client; otherwise the exchange has no
    /// datagrams, its answer has ended, or it is over.
    pub fn send_datagram(&self, datagram: &[u8]) -> Result<(), DatagramError> {
        self.check_alive()?;
        {
            let mut stream = self.channel().stream.lock();
            if stream.sent_all || stream.over {
                return Err(self.channel().over().into());
            }
            accepted(&mut stream.datagrams)?.push_outbound(datagram)?;
        }
        self.tell();
        Ok(())
    }

    /// The most bytes that a datagram to the client may have now; 0 when the exchange has none. It changes with the network's path, and when
    /// the client says that it takes QUIC DATAGRAM frames, which may be a moment after its request.
    #[must_use]
    pub fn max_datagram_size(&self) -> usize {
        accepted(&mut self.channel().stream.lock().datagrams).map_or(0, |datagrams| datagrams.most())
    }

    /// Takes a datagram that has come; `None`: there is none. Datagrams go to the callback of [`Exchange::on_event`] where there is one;
    /// [`Exchange::watch`] and [`Event::Readable`](crate::Event::Readable) say when to read.
    ///
    /// # Errors
    /// [`AnswerError::Misuse`] when the exchange has no datagrams, otherwise it is over.
    pub fn read_datagram(&self) -> Result<Option<Bytes>, AnswerError> {
        let (datagram, tell) = {
            let mut stream = self.channel().stream.lock();
            if stream.over {
                return Err(self.channel().over());
            }
            accepted(&mut stream.datagrams)?;
            stream.pop_datagram()
        };
        if tell {
            self.tell();
        }
        Ok(datagram)
    }
}

/// The datagrams of an exchange that has some.
fn accepted(datagrams: &mut Option<Box<Datagrams>>) -> Result<&mut Datagrams, AnswerError> {
    let datagrams = datagrams.as_deref_mut().filter(|datagrams| datagrams.accepted);
    datagrams.ok_or(AnswerError::Misuse("the exchange has no datagrams"))
}
