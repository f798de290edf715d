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

/// A scope for values and, within it, for calls: when that is closed, `process.nextTick` and promises have their turn.
pub(crate) struct Scope<'c> {
    env: Env,
    context: &'c AsyncContext,
    handles: sys::napi_handle_scope,
    calls: sys::napi_callback_scope,
}

impl<'c> Scope<'c> {
    pub(crate) fn open(env: Env, context: &'c AsyncContext) -> Result<Self> {
        let mut handles = null_mut();
        node!(env, napi_open_handle_scope(&mut handles))?;
        // From here on dropping it closes what is open.
        let mut scope = Self { env, context, handles, calls: null_mut() };
        scope.open_calls()?;
        Ok(scope)
    }

    fn open_calls(&mut self) -> Result<()> {
        let resource = self.context.resource.value(self.env)?;
        node!(self.env, napi_open_callback_scope(resource.0, self.context.context, &mut self.calls))
    }

    fn close_calls(&mut self) {
        let calls = std::mem::replace(&mut self.calls, null_mut());
        // An exception that nobody caught goes to the process.
        if !calls.is_null() && node!(self.env, napi_close_callback_scope(calls)).is_err() {
            self.env.raise_pending();
        }
    }

    /// Gives promises their turn, and goes on.
    pub(crate) fn settle(&mut self) {
        self.close_calls();
        // Err: the environment ends, and calls fail in other ways too.
        let _ = self.open_calls();
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        self.close_calls();
        // Err: it was opened by this value and is closed once.
        let _ = node!(self.env, napi_close_handle_scope(self.handles));
    }
}

/// A scope for values of one call among many: they are let go when it is dropped, and not at the end of the turn.
pub(crate) struct ValueScope {
    env: Env,
    handles: sys::napi_handle_scope,
}

impl ValueScope {
    pub(crate) fn open(env: Env) -> Result<Self> {
        let mut handles = null_mut();
        node!(env, napi_open_handle_scope(&mut handles))?;
        Ok(Self { env, handles })
    }
}

impl Drop for ValueScope {
    fn drop(&mut self) {
        // Err: it was opened by this value and is closed once.
        let _ = node!(self.env, napi_close_handle_scope(self.handles));
    }
}
