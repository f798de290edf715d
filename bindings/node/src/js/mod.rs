//! Node-API with errors as results: values, strings, bytes, calls and references.

pub(crate) mod error;
mod function;
mod reference;
mod scope;

use std::ffi::c_void;
use std::ptr::null_mut;

use napi_sys as sys;

pub(crate) use error::{Error, Result};
pub(crate) use function::{Arguments, Bound, Function, define};
pub(crate) use reference::Reference;
pub(crate) use scope::{AsyncContext, Scope, ValueScope};

/// An environment of JavaScript: a Node process has one for its main thread and one for each worker thread.
///
/// It is only made from what Node handed to a callback, and lives on that thread. That is what makes its calls sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Env(pub(crate) sys::napi_env);

/// A value of JavaScript. Valid until the scope ends in which it was made: the call of a native function, or a [`Scope`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Value(pub(crate) sys::napi_value);

/// Calls a function of Node-API and makes a result of its status.
macro_rules! node {
    ($env:expr, $function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: the environment is that of this thread (see `Env`); values are of a scope that is open (see `Value`); pointers
        // are to locals of the caller, which outlive the call.
        $crate::js::error::check(unsafe { napi_sys::$function($env.0, $($argument),*) })
    }};
}
pub(crate) use node;

/// What a value is, as far as this crate asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Undefined,
    Null,
    Boolean,
    Number,
    Text,
    Object,
    Function,
    Other,
}

impl Env {
    pub(crate) fn undefined(self) -> Result<Value> {
        let mut value = null_mut();
        node!(self, napi_get_undefined(&mut value))?;
        Ok(Value(value))
    }

    pub(crate) fn boolean(self, boolean: bool) -> Result<Value> {
        let mut value = null_mut();
        node!(self, napi_get_boolean(boolean, &mut value))?;
        Ok(Value(value))
    }

    pub(crate) fn integer(self, number: i32) -> Result<Value> {
        let mut value = null_mut();
        node!(self, napi_create_int32(number, &mut value))?;
        Ok(Value(value))
    }

    pub(crate) fn number(self, number: f64) -> Result<Value> {
        let mut value = null_mut();
        node!(self, napi_create_double(number, &mut value))?;
        Ok(Value(value))
    }

    pub(crate) fn text(self, text: &[u8]) -> Result<Value> {
        let mut value = null_mut();
        node!(self, napi_create_string_utf8(text.as_ptr().cast(), length(text), &mut value))?;
        Ok(Value(value))
    }

    /// Bytes as a string with one character for each.
    pub(crate) fn latin1(self, text: &[u8]) -> Result<Value> {
        let mut value = null_mut();
        node!(self, napi_create_string_latin1(text.as_ptr().cast(), length(text), &mut value))?;
        Ok(Value(value))
    }

    /// A `Buffer` with a copy of the bytes.
    pub(crate) fn buffer(self, bytes: &[u8]) -> Result<Value> {
        let mut value = null_mut();
        let mut place: *mut c_void = null_mut();
        node!(self, napi_create_buffer_copy(bytes.len(), bytes.as_ptr().cast(), &mut place, &mut value))?;
        Ok(Value(value))
    }

    pub(crate) fn object(self) -> Result<Value> {
        let mut value = null_mut();
        node!(self, napi_create_object(&mut value))?;
        Ok(Value(value))
    }

    pub(crate) fn array(self) -> Result<Value> {
        let mut value = null_mut();
        node!(self, napi_create_array(&mut value))?;
        Ok(Value(value))
    }

    pub(crate) fn set(self, object: Value, name: &str, value: Value) -> Result<()> {
        let name = self.text(name.as_bytes())?;
        node!(self, napi_set_property(object.0, name.0, value.0))
    }

    pub(crate) fn set_element(self, array: Value, index: u32, value: Value) -> Result<()> {
        node!(self, napi_set_element(array.0, index, value.0))
    }

    pub(crate) fn array_length(self, array: Value) -> Result<u32> {
        let mut length = 0;
        node!(self, napi_get_array_length(array.0, &mut length))?;
        Ok(length)
    }

    pub(crate) fn element(self, array: Value, index: u32) -> Result<Value> {
        let mut value = null_mut();
        node!(self, napi_get_element(array.0, index, &mut value))?;
        Ok(Value(value))
    }

    pub(crate) fn kind(self, value: Value) -> Result<Kind> {
        use sys::ValueType as is;
        let mut kind = 0;
        node!(self, napi_typeof(value.0, &mut kind))?;
        Ok(match kind {
            is::napi_undefined => Kind::Undefined,
            is::napi_null => Kind::Null,
            is::napi_boolean => Kind::Boolean,
            is::napi_number => Kind::Number,
            is::napi_string => Kind::Text,
            is::napi_object => Kind::Object,
            is::napi_function => Kind::Function,
            _ => Kind::Other,
        })
    }

    /// Whether a value is `undefined` or `null`.
    pub(crate) fn is_absent(self, value: Value) -> Result<bool> {
        Ok(matches!(self.kind(value)?, Kind::Undefined | Kind::Null))
    }

    pub(crate) fn to_integer(self, value: Value) -> Result<i32> {
        let mut number = 0;
        node!(self, napi_get_value_int32(value.0, &mut number))?;
        Ok(number)
    }

    pub(crate) fn to_number(self, value: Value) -> Result<f64> {
        let mut number = 0.0;
        node!(self, napi_get_value_double(value.0, &mut number))?;
        Ok(number)
    }

    pub(crate) fn to_boolean(self, value: Value) -> Result<bool> {
        let mut boolean = false;
        node!(self, napi_get_value_bool(value.0, &mut boolean))?;
        Ok(boolean)
    }

