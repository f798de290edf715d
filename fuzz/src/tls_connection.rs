//! Bytes of a client to the server's side of a TLS connection.
//!
//! The first byte says how the rest is split. Whole or split, the outcome has to be the same: which events came, whether the connection failed
//! and of what kind, and what kind of record the answer begins with. What waits stays within the largest handshake message.

use std::sync::OnceLock;

use flare_tls::{Connection, Event, Identity, ServerContext, ServerTls};

use crate::PLANTED;

/// The most that may wait: a handshake message of 64 KiB and a record that has begun.
const MOST: usize = (64 << 10) + (17 << 10);

fn context() -> &'static ServerContext {
    static CONTEXT: OnceLock<ServerContext> = OnceLock::new();
    CONTEXT.get_or_init(|| {
        let identity = Identity::self_signed(&["localhost"]).expect("names are good");
        let mut tls = ServerTls::new(identity);
        tls.alpn = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        ServerContext::new(&tls).expect("the settings are good")
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    events: Vec<&'static str>,
    failure: Option<&'static str>,
    answer: Option<u8>,
}

fn receive<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Outcome {
    let mut connection = Connection::server(context()).expect("a context makes connections");
    let mut outcome = Outcome { events: Vec::new(), failure: None, answer: None };
    let mut out = Vec::new();
    for piece in pieces {
        let mut piece = piece.to_vec();
        let events = &mut outcome.events;
        let result = connection.receive(&mut piece, &mut out, |event| {
            events.push(match event {
                Event::Ready(_) => "ready",
                Event::Early(_) => "early",
                Event::Complete => "complete",
                Event::Data(_) => "data",
                Event::PeerClosed => "closed",
            });
        });
        assert!(connection.partial() <= MOST, "{} bytes wait", connection.partial());
        if let Err(failure) = result {
            outcome.failure = Some(failure.kind());
            break;
        }
    }
    outcome.answer = out.first().copied();
    outcome
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let Some((split, bytes)) = data.split_first() else { return };
    let whole = receive([bytes].into_iter());
    let mut pieces = receive(bytes.chunks(usize::from(*split % 64) + 1));
    // PLANTED: the hello of a server that is split is taken for the end.
    if PLANTED && bytes.starts_with(&[22, 3]) && bytes.get(5) == Some(&2) {
        pieces.events.push("closed");
    }
    assert_eq!(whole, pieces, "the outcome depends on the split");
}
