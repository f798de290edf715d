//! Being told to stop: SIGTERM and SIGINT.

use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

/// A signal that asks the process to end.
#[derive(Copy, Clone, PartialEq, Eq, Hash, Debug)]
pub enum Signal {
    /// SIGTERM: from `kill`, systemd, docker and the like.
    Terminate,
    /// SIGINT: Ctrl-C at a terminal.
    Interrupt,
}

/// Calls back when the process is asked to end, on a thread of its own, until it is dropped. It can be started again afterwards, and
/// several may exist at a time: each is called.
///
/// Handlers that the program installed before stay in place and run first. When the last of these values is dropped, the signals do again
/// what they did before, for instance end the process.
#[derive(Debug)]
pub struct TerminationSignals {
    /// What runs for each signal: a write into a pair of sockets.
    actions: Vec<SigId>,
    thread: Option<JoinHandle<()>>,
    /// The end that the thread reads. It stays open until no action writes any more: a write to nobody raises SIGPIPE, which ends
    /// programs that are not Rust's.
    _reader: Option<UnixStream>,
}

const SIGNALS: [i32; 2] = [SIGTERM, SIGINT];

/// How many values exist, and whether the defaults were arranged for the time when none does.
struct Watchers {
    count: usize,
    none: Option<Arc<AtomicBool>>,
}

static WATCHERS: Mutex<Watchers> = Mutex::new(Watchers { count: 0, none: None });

impl TerminationSignals {
    /// Starts watching. `callback` runs once for each signal.
    ///
    /// # Errors
    /// What the system says: no thread or no descriptor is left.
    pub fn start(mut callback: impl FnMut(Signal) + Send + 'static) -> io::Result<TerminationSignals> {
        watch()?;
        // From here on its drop undoes what was done.
        let mut started = TerminationSignals { actions: Vec::new(), thread: None, _reader: None };
        let (mut reader, writer) = UnixStream::pair()?;
        writer.set_nonblocking(true)?;
        started._reader = Some(reader.try_clone()?);
        let writer = Arc::new(writer);
        for signal in SIGNALS {
            let writer = Arc::clone(&writer);
            let action = move || {
                let number = signal as u8;
                // SAFETY: one byte is read, and the descriptor is open as long as the action exists. When the buffer is full
                // there are more signals than anybody needs.
                unsafe { libc::write(writer.as_raw_fd(), (&raw const number).cast(), 1) };
            };
            // SAFETY: the action only calls write(2), which is safe in a signal handler; the registry keeps errno.
            started.actions.push(unsafe { low_level::register(signal, action) }?);
        }
        drop(writer);
        let thread = thread::Builder::new().name("flare-signals".into()).spawn(move || {
            let mut number = [0];
            // Err: the last action is gone, and the writing end with it.
            while reader.read_exact(&mut number).is_ok() {
                callback(if i32::from(number[0]) == SIGTERM { Signal::Terminate } else { Signal::Interrupt });
            }
        })?;
        started.thread = Some(thread);
        Ok(started)
    }
}

impl Drop for TerminationSignals {
    fn drop(&mut self) {
        for action in self.actions.drain(..) {
            low_level::unregister(action);
        }
        // The callback may own this value: a thread cannot wait for itself.
        if let Some(thread) =
            self.thread.take().filter(|thread| thread.thread().id() != thread::current().id())
        {
            // A callback that panicked has ended its thread, and the panic hook has told about it.
            let _ = thread.join();
        }
        unwatch();
    }
}

/// signal-hook leaves its handler in place for ever, so without watchers it would swallow the signals. Where the default action was in
/// force before, it must be asked to do that then.
fn watch() -> io::Result<()> {
    let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
    let none = match &watchers.none {
        Some(none) => Arc::clone(none),
        None => {
            let none = Arc::new(AtomicBool::new(false));
            for signal in SIGNALS {
                if default_action(signal)? {
                    signal_hook::flag::register_conditional_default(signal, Arc::clone(&none))?;
                }
            }
            watchers.none = Some(Arc::clone(&none));
            none
        }
    };
    watchers.count += 1;
    none.store(false, Ordering::SeqCst);
    Ok(())
}

fn unwatch() {
    let mut watchers = WATCHERS.lock().unwrap_or_else(PoisonError::into_inner);
    watchers.count -= 1;
    if watchers.count == 0
        && let Some(none) = &watchers.none
    {
        none.store(true, Ordering::SeqCst);
    }
}

/// Whether nobody handles or ignores the signal.
fn default_action(signal: i32) -> io::Result<bool> {
    // SAFETY: a sigaction is plain data, for which all zeros is a value.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    // SAFETY: with no new action the call only writes the current one to `action`, which outlives it.
    if unsafe { libc::sigaction(signal, std::ptr::null(), &mut action) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(action.sa_sigaction == libc::SIG_DFL)
}
