#!/bin/sh
# run.sh - runs every libFuzzer target that `make fuzz` built, FUZZ_TIME seconds each.
#
# Seeds, and everything that was ever found, are files in tests/fuzz/seeds/NAME; `make check` replays
# them (tests/fuzz.test.sh). What is found now is written to $B/finds: mend, then keep it as a seed.
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build/fuzz}
passed=0 failed=0
mkdir -p "$B/finds"
for target in "$B"/fuzzer/*; do
    [ -x "$target" ] || continue
    name=${target##*/}
    seeds=tests/fuzz/seeds/$name
    mkdir -p "$B/corpus/$name"
    [ -d "$seeds" ] || seeds=
    # shellcheck disable=SC2086 # no seeds, no argument
    if "$target" -max_total_time="${FUZZ_TIME:-30}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$B/finds/$name-" "$B/corpus/$name" $seeds >"$B/$name.log" 2>&1; then
        passed=$((passed + 1))
        echo "ok $((passed + failed)) fuzz $name: $(sed -n 's/^stat::number_of_executed_units: */runs: /p' "$B/$name.log")"
    else
        failed=$((failed + 1))
        echo "not ok $((passed + failed)) fuzz $name"
        tail -n 30 "$B/$name.log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
