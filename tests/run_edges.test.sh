#!/bin/sh
# Numbers and readers at their ends, met by the smallest filter: see tests/run_edges.py
# Runs beside others.
exec /usr/bin/python3 "$ROOT/tests/run_edges.py"
