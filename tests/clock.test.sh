#!/bin/bash
# Years beyond 2038, time zones, and a clock that was wrong for a while: the same bytes, no wrong wait.
set -u
passed=0 failed=0
verdict() { # OK? NAME [WHY]
    if [ "$1" = 0 ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
    [ "$1" = 0 ] && echo "ok $((passed + failed)) $2" || printf 'not ok %d %s\n#   %s\n' $((passed + failed)) "$2" "${3:-}"
}
one='{"email":"ada.ashby@acme-widgets.example"}'
ask() { echo "$one" | enrich --quiet --state none --chain offline "$@"; }

want=$(TZ=UTC ask --now 2026-01-31T10:00:00Z)
for zone in America/New_York Asia/Kolkata Pacific/Kiritimati Antarctica/Troll; do
    got=$(TZ=$zone ask --now 2026-01-31T10:00:00Z)
    [ "$got" = "$want" ]
    verdict $? "the same bytes in $zone" "$got"
done
got=$(ask --now 2026-01-31T15:30:00+05:30)
[ "$got" = "$want" ]
verdict $? "an offset in --now is the same moment" "$got"
for year in 2038-01-19T03:14:08Z 2100-03-01T00:00:00Z 9999-12-31T23:59:59Z; do
    ask --now $year | grep -q "\"enriched_at\":\"$year\""
    verdict $? "the year ${year%%-*}"
done

# A provider is benched by its failures while the clock is four years ahead; set right, it is asked.
cat >"$T/config.jq" <<'END'
{chains: {lead_enrichment: {providers: ["own", "offline"]}},
 providers: {own: {use: "exec", tries: 1, command: ["jq", "-c", "--unbuffered", env.ANSWER]}}}
END
run() { # ANSWER N: the outcome of the last of N records
    seq -f '{"email":"user%.0f@acme.test"}' "$2" |
        ANSWER=$1 ${ahead:-} enrich --quiet --config "$T/config.jq" --state "$T/state.db" --no-cache |
        tail -n 1 | jq -r '.enrichment.attempts[0] | .outcome + "/" + (.error_class // "")'
}
if command -v faketime >/dev/null; then
    export ahead='faketime -f +4y'
    got=$(run '{outcome: "error", class: "server"}' 5)
    [ "$got" = skipped/circuit_open ]
    verdict $? "the circuit opens under a clock four years ahead" "$got"
    ahead=
    got=$(run '{outcome: "ok", data: {job_title: "Engineer"}}' 1)
    [ "$got" = ok/ ]
    verdict $? "with the clock set right it is asked at once, not in four years" "$got"

    # What is kept outlasts a run whose clock is years ahead, which takes it for long out of date.
    cat >"$T/config.jq" <<'END'
{chains: {lead_enrichment: {providers: ["own"]}}, providers: {own: {use: "exec", tries: 1,
  command: ["sh", "-c", "while read -r l; do echo asked >>$T/asked; echo '{\"outcome\": \"not_found\"}'; done"]}}}
END
    kept() { # NAME N: how often it was asked about N of that name
        rm -f "$T/asked"
        seq -f "{\"email\":\"$1%.0f@acme.test\"}" "$2" |
            T=$T $ahead enrich --quiet --config "$T/config.jq" --state "$T/kept.db" >/dev/null
        wc -l 2>/dev/null <"$T/asked" || echo 0
    }
    ahead='' && kept early 40 >/dev/null
    ahead='faketime -f +4y' && got=$(kept late 200)
    ahead='' && got="$got $(kept early 40)"
    [ "$got" = "200 0" ]
    verdict $? "a run with the clock four years ahead throws no answer away" "$got"

    # The clock goes back five hours in the middle of a run without memory, while the circuit is open.
    cat >"$T/config.jq" <<'END'
{chains: {lead_enrichment: {providers: ["own", "offline"]}}, providers: {own: {use: "exec", tries: 1,
  command: ["sh", "-c", "while read -r l; do cat $T/says; done"]}}}
END
    echo '{"outcome": "error", "class": "server"}' >"$T/says"
    echo +0 >"$T/clock"
    got=$({
        seq -f '{"email":"user%.0f@acme.test"}' 5
        sleep 0.5
        echo '{"outcome": "ok", "data": {"job_title": "Engineer"}}' >"$T/says"
        echo -5h >"$T/clock"
        sleep 1.5 # it is noticed once a second
        echo '{"email":"user6@acme.test"}'
        sleep 0.5
        echo '{"email":"user7@acme.test"}'
    } | T=$T LD_PRELOAD=$(faketime -f +0 sh -c 'echo "$LD_PRELOAD"') FAKETIME_TIMESTAMP_FILE=$T/clock \
        FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 \
        enrich --quiet --config "$T/config.jq" --state none |
        jq -r '.enrichment.attempts[0] | .outcome' | tail -n 4 | tr '\n' ' ')
    [ "$got" = "skipped skipped ok ok " ] || [ "$got" = "skipped skipped skipped ok " ]
    verdict $? "a clock set back while a circuit is open keeps nobody out, without a state file too" "$got"

    # What is set aside before midnight and not spent is not the new day's to spend.
    cat >"$T/config.jq" <<'END'
{chains: {lead_enrichment: {providers: ["own", "offline"], budget: {day: 2}}},
 providers: {own: {use: "exec", tries: 1, cost: {credits: 1},
  command: ["sh", "-c", "while read -r l; do sleep $PAUSE; cat $T/says; done"]}}}
END
    count() { # FROM PAUSE: how many of five records are answered by the one that costs
        seq -f '{"email":"user%.0f@acme.test"}' 5 | T=$T PAUSE=$2 faketime -f "@$1" \
            enrich --quiet --config "$T/config.jq" --state "$T/day.db" --jobs 1 --no-cache |
            jq -r '.enrichment.attempts[0].outcome' | grep -cv skipped
    }
    echo '{"outcome": "not_found"}' >"$T/says"
    count "2026-11-20 23:59:59" 1.5 >/dev/null
    echo '{"outcome": "ok", "data": {"job_title": "Engineer"}}' >"$T/says"
    got=$(count "2026-11-21 00:01:00" 0)
    [ "$got" = 2 ]
    verdict $? "what was not spent of yesterday's budget does not add to today's" "$got"
else
    echo "ok $((passed + failed + 1)) a clock four years ahead # skip no faketime"
    echo "ok $((passed + failed + 2)) answers outlast a wrong clock # skip no faketime"
    echo "ok $((passed + failed + 3)) a clock set back # skip no faketime"
    echo "ok $((passed + failed + 4)) a day's budget past midnight # skip no faketime"
fi
echo "$passed passed, $failed failed"
[ $failed = 0 ]
