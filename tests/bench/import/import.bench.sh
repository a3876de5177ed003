#!/bin/bash
# import.bench.sh - contacts-import beside a bare libcsv loop and Miller, on a million invented rows,
# and its start beside curl's. Best of three, the contenders taking turns. See tests/bench/run.sh.
set -euo pipefail
rows=${ROWS:-1000000}
csv=$T/rows.csv
"$B/bench/import/rows" "$rows" >"$csv"
printf '%s rows, %s bytes\n' "$rows" "$(stat -c %s "$csv")" >&2

declare -A wall cpu
best() { # NAME COMMAND...: the shortest wall time so far, and the CPU time of that run
    local name=$1 w u s
    shift
    read -r w u s < <({ TIMEFORMAT='%R %U %S'; time "$@" >/dev/null 2>&1; } 2>&1)
    printf '%s: %s s, user %s, system %s\n' "$name" "$w" "$u" "$s" >&2
    if [ -z "${wall[$name]:-}" ] || awk "BEGIN { exit !($w < ${wall[$name]}) }"; then
        wall[$name]=$w
        cpu[$name]=$(awk "BEGIN { print $u + $s }")
    fi
}
for _ in 1 2 3; do
    best libcsv "$B/bench/import/baseline" "$csv"
    best import contacts-import --quiet "$csv"
done
for _ in 1 2; do
    best mlr mlr --icsv --ojsonl cat "$csv"
done

missed=0
row() { # WORK MEASURED COMPARISON LIMIT
    awk "BEGIN { exit !($2 $3 $4) }" || missed=1
    printf '| %s | %s × | %s %s × |\n' "$1" "$2" "${3/=/}=" "$4" | sed 's/<=/≤/; s/>=/≥/'
}
ratio() {
    awk "BEGIN { printf \"%.2f\", $1 / $2 }"
}
size=$(awk "BEGIN { printf \"%.0f\", $(stat -c %s "$csv") / 1e6 }")
what="\`contacts-import\`, $((rows / 1000)) k rows × 12 columns ($size MB, ${wall[import]} s)"
row "$what: time, of a bare libcsv loop's (${wall[libcsv]} s)" "$(ratio "${wall[import]}" "${wall[libcsv]}")" '<=' 2
row "the same: faster than \`mlr --icsv --ojsonl cat\` (${wall[mlr]} s)" "$(ratio "${wall[mlr]}" "${wall[import]}")" '>=' 3.5
row "the same: less CPU than Miller (${cpu[mlr]} s)" "$(ratio "${cpu[mlr]}" "${cpu[import]}")" '>=' 6

hyperfine -N --warmup 10 --runs 200 --export-json "$T/start.json" \
    "$B/bin/contacts-import --version" "curl --version" >/dev/null 2>&1
start=$(jq '.results[0].median / .results[1].median * 100 | round / 100' "$T/start.json")
row '`contacts-import --version`: start, of `curl --version`' "$start" '<=' 0.5
exit $missed
