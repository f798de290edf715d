//! Functions of JavaScript as handlers.

use flare::{Event, Exchange, Flow, Handler};

use crate::gate::Passed;
use crate::turn;

/// A handler in JavaScript, by its number there. It holds nothing of JavaScript's, so any thread may drop it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct JsHandler {
    pub(crate) id: i32,
    /// Its route takes the content as it comes.
    pub(crate) streaming: bool,
    /// Stock middleware is around it, whose results it may ask for.
    pub(crate) extras: bool,
    /// A gate is before it, and hands over only exchanges that JavaScript knows.
    pub(crate) gated: bool,
}

/// What JavaScript should know of a request at once, as bits.
pub(crate) mod flag {
    /// It has content, which is here.
    pub(super) const CONTENT: i32 = 1;
    /// It has trailers, which are here.
    pub(super) const TRAILERS: i32 = 2;
    /// Its content comes piece by piece.
    pub(super) const STREAMING: i32 = 4;
    /// It is at a gate: its middleware is to run.
    pub(crate) const GATE: i32 = 8;
    /// It has content, which comes when it goes on from the gate.
    pub(crate) const COMING: i32 = 16;
}

/// Something that happened to an exchange. The numbers are those of `lib/native.cjs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Notice {
    /// A read finds content.
    Readable = 0,
    /// The request has ended.
    End = 1,
    /// Writes are taken again.
    Writable = 2,
    /// The exchange is over without a whole answer.
    Cancelled = 3,
    /// It went on from its gate, and is at its handler.
    Passed = 4,
}

fn flags(exchange: &Exchange, streaming: bool) -> i32 {
    let request = exchange.request();
    let mut flags = 0;
    if streaming {
        flags |= flag::STREAMING;
    }
    if !request.body().is_empty() {
        flags |= flag::CONTENT;
    }
    if !request.trailers().is_empty() {
        flags |= flag::TRAILERS;
    }
    flags
}

impl Handler for JsHandler {
    fn handle(&self, exchange: Exchange) {
        // None: JavaScript can't be called. The exchange was dropped, which answers 500.
        let _ = turn::with(|turn| {
            let flags = flags(&exchange, self.streaming);
            let passed = if self.gated { exchange.request().extension::<Passed>() } else { None };
            match passed {
                Some(passed) => turn.pass(passed.0, flags, exchange),
                None => turn.dispatch(self.id, self.extras, flags, exchange),
            }
        });
    }
}

/// Tells JavaScript what happens to an exchange that it keeps.
pub(crate) fn attend(exchange: &Exchange, id: i32) {
    exchange.notice(move |event| {
        let notice = match event {
            Event::Readable => Notice::Readable,
            Event::End => Notice::End,
            Event::Writable => Notice::Writable,
            Event::Cancelled => Notice::Cancelled,
            _ => return Flow::Continue,
        };
        let _ = turn::with(|turn| turn.notify(id, notice));
        Flow::Continue
    });
}
