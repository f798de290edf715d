//! The interleavings of a worker and whoever holds an exchange, by loom: the state and the streams are the same source, with
//! loom's atomics and locks. The few lines around them that belong to [`Exchange`](crate::Exchange) and to the session are
//! restated here. A message that is lost is a deadlock, which loom reports.

#[allow(dead_code, clippy::duplicate_mod)]
#[path = "state.rs"]
mod state;
#[allow(dead_code, clippy::duplicate_mod)]
#[path = "stream.rs"]
mod stream;
mod sync {
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
    pub(super) use loom::sync::{Condvar, Mutex, MutexGuard};
}

use bytes::Bytes;
use loom::sync::Arc;
use loom::thread;
use state::{CancelReason, Progress, State};
use stream::{Event, Flow, INBOUND_HIGH, OUTBOUND_HIGH, Piece, Read, Stream, hears};
use sync::{Condvar, Mutex};

#[derive(Debug, PartialEq, Eq)]
enum AnswerError {
    Answered,
    Cancelled(CancelReason),
}

/// An exchange, and the mailbox of its worker.
#[derive(Default)]
struct Model {
    state: State,
    stream: Stream,
    messages: Mutex<u32>,
    posted: Condvar,
}

/// The side of whoever holds the exchange.
impl Model {
    fn wake(&self) {
        *self.messages.lock().unwrap() += 1;
        self.posted.notify_one();
    }

    fn tell(&self) {
        if self.state.tell() {
            self.wake();
        }
    }

    fn answer(&self, streamed: bool) -> Result<(), AnswerError> {
        if self.state.answer(streamed)? {
            self.wake();
        }
        Ok(())
    }

    fn write_blocking(&self, data: &'static [u8]) {
        loop {
            if self.stream.lock().push_data(Bytes::from_static(data)) {
                return self.tell();
            }
            let mut inner = self.stream.lock();
            while inner.is_refused() && !inner.over {
                inner = self.stream.wait(inner);
            }
        }
    }

    fn finish(&self) {
        self.stream.lock().sent_all = true;
        self.tell();
    }

    /// The next content; `None` at the end of the request or of the exchange.
    fn read_blocking(&self) -> Option<Bytes> {
        loop {
            let (read, tell) = {
                let mut inner = self.stream.lock();
                if inner.over {
                    return None;
                }
                inner.pop_content(usize::MAX)
            };
            if tell {
                self.tell();
            }
            match read {
                Read::Data(data) => return Some(data),
                Read::End => return None,
                Read::WouldBlock => {}
            }
            let mut inner = self.stream.lock();
            while !inner.is_readable() && !inner.over {
                inner = self.stream.wait(inner);
            }
        }
    }

    fn resume(&self) {
        let paused = std::mem::replace(&mut self.stream.lock().paused, false);
        if paused {
            self.tell();
        }
    }
}

/// The worker's side.
impl Model {
    /// Waits for a message and looks.
    fn next(&self) -> Progress {
        let mut messages = self.messages.lock().unwrap();
        while *messages == 0 {
            messages = self.posted.wait(messages).unwrap();
        }
        *messages -= 1;
        drop(messages);
        self.state.look()
    }

    /// The handler returned: what there is to see at once.
    fn detach(&self) -> Progress {
        match self.state.detach() {
            (progress, false) => progress,
            (_, true) => self.state.look(),
        }
    }

    /// Sends what was written; says whether that is all.
    fn pump(&self, sent: &mut Vec<Bytes>) -> bool {
        let ended = loop {
            let mut inner = self.stream.lock();
            match inner.pop_piece() {
                Some(Piece::Data(data)) => sent.push(data),
                Some(Piece::Informational(..) | Piece::File(_)) => unreachable!(),
                None => break inner.sent_all,
            }
        };
        if !ended && self.stream.lock().became_writable() {
            self.stream.notify();
        }
        ended
    }

    /// Sends all that is written until it ends.
    fn send_all(&self) -> Vec<Bytes> {
        let mut sent = Vec::new();
        let mut progress = self.detach();
        while progress != Progress::Streamed || !self.pump(&mut sent) {
            progress = self.next();
        }
        sent
    }

    /// Whether the client may be read.
    fn has_room(&self) -> bool {
        let inner = self.stream.lock();
        inner.wanted && !inner.paused && !inner.full
    }

    fn deliver(&self, data: &'static [u8]) {
        self.stream.lock().push_content(data);
        self.stream.notify();
    }
}

/// Runs a model with as many preemptions as are needed for everything that two or three threads can do to each other here.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

fn beside<R: 'static>(model: &Arc<Model>, act: impl FnOnce(&Model) -> R + 'static) -> thread::JoinHandle<R> {
    let model = Arc::clone(model);
    thread::spawn(move || act(&model))
}

fn lengths(content: &[Bytes]) -> Vec<usize> {
    content.iter().map(Bytes::len).collect()
}

static FULL: [u8; OUTBOUND_HIGH] = [0; OUTBOUND_HIGH];
const _: () = assert!(INBOUND_HIGH == OUTBOUND_HIGH);

#[test]
fn a_later_answer_is_found() {
    check(|| {
        let model = Arc::new(Model::default());
        let holder = beside(&model, |model| model.answer(false));
        let mut progress = model.detach();
        while progress == Progress::Open {
            progress = model.next();
        }
        assert_eq!(progress, Progress::Whole);
        assert_eq!(holder.join().unwrap(), Ok(()));
    });
}

