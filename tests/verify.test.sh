#!/bin/sh
# verify with a chain of providers: see tests/verify.py
exec /usr/bin/python3 "$ROOT/tests/verify.py"
