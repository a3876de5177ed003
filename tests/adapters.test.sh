#!/bin/sh
# The providers beside Apollo and Dropcontact, against their simulated vendors: see tests/adapters.py
exec /usr/bin/python3 "$ROOT/tests/adapters.py"
