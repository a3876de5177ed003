#!/bin/sh
# what score computes against exact arithmetic, and the schemas of what it reads: see tests/analytics.py
# Runs beside others.
exec /usr/bin/python3 "$ROOT/tests/analytics.py"
