# Where things are, for the scripts beside this file. Sourced from the top folder of the repository.
TARGETS=$(basename -s .rs fuzz/fuzz_targets/*.rs)
# `none` runs these six to ten times as often; what it cannot see is memory misused by the few dependencies that have `unsafe`.
FUZZ_SANITIZER=${FUZZ_SANITIZER:-address}
FUZZ_TOOLCHAIN=${FUZZ_TOOLCHAIN:-nightly}
# BoringSSL has two copies of a constant in one archive, which is no error of C++ but looks like one to AddressSanitizer.
export ASAN_OPTIONS=detect_odr_violation=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}
BUILT=$PWD/${CARGO_TARGET_DIR:-target/fuzz}
case ${CARGO_TARGET_DIR:-} in /*) BUILT=$CARGO_TARGET_DIR ;; esac
PROGRAMS=$BUILT
[ "$FUZZ_SANITIZER" = address ] || PROGRAMS=$BUILT-$FUZZ_SANITIZER

# Installs what is missing and can be installed without a package manager, or says what is missing.
need_tools() {
    command -v c++ >/dev/null || { echo "fuzz: a C++ compiler is missing (Debian, Ubuntu: apt-get install g++)" >&2; return 1; }
    if ! cargo "+$FUZZ_TOOLCHAIN" --version >/dev/null 2>&1; then
        command -v rustup >/dev/null || { echo "fuzz: the $FUZZ_TOOLCHAIN toolchain of Rust is missing, and rustup to install it" >&2; return 1; }
        rustup toolchain install "$FUZZ_TOOLCHAIN" --profile minimal || return 1
    fi
    cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
}

# Those of core/proto alone: without both TLS libraries they are built in a minute or two.
is_proto() {
    ! grep -A 2 "^name = \"$1\"\$" fuzz/Cargo.toml | grep -q required-features
}

# fuzz TARGET CORPUS OPTION...: runs a target on a corpus and its seeds. FEATURES: options of cargo.
fuzz() {
    local target=$1 corpus=$2 dictionary='' features='' compares=''
    shift 2
    case $target in
    http1_connection) ;; # its input is no text
    http1_*) dictionary=-dict=$PWD/fuzz/dictionaries/http1.dict ;;
    *) [ ! -e "fuzz/dictionaries/$target.dict" ] || dictionary=-dict=$PWD/fuzz/dictionaries/$target.dict ;;
    esac
    ! is_proto "$target" || features=--no-default-features
    # The bytes of their inputs are choices, which nothing is compared with: watching comparisons finds nothing there, and takes time.
    case $target in *_joined) compares=--no-trace-compares ;; esac
    mkdir -p "$corpus"
    # shellcheck disable=SC2086 # options are words
    (cd fuzz && cargo "+$FUZZ_TOOLCHAIN" fuzz run --target-dir "$PROGRAMS" --sanitizer "$FUZZ_SANITIZER" $compares $features $FEATURES "$target" "$corpus" "$PWD/seeds/$target" -- \
        $dictionary -timeout=20 -rss_limit_mb=3072 -max_len=${FUZZ_LENGTH:-4096} "$@")
}
