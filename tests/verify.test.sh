#!/bin/sh
# verify with a chain of providers: see tests/verify.py
# Runs beside others.
exec /usr/bin/python3 "$ROOT/tests/verify.py"
