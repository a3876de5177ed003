#!/bin/sh
# --record, --replay and --chaos against the simulated vendors: see tests/replay.py
# Runs beside others.
exec /usr/bin/python3 "$ROOT/tests/replay.py"
