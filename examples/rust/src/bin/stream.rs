//! Content that is made while the client takes it, in two ways: a source that is pulled, and writes that go on when there is
//! room.
use flare::message::{Pull, Source};
use flare::prelude::*;
use flare::{AnswerError, Event, Flow};

/// A source: flare asks for more when the client has taken what came before.
struct Countdown(u32);

impl Source for Countdown {
    fn pull(&mut self, _: &Request) -> Pull {
        if self.0 == 0 {
            return Pull::End;
        }
        let line = format!("{}\n", self.0);
        self.0 -= 1;
        Pull::Data(line.into())
    }
}

fn get_countdown(_: &Request) -> Response {
    Response::text(Body::from_source(Countdown(10)))
}

const PIECE: usize = 1000;
const PIECES: u32 = 4000;

/// Writes: each is taken whole or refused, and then [`Event::Writable`] says when to go on.
fn write_letters(exchange: &Exchange, written: &mut u32) -> Result<(), AnswerError> {
    while *written < PIECES {
        let letter = b"abcdefghijklmnopqrstuvwxyz"[*written as usize % 26];
        match exchange.write(vec![letter; PIECE]) {
            Err(AnswerError::WouldBlock) => return Ok(()),
            result => result?,
        }
        *written += 1;
    }
    exchange.finish()
}

fn get_letters(exchange: Exchange) {
    let mut written = 0;
    let drafted = exchange.draft(|response| *response = Response::text(""));
    if drafted.and_then(|()| write_letters(&exchange, &mut written)).is_err() {
        return; // the client has left
    }
    // The exchange lives in its own callback until it has ended.
    exchange.drive(move |exchange, event| {
        if matches!(event, Event::Writable) && write_letters(exchange, &mut written).is_err() {
            exchange.reset();
        }
        Flow::Continue
    });
}

fn main() -> Result<(), flare::Error> {
    let mut router = Router::new();
    router.get("/countdown", get_countdown)?;
    router.get("/letters", flare::later(get_letters))?;
    flare_examples::run(router)
}
