//! Requests that are pulled by threads of the program, instead of callbacks on flare's. The tag tells which route it was.
use std::thread;

use flare::embed::Queue;
use flare::prelude::*;

#[derive(Clone, Copy)]
enum Tag {
    Upper,
    Lower,
}

/// A handler that puts its exchanges into a queue. Without a queue that takes it the exchange is dropped, which answers 500.
fn push(queue: &Queue<(Exchange, Tag)>, tag: Tag) -> impl Handler + use<> {
    let queue = queue.clone();
    flare::later(move |exchange| drop(queue.push((exchange, tag))))
}

fn pull(queue: &Queue<(Exchange, Tag)>) {
    // Ends when the queue is closed and empty.
    while let Ok(Some((exchange, tag))) = queue.next(None) {
        let body = exchange.request().body();
        let text = match tag {
            Tag::Upper => body.to_ascii_uppercase(),
            Tag::Lower => body.to_ascii_lowercase(),
        };
        exchange.respond(Response::text(text));
    }
}

fn main() -> Result<(), flare::Error> {
    let queue = Queue::new();
    let mut router = Router::new();
    router.post("/upper", push(&queue, Tag::Upper))?;
    router.post("/lower", push(&queue, Tag::Lower))?;
    thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| pull(&queue));
        }
        let result = flare_examples::run(router);
        queue.close();
        result
    })
}
