//! The atomics that the state machines are built on. Their models (`models.rs`) put loom's in this place.

pub(super) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