#[test]
fn an_exchange_goes_on_and_is_answered() {
    check(|| {
        let model = Arc::new(Model::default());
        let middleware = beside(&model, |model| {
            if model.state.proceed() {
                model.wake();
            }
        });
        let mut progress = model.detach();
        while progress == Progress::Open {
            progress = model.next();
        }
        assert_eq!(progress, Progress::Proceed);
        middleware.join().unwrap();
        model.state.reattach();
        let handler = beside(&model, |model| model.answer(false));
        let mut progress = model.detach();
        while progress == Progress::Open {
            progress = model.next();
        }
        assert_eq!(progress, Progress::Whole);
        assert_eq!(handler.join().unwrap(), Ok(()));
    });
}

#[test]
fn one_answer_is_taken_and_a_cancel_comes_before_or_after() {
    check(|| {
        let model = Arc::new(Model::default());
        let others =
            [beside(&model, |model| model.answer(false)), beside(&model, |model| model.answer(true))];
        assert!(model.state.cancel(CancelReason::PeerGone));
        let progress = model.detach();
        let answers = others.map(|other| other.join().unwrap());
        let taken = answers.iter().filter(|answer| answer.is_ok()).count();
        assert!(taken <= 1, "{answers:?}");
        if taken == 0 {
            assert_eq!(progress, Progress::Open);
            let gone = Err(AnswerError::Cancelled(CancelReason::PeerGone));
            assert!(answers.iter().all(|answer| *answer == gone), "{answers:?}");
        }
        assert_eq!(model.state.cancelled(), Some(CancelReason::PeerGone));
    });
}

#[test]
fn what_is_written_comes_whole_and_in_order() {
    check(|| {
        let model = Arc::new(Model::default());
        let writer = beside(&model, |model| {
            model.answer(true).unwrap();
            model.write_blocking(b"a");
            model.write_blocking(b"bc");
            model.finish();
        });
        assert_eq!(lengths(&model.send_all()), [1, 2]);
        writer.join().unwrap();
    });
}

#[test]
fn a_refused_write_goes_on_when_there_is_room() {
    check(|| {
        let model = Arc::new(Model::default());
        let writer = beside(&model, |model| {
            model.answer(true).unwrap();
            model.write_blocking(&FULL);
            model.write_blocking(b"b");
            model.finish();
        });
        assert_eq!(lengths(&model.send_all()), [FULL.len(), 1]);
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_gets_all_and_the_client_is_read_again() {
    check(|| {
        let model = Arc::new(Model::default());
        let reader = beside(&model, |model| {
            let content: Vec<_> = std::iter::from_fn(|| model.read_blocking()).collect();
            lengths(&content)
        });
        model.detach();
        let wait_for_room = || {
            while !model.has_room() {
                model.next();
            }
        };
        wait_for_room();
        model.deliver(&FULL);
        wait_for_room();
        model.deliver(b"b");
        model.stream.lock().received_all = true;
        model.stream.notify();
        assert_eq!(reader.join().unwrap(), [FULL.len(), 1]);
    });
}

#[test]
fn a_resume_is_not_lost_when_it_comes_before_the_pause() {
    check(|| {
        let model = Arc::new(Model::default());
        let resumer = Arc::new(Mutex::new(None));
        let callback = {
            let (model, resumer) = (Arc::clone(&model), Arc::clone(&resumer));
            move |_: Event<'_>| {
                *resumer.lock().unwrap() = Some(beside(&model, Model::resume));
                Flow::Pause
            }
        };
        {
            let mut stream = model.stream.lock();
            stream.wanted = true;
            stream.set_callback(hears(callback), false);
        }
        model.detach();
        model.stream.lock().paused = true;
        assert_eq!(model.stream.call(Event::Data(b"a")), Some(Flow::Pause));
        while !model.has_room() {
            model.next();
        }
        drop(model.stream.close());
        let resumer = resumer.lock().unwrap().take();
        resumer.unwrap().join().unwrap();
    });
}

#[test]
fn what_another_thread_sends_while_the_worker_attends_goes_out() {
    check(|| {
        let model = Arc::new(Model::default());
        model.answer(true).unwrap();
        model.detach();
        let writer = beside(&model, |model| {
            model.write_blocking(b"a");
            model.finish();
        });
        model.state.attend();
        let (progress, told) = model.state.detach();
        assert_eq!(progress, Progress::Streamed);
        let mut sent = Vec::new();
        if told {
            model.state.look();
        }
        while !model.pump(&mut sent) {
            model.next();
        }
        assert_eq!(lengths(&sent), [1]);
        writer.join().unwrap();
    });
}

#[test]
fn a_reader_learns_of_the_end() {
    check(|| {
        let model = Arc::new(Model::default());
        let reader = beside(&model, Model::read_blocking);
        model.detach();
        model.state.cancel(CancelReason::PeerGone);
        drop(model.stream.close());
        assert_eq!(reader.join().unwrap(), None);
    });
}

#[test]
fn a_writer_learns_of_the_end() {
    check(|| {
        let model = Arc::new(Model::default());
        let writer = beside(&model, |model| {
            model.write_blocking(&FULL);
            let refused = !model.stream.lock().push_data(Bytes::from_static(b"b"));
            let mut inner = model.stream.lock();
            while refused && inner.is_refused() && !inner.over {
                inner = model.stream.wait(inner);
            }
        });
        model.detach();
        model.state.cancel(CancelReason::PeerGone);
        drop(model.stream.close());
        writer.join().unwrap();
    });
}
