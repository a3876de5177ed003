#!/bin/bash
# filters.bench.sh - what holds for the filters as such: memory over a long stream, the delay of one
# record, the start of enrich with an adapter.
#   N=10000000 bash tests/bench/filters/filters.bench.sh
set -u
exec /usr/bin/python3 "$ROOT/tests/bench/filters/filters.py"
