# Shared by the suites: cache folder, python environments, unpacked Debian packages. Sourced, not run.
HERE=$(cd "$(dirname "$0")" && pwd)
CACHE=${CONFORMANCE_CACHE:-$HERE/../../../target/conformance}
mkdir -p "$CACHE"
die() { echo "$*" >&2; echo "0/0 passed/total"; exit 2; }
# venv NAME REQUIREMENTS_FILE -> sets PY; built once, rebuilt when the file changes
venv() {
  local d=$CACHE/venv-$1 s
  s=$(cksum < "$2")
  if [ ! -x "$d/bin/python" ] || [ "$(cat "$d/.done" 2>/dev/null)" != "$s" ]; then
    rm -rf "$d"
    { "${PYTHON:-python3}" -m venv "$d" && "$d/bin/pip" install -q --disable-pip-version-check -r "$2"; } >&2 || die "cannot build python environment $1 (apt-get install python3-venv ?)"
    echo "$s" > "$d/.done"
  fi
  PY=$d/bin/python
}
# debs NAME PACKAGE... -> sets ROOT and LIBS: the packages and what they need beyond this machine, unpacked, nothing installed
debs() {
  local n=$1 d; shift; d=$CACHE/deb-$n
  if [ "$(cat "$d/.done" 2>/dev/null)" != "$*" ]; then
    rm -rf "$d"; mkdir -p "$d/archives/partial" "$d/root"
    local o="-qq -y --no-install-recommends --download-only --reinstall -o Debug::NoLocking=1 -o APT::Sandbox::User=root -o Dir::Cache::archives=$d/archives"
    { apt-get install $o "$@" || { apt-get update -qq; apt-get install $o "$@"; }; } >&2 || die "cannot download: $*"
    for f in "$d"/archives/*.deb; do dpkg-deb -x "$f" "$d/root"; done
    rm -rf "$d/archives"; echo "$*" > "$d/.done"
  fi
  ROOT=$d/root; LIBS=$ROOT/usr/lib/$(uname -m)-linux-gnu:$ROOT/lib/$(uname -m)-linux-gnu
}
# wait_port HOST PORT [TENTHS]
wait_port() { local i; for i in $(seq "${3:-100}"); do (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null && return 0; sleep .1; done; return 1; }
