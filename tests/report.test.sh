#!/bin/sh
# report on terminals, against its schema, with a state file, every night: see tests/report.py
# Runs beside others.
exec /usr/bin/python3 "$ROOT/tests/report.py"
