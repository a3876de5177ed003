#!/bin/sh
# --record, --replay and --chaos against the simulated vendors: see tests/replay.py
exec /usr/bin/python3 "$ROOT/tests/replay.py"
