//! WebSockets: an echo at `/`, and a chat at `/chat`, with a page for browsers at the same place.
use flare::prelude::*;
use flare::websocket::{Message, SocketHandler, WebSocket, WsOptions};

const ROOM: &str = "chat";

/// Sends each message back. One reply for each is never refused: while the client does not read, no more messages come.
fn echo(socket: &WebSocket, message: Message<'_>) {
    // Err: the socket is closing, and nobody waits for the echo.
    let _ = socket.send(message);
}

/// One who takes part in the chat. The value lives as long as the socket.
struct Guest {
    name: String,
}

impl Guest {
    fn say(&self, socket: &WebSocket, words: &str) {
        let said = format!("{}: {words}", self.name);
        // It reaches the sockets of all workers, this one too. Err: too much waits already, so it is not said.
        let _ = socket.publish(ROOM, Message::Text(&said));
    }
}

impl SocketHandler for Guest {
    fn open(&mut self, socket: &WebSocket) {
        socket.subscribe(ROOM);
        self.say(socket, "hello");
    }

    fn message(&mut self, socket: &WebSocket, message: Message<'_>) {
        match message {
            Message::Text(words) => self.say(socket, words),
            // Err: it is closing already.
            Message::Binary(_) => drop(socket.close(1003, "text only")),
        }
    }

    fn close(&mut self, socket: &WebSocket, _code: u16, _reason: &str) {
        self.say(socket, "bye");
    }
}

fn enter(request: &Request) -> Guest {
    let name = request.query_pairs().find(|(name, _)| name == "name");
    Guest { name: name.map_or_else(|| "somebody".to_owned(), |(_, name)| name.into_owned()) }
}

fn page(_: &Request) -> Response {
    Response::html(include_str!("../chat.html"))
}

fn main() -> Result<(), flare::Error> {
    let mut router = Router::new();
    router.ws_with("/", WsOptions::default().message_limit(16 << 20).deflate(true), |_: &Request| echo)?;
    router.ws_with("/chat", WsOptions::default().otherwise(page), enter)?;
    flare_examples::run(router)
}
