#!/bin/bash
# Judges a WebSocket client by Autobahn: tests/conformance/autobahn/client.sh PORT SLICES COMMAND...
# Autobahn listens on PORT, and COMMAND is called with one more argument, ws://127.0.0.1:PORT, once for each of SLICES: names of slices.txt with
# commas between them, or all. It asks for /getCaseCount, echoes what comes of /runCase?case=N&agent=flare for each N, and ends with
# /updateReports?agent=flare.
# environment: TIMEOUT per slice (300 s), RESULTS (folder for the reports)
. "$(dirname "$0")/../lib.sh"
[ -n "$3" ] || { sed -n 2,6p "$0"; exit 2; }
port=$1 slices=$2
shift 2
"$HERE/setup.sh" || die "setup failed"
[ "$slices" = all ] && slices=$(grep -v '^#' "$HERE/slices.txt" | cut -d' ' -f1 | paste -sd,)
results=$(realpath -m "${RESULTS:-$CACHE/autobahn/client-results}")
for slice in ${slices//,/ }; do
    pattern=$(awk -v slice="$slice" '$1 == slice { print $2 }' "$HERE/slices.txt")
    [ -n "$pattern" ] || die "no such slice: $slice"
    out=$results/$slice
    rm -rf "$out"
    mkdir -p "$out"
    cat >"$out/spec.json" <<JSON
{"outdir": "$out/report", "cases": ["${pattern//,/\", \"}"], "exclude-cases": [], "exclude-agent-cases": {}, "url": "ws://127.0.0.1:$port"}
JSON
    begin=$(date +%s)
    (cd "$out" && exec "$CACHE/autobahn/python" "$HERE/fuzzingserver.py" 127.0.0.1 spec.json >log 2>&1) &
    server=$!
    trap 'kill $server 2>/dev/null' EXIT
    wait_port 127.0.0.1 "$port" || die "Autobahn does not listen on port $port"
    timeout "${TIMEOUT:-300}" "$@" "ws://127.0.0.1:$port" >"$out/client.log" 2>&1 || echo "slice $slice: the client ended with status $?"
    # It writes the reports before it closes the last socket.
    kill $server
    wait $server 2>/dev/null
    echo "slice $slice: $(($(date +%s) - begin)) s"
done
python3 "$HERE/judge.py" "$results" "$slices"
