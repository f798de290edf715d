//! Content that is used while it comes: it is counted, and nothing of it is kept.
use flare::prelude::*;
use flare::{Event, Flow, RouteOptions};

/// Called at the head of the request, before any content is read: here it could still be refused.
fn post_upload(exchange: Exchange) {
    let (mut bytes, mut lines) = (0, 0);
    exchange.drive(move |exchange, event| {
        match event {
            Event::Data(data) => {
                bytes += data.len();
                lines += data.iter().filter(|byte| **byte == b'\n').count();
            }
            // Err: the client has left, and nobody waits for the answer.
            Event::End => drop(exchange.answer(format!("{bytes} bytes, {lines} lines\n"))),
            _ => {}
        }
        Flow::Continue
    });
}

fn main() -> Result<(), flare::Error> {
    let mut router = Router::new();
    let options = RouteOptions::default().streaming().body_limit(1 << 40);
    router.add_with("POST", "/upload", options, flare::later(post_upload))?;
    flare_examples::run(router)
}
