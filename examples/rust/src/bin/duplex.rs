//! Both ways at once: the content goes back while it comes. When the client takes none of it, no more of the request is read.
use flare::prelude::*;
use flare::{AnswerError, Event, Flow, RouteOptions};

/// Gives back the piece that the client has no room for.
fn write(exchange: &Exchange, piece: Vec<u8>) -> Result<Option<Vec<u8>>, AnswerError> {
    // A write takes what it is given, so what could be refused is copied.
    match exchange.write(piece.clone()) {
        Ok(()) => Ok(None),
        Err(AnswerError::WouldBlock) => Ok(Some(piece)),
        Err(error) => Err(error),
    }
}

fn on_event(
    exchange: &Exchange,
    event: Event<'_>,
    refused: &mut Option<Vec<u8>>,
) -> Result<Flow, AnswerError> {
    match event {
        Event::Data(data) => {
            // The data is only valid during the call.
            *refused = write(exchange, data.to_vec())?;
            return Ok(if refused.is_some() { Flow::Pause } else { Flow::Continue });
        }
        Event::Writable => {
            if let Some(piece) = refused.take() {
                *refused = write(exchange, piece)?;
                if refused.is_none() {
                    exchange.resume();
                }
            }
        }
        Event::End => exchange.finish()?,
        _ => {}
    }
    Ok(Flow::Continue)
}

fn post_echo(exchange: Exchange) {
    // The head leaves now, before any content has come.
    let drafted = exchange.draft(|response| *response = Response::bytes(""));
    if drafted.and_then(|()| exchange.start()).is_err() {
        return; // the client has left
    }
    let mut refused = None;
    exchange.drive(move |exchange, event| {
        on_event(exchange, event, &mut refused).unwrap_or_else(|_| {
            exchange.reset();
            Flow::Continue
        })
    });
}

fn main() -> Result<(), flare::Error> {
    let mut router = Router::new();
    router.add_with("POST", "/echo", RouteOptions::default().streaming(), flare::later(post_echo))?;
    flare_examples::run(router)
}
