# How everything is built with ThreadSanitizer. Sourced from tests/tsan; `cargo_tsan COMMAND OPTION...` is cargo.
host=$(rustc -vV | sed -n 's/^host: //p')
top=$(cd ../.. && pwd)
if [ ! -e "$(rustc +nightly --print sysroot 2>/dev/null)/lib/rustlib/src/rust/library/Cargo.lock" ]; then
    command -v rustup >/dev/null || { echo "tsan: the nightly toolchain of Rust with rust-src is missing, and rustup to install it" >&2; exit 1; }
    rustup toolchain install nightly --profile minimal --component rust-src || exit 1
fi
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$top/target/tsan}
built=$CARGO_TARGET_DIR/$host/debug

# ThreadSanitizer knows no fences (neither does that of C++), and `triomphe` frees behind one: then every last holder of an `Arc` would be a race. Where
# the standard library is built for it, its own `Arc` loads the count instead; so does this copy, which is made of what cargo fetched.
source=$(cargo metadata --locked --format-version 1 --manifest-path ../../Cargo.toml |
    python3 -c 'import json, sys; print(next(p["manifest_path"] for p in json.load(sys.stdin)["packages"] if p["name"] == "triomphe"))') || exit 1
copy=../../target/tsan-triomphe
if [ ! -e "$copy/Cargo.toml" ] || ! grep -q "^version = \"$(sed -n 's/^version = "\(.*\)"/\1/p' "$source" | head -n 1)\"" "$copy/Cargo.toml"; then
    rm -rf "$copy"
    mkdir -p "$copy"
    cp -R "$(dirname "$source")/." "$copy"
    sed -i 's/^\( *\)atomic::fence(Acquire);/\1let _ = self.inner().count.load(Acquire);/' "$copy/src/arc.rs"
fi
grep -q 'let _ = self.inner().count.load(Acquire);' "$copy/src/arc.rs" || { echo "tsan: triomphe has another fence than it had" >&2; exit 1; }

export RUSTFLAGS=-Zsanitizer=thread
export TSAN_OPTIONS=${TSAN_OPTIONS:-second_deadlock_stack=1}

cargo_tsan() {
    local command=$1
    shift
    cargo +nightly "$command" -Zbuild-std --target "$host" "$@"
}
