#!/bin/bash
# usage: control.sh [aioquic|hypercorn] [PORT=18831] [CASE_REGEX] -- the check against an aioquic server (Retry on PORT+1) or hypercorn
. "$(dirname "$0")/../lib.sh"; K=${1:-aioquic}; P=${2:-18831}; venv h3 "$HERE/requirements.txt"; W=$(mktemp -d); export PYTHONDONTWRITEBYTECODE=1
openssl req -x509 -newkey rsa:2048 -nodes -keyout "$W/k" -out "$W/c" -days 30 -subj /CN=localhost -addext subjectAltName=DNS:localhost 2>/dev/null
if [ "$K" = hypercorn ]; then (cd "$HERE" && exec "$PY" -m hypercorn --certfile "$W/c" --keyfile "$W/k" --bind "127.0.0.1:$P" --quic-bind "127.0.0.1:$P" control_asgi:app > "$W/log" 2>&1) & R=0
else "$PY" "$HERE/control_server.py" 127.0.0.1 "$P" "$W/c" "$W/k" > "$W/log" 2>&1 & R=$((P+1)); fi
SP=$!; trap 'kill $SP; wait $SP 2>/dev/null; rm -rf "$W"' EXIT; for i in $(seq 200); do grep -qE "^ready|Running on .*QUIC" "$W/log" && break; sleep .1; done; "$HERE/run.sh" 127.0.0.1 "$P" $R $3
