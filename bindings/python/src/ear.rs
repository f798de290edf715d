//! Who waits for something to happen to an exchange.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use flare::{Event, Exchange, Flow};
use pyo3::prelude::*;

use crate::batch::{Batch, Item};

/// Who waits for something to happen to an exchange. The core tells one callback; this knows whom it was for.
#[derive(Default)]
pub(crate) struct Ear(Mutex<Waits>);

/// Functions without arguments, called once.
#[derive(Default)]
struct Waits {
    reader: Option<Py<PyAny>>,
    writer: Option<Py<PyAny>>,
    end: Option<Py<PyAny>>,
}

/// What is waited for.
#[derive(Clone, Copy)]
pub(crate) enum Wait {
    /// Content of the request, or its end.
    Readable,
    /// Room for content of the answer.
    Writable,
    /// The exchange is over before it was answered.
    End,
}

impl Ear {
    /// Listens to an exchange. What happens goes into the batch.
    pub(crate) fn listen(exchange: &Exchange, batch: &Arc<Batch>) -> Arc<Self> {
        let ear = Arc::new(Self::default());
        let (own, batch) = (Arc::clone(&ear), Arc::clone(batch));
        exchange.notice(move |event| {
            let mut waits = own.waits();
            let told = match event {
                Event::Readable | Event::End => [waits.reader.take(), None, None],
                Event::Writable => [waits.writer.take(), None, None],
                Event::Cancelled => [waits.reader.take(), waits.writer.take(), waits.end.take()],
                _ => [None, None, None],
            };
            drop(waits);
            for waiting in told.into_iter().flatten() {
                batch.push(Item::Tell(waiting));
            }
            Flow::Continue
        });
        ear
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a function once when it happens. `None`: nobody waits any more.
    pub(crate) fn set(&self, wait: Wait, waiting: Option<Py<PyAny>>) {
        let mut waits = self.waits();
        let place = match wait {
            Wait::Readable => &mut waits.reader,
            Wait::Writable => &mut waits.writer,
            Wait::End => &mut waits.end,
        };
        let before = std::mem::replace(place, waiting);
        drop(waits);
        // Without the lock: its destructor may be anything.
        drop(before);
    }
}
