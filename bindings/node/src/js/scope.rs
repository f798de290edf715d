//! Calls into JavaScript that begin in the loop and not in JavaScript.

use std::ptr::null_mut;

use napi_sys as sys;

use super::{Env, Result, Value, node};

/// What async hooks and `AsyncLocalStorage` see as the origin of calls.
#[derive(Debug)]
pub(crate) struct AsyncContext {
    context: sys::napi_async_context,
    resource: super::Reference,
}

impl AsyncContext {
    /// A context that tools know by this name.
    pub(crate) fn new(env: Env, resource: Value, name: &str) -> Result<Self> {
        let mut context = null_mut();
        let name = env.text(name.as_bytes())?;
        node!(env, napi_async_init(resource.0, name.0, &mut context))?;
        Ok(Self { context, resource: super::Reference::new(env, resource)? })
    }

    pub(crate) fn destroy(self, env: Env) {
        // Err: the environment ends.
        let _ = node!(env, napi_async_destroy(self.context));
        self.resource.delete(env);
    }
}

/// A scope for values and for calls: when it is closed, `process.nextTick` and promises have their turn.
pub(crate) struct Scope {
    handles: sys::napi_handle_scope,
    calls: sys::napi_callback_scope,
}

impl Scope {
    pub(crate) fn open(env: Env, context: &AsyncContext) -> Result<Self> {
        let (mut handles, mut calls) = (null_mut(), null_mut());
        node!(env, napi_open_handle_scope(&mut handles))?;
        let opened = context.resource.value(env).and_then(|resource| {
            node!(env, napi_open_callback_scope(resource.0, context.context, &mut calls))
        });
        if let Err(error) = opened {
            // Err: nothing is left that could be done about it.
            let _ = node!(env, napi_close_handle_scope(handles));
            return Err(error);
        }
        Ok(Self { handles, calls })
    }

    /// Closes it, in the order that Node asks for. An exception that nobody caught goes to the process.
    pub(crate) fn close(self, env: Env) {
        if node!(env, napi_close_callback_scope(self.calls)).is_err() {
            env.raise_pending();
        }
        // Err: it was opened by this value and is closed once.
        let _ = node!(env, napi_close_handle_scope(self.handles));
    }
}
