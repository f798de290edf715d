//! Feeds a message to a server's connection in one piece, in two, and byte by byte: the outcome has to be the same.

use flare_proto::http1::{BodyEvent, Error, Limits, RequestInfo, ServerConnection};
use flare_proto::{Headers, RequestHead};

/// A request that was received whole.
#[derive(Clone, Debug)]
pub struct Received {
    pub head: RequestHead,
    pub info: RequestInfo,
    pub body: Vec<u8>,
    pub trailers: Headers,
    /// How much of the input was consumed.
    pub consumed: usize,
}

/// The request at the start of the pieces; `None` if they end within it.
pub fn receive(limits: &Limits, pieces: &[&[u8]]) -> Result<Option<Received>, Error> {
    let mut connection = ServerConnection::new();
    let mut head = RequestHead::new();
    let mut trailers = Headers::new();
    let (mut body, mut info) = (Vec::new(), None);
    let (mut pending, mut consumed) = (Vec::new(), 0);
    for piece in pieces {
        pending.extend_from_slice(piece);
        loop {
            let len = match info {
                None => match connection.receive_head(limits, &pending, &mut head)? {
                    Some((len, found)) => {
                        info = Some(found);
                        len
                    }
                    None => break,
                },
                Some(_) => match connection.receive_body(limits, &pending, &mut trailers)? {
                    (len, BodyEvent::Incomplete) => {
                        pending.drain(..len);
                        consumed += len;
                        break;
                    }
                    (len, BodyEvent::Data(data)) => {
                        assert!(!data.is_empty());
                        body.extend_from_slice(data);
                        len
                    }
                    (len, BodyEvent::End) => {
                        assert!(connection.request_complete());
                        len
                    }
                },
            };
            pending.drain(..len);
            consumed += len;
            if let Some(info) = info.filter(|_| connection.request_complete()) {
                return Ok(Some(Received { head, info, body, trailers, consumed }));
            }
        }
    }
    Ok(None)
}

/// What comes out when the message is fed in one piece, after checking that any other way has the same outcome. An error is
/// given by its status: which of two faults is found first may depend on the pieces.
pub fn receive_all_ways(limits: &Limits, message: &[u8]) -> Result<Option<Received>, u16> {
    let whole = receive(limits, &[message]).map_err(Error::status);
    let expected = format!("{whole:?}");
    for at in 1..message.len() {
        let (first, second) = message.split_at(at);
        let split = receive(limits, &[first, second]).map_err(Error::status);
        assert_eq!(format!("{split:?}"), expected, "split at {at}: {}", message.escape_ascii());
    }
    let bytes: Vec<&[u8]> = message.chunks(1).collect();
    let dripped = receive(limits, &bytes).map_err(Error::status);
    assert_eq!(format!("{dripped:?}"), expected, "byte by byte: {}", message.escape_ascii());
    whole
}

/// The request, which has to be accepted, and to end where another one, which is put behind it, begins.
#[track_caller]
pub fn accepted(message: impl AsRef<[u8]>) -> Received {
    let message = message.as_ref();
    let mut pipelined = message.to_vec();
    pipelined.extend_from_slice(b"GET /follow HTTP/1.1\r\nHost: a\r\n\r\n");
    let received = match receive_all_ways(&Limits::default(), &pipelined) {
        Ok(Some(received)) => received,
        other => panic!("{other:?}: {}", message.escape_ascii()),
    };
    assert_eq!(received.consumed, message.len(), "{}", message.escape_ascii());
    received
}

/// The status the request, which has to be refused, is refused with.
#[track_caller]
pub fn refused(message: impl AsRef<[u8]>) -> u16 {
    let mut pipelined = message.as_ref().to_vec();
    pipelined.extend_from_slice(b"GET /follow HTTP/1.1\r\nHost: a\r\n\r\n");
    match receive_all_ways(&Limits::default(), &pipelined) {
        Err(status) => status,
        Ok(received) => panic!("accepted: {} as {received:?}", message.as_ref().escape_ascii()),
    }
}
