#!/bin/sh
# Secrets that must not be seen anywhere: see tests/crash/canaries.py.
# Runs beside others.
exec /usr/bin/python3 "$ROOT/tests/crash/canaries.py"
