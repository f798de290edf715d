//! A client's socket without a network.

use std::sync::Arc;

use flare_proto::websocket::{Connection, MaskKeys, Role};

use super::asking::Asking;
use super::error::OpenFailure;
use super::event::Event;
use super::handshake::Offer;
use super::options::Options;
use super::place::Place;
use super::session::{Session, Times};
use crate::client::{Limits, Session as Http};
use crate::websocket::{Message, SendError};

/// A client's socket without a network, from its handshake on: what a server says goes in, what a program hears and what is sent come out. For
/// tests of servers, and of this client.
///
/// Nothing about it is secret: the key of the handshake is always that of 16 bytes of 7, and the masking keys are zero.
///
/// ```
/// use flare::testing::TestSocket;
/// use flare::websocket::client::Options;
///
/// let mut socket = TestSocket::open("ws://a.test/", &Options::default(), false)?;
/// assert!(socket.sent().starts_with(b"GET / HTTP/1.1\r\n"));
/// socket.receive(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
/// assert!(socket.next_event().is_err());
/// # Ok::<(), flare::websocket::client::OpenFailure>(())
/// ```
#[derive(Debug)]
pub struct TestSocket {
    options: Options,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Asking(Box<Asking>),
    Open(Box<Session>, Option<String>),
    Failed,
}

impl TestSocket {
    /// Begins to ask for a socket, on HTTP/2 (whose connection has just been made) or on HTTP/1.1.
    ///
    /// # Errors
    /// The URI is none, or a field of the options can't be sent.
    pub fn open(uri: &str, options: &Options, http2: bool) -> Result<Self, OpenFailure> {
        let place = Place::parse(uri).map_err(OpenFailure::Uri)?;
        let random = (!http2).then_some([7; 16]);
        let (offer, request) = Offer::new(&place, options, options.deflate_config().as_ref(), random)?;
        let http = if http2 { Http::http2(Limits::default()) } else { Http::http1(Limits::default()) };
        let mut asking = Asking::new(http, offer, request);
        // HTTP/1.1 asks at once, HTTP/2 when it knows the server.
        let answer = asking.advance()?;
        debug_assert!(answer.is_none(), "agreed before anybody was asked");
        Ok(Self { options: options.clone(), step: Step::Asking(Box::new(asking)) })
    }

    /// The server sends something. Take all events before the next call, as a program that reads does.
    pub fn receive(&mut self, bytes: &[u8]) {
        match &mut self.step {
            Step::Asking(asking) => asking.http.receive(bytes),
            Step::Open(session, _) => session.receive(bytes),
            Step::Failed => {}
        }
    }

    /// The server's side of the connection ends.
    pub fn receive_end(&mut self) {
        match &mut self.step {
            Step::Asking(asking) => asking.http.receive_end(),
            Step::Open(session, _) => session.http.receive_end(),
            Step::Failed => {}
        }
    }

    /// The next thing that happened. `None`: nothing, until the server sends more.
    ///
    /// # Errors
    /// Why there is no socket, the first time; later [`OpenFailure::Over`].
    pub fn next_event(&mut self) -> Result<Option<Event>, OpenFailure> {
        if let Step::Asking(asking) = &mut self.step {
            match asking.advance() {
                Ok(None) => return Ok(None),
                Ok(Some((exchange, agreed))) => {
                    let Step::Asking(asking) = std::mem::replace(&mut self.step, Step::Failed) else {
                        return Err(OpenFailure::Over);
                    };
                    let role = Role::Client(MaskKeys::new(|| [0; 4]));
                    let wire = Connection::new(role, Arc::new(self.options.limits()), agreed.deflate);
                    let times = Times::of(&self.options);
                    let session = Session::new(asking.http, exchange, wire, times, 0);
                    self.step = Step::Open(Box::new(session), agreed.protocol);
                }
                Err(failure) => {
                    self.step = Step::Failed;
                    return Err(failure);
                }
            }
        }
        match &mut self.step {
            Step::Open(session, _) => Ok(session.next_event()),
            Step::Asking(_) | Step::Failed => Err(OpenFailure::Over),
        }
    }

    /// Sends a message, whole, or refuses it.
    ///
    /// # Errors
    /// [`SendError::Closed`]: it is not open yet, or not any more. [`SendError::WouldBlock`]: so much waits that nothing was taken.
    pub fn send(&mut self, message: Message<'_>) -> Result<(), SendError> {
        match &mut self.step {
            Step::Open(session, _) => session.send(message),
            Step::Asking(_) | Step::Failed => Err(SendError::Closed),
        }
    }

    /// Whether the server has agreed, and neither side closes.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(&self.step, Step::Open(session, _) if session.is_open())
    }

    /// The subprotocol that the server chose.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        match &self.step {
            Step::Open(_, protocol) => protocol.as_deref(),
            Step::Asking(_) | Step::Failed => None,
        }
    }

    /// What was sent since the last call.
    pub fn sent(&mut self) -> Vec<u8> {
        let mut sent = Vec::new();
        let http = match &mut self.step {
            Step::Asking(asking) => &mut asking.http,
            Step::Open(session, _) => &mut session.http,
            Step::Failed => return sent,
        };
        // More may follow when there is room again.
        while !http.output().is_empty() {
            sent.append(http.output());
        }
        sent
    }
}
