#!/bin/sh
# What may befall the state file: see tests/crash/state.py. Not within valgrind: strace is in its way.
# Runs beside others.
if [ -n "${TEST_WRAP:-}" ]; then
    echo "ok 1 state file # skip under a wrapper"
    echo "0 passed, 0 failed"
    exit 0
fi
export ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" # not within strace
exec /usr/bin/python3 "$ROOT/tests/crash/state.py"
