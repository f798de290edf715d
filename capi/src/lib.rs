//! The C ABI.
#![allow(unsafe_code)]
