#!/bin/sh
# Faults of all kinds thrown into paid runs: see tests/crash/soak.py; `make soak` throws a thousand. Not
# within valgrind: strace is in its way.
if [ -n "${TEST_WRAP:-}" ]; then
    echo "ok 1 soak # skip under a wrapper"
    echo "0 passed, 0 failed"
    exit 0
fi
# No leaks are looked for within strace, and the library of faketime comes before the sanitizer's.
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0:verify_asan_link_order=0"
FAULTS=${FAULTS:-40} exec /usr/bin/python3 "$ROOT/tests/crash/soak.py"
