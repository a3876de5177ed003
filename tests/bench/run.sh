#!/bin/bash
# run.sh - runs the parts of the benchmark and prints one table, ready for the README.
#
# A part is an executable script tests/bench/NAME.bench.sh or tests/bench/*/*.bench.sh. It prints
# table rows, "| work | measured | at least |", on standard output and everything else on standard
# error; it exits 0 when every row reaches its figure. Parts get B (the build directory), ROOT, T (an
# empty directory) and the programs first on PATH, and run one at a time.
#   sh tests/bench/run.sh [NAME...]
set -u
ROOT=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-build}
case $B in /*) ;; *) B=$ROOT/$B ;; esac
cd "$ROOT" || exit 1
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
export ROOT B T PATH="$B/bin:$PATH"

version_of() { # NAME COMMAND...
    local name=$1
    shift
    command -v "$1" >/dev/null || return 0
    printf ', %s %s' "$name" "$("$@" 2>&1 | grep -o '[0-9]\+\.[0-9.]*[0-9]' | head -n 1)"
}

machine() {
    local cpu
    cpu=$(sed -n 's/^model name[^:]*: *//p' /proc/cpuinfo | head -n 1)
    printf '%s, %s processors, %s GB of memory, Linux %s' "${cpu:-$(uname -m)}" "$(nproc)" \
        "$(awk '/^MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo)" "$(uname -r | cut -d- -f1)"
    version_of gcc gcc --version
    version_of jq jq --version
    version_of Miller mlr --version
    version_of curl curl --version
    version_of nginx nginx -v
    version_of aiohttp /usr/bin/python3 -c 'import aiohttp; print(aiohttp.__version__)'
    printf '\n'
}

wanted() { # SCRIPT NAME...
    local part=${1##*/} name
    shift
    [ $# -gt 0 ] || return 0
    for name; do [ "$name.bench.sh" = "$part" ] && return 0; done
    return 1
}

failed=0 rows=$T/rows
: >"$rows"
for part in tests/bench/*.bench.sh tests/bench/*/*.bench.sh; do
    [ -f "$part" ] && wanted "$part" "$@" || continue
    echo "== $part" >&2
    mkdir -p "$T/part"
    T=$T/part bash "$part" >"$T/out" || {
        failed=$((failed + 1))
        echo "== $part: a figure was missed, or it failed" >&2
    }
    grep '^|' "$T/out" >>"$rows"
    rm -rf "$T/part"
done
echo "Measured on $(date +%Y-%m-%d): $(machine)"
echo
echo "| work | measured | at least |"
echo "|---|---|---|"
cat "$rows"
[ -s "$rows" ] && [ $failed = 0 ]
