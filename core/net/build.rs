//! Says by `cfg(ring)` whether there can be a driver with a ring: on Linux, for the processors whose io_uring the `io-uring` crate knows.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ring)");
    let is = |name: &str, values: &[&str]| env::var(name).is_ok_and(|value| values.contains(&value.as_str()));
    // As in Cargo.toml.
    let wanted = env::var_os("CARGO_FEATURE_IO_URING").is_some();
    if wanted && is("CARGO_CFG_TARGET_OS", &["linux"]) && is("CARGO_CFG_TARGET_ARCH", &["x86_64", "aarch64"])
    {
        println!("cargo::rustc-cfg=ring");
    }
}
