#!/bin/sh
# Memory that runs out at every place where it may: see tests/crash/alloc.py
exec /usr/bin/python3 "$ROOT/tests/crash/alloc.py"
