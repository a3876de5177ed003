#!/bin/sh
# self-check against the simulated vendors: what it finds, and how it shows it
status=0
for part in self_check self_check_formats self_check_advice; do
    /usr/bin/python3 -B "$ROOT/tests/$part.py" || status=1
done
exit $status
