//! What other threads have to tell the loop: which objects changed.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use crate::js::{Arguments, Env, Error, Function, Reference, Result, Scope, Value};
use crate::watch::{Watch, Watched};

pub(crate) const FUNCTIONS: &[Function] =
    &[Function { name: "news", call: news }, Function { name: "newsKeepAlive", call: keep_alive }];

/// The end that threads write to.
pub(crate) struct Teller {
    /// Objects by their numbers, each once: however much happens between two turns of the loop, this stays small.
    changed: Mutex<HashSet<i32>>,
    wake: UnixStream,
}

impl Teller {
    /// An object changed. Never waits, and may be called by any thread, also after the end of the environment.
    pub(crate) fn tell(&self, object: i32) {
        let mut changed = self.changed.lock().unwrap_or_else(PoisonError::into_inner);
        let first = changed.is_empty();
        changed.insert(object);
        drop(changed);
        if first {
            // Err: the environment has ended. It can't be full: the loop reads before it takes.
            let _ = (&self.wake).write(&[1]);
        }
    }

    fn take(&self) -> HashSet<i32> {
        std::mem::take(&mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The end that the loop watches.
struct Heard {
    env: Env,
    teller: Arc<Teller>,
    woken: UnixStream,
    /// Called with the number of each object that changed.
    on_change: Reference,
}

/// What JavaScript holds.
struct JsNews {
    heard: Rc<Heard>,
    watch: Watch,
}

fn of<'v>(env: Env, value: Value) -> Result<&'v JsNews> {
    // SAFETY: `lib` hands over here only what `news` gave it.
    unsafe { env.to_external::<JsNews>(value) }
}

/// What threads of this environment's objects tell.
pub(crate) fn teller(env: Env, value: Value) -> Result<Arc<Teller>> {
    Ok(Arc::clone(&of(env, value)?.heard.teller))
}

/// `news(onChange)`: from now on the loop hears of changes. It does not keep the process alive.
fn news(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let failed = |problem: String| Error::Coded("ERR_FLARE_MUX", format!("the loop: {problem}"));
    let (woken, wake) = UnixStream::pair().map_err(|error| failed(error.to_string()))?;
    for end in [&woken, &wake] {
        end.set_nonblocking(true).map_err(|error| failed(error.to_string()))?;
    }
    let heard = Rc::new(Heard {
        env,
        teller: Arc::new(Teller { changed: Mutex::default(), wake }),
        woken,
        on_change: Reference::new(env, arguments.get(0))?,
    });
    let fd = heard.woken.as_raw_fd();
    let watched: Rc<dyn Watched> = Rc::clone(&heard) as Rc<dyn Watched>;
    let watch = Watch::start(env, arguments.environment, fd, "FlareMux", watched)?;
    watch.keep_alive(false);
    env.external(Box::new(JsNews { heard, watch }))
}

/// `newsKeepAlive(news, keep)`: whether somebody waits, for which the process stays.
fn keep_alive(arguments: &Arguments<'_>) -> Result<Value> {
    let env = arguments.env;
    let keep = env.to_boolean(arguments.get(1))?;
    of(env, arguments.get(0))?.watch.keep_alive(keep);
    env.undefined()
}

impl Watched for Heard {
    fn ready(&self, _: &mut Scope<'_>, _: bool) {
        // What is told after the read wakes again; what was told before it is taken.
        let _ = (&self.woken).read(&mut [0; 64]);
        for object in self.teller.take() {
            if let Err(Error::Pending) = self.tell(object) {
                self.env.raise_pending();
            }
        }
    }

    fn end(&self) {}
}

impl Heard {
    fn tell(&self, object: i32) -> Result<()> {
        let env = self.env;
        let arguments = [env.integer(object)?];
        env.call(env.undefined()?, self.on_change.value(env)?, &arguments).map(drop)
    }
}
