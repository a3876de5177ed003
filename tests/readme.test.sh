#!/bin/sh
# readme.test.sh - the README's examples do what it says.
exec /usr/bin/python3 "$(dirname "$0")/examples.py" readme "$(dirname "$0")/../README.md"
