#!/bin/sh
# Paid answers survive kills: see tests/crash/paid.py. Fewer kills under valgrind, where a start takes
# seconds.
[ -z "${TEST_WRAP:-}" ] || export KILLS=5 RECORDS=50
exec /usr/bin/python3 "$ROOT/tests/crash/paid.py"
