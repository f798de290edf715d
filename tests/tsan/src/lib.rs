//! The handle table of `capi`, with its own tests. `tests/threads.rs` has those of flare.

#[path = "../../../capi/src/handle/mod.rs"]
pub mod handle;
