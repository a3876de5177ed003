#!/bin/sh
# The simulated vendors speak as their pages say, and refuse what they would: see tests/vendors.py
# Runs beside others.
exec /usr/bin/python3 "$ROOT/tests/vendors.py"
