//! The library people use.
#![forbid(unsafe_code)]

pub mod routing;
