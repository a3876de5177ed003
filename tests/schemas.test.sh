#!/bin/sh
# what the programs write against the schemas that ship: see tests/schemas.py
# Runs beside others.
exec /usr/bin/python3 "$ROOT/tests/schemas.py"
