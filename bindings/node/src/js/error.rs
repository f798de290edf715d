//! Failures, on their way to JavaScript.

use std::ptr::null_mut;

use napi_sys as sys;

use super::{Env, node};

/// Why a native function failed.
#[derive(Debug)]
pub(crate) enum Error {
    /// An exception of JavaScript's is on its way already.
    Pending,
    /// A `TypeError`: an argument is wrong.
    Type(String),
    /// An `Error` with a `code`.
    Coded(&'static str, String),
    /// Node refused a call with this status.
    Status(sys::napi_status),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// A status of Node-API as a result.
#[inline]
pub(crate) fn check(status: sys::napi_status) -> Result<()> {
    match status {
        sys::Status::napi_ok => Ok(()),
        sys::Status::napi_pending_exception => Err(Error::Pending),
        other => Err(Error::Status(other)),
    }
}

impl Error {
    /// Makes it an exception in JavaScript.
    pub(crate) fn throw(self, env: Env) {
        let (code, message, of_type) = match self {
            Self::Pending => return,
            Self::Type(message) => ("ERR_INVALID_ARG_VALUE", message, true),
            Self::Coded(code, message) => (code, message, false),
            Self::Status(status) => {
                ("ERR_NODE_API", format!("Node-API refused a call: status {status}"), true)
            }
        };
        let make = || {
            let (code, message) = (env.text(code.as_bytes())?, env.text(message.as_bytes())?);
            let mut error = null_mut();
            if of_type {
                node!(env, napi_create_type_error(code.0, message.0, &mut error))?;
            } else {
                node!(env, napi_create_error(code.0, message.0, &mut error))?;
            }
            node!(env, napi_throw(error))
        };
        // Err: the environment ends, or is throwing already.
        let _: Result<()> = make();
    }
}
