#!/bin/sh
# Eight processes on one state file: see tests/crash/shared.py.
[ -z "${TEST_WRAP:-}" ] || export PROCESSES=3 RECORDS=40
exec /usr/bin/python3 "$ROOT/tests/crash/shared.py"
