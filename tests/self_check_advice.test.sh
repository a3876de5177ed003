#!/bin/sh
# What self-check advises, of each provider in each trouble: see tests/self_check_advice.py
# Runs beside others.
exec /usr/bin/python3 -B "$ROOT/tests/self_check_advice.py"
