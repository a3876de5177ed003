#!/bin/bash
# exec.test.sh - filters as providers, from outside: the example of the manual, order and accounting of
# many records with workers that fail, answers kept from run to run
set -u
n=0 failed=0
result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; failed=$((failed + 1)); fi
}
enrich() { # CONFIG ARGS... - stdin to $T/out, stderr to $T/err
    printf '%s' "$1" >"$T/config.jq"
    shift
    command enrich -c "$T/config.jq" --now 2026-01-31T10:00:00Z --stats "$T/stats" "$@" >"$T/out" 2>"$T/err"
}
chain() { # MEMBERS OF mine
    echo "{chains: {lead_enrichment: {providers: [\"mine\"]}}, providers: {mine: {use: \"exec\", $1}}}"
}

# The example, as its own head says it is configured.
sed -n '/^    { chains/,/} } }$/p' "$ROOT/examples/my-enricher.py" | sed "s|\./|$ROOT/examples/|" >"$T/example"
printf '%s\n' '{"email":"a@example.com"}' '{"email":"b@else.test"}' |
    enrich "$(cat "$T/example")" -s none
result $? "exec: the example runs as it says"
[ "$(jq -c '[.enrichment.industry, .company, .country, .enrichment.attempts[0].outcome]' "$T/out" | tr '\n' ' ')" = \
    '["Testing","Example Inc.","DE","ok"] [null,null,null,"not_found"] ' ]
result $? "exec: and its answers are in the records"

# Five workers, batches of seven, a filter that dies of every 97th record: all are there, in order.
seq 1 2000 | sed 's/.*/{"email":"p&@x.test","n":&}/' >"$T/in"
cat >"$T/filter" <<'END'
import json, sys
for line in sys.stdin:
    i = int(json.loads(line)["item"]["email"][1:].split("@")[0])
    if i % 97 == 0:
        sys.exit(1)
    print(json.dumps({"outcome": "ok", "data": {"job_title": "title %d" % i}}), flush=True)
END
enrich "$(chain "workers: 5, batch: 7, tries: 1, command: [\"/usr/bin/python3\", \"$T/filter\"]")" -s none <"$T/in"
[ $? = 1 ] && jq -s -e 'length == 2000 and all(.[]; .n as $n | if $n % 97 == 0
        then .enrichment.status == "failed" and .enrichment.attempts[0].error_class == "server"
        else .title == "title \($n)" end) and map(.n) == [range(1; 2001)]' "$T/out" >"$T/verdict"
result $? "exec: every record has its own answer, those that felled it none"
jq -e '.in == 2000 and .out == 2000 and .rejects == 0' "$T/stats" >/dev/null
result $? "exec: in = out + rejects"

# An answer is kept as any provider's; --refresh asks again.
asks="sed -u -e 'w /dev/stderr' -e 's/.*/{\\\"outcome\\\":\\\"ok\\\",\\\"data\\\":{\\\"job_title\\\":\\\"X\\\"}}/'"
for args in "" "" "--refresh"; do
    echo '{"email":"a@x.test"}' | enrich "$(chain "command: \"$asks\"")" -s "$T/state.db" $args
    grep -c '"email":"a@x.test"' "$T/err"
done | tr '\n' ' ' >"$T/counts"
[ "$(cat "$T/counts")" = "1 0 1 " ]
result $? "exec: an answer is kept; --refresh asks again"

# What is in flight when bad data ends the run may have cost money: its answer is waited for and kept.
cat >"$T/slow" <<'END'
read -r line; touch "$T/asked"
until [ -e "$T/go" ]; do sleep 0.05; done
echo '{"outcome":"ok","data":{"job_title":"X"}}'
END
(echo '{"email":"a@x.test"}'; until [ -e "$T/asked" ]; do sleep 0.05; done
    printf '%s\n' '{"email":"b@x.test"}' '{"phone":"1","kind":"contact"}'; sleep 0.3; touch "$T/go") |
    T=$T enrich "$(chain "command: [\"sh\", \"$T/slow\"]")" -s none --fail-fast
[ $? = 65 ] && [ "$(jq -c '[.title, .enrichment.status]' "$T/out" | tr '\n' ' ')" = '["X","found"] [null,"skipped"] ' ]
result $? "exec: --fail-fast waits for what is in flight, and asks no more"

# Interrupted while it waits for a filter: ends soon, the filter with it.
(echo '{"email":"a@x.test"}' | enrich "$(chain "command: \"echo \$\$ >$T/pid; exec sleep 1000\"")" -s none) &
for i in $(seq 100); do [ -s "$T/pid" ] && break; sleep 0.05; done
pid=$(cat "$T/pid")
parent=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status")
kill -TERM "$parent"; sleep 0.2; kill -TERM "$parent" 2>/dev/null
wait
for i in $(seq 40); do grep -qs '^State:.[^Z]' "/proc/$pid/status" || break; sleep 0.05; done
! grep -qs '^State:.[^Z]' "/proc/$pid/status"
result $? "exec: a second signal ends the run and its filter"

echo "1..$n"
exit $((failed > 0))
