#!/bin/bash
# gateway.bench.sh - one state file under eight processes; look-ups with the cache hot.
#   RECORDS=20000 HOT=200000 bash tests/bench/gateway/gateway.bench.sh
set -u
exec /usr/bin/python3 "$ROOT/tests/bench/gateway/gateway.py"
