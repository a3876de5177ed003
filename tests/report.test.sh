#!/bin/sh
# report on terminals, against its schema, with a state file, every night: see tests/report.py
exec /usr/bin/python3 "$ROOT/tests/report.py"
