//! Middleware around handlers: who is called when, and how often.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test wants to fail here")]

mod cost;
mod failures;
mod kept;
mod order;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use flare::RouteOptions;
use flare::log::AccessRecord;
use flare::middleware::{Middleware, Step};
use flare::prelude::*;
use flare::testing::TestConnection;

/// What happened, in order.
#[derive(Clone, Default)]
struct Story(Arc<Mutex<Vec<String>>>);

impl Story {
    fn tell(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    /// The words so far, and from the start again.
    fn take(&self) -> String {
        std::mem::take(&mut *self.0.lock().unwrap()).join(" ")
    }

    /// Middleware that tells `name>` for a request, `name<status` for a head, and `name.status` for an end, with `!` when the
    /// answer is not whole.
    fn layer(&self, name: &'static str) -> Teller {
        Teller { name, story: self.clone() }
    }
}

struct Teller {
    name: &'static str,
    story: Story,
}

impl Middleware for Teller {
    fn on_request(&self, exchange: Exchange) -> Step {
        self.story.tell(format!("{}>", self.name));
        Step::Next(exchange)
    }

    fn on_head(&self, _: &Request, response: &mut Response) {
        self.story.tell(format!("{}<{}", self.name, response.status()));
    }

    fn on_end(&self, record: &AccessRecord<'_>) {
        let cut = if record.whole { "" } else { "!" };
        self.story.tell(format!("{}.{}{cut}", self.name, record.status));
    }
}

/// Middleware made of one closure for requests.
struct Gate<F>(F);

impl<F: Fn(Exchange) -> Step + Send + Sync + 'static> Middleware for Gate<F> {
    fn on_request(&self, exchange: Exchange) -> Step {
        (self.0)(exchange)
    }
}

/// A way for exchanges out of a handler or middleware into the test.
fn keep() -> (Sender<Exchange>, Receiver<Exchange>) {
    channel()
}

/// A router with a teller at the server (`s`), at the mount (`m`) and at the route (`r`); the handler tells `h`.
fn three(story: &Story, options: RouteOptions, handler: impl Handler) -> Router {
    let mut inner = Router::new();
    inner.layer(story.layer("m"));
    inner.add_with("*", "/x", options.layer(story.layer("r")), handler).unwrap();
    let mut router = Router::new();
    router.layer(story.layer("s"));
    router.mount("/in", inner).unwrap();
    router
}

const GET: &[u8] = b"GET /in/x HTTP/1.1\r\nHost: a\r\n\r\n";

/// Statuses of all answers, interim ones too, and the rest of the text.
fn statuses(connection: &mut TestConnection) -> Vec<String> {
    let text = String::from_utf8(connection.received()).unwrap();
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect()
}
