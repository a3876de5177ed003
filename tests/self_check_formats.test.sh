#!/bin/sh
# How self-check shows what it found: see tests/self_check_formats.py
# Runs beside others.
exec /usr/bin/python3 -B "$ROOT/tests/self_check_formats.py"
