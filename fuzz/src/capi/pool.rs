//! The handles of a run: all that ever were, some that never were, and the model of what each still stands for.

use flare_capi::*;

use super::{Run, host, own};

/// What a handle is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Config,
    Router,
    Server,
    Request,
    Response,
    Queue,
    Options,
}

/// What is behind handles.
#[derive(Debug)]
pub(super) struct Object {
    /// Its handles: two for an exchange.
    pub(super) handles: Vec<(usize, Kind)>,
    /// What C holds. 0: it is freed.
    pub(super) references: u32,
    pub(super) state: State,
}

/// As much as has to be known to say what a call returns.
#[derive(Debug)]
pub(super) enum State {
    Plain,
    Server(ServerState),
    Exchange(super::exchange::State),
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum ServerState {
    #[default]
    Made,
    /// Made, and with an address: it would run if it were started.
    Listening,
    Running,
    /// It ends by itself.
    Draining,
    /// It runs when it is polled.
    Hosted,
    Ended,
}

/// What the table has to say about a handle and the kind that was asked for.
pub(super) enum Verdict {
    /// The place of the object.
    Good(usize),
    /// The code.
    Bad(i32),
}

pub(super) struct Pool {
    /// Every value that was ever a handle here, and some that never are.
    values: Vec<(usize, Option<Kind>)>,
    pub(super) objects: Vec<Object>,
    /// PLANTED: memory behind each configuration, freed with it.
    planted: Vec<(usize, *mut u64)>,
}

// SAFETY: the pointers are used by one thread at a time, as the pool is.
unsafe impl Send for Pool {}

impl Pool {
    pub(super) fn new() -> Pool {
        let never = [0, 1, usize::MAX, 0x0100_0000_0000_0000, 0x7fff_dead_beef];
        Pool { values: never.map(|value| (value, None)).to_vec(), objects: Vec::new(), planted: Vec::new() }
    }

    /// Takes note of a new object; of none if the handle is NULL.
    pub(super) fn add(&mut self, handles: Vec<(usize, Kind)>, state: State) -> Option<usize> {
        if handles[0].0 == 0 {
            return None;
        }
        for (value, kind) in &handles {
            assert!(self.verdict(*value, *kind).is_bad(), "a handle that is in use was given out again");
            self.values.push((*value, Some(*kind)));
        }
        if crate::PLANTED && handles[0].1 == Kind::Config {
            self.planted.push((handles[0].0, Box::into_raw(Box::new(7))));
        }
        self.objects.push(Object { handles, references: 1, state });
        Some(self.objects.len() - 1)
    }

    pub(super) fn verdict(&self, value: usize, kind: Kind) -> Verdict {
        for (index, object) in self.objects.iter().enumerate().filter(|(_, object)| object.references > 0) {
            for handle in &object.handles {
                if *handle == (value, kind) {
                    return Verdict::Good(index);
                }
                if handle.0 == value {
                    return Verdict::Bad(FLARE_ERROR_WRONG_KIND);
                }
            }
        }
        Verdict::Bad(FLARE_ERROR_INVALID_HANDLE)
    }

    /// A reference goes.
    pub(super) fn release(&mut self, index: usize) {
        let object = &mut self.objects[index];
        object.references -= 1;
        let (value, kind) = object.handles[0];
        if object.references == 0 && kind == Kind::Config {
            for (_, memory) in self.planted.iter().filter(|planted| planted.0 == value) {
                // SAFETY: from a box, and this is the only place where it is freed.
                drop(unsafe { Box::from_raw(*memory) });
            }
        }
    }

    /// PLANTED: the setter of text follows handles that were freed.
    pub(super) fn follow_planted(&self, value: usize) {
        for (_, memory) in self.planted.iter().filter(|planted| planted.0 == value) {
            // SAFETY: not sound, which is the point: it is for the sanitizer to find. Never compiled into a normal run.
            let read = unsafe { memory.read_volatile() };
            assert_eq!(read, 7);
        }
    }

    pub(super) fn server(&mut self, index: usize) -> ServerState {
        match self.objects[index].state {
            State::Server(state) => state,
            _ => panic!("a server's handle stands for something else"),
        }
    }

    pub(super) fn set_server(&mut self, index: usize, state: ServerState) {
        self.objects[index].state = State::Server(state);
    }

    pub(super) fn exchange(&mut self, index: usize) -> &mut super::exchange::State {
        match &mut self.objects[index].state {
            State::Exchange(state) => state,
            _ => panic!("an exchange's handle stands for something else"),
        }
    }

    /// Frees what is left. Late answers go out with it.
    pub(super) fn free_all(&mut self) {
        for index in 0..self.objects.len() {
            while self.objects[index].references > 0 {
                let (value, kind) = self.objects[index].handles[0];
                assert_eq!(free(value, kind), FLARE_OK);
                self.release(index);
            }
        }
    }
}

impl Verdict {
    pub(super) fn is_bad(&self) -> bool {
        matches!(self, Verdict::Bad(_))
    }
}

/// The function that gives a handle up.
pub(super) fn free(value: usize, kind: Kind) -> i32 {
    match kind {
        Kind::Config => flare_config_free(pointer(value)),
        Kind::Router => flare_router_free(pointer(value)),
        Kind::Server => flare_server_free(pointer(value)),
        Kind::Request => flare_request_release(pointer(value)),
        Kind::Response => flare_response_release(pointer(value)),
        Kind::Queue => flare_queue_free(pointer(value)),
        Kind::Options => flare_route_options_free(pointer(value)),
    }
}

/// A handle as C passes it.
pub(super) fn pointer<P>(value: usize) -> *mut P {
    std::ptr::without_provenance_mut(value)
}

impl Run {
    /// A handle for a call that wants this kind: most often one that was of it, at times any other, or one with a bit changed.
    /// Never one of the target's own server, or of [`own`].
    pub(super) fn handle(&mut self, kind: Kind) -> usize {
        let choice = usize::from(self.byte());
        let mut fitting: Vec<usize> =
            self.pool.values.iter().filter(|value| value.1 == Some(kind)).map(|value| value.0).collect();
        // The youngest first, as it is the likeliest to live.
        fitting.reverse();
        let bit = if choice >= 0xe0 { usize::from(self.byte()) } else { 0 };
        let any = |choice: usize| self.pool.values[choice % self.pool.values.len()].0;
        let value = match choice {
            0..0xc0 if !fitting.is_empty() => fitting[choice % fitting.len()],
            0xe0.. => any(choice) ^ 1 << (bit % 64),
            _ => any(choice),
        };
        if host::owns(value) || own::is_outside(self, value) { 0 } else { value }
    }
}
