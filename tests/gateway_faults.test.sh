#!/bin/sh
# What a vendor's faults do to a run: see tests/crash/faults.py.
exec /usr/bin/python3 "$ROOT/tests/crash/faults.py"
