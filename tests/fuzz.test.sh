#!/bin/sh
# fuzz.test.sh - replays every seed and every find of the fuzz targets.
set -u
ROOT=${ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
B=${B:-$ROOT/build}
case $B in /*) ;; *) B=$ROOT/$B ;; esac
T=${T:-$(mktemp -d)}
n=0 passed=0 failed=0
for target in "$B"/replay/*; do
    [ -x "$target" ] || continue
    name=${target##*/}
    [ -f "$ROOT/tests/fuzz/${name}_fuzz.c" ] || continue
    seeds=$ROOT/tests/fuzz/seeds/$name
    n=$((n + 1))
    count=$(find "$seeds" -type f 2>/dev/null | wc -l)
    if [ "$count" -gt 0 ] && find "$seeds" -type f -print0 | xargs -0 -n 50 timeout 60 "$target" >"$T/said" 2>&1; then
        passed=$((passed + 1))
        echo "ok $n fuzz $name: $count files replayed"
    else
        failed=$((failed + 1))
        echo "not ok $n fuzz $name: $count files"
        sed 's/^/# /' "$T/said" 2>/dev/null | tail -n 20
    fi
done
[ $n -gt 0 ] || { n=1; passed=1; echo "ok 1 fuzz # skip no targets"; }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
