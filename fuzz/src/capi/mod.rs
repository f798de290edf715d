//! Calls of the C API in any order, with handles that live, are freed, are of another kind, or are made up. Each call has to return
//! what the model of its handles says; each destructor runs once; each request gets the answer that was given for it. Run with
//! AddressSanitizer, so that memory misused behind a good code shows too.
//!
//! The input is a program: one byte chooses a call (see [`calls`]), the bytes behind it its handles and arguments. One call is a
//! request to a server of the target's own; the calls behind it are made in its handler, until that returns.

mod calls;
mod datagram;
mod exchange;
mod host;
mod own;
mod pool;
mod queue;
mod server;
mod stream;
mod text;
mod user;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pool::Pool;
use user::Users;

/// More calls say nothing new.
const MOST_CALLS: usize = 120;
/// Each takes a connection of its own, as their answers may be late.
const MOST_REQUESTS: usize = 3;

/// A program that is run, and what it has made so far.
struct Run {
    program: Vec<u8>,
    at: usize,
    calls: usize,
    pool: Pool,
    users: Users,
    /// The requests that were sent, and the connections on which their answers come.
    requests: Vec<host::Sent>,
    /// Requests of the program's own, which a client sends.
    own: Vec<own::Own>,
    /// A server was started: one in a run is enough.
    has_started: bool,
    /// A handler is running, on the one worker of the target's own server: nobody may wait for that.
    in_handler: bool,
    /// What a handler panicked with.
    panic: Option<Box<dyn Any + Send>>,
}

impl Run {
    fn byte(&mut self) -> u8 {
        let byte = self.program.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        byte
    }

    /// As many bytes as the next one says, or as there are.
    fn bytes(&mut self) -> Vec<u8> {
        let len = usize::from(self.byte());
        let rest = self.program.get(self.at..).unwrap_or_default();
        let bytes = rest[..len.min(rest.len())].to_vec();
        self.at += bytes.len();
        bytes
    }

    /// A number from eight bytes, or a small one from one.
    fn number(&mut self) -> u64 {
        match self.byte() {
            0xff => (0..8).fold(0, |number, _| number << 8 | u64::from(self.byte())),
            small => small.into(),
        }
    }

    fn goes_on(&mut self) -> bool {
        self.calls += 1;
        self.at < self.program.len() && self.calls <= MOST_CALLS
    }
}

/// Runs the target.
pub fn run(data: &[u8]) {
    let mut run = Run {
        program: data.to_vec(),
        at: 0,
        calls: 0,
        pool: Pool::new(),
        users: Users::default(),
        requests: Vec::new(),
        own: Vec::new(),
        has_started: false,
        in_handler: false,
        panic: None,
    };
    while run.goes_on() {
        let call = run.byte();
        if calls::is_request(call) {
            if run.requests.len() < MOST_REQUESTS {
                run = host::request(run);
            }
        } else {
            calls::make(&mut run, call);
        }
    }
    own::free_all(&mut run);
    run.pool.free_all();
    for sent in std::mem::take(&mut run.requests) {
        host::receive(sent, &run.pool);
    }
    host::settle();
    run.users.check();
}

/// The calls in a handler. Returns what the handler returns.
fn in_handler(run: &mut Run) -> i32 {
    run.in_handler = true;
    let made = catch_unwind(AssertUnwindSafe(|| {
        while run.goes_on() {
            let call = run.byte();
            if calls::is_return(call) {
                return if run.byte() & 1 == 0 { 0 } else { -3 };
            }
            calls::make(run, call);
        }
        0
    }));
    run.in_handler = false;
    made.unwrap_or_else(|panic| {
        run.panic = Some(panic);
        0
    })
}
