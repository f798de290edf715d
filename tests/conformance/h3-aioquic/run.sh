#!/bin/bash
# usage: run.sh HOST PORT [RETRY_PORT=0] [CASE_REGEX]  -- HTTP/3 server on UDP HOST:PORT, any certificate; GET and POST on / answer 200, a POST's body comes back
# RETRY_PORT: a UDP port of the same server that always sends Retry (0: those cases are left out; "same": PORT does). environment: SNI (localhost), NO0RTT=1 (leave out 0-RTT), VERBOSE=1, SLOW (1): how many times longer to wait than on a fast machine
. "$(dirname "$0")/../lib.sh"; [ -n "$2" ] || { sed -n 2,3p "$0"; exit 2; }
venv h3 "$HERE/requirements.txt"; exec "$PY" "$HERE/check.py" "$@"
