//! Under cargo-fuzz: the libFuzzer target. Otherwise a program that runs the target on the files it is given.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| flare_fuzz::addresses::run(data));

#[cfg(not(fuzzing))]
fn main() -> std::io::Result<()> {
    flare_fuzz::run_files(flare_fuzz::addresses::run)
}
