#!/bin/sh
# run.sh - the house rules on this tree, then the proof that each rule finds its breach.
set -u
here=$(dirname "$0")
out=$(mktemp) || exit 1
trap 'rm -f "$out"' EXIT
{ /usr/bin/python3 "$here/lint.py"; sh "$here/selftest.sh"; } >"$out" 2>&1
awk '/^[0-9]+ passed, [0-9]+ failed$/ { next }
     /^ok / { n++; passed++; sub(/^ok [0-9]+/, "ok " n) }
     /^not ok / { n++; failed++; sub(/^not ok [0-9]+/, "not ok " n) }
     { print }
     END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || !passed }' "$out"
