//! What belongs to one environment of JavaScript.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::ptr::null_mut;
use std::rc::Rc;

use flare::Exchange;
use flare::websocket::WebSocket;
use napi_sys as sys;

use crate::js::{Arguments, Bound, Env, Error, Function, Reference, Result, Value, define, node};
use crate::numbered::Numbered;
use crate::turn::{Turn, within};
use crate::uv::Uv;

/// Numbers that both sides read and write without a call.
#[derive(Debug, Clone, Copy)]
#[repr(usize)]
pub(crate) enum Register {
    /// The number of the exchange that is handed over.
    Exchange = 0,
    /// The number of its handler.
    Handler = 1,
    /// What JavaScript should know of it at once: see `handler`.
    Flags = 2,
    /// What the handler's answer is: see `answer::Kind`.
    Kind = 3,
    /// The status of that answer.
    Status = 4,
}

const REGISTERS: usize = 8;

/// The functions of JavaScript that the core calls.
struct Hooks {
    dispatch: Reference,
    event: Reference,
    end: Reference,
    socket: Reference,
    client: Reference,
    resolve: Reference,
}

/// An environment of JavaScript: its exchanges, and how to call it.
pub(crate) struct Environment {
    pub(crate) uv: Uv,
    pub(crate) exchanges: RefCell<Numbered<Exchange>>,
    pub(crate) sockets: RefCell<Numbered<WebSocket>>,
    /// Memory that is used again for each request.
    pub(crate) scratch: RefCell<Vec<u8>>,
    /// No JavaScript can be called any more.
    ended: Cell<bool>,
    hooks: RefCell<Option<Hooks>>,
    /// Memory of an `ArrayBuffer`, which a reference keeps.
    registers: Cell<*mut i32>,
}

/// What Node keeps for the environment, up to its end.
struct Instance {
    environment: Rc<Environment>,
    _functions: Vec<Rc<Bound>>,
}

pub(crate) const FUNCTIONS: &[Function] = &[Function { name: "initialize", call: initialize }];

impl Environment {
    /// Makes the environment, and its functions on `exports`.
    pub(crate) fn install(env: Env, exports: Value, uv: Uv, functions: &[&'static [Function]]) -> Result<()> {
        let environment = Rc::new(Self {
            uv,
            exchanges: RefCell::default(),
            sockets: RefCell::default(),
            scratch: RefCell::default(),
            ended: Cell::new(false),
            hooks: RefCell::default(),
            registers: Cell::new(null_mut()),
        });
        let mut bound = Vec::new();
        for group in functions {
            define(env, exports, group, &environment, &mut bound)?;
        }
        let instance = Box::into_raw(Box::new(Instance { environment, _functions: bound }));
        node!(env, napi_set_instance_data(instance.cast(), Some(forget), null_mut()))
    }

    /// Runs `work` in a turn: while it runs, the core may call JavaScript.
    pub(crate) fn enter<T>(self: &Rc<Self>, env: Env, work: impl FnOnce() -> T) -> Result<T> {
        let turn = {
            let hooks = self.hooks.borrow();
            let Some(hooks) = hooks.as_ref().filter(|_| !self.ended.get()) else {
                return Err(Error::Coded("ERR_FLARE_STATE", "the environment is not initialized".to_owned()));
            };
            Turn {
                env,
                this: env.undefined()?,
                dispatch: hooks.dispatch.value(env)?,
                event: hooks.event.value(env)?,
                end: hooks.end.value(env)?,
                socket: hooks.socket.value(env)?,
                client: hooks.client.value(env)?,
                resolve: hooks.resolve.value(env)?,
                environment: Rc::clone(self),
            }
        };
        Ok(within(&turn, work))
    }

    /// From now on no JavaScript is called.
    pub(crate) fn end(&self) {
        self.ended.set(true);
    }

    pub(crate) fn read(&self, register: Register) -> i32 {
        let registers = self.registers.get();
        if registers.is_null() {
            return 0;
        }
        // SAFETY: the memory has room for every `Register`, stays as long as the environment, and is of this thread alone.
        unsafe { registers.add(register as usize).read() }
    }

    pub(crate) fn write(&self, register: Register, number: i32) {
        let registers = self.registers.get();
        if !registers.is_null() {
            // SAFETY: as above.
            unsafe { registers.add(register as usize).write(number) };
        }
    }
}

unsafe extern "C" fn forget(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
    // SAFETY: `install` made it of a box, and Node calls this once.
    let instance = unsafe { Box::from_raw(data.cast::<Instance>()) };
    instance.environment.end();
}

/// `initialize(dispatch, event, end, socket, client, resolve)`: the functions that the core calls. Returns the memory of the registers.
fn initialize(arguments: &Arguments<'_>) -> Result<Value> {
    let Arguments { env, environment, .. } = *arguments;
    if environment.hooks.borrow().is_some() {
        return Err(Error::Coded("ERR_FLARE_STATE", "the environment was initialized before".to_owned()));
    }
    let (memory, data) = env.memory(REGISTERS * size_of::<i32>())?;
    // The reference is never deleted: the memory is needed up to the end.
    Reference::new(env, memory)?;
    environment.registers.set(data.cast());
    *environment.hooks.borrow_mut() = Some(Hooks {
        dispatch: Reference::new(env, arguments.get(0))?,
        event: Reference::new(env, arguments.get(1))?,
        end: Reference::new(env, arguments.get(2))?,
        socket: Reference::new(env, arguments.get(3))?,
        client: Reference::new(env, arguments.get(4))?,
        resolve: Reference::new(env, arguments.get(5))?,
    });
    Ok(memory)
}
