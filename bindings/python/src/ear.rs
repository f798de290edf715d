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
        let listener = Listener { ear: Arc::clone(&ear), batch: Arc::clone(batch) };
        exchange.notice(move |event| {
            match event {
                Event::Readable | Event::End => listener.tell(|waits| [waits.reader.take(), None, None]),
                Event::Writable => listener.tell(|waits| [waits.writer.take(), None, None]),
                Event::Cancelled => {
                    listener.tell(|waits| [waits.reader.take(), waits.writer.take(), waits.end.take()]);
                }
                _ => {}
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

/// The end of an ear that the core holds.
struct Listener {
    ear: Arc<Ear>,
    batch: Arc<Batch>,
}

impl Listener {
    fn tell(&self, take: impl FnOnce(&mut Waits) -> [Option<Py<PyAny>>; 3]) {
        let told = take(&mut self.ear.waits());
        for waiting in told.into_iter().flatten() {
            self.batch.push(Item::Tell(waiting));
        }
    }
}

impl Drop for Listener {
    /// The exchange has ended, perhaps without a word: after HEAD nobody takes the content. Who waits must find that out.
    fn drop(&mut self) {
        self.tell(|waits| [waits.reader.take(), waits.writer.take(), None]);
    }
}
