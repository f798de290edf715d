//! A handler that sends back what comes, by the moods of a generator: it reads before it listens, pauses, resumes, listens anew, keeps what was refused, and
//! writes in pieces of its own. Whatever it does, what it hears has to keep the rules, and the client has to get what it sent.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

// Of whoever declares this module: a test of the crate, or in it.
use super::{AnswerError, Event, Exchange, Flow, Random, Read};

/// How it learns of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// It asks.
    Asks,
    /// It is given content by events.
    Given,
    /// It is told by events, and reads.
    Told,
}

/// The handler of one exchange. Clones are the same one.
#[derive(Clone)]
pub struct Echo {
    exchange: Arc<Exchange>,
    state: Arc<Mutex<State>>,
}

struct State {
    random: Random,
    mode: Mode,
    /// How often it has begun to listen.
    listens: u32,
    /// What was not written yet.
    kept: VecDeque<Vec<u8>>,
    /// A pause was asked for and not taken back.
    paused: bool,
    /// The last write was refused.
    refused: bool,
    /// A write was refused, and no event has said since that writes are taken.
    owed: bool,
    /// There may be something to read.
    readable: bool,
    /// The event of the end has come; a read has found the end.
    ended: bool,
    read_end: bool,
    finished: bool,
    /// What was heard, for the message of a test that failed.
    heard: Vec<String>,
}

impl Echo {
    /// `started`: its answer has begun already.
    pub fn new(exchange: Exchange, seed: u64, started: bool) -> Self {
        let state = State {
            random: Random::new(seed),
            mode: Mode::Asks,
            listens: 0,
            kept: VecDeque::new(),
            paused: false,
            refused: false,
            owed: false,
            readable: true,
            ended: false,
            read_end: false,
            finished: false,
            heard: Vec::new(),
        };
        let echo = Self { exchange: Arc::new(exchange), state: Arc::new(Mutex::new(state)) };
        if !started {
            echo.exchange.start().unwrap();
        }
        if echo.state.lock().unwrap().random.chance(70) {
            echo.listen();
        }
        echo
    }

    /// Whether it has sent everything back.
    pub fn has_finished(&self) -> bool {
        self.state.lock().unwrap().finished
    }

    /// What it does without being called, as another thread may.
    pub fn tick(&self) {
        let (resumes, listens) = {
            let mut state = self.state.lock().unwrap();
            if state.finished {
                return;
            }
            self.work(&mut state);
            let resumes = state.paused && state.random.chance(30);
            state.paused &= !resumes;
            let most = if state.mode == Mode::Asks { 10 } else { 2 };
            // Who watches may hear of the end before the last content is read: then that is read first.
            let amid = state.finished || state.mode == Mode::Told && state.ended && !state.read_end;
            (resumes, !amid && state.random.chance(most))
        };
        if resumes {
            self.exchange.resume();
        }
        if listens {
            self.listen();
        }
    }

    fn listen(&self) {
        let (given, number) = {
            let mut state = self.state.lock().unwrap();
            state.listens += 1;
            let given = state.random.chance(60);
            state.mode = if given { Mode::Given } else { Mode::Told };
            // Who is told need not ask before.
            state.readable = false;
            (given, state.listens)
        };
        // Not the exchange itself, which the callback would keep alive for ever.
        let (exchange, state) = (Arc::downgrade(&self.exchange), Arc::clone(&self.state));
        let callback = move |event: Event<'_>| {
            let Some(exchange) = exchange.upgrade() else { return Flow::Continue };
            Self { exchange, state: Arc::clone(&state) }.hear(&event, number)
        };
        if given { self.exchange.on_event(callback) } else { self.exchange.watch(callback) }
    }

    fn hear(&self, event: &Event<'_>, number: u32) -> Flow {
        let mut state = self.state.lock().unwrap();
        let name = format!("{event:?}").split('(').next().unwrap().to_owned();
        state.heard.push(name);
        assert_eq!(number, state.listens, "the callback before the last one is called");
        assert!(!state.finished || !matches!(event, Event::Cancelled), "cancelled, though it has finished");
        match event {
            Event::Data(data) => {
                assert_eq!(state.mode, Mode::Given);
                assert!(!state.paused && !state.ended && !data.is_empty(), "{:?}", state.heard);
                state.kept.push_back(data.to_vec());
            }
            Event::Readable => {
                assert_eq!(state.mode, Mode::Told);
                assert!(!state.paused, "{:?}", state.heard);
                state.readable = true;
            }
            Event::End => {
                assert!(!state.paused && !state.ended, "{:?}", state.heard);
                state.ended = true;
                state.readable = true;
            }
            Event::Writable => {
                assert!(state.owed, "nothing was refused: {:?}", state.heard);
                (state.owed, state.refused) = (false, false);
            }
            other => panic!("{other:?} after {:?}", state.heard),
        }
        self.work(&mut state);
        if !state.random.chance(30) {
            return Flow::Continue;
        }
        state.paused = true;
        if state.random.chance(10) {
            state.paused = false;
            self.exchange.resume();
        }
        Flow::Pause
    }

    /// Reads and writes some.
    fn work(&self, state: &mut State) {
        while state.mode != Mode::Given && !state.read_end && state.readable && state.random.chance(70) {
            let most = state.random.length(usize::MAX);
            match self.exchange.read_up_to(most).unwrap() {
                Read::Data(data) => state.kept.push_back(data.to_vec()),
                Read::WouldBlock if state.mode == Mode::Asks => break,
                Read::WouldBlock => state.readable = false,
                Read::End => state.read_end = true,
            }
        }
        while (!state.refused || state.mode == Mode::Asks)
            && state.random.chance(80)
            && let Some(mut piece) = state.kept.pop_front()
        {
            if state.random.chance(20) {
                let rest = piece.split_off(state.random.length(piece.len()));
                if !rest.is_empty() {
                    state.kept.push_front(rest);
                }
            }
            match self.exchange.write(piece.clone()) {
                Ok(()) => state.refused = false,
                Err(AnswerError::WouldBlock) => {
                    (state.refused, state.owed) = (true, true);
                    state.kept.push_front(piece);
                    break;
                }
                Err(error) => panic!("{error} after {:?}", state.heard),
            }
        }
        let told = match state.mode {
            Mode::Asks => state.read_end,
            Mode::Given => state.ended,
            Mode::Told => state.ended && state.read_end,
        };
        if told && state.kept.is_empty() && !state.finished {
            state.finished = true;
            self.exchange.finish().unwrap();
        }
    }
}

impl std::fmt::Debug for Echo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state.lock().unwrap();
        let State { mode, paused, refused, readable, ended, read_end, finished, .. } = &*state;
        let last = state.heard.iter().rev().take(8).collect::<Vec<_>>();
        write!(
            f,
            "{mode:?}, {} kept, paused {paused}, refused {refused}, readable {readable}, ended {ended}, read to the end {read_end}, finished {finished}, heard last {last:?}",
            state.kept.len()
        )
    }
}
