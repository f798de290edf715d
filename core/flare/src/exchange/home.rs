//! Where an exchange belongs, and who is told of it there.

use flare_net::Key;
use flare_proto::websocket::Contexts;

use crate::exchange::RelayRequest;
use crate::websocket::{Message, SendError, TopicCommand};

/// Where an exchange belongs: a connection, and its stream where the protocol has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExchangeKey {
    pub(crate) connection: Key,
    pub(crate) stream: u64,
}

/// Who is told of what happens to an exchange after its handler returned.
pub(crate) trait Home: Send + Sync {
    /// Something happened to this exchange that its session should look at.
    fn wake(&self, key: ExchangeKey);

    /// The exchange is answered by an upstream. Where there are no sockets, none can be reached.
    fn relay(&self, request: RelayRequest) {
        request.exchange.respond(502);
    }

    /// A socket comes to a topic or leaves it.
    fn topic(&self, _command: TopicCommand) {}

    /// A message goes to all sockets of a topic. Where there are no workers, nobody gets it.
    fn publish(&self, _topic: &str, _message: Message<'_>) -> Result<(), SendError> {
        Err(SendError::Closed)
    }

    /// The code behind an exchange failed, and says why. Where there is no log, nobody hears of it.
    fn failed(&self, _message: &str) {}

    /// Code of the application panicked on the worker, and its exchange goes on: to be counted and told.
    fn panicked(&self, _kind: &'static str) {}

    /// The contexts of this worker for compressed messages.
    fn deflate_contexts(&self) -> Contexts {
        Contexts::default()
    }
}
