//! Writes the C header: `flare-header CRATE_DIR OUTPUT`.
//!
//! `CRATE_DIR` is the folder of the C API crate, which holds `cbindgen.toml`. `OUTPUT` is written whole, or not at all when
//! generating fails.

use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(krate), Some(output), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return fail("usage: flare-header CRATE_DIR OUTPUT");
    };
    match header(Path::new(&krate)) {
        Ok(text) => match std::fs::write(&output, text) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&format!("cannot write {output}: {error}")),
        },
        Err(error) => fail(&error),
    }
}

/// The text of the header for the crate in `krate`.
fn header(krate: &Path) -> Result<String, String> {
    // A missing file would mean cbindgen's defaults, and these are C++.
    let config = cbindgen::Config::from_file(krate.join("cbindgen.toml"))?;
    let mut bindings = cbindgen::Builder::new()
        .with_crate(krate)
        .with_config(config)
        .generate()
        .map_err(|error| error.to_string())?;
    // cbindgen takes every public constant of the crate, associated ones too.
    bindings.constants.retain(|constant| constant.export_name.starts_with("FLARE_"));
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).map(|text| in_words_of_c(&text)).map_err(|error| error.to_string())
}

/// The comments are written for rustdoc: its links and its customary heading mean nothing to readers of C.
fn in_words_of_c(text: &str) -> String {
    text.replace("[`", "`").replace("`]", "`").replace(" * # Safety\n", " * The caller promises:\n")
}

#[allow(clippy::print_stderr)] // a program says what went wrong on stderr
fn fail(message: &str) -> ExitCode {
    eprintln!("flare-header: {message}");
    ExitCode::FAILURE
}
