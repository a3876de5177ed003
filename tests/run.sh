#!/bin/sh
# run.sh - installs what the tests need from Debian's packages, builds, runs every test.
# The last line is "N passed, M failed"; the exit status is 0 only when nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1
B=${B:-build}
export B
began=$(date +%s)

step() { printf '== %s (%d s)\n' "$1" $(($(date +%s) - began)); }
give_up() { echo "run.sh: $1" >&2; echo "0 passed, 1 failed"; exit 1; }

# What the compiler said, without the commands.
show_build() { grep -vE '^(cc|gcc|clang|ar|rm|mkdir|for) ' "$1" | tail -n 60; }

step packages
sh tests/packages.sh build show test || give_up "packages are missing"

step build
mkdir -p "$B"
make -j"$(nproc)" WERROR=-Werror all units >"$B/build.log" 2>&1 || {
    show_build "$B/build.log"
    give_up "the build failed (make all units)"
}

# The sanitizer build runs beside nothing that measures time: built now, its tests come last.
step "build with sanitizers"
make -j"$(nproc)" san-build >"$B/san.log" 2>&1 || {
    show_build "$B/san.log"
    give_up "the sanitizer build failed (make san-build)"
}

step tests
sh tests/check.sh | tee "$B/check.out"
step "units, golden cases and want of memory under AddressSanitizer and UBSan"
B=$B/san sh tests/check.sh units golden scripts/alloc.test.sh | tee "$B/check-san.out"

step done
for out in "$B/check.out" "$B/check-san.out"; do tail -n 1 "$out"; done | awk '
    !/^[0-9]+ passed, [0-9]+ failed$/ { bad = 1; next }
    { passed += $1; failed += $3; n++ }
    END { if (bad || n != 2) failed++; printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || !passed }'
