//! Functions of Rust's that JavaScript calls.

use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::rc::Rc;

use napi_sys as sys;

use super::{Env, Error, Result, Value, node};
use crate::environment::Environment;

/// The most arguments that a native function takes.
const MOST: usize = 8;

/// What a native function gets. Arguments that were not given are `undefined`.
pub(crate) struct Arguments<'e> {
    pub(crate) env: Env,
    pub(crate) environment: &'e Rc<Environment>,
    values: [sys::napi_value; MOST],
}

impl Arguments<'_> {
    pub(crate) fn get(&self, index: usize) -> Value {
        Value(self.values.get(index).copied().unwrap_or(null_mut()))
    }
}

/// A native function and its name.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) call: fn(&Arguments<'_>) -> Result<Value>,
}

/// A function and the environment that it belongs to: what Node hands back at each call.
pub(crate) struct Bound {
    call: fn(&Arguments<'_>) -> Result<Value>,
    environment: Rc<Environment>,
}

/// Sets native functions on an object. What is added to `all` must stay until the environment ends.
pub(crate) fn define(
    env: Env,
    object: Value,
    functions: &'static [Function],
    environment: &Rc<Environment>,
    all: &mut Vec<Rc<Bound>>,
) -> Result<()> {
    for function in functions {
        let bound = Rc::new(Bound { call: function.call, environment: Rc::clone(environment) });
        let name = function.name;
        let mut value = null_mut();
        let data = Rc::as_ptr(&bound);
        node!(
            env,
            napi_create_function(
                name.as_ptr().cast(),
                super::length(name.as_bytes()),
                Some(enter),
                data.cast_mut().cast(),
                &mut value
            )
        )?;
        all.push(bound);
        env.set(object, name, Value(value))?;
    }
    Ok(())
}

unsafe extern "C" fn enter(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    let env = Env(env);
    let mut values = [null_mut(); MOST];
    let mut count = MOST;
    let mut data: *mut c_void = null_mut();
    if node!(env, napi_get_cb_info(info, &mut count, values.as_mut_ptr(), null_mut(), &mut data)).is_err() {
        return null_mut();
    }
    // SAFETY: `define` gave this pointer, and what it points to stays until the environment ends.
    let bound = unsafe { &*data.cast::<Bound>() };
    let arguments = Arguments { env, environment: &bound.environment, values };
    let result = catch_unwind(AssertUnwindSafe(|| (bound.call)(&arguments)))
        .unwrap_or_else(|_| Err(Error::Coded("ERR_FLARE_PANIC", "flare panicked".to_owned())));
    match result {
        Ok(value) => value.0,
        Err(error) => {
            error.throw(env);
            null_mut()
        }
    }
}
