#!/bin/bash
# report.bench.sh - report --format json over N mixed records, its memory, and its speed beside jq's
# reduce over the first of them; report --format html of a finished report. The best of RUNS counts.
#   N=10000000 RUNS=3 bash tests/bench/report/report.bench.sh
set -u
ROOT=${ROOT:-$(cd "$(dirname "$0")/../../.." && pwd)}
B=${B:-$ROOT/build}
T=${T:-$(mktemp -d)}
N=${N:-10000000}
RUNS=${RUNS:-3}
here=$ROOT/tests/bench/report
report=${REPORT:-$B/bin/report}
now=2026-01-31T10:00:00Z
missed=0
export LEADPIPE_LIB=$ROOT/lib TMPDIR=$T

"$B/bench/report/generate" "$N" >"$T/all.ndjson"
head -n $((N / 50)) "$T/all.ndjson" >"$T/some.ndjson"

best() { # NAME COMMAND...: the shortest wall time so far in seconds, and the most memory in KiB
    local name=$1 line
    shift
    /usr/bin/time -f '%e %M' -o "$T/time" "$@" >"$T/out.$name" 2>"$T/err" || { cat "$T/err" >&2; exit 1; }
    line=$(cat "$T/time")
    echo "$name: $line" >&2
    echo "$name $line" >>"$T/times"
}
shortest() { awk -v name="$1" '$1 == name && (!t || $2 < t) { t = $2 } END { print t }' "$T/times"; }
most() { awk -v name="$1" '$1 == name && $3 > m { m = $3 } END { printf "%.0f", m / 1024 }' "$T/times"; }
row() { # WORK MEASURED COMPARISON LIMIT UNIT
    awk "BEGIN { exit !($2 $3 $4) }" || missed=1
    printf '| %s | %s %s | %s %s %s |\n' "$1" "$2" "$5" "$3" "$4" "$5" | sed 's/<=/≤/; s/>=/≥/'
}

best all "$report" -q -s none --now $now --format json "$T/all.ndjson"
for _ in $(seq "$RUNS"); do
    best some "$report" -q -s none --now $now --format json "$T/some.ndjson"
    best jq jq -n -c -f "$here/reduce.jq" "$T/some.ndjson"
done
# They are to agree on what both count.
ours=$(jq -c '[.summary.cost, ([.channels[] | select(.channel != "email") | .impressions] | add), .funnel.disqualified]' "$T/out.some")
theirs=$(jq -c '[([.spend[].EUR] | add * 1e6 | round / 1e6), ([.figures[][].impressions // 0] | add), .status.disqualified]' "$T/out.jq")
[ "$ours" = "$theirs" ] || { echo "report.bench.sh: report says $ours, jq $theirs" >&2; exit 1; }

"$report" -q -s none --now $now --format json "$ROOT"/examples/nightly/*.ndjson >"$T/report.json"
hyperfine -N --warmup 3 --runs 20 --export-json "$T/html.json" \
    "$report -q --format html $T/report.json" >/dev/null 2>"$T/err" || { cat "$T/err" >&2; exit 1; }
html=$(jq '.results[0].min * 1000 | round' "$T/html.json")

size=$(awk -v n="$(stat -c %s "$T/all.ndjson")" 'BEGIN { printf "%.0f", n / 1e6 }')
rate=$(awk -v n="$size" -v t="$(shortest all)" 'BEGIN { printf "%.0f", n / t }')
row "\`report --format json\`, $((N / 1000)) k mixed records ($size MB, $rate MB/s): memory" "$(most all)" '<=' 64 MiB
row "the same against \`jq\` $(jq --version | tr -dc 0-9.), \`reduce\` without counting once only ($((N / 50000)) k of them, $(shortest jq) s)" \
    "$(awk -v a="$(shortest jq)" -v b="$(shortest some)" 'BEGIN { printf "%.1f", a / b }')" '>=' 10 ×
row '`report --format html` of a finished report' "$html" '<=' 100 ms
exit $missed
