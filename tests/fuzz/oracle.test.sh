#!/bin/sh
# oracle.test.sh - our verdicts on the JSON corpus, and on the fuzz seeds, against Python's.
set -u
ROOT=${ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
B=${B:-$ROOT/build}
name="json verdicts agree with Python's json module"
if said=$("$B/unit/base/json" --dump "$ROOT"/tests/fuzz/seeds/*/* | /usr/bin/python3 "$ROOT/tests/fuzz/oracle.py" 2>&1); then
    echo "ok 1 $name ($said)"
    echo "1 passed, 0 failed"
else
    echo "not ok 1 $name"
    echo "$said" | sed 's/^/# /'
    echo "0 passed, 1 failed"
    exit 1
fi
