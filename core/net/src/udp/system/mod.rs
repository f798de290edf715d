//! What one system call does for a UDP socket: one file for each sort of system.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod control;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod mmsg;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use linux::{COUNTED_TWICE, prepare, segments, steer};
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) use mmsg::{Inbox, Way};

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod plain;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) use plain::{COUNTED_TWICE, Inbox, Way, prepare, segments, steer};

/// The most messages of one call. Linux takes up to 1024; beyond some 30 there is nothing left to save.
const BATCH: usize = 32;
