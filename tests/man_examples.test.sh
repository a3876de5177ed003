#!/bin/sh
# man_examples.test.sh - the manual's examples do what it says; its sample adapter works; every option
# a program has is in its page.
# Runs beside others.
set -u
ROOT=$(cd "$(dirname "$0")/.." && pwd)
B=${B:-$ROOT/build}
T=${T:-$(mktemp -d)}
cd "$ROOT" || exit 1
{
    /usr/bin/python3 tests/examples.py man man/*.[157]
    /usr/bin/python3 tests/options_in_pages.py "$B/bin" man lib/gateway/config.c
    /usr/bin/python3 tests/sample_adapter.py man/leadpipe-providers.5
} >"$T/said" 2>&1
awk '/^[0-9]+ passed, [0-9]+ failed$/ { next }
     /^ok / { n++; passed++; sub(/^ok [0-9]+/, "ok " n) }
     /^not ok / { n++; failed++; sub(/^not ok [0-9]+/, "not ok " n) }
     { print }
     END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || !passed }' "$T/said"
