#!/bin/sh
# the HTML of report in a real browser: see tests/report_html.py
# Runs beside others.
exec /usr/bin/python3 "$ROOT/tests/report_html.py"
