#!/bin/sh
# self-check against the simulated vendors: what it finds, and how soon: see tests/self_check.py
exec /usr/bin/python3 -B "$ROOT/tests/self_check.py"
