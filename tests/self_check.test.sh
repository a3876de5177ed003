#!/bin/sh
# self-check against the simulated vendors: see tests/self_check.py
exec /usr/bin/python3 "$ROOT/tests/self_check.py"
