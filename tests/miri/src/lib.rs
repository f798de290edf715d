//! The handle table of `capi`, with its own tests. It is the part of flare where threads share memory by `unsafe` code of our own.

#[path = "../../../capi/src/handle/mod.rs"]
pub mod handle;
