#!/bin/sh
# Input that means harm, met by every program: see tests/hostile.py.
exec /usr/bin/python3 "$ROOT/tests/hostile.py"
