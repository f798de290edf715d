#!/bin/sh
# Makes libflare.a and libflare.so from the static library that cargo built.
#
#   capi/package.sh ARCHIVE OUTPUT_DIR VERSION [LINK_LIBRARIES]
#
# Both hold one and the same object. Its symbols are local but for flare_*: a program that links libflare.a beside OpenSSL, or
# beside other Rust code, must not have its own functions replaced by ours.
#
# The shared library is linked here and not by rustc, because rustc passes a version script of its own, and linkers refuse
# (GNU ld) or ignore (LLD) a second one; without it there are no symbol versions.
set -eu

archive=$1 out=$2 version=$3 libraries=${4:-}
here=$(cd "$(dirname "$0")" && pwd)
soname=libflare.so.${version%%.*}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Groups the functions of the list by version; each version builds on the one before.
version_script() {
    grep -v '^#' "$here/symbols" | sort -s -k2,2V | awk '
        $2 != last { if (last) print "}" before ";"; if (last) before = " FLARE_" last; print "FLARE_" $2 " {"; print "  global:"; last = $2 }
        { print "    " $1 ";" }
        END { print "  local: *;"; print "}" before ";" }'
}

mkdir -p "$out"
ld -r --whole-archive "$archive" -o "$work/whole.o"
# Rust's standard library carries LLVM bitcode. No linker needs it, and binutils with the LLVM plugin of a distribution
# abort when they meet bitcode of a newer LLVM.
objcopy --wildcard --keep-global-symbol='flare_*' \
    --remove-section=.llvmbc --remove-section=.llvmcmd --remove-section=.llvm_addrsig "$work/whole.o" "$work/flare.o"

rm -f "$work/libflare.a"
ar crs "$work/libflare.a" "$work/flare.o"

version_script >"$work/flare.map"
# nodelete: our threads may outlive a dlclose, and would then run in unmapped memory.
# shellcheck disable=SC2086 # the libraries are words
${CC:-cc} -shared -o "$work/libflare.so" "$work/flare.o" \
    -Wl,-soname,"$soname" -Wl,-z,nodelete -Wl,-z,defs -Wl,-z,relro -Wl,-z,now -Wl,--gc-sections \
    -Wl,--version-script,"$work/flare.map" $libraries

# Moved into place when complete: an interrupted run leaves no half of a library behind.
mv "$work/libflare.a" "$out/libflare.a"
mv "$work/libflare.so" "$out/libflare.so.$version"
ln -sf "libflare.so.$version" "$out/$soname"
ln -sf "$soname" "$out/libflare.so"
