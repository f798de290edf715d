//! Operating-system layer.
#![allow(unsafe_code)]
