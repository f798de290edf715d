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
# BoringSSL, which HTTP/3 brings, is C++. Its runtime goes in too, as far as it is used, and stays inside: so a program in C needs no
# library of C++, and one in C++ keeps its own.
runtime=$(${CXX:-c++} -print-file-name=libstdc++.a)
[ -e "$runtime" ] || {
    echo "capi/package.sh: there is no libstdc++.a beside ${CXX:-c++}; it comes with g++" >&2
    exit 1
}
# Only what the functions of the list lead to: BoringSSL is in the archive twice, for quiche and for its bindings.
roots=$(grep -v '^#' "$here/symbols" | sed 's/^\([^ ]*\).*/-u \1/')
# shellcheck disable=SC2086 # the options are words
ld -r $roots "$archive" "$runtime" -o "$work/whole.o"
# Rust's standard library carries LLVM bitcode. No linker needs it, and binutils with the LLVM plugin of a distribution
# abort when they meet bitcode of a newer LLVM.
# Unique symbols, which C++ has for variables of templates, are made weak first: objcopy does not make them local.
objcopy --wildcard --weaken-symbol='!flare_*' --weaken-symbol='*' "$work/whole.o"
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
