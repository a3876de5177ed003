#!/bin/sh
# what the programs write against the schemas that ship: see tests/schemas.py
exec /usr/bin/python3 "$ROOT/tests/schemas.py"
