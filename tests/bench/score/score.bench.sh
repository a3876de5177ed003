#!/bin/bash
# score.bench.sh - score over contacts with counters, beside jq and Miller computing the same, and cat;
# then score --events. Each reads its file from the page cache; the best of RUNS counts. jq and Miller
# read the first tenth of the contacts, for they would need minutes.
#   N=1000000 EVENTS=10000000 RUNS=3 bash tests/bench/score/score.bench.sh
set -u
ROOT=${ROOT:-$(cd "$(dirname "$0")/../../.." && pwd)}
B=${B:-$ROOT/build}
T=${T:-$(mktemp -d)}
N=${N:-1000000}
EVENTS=${EVENTS:-$((N * 10))}
RUNS=${RUNS:-3}
here=$ROOT/tests/bench/score
score=${SCORE:-$B/bin/score}
now=2026-01-31T10:00:00Z
missed=0

"$B/bench/score/generate" contacts "$N" >"$T/contacts" || exit 1
"$B/bench/score/generate" events "$EVENTS" "$N" >"$T/events" || exit 1
head -n $((N / 10)) "$T/contacts" >"$T/tenth"

# MB/s of the best run: best FILE COMMAND... (its output goes to $T/out.NAME when NAME is set)
best() {
    local file=$1 began ended bytes least=
    shift
    bytes=$(stat -c %s "$file")
    for _ in $(seq "$RUNS"); do
        began=$(date +%s%N)
        "$@" >/dev/null || { echo "score.bench.sh: $* failed" >&2; echo 0; return 1; }
        ended=$(date +%s%N)
        [ -n "$least" ] && [ $((ended - began)) -ge "$least" ] || least=$((ended - began))
    done
    awk -v b="$bytes" -v ns="$least" 'BEGIN { printf "%.1f", b * 1e3 / ns }'
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f", b ? a / b : 0 }'; }
reach() { awk -v a="$1" -v b="$2" 'BEGIN { exit !(a >= b) }' || missed=1; }
run_cat() { cat "$1" | cat; }
run_jq() { jq -c -f "$here/score.jq" "$T/tenth"; }
run_mlr() { mlr --ijsonl --ojsonl put -f "$here/score.mlr" "$T/tenth"; }

# The same arithmetic: the three must agree before they are compared.
head -n 1000 "$T/tenth" >"$T/few"
figures='[.score.ltv, .score.tier, .score.click_rate, .score.explain[].points] | map(if type == "number" then . * 1e6 | round else . end)'
"$score" -q --now $now "$T/few" | jq -c "$figures" >"$T/few.score"
jq -c -f "$here/score.jq" "$T/few" | jq -c "$figures" >"$T/few.jq"
cmp "$T/few.score" "$T/few.jq" >&2 || { echo "score.bench.sh: jq computes something else" >&2; exit 1; }

ours=$(best "$T/contacts" "$score" -q --now $now "$T/contacts")
pipe=$(best "$T/contacts" run_cat "$T/contacts")
echo "score $ours MB/s, cat $pipe MB/s" >&2
slow=$(RUNS=1 best "$T/tenth" run_jq)
echo "jq $slow MB/s" >&2
echo "| \`score\`, $N contacts with counters, against jq doing the same arithmetic ($slow MB/s) | $(ratio "$ours" "$slow") × | 12 × |"
reach "$(ratio "$ours" "$slow")" 12
if command -v mlr >/dev/null; then
    mlr --ijsonl --ojsonl put -f "$here/score.mlr" "$T/few" | jq -c "$figures" >"$T/few.mlr"
    cmp "$T/few.score" "$T/few.mlr" >&2 || { echo "score.bench.sh: Miller computes something else" >&2; exit 1; }
    miller=$(RUNS=1 best "$T/tenth" run_mlr)
    echo "Miller $miller MB/s" >&2
    echo "| the same against Miller ($miller MB/s, on all processors) | $(ratio "$ours" "$miller") × | 8 × |"
    reach "$(ratio "$ours" "$miller")" 8
fi
echo "| the same in MB/s of input on one core; cat through a pipe does $pipe MB/s, $(ratio "$pipe" "$ours") times that | $ours MB/s | 300 MB/s |"
reach "$ours" 300

# Kilobytes at the most: peak COMMAND...
peak() {
    /usr/bin/python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)' "$@"
}
count_events() { "$score" -q --events "$T/events" --stats "$T/stats" /dev/null; }
events=$(best "$T/events" count_events)
idle=$(peak "$score" -q --events /dev/null /dev/null)
used=$(peak "$score" -q --events "$T/events" /dev/null)
people=$(jq .contacts_with_events "$T/stats") jobs=$(jq .occasions "$T/stats")
bytes=$(((used - idle) * 1024)) allowed=$((people * 60 + jobs * 16))
echo "events $events MB/s, $people contacts, $jobs contacts and jobs, $bytes bytes of $allowed" >&2
echo "| \`score --events\`, $EVENTS events of $people contacts | $events MB/s | 200 MB/s |"
echo "| its memory, of 60 bytes a contact and 16 for each of $jobs contacts and jobs | $(awk -v a=$bytes -v b=$allowed 'BEGIN { printf "%.2f", a / b }') × | at most 1 × |"
reach "$events" 200
reach "$allowed" "$bytes"
exit $missed
