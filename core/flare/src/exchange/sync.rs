//! What the state and the streams are built on. Their models (`models.rs`) put loom's in this place.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
pub(super) use std::sync::{Condvar, Mutex, MutexGuard};
