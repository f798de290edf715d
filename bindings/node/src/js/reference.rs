//! Values that outlive their scope.

use std::ptr::null_mut;

use napi_sys as sys;

use super::{Env, Result, Value, node};

/// Keeps a value. It is not let go by dropping: that needs the environment, which may be gone before.
#[derive(Debug)]
pub(crate) struct Reference(sys::napi_ref);

impl Reference {
    pub(crate) fn new(env: Env, value: Value) -> Result<Self> {
        let mut reference = null_mut();
        node!(env, napi_create_reference(value.0, 1, &mut reference))?;
        Ok(Self(reference))
    }

    /// The value, for the scope that is open.
    #[inline]
    pub(crate) fn value(&self, env: Env) -> Result<Value> {
        let mut value = null_mut();
        node!(env, napi_get_reference_value(self.0, &mut value))?;
        Ok(Value(value))
    }

    /// Lets the value go.
    pub(crate) fn delete(self, env: Env) {
        // Err: the environment ends and lets everything go itself.
        let _ = node!(env, napi_delete_reference(self.0));
    }
}
