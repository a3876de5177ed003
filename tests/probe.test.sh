#!/bin/sh
# the probe of mail hosts: see tests/probe.py
exec /usr/bin/python3 "$ROOT/tests/probe.py"
