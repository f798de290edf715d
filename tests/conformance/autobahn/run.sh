#!/bin/bash
# Judges a WebSocket server by Autobahn: tests/conformance/autobahn/run.sh HOST PORT [SLICES=all]
# It must echo every text and binary message. SLICES: names of slices.txt with commas between them, or all.
# environment: SCHEME (ws|wss), WSPATH (/), TIMEOUT per slice (300 s), RESULTS (folder for the reports)
. "$(dirname "$0")/../lib.sh"
[ -n "$2" ] || { sed -n 2,4p "$0"; exit 2; }
host=$1 port=$2 slices=${3:-all}
"$HERE/setup.sh" || die "setup failed"
[ "$slices" = all ] && slices=$(grep -v '^#' "$HERE/slices.txt" | cut -d' ' -f1 | paste -sd,)
results=$(realpath -m "${RESULTS:-$CACHE/autobahn/results}")
for slice in ${slices//,/ }; do
    pattern=$(awk -v slice="$slice" '$1 == slice { print $2 }' "$HERE/slices.txt")
    [ -n "$pattern" ] || die "no such slice: $slice"
    out=$results/$slice
    rm -rf "$out"
    mkdir -p "$out"
    cat >"$out/spec.json" <<JSON
{"outdir": "$out/report", "cases": ["${pattern//,/\", \"}"], "exclude-cases": [], "exclude-agent-cases": {},
 "servers": [{"agent": "sut", "url": "${SCHEME:-ws}://$host:$port${WSPATH:-/}"}]}
JSON
    begin=$(date +%s)
    (cd "$out" && timeout "${TIMEOUT:-300}" "$CACHE/autobahn/python" -c 'import sys; sys.argv = ["wstest", "-m", "fuzzingclient", "-s", "spec.json"]; from autobahntestsuite.wstest import run; run()' >log 2>&1) ||
        echo "slice $slice: the suite ended with status $?"
    echo "slice $slice: $(($(date +%s) - begin)) s"
done
python3 "$HERE/judge.py" "$results" "$slices"