    pub(crate) fn to_string(self, value: Value) -> Result<String> {
        let mut bytes = Vec::new();
        self.append_text(value, &mut bytes)?;
        // Lone surrogates become U+FFFD on the way, so this never replaces anything.
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into()))
    }

    /// Appends a string in UTF-8.
    pub(crate) fn append_text(self, value: Value, into: &mut Vec<u8>) -> Result<()> {
        /// Room that is offered before the length is asked for, which costs a call.
        const OFFER: usize = 1024;
        into.reserve(OFFER);
        let room = into.capacity() - into.len();
        let mut written = 0;
        node!(
            self,
            napi_get_value_string_utf8(
                value.0,
                into.spare_capacity_mut().as_mut_ptr().cast(),
                room,
                &mut written
            )
        )?;
        // It writes whole characters of up to four bytes and a NUL: so far from the end, it was not cut.
        if written + 4 >= room {
            let mut length = 0;
            node!(self, napi_get_value_string_utf8(value.0, null_mut(), 0, &mut length))?;
            into.reserve(length + 1);
            let room = into.capacity() - into.len();
            node!(
                self,
                napi_get_value_string_utf8(
                    value.0,
                    into.spare_capacity_mut().as_mut_ptr().cast(),
                    room,
                    &mut written
                )
            )?;
        }
        // SAFETY: so many bytes of the spare capacity were written.
        unsafe { into.set_len(into.len() + written) };
        Ok(())
    }

    /// Appends a string of characters below 256, a byte for each. Others are cut to their low byte, so callers check before.
    pub(crate) fn append_latin1(self, value: Value, into: &mut Vec<u8>) -> Result<()> {
        let mut length = 0;
        node!(self, napi_get_value_string_latin1(value.0, null_mut(), 0, &mut length))?;
        into.reserve(length + 1);
        let room = into.capacity() - into.len();
        let mut written = 0;
        node!(
            self,
            napi_get_value_string_latin1(
                value.0,
                into.spare_capacity_mut().as_mut_ptr().cast(),
                room,
                &mut written
            )
        )?;
        // SAFETY: so many bytes of the spare capacity were written.
        unsafe { into.set_len(into.len() + written) };
        Ok(())
    }

    /// The bytes of a `Uint8Array` (a `Buffer` is one); `None` for anything else. Valid until JavaScript runs again.
    pub(crate) fn bytes<'v>(self, value: Value) -> Result<Option<&'v [u8]>> {
        let mut is_array = false;
        node!(self, napi_is_typedarray(value.0, &mut is_array))?;
        if !is_array {
            return Ok(None);
        }
        let (mut kind, mut length, mut data) = (0, 0, null_mut());
        node!(
            self,
            napi_get_typedarray_info(value.0, &mut kind, &mut length, &mut data, null_mut(), null_mut())
        )?;
        if kind != sys::TypedarrayType::uint8_array {
            return Ok(None);
        }
        if length == 0 {
            // The data of an empty array may be a null pointer.
            return Ok(Some(&[]));
        }
        // SAFETY: Node says that the array has so many bytes there; it stays while the caller's scope holds the value.
        Ok(Some(unsafe { std::slice::from_raw_parts(data.cast(), length) }))
    }

    pub(crate) fn call(self, this: Value, function: Value, arguments: &[Value]) -> Result<Value> {
        let mut result = null_mut();
        node!(
            self,
            // A `Value` is a `napi_value` and nothing else.
            napi_call_function(this.0, function.0, arguments.len(), arguments.as_ptr().cast(), &mut result)
        )?;
        Ok(Value(result))
    }

    /// Makes an exception that is pending the process's own, as if nobody had caught it (`uncaughtException`).
    pub(crate) fn raise_pending(self) {
        let mut exception = null_mut();
        if node!(self, napi_get_and_clear_last_exception(&mut exception)).is_ok() {
            // Err: the environment ends, and nobody is left to hear of it.
            let _ = node!(self, napi_fatal_exception(exception));
        }
    }

    /// Memory that JavaScript sees as an `ArrayBuffer`, and where it lies.
    pub(crate) fn memory(self, length: usize) -> Result<(Value, *mut c_void)> {
        let (mut data, mut value) = (null_mut(), null_mut());
        node!(self, napi_create_arraybuffer(length, &mut data, &mut value))?;
        Ok((Value(value), data))
    }

    /// An object of Rust's, dropped when JavaScript has no more use for it.
    pub(crate) fn external<T>(self, object: Box<T>) -> Result<Value> {
        unsafe extern "C" fn finalize<T>(_: sys::napi_env, data: *mut c_void, _: *mut c_void) {
            // SAFETY: `external` made it of a box of this type, and Node finalises once.
            drop(unsafe { Box::from_raw(data.cast::<T>()) });
        }
        let data = Box::into_raw(object);
        let mut value = null_mut();
        let made =
            node!(self, napi_create_external(data.cast(), Some(finalize::<T>), null_mut(), &mut value));
        if made.is_err() {
            // SAFETY: Node did not take it.
            drop(unsafe { Box::from_raw(data) });
        }
        made.map(|()| Value(value))
    }

    /// The object behind a value of [`Env::external`].
    ///
    /// # Safety
    /// The value must have been made by `external` with this type, if it is an external at all.
    pub(crate) unsafe fn to_external<'v, T>(self, value: Value) -> Result<&'v T> {
        let mut data = null_mut();
        node!(self, napi_get_value_external(value.0, &mut data))?;
        // SAFETY: the caller says that it is a `T`; it lives as long as the value, which the caller's scope holds.
        Ok(unsafe { &*data.cast::<T>() })
    }
}

/// The length of a text for Node-API, where a negative one would mean "up to the NUL".
fn length(text: &[u8]) -> isize {
    isize::try_from(text.len()).unwrap_or(isize::MAX)
}
