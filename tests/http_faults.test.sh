#!/bin/bash
# Every fault of the simulated vendor, met by lib/sys/http: the right outcome, within the deadline and
# 10 % more, and the exchanges beside it not held up. Ends with "N passed, M failed".
set -uo pipefail
ROOT=${ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
B=${B:-$ROOT/build}
T=${T:-$(mktemp -d)}
get=("$B/tests/programs/httpget")
deadline=1000 most=1100
if [ -n "${TEST_WRAP:-}" ]; then # all is slower there, what must end early included
    read -ra wrap <<<"$TEST_WRAP"
    get=("${wrap[@]}" "${get[@]}")
    deadline=3000 most=9000
fi
passed=0 failed=0

verdict() { # OK? NAME [WHY]
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        echo "ok $((passed + failed)) $2"
    else
        failed=$((failed + 1))
        echo "not ok $((passed + failed)) $2"
        echo "#   ${3:-}"
    fi
}

sh "$ROOT/tests/servers/mkcerts.sh" "$T/certs" || exit 1
tls=()
for name in good expired wronghost selfsigned unknownca; do
    tls+=(--tls "$name:$T/certs/$name.pem:$T/certs/$name.key")
done
tls+=(--tls "old:$T/certs/good.pem:$T/certs/good.key:1.1")
/usr/bin/python3 "$ROOT/tests/servers/vendor-sim.py" "${tls[@]}" >"$T/ports" &
server=$!
trap 'kill $server 2>/dev/null' EXIT
for _ in $(seq 200); do
    grep -q '^port' "$T/ports" && break
    sleep 0.05
done
port() { awk -v what="$1" '$1 == what || $2 == what { print $NF; exit }' "$T/ports"; }
sim=http://127.0.0.1:$(port port)
control=http://127.0.0.1:$(port control)/_sim
match="/api/v1/people/match?email=ada@acme.test"
credits=$sim/v1/account/credits
keys=(-H "X-Api-Key: sim-key" -H "X-Access-Token: sim-key")

tell() { "$B/tests/programs/httpget" -m POST -b "$2" "$control/$1" >/dev/null; }
# A number out of the statistics, by a Python expression over `s`.
stat() {
    "$B/tests/programs/httpget" -o "$control/stats" | tail -n 1 |
        /usr/bin/python3 -c "import json,sys; s = json.load(sys.stdin); print($1)"
}

# Prints how LINE (of httpget) differs from what is expected; nothing if it does not.
compare() { # LINE FAULT STATUS MAX_MS SENT
    read -r fault status ms sent _ <<<"$1"
    [[ $fault =~ ^($2)$ ]] || echo "fault $fault instead of $2: $1"
    [ "$status" = "$3" ] || echo "status $status instead of $3: $1"
    [ "$ms" -le "$4" ] || echo "$ms ms, more than $4: $1"
    [ "$5" = any ] || [ "$sent" = "$5" ] || echo "$sent instead of $5: $1"
}

# One exchange that meets a fault.
expect() { # NAME FAULT STATUS FAULT_JSON|- URL [SENT] [OPTION...]
    local name=$1 fault=$2 status=$3 json=$4 url=$5 sent=${6:-any} out why line
    shift $(($# < 6 ? 5 : 6))
    tell reset ""
    [ "$json" = - ] || tell fault "$json"
    out=$("${get[@]}" -d $deadline -m POST "${keys[@]}" "$@" "$url" 2>"$T/err")
    why=$(compare "$out" "$fault" "$status" $most "$sent")
    verdict "$([ -z "$why" ]; echo $?)" "$name" "$why $(cat "$T/err")"
}

beside() { # NAME FAULT_JSON N: N exchanges that meet the fault, and five others, at once
    local name=$1 json=$2 n=$3 urls=() why="" line i
    tell reset ""
    tell fault "$json"
    for ((i = 0; i < n; i++)); do urls+=("$sim$match"); done
    for ((i = 0; i < 5; i++)); do urls+=("$credits"); done
    mapfile -t lines < <("${get[@]}" -d $deadline "${keys[@]}" "${urls[@]/people\/match*/auth\/health}")
    for ((i = n; i < n + 5; i++)); do
        why+=$(compare "${lines[i]}" none 200 $((deadline / 2)) sent)
    done
    for ((i = 0; i < n; i++)); do
        read -r _ _ ms _ <<<"${lines[i]}"
        [ "$ms" -le $most ] || why+="${lines[i]}"
    done
    verdict "$([ -z "$why" ]; echo $?)" "$name" "$why"
}

apollo() { echo "{\"vendor\":\"apollo\",\"kind\":\"$1\"${2:+,$2}}"; }
at=$sim$match

# --- HTTP ---------------------------------------------------------------------------------------
expect "no fault" none 200 - "$at" sent
expect "silence" timeout 0 "$(apollo silence)" "$at" sent
expect "one byte a second" timeout 0 "$(apollo slow)" "$at" sent
expect "endless headers, fast" bad 0 "$(apollo endless_headers)" "$at" sent
expect "endless headers, slow" timeout 0 "$(apollo endless_headers '"interval_ms":20')" "$at" sent
expect "endless body, fast" bad 0 "$(apollo endless_body)" "$at" sent
expect "endless body, slow" timeout 0 "$(apollo endless_body '"interval_ms":20')" "$at" sent
expect "length too large" network 0 "$(apollo wrong_length)" "$at" sent
expect "length too small: the body is cut there" none 200 "$(apollo wrong_length_short)" "$at" sent
expect "gzip" none 200 "$(apollo gzipped)" "$at" sent
expect "gzip bomb" bad 0 "$(apollo gzip_bomb)" "$at" sent
expect "broken gzip" bad 0 "$(apollo bad_gzip)" "$at" sent
expect "9 MiB body" bad 0 "$(apollo huge)" "$at" sent
expect "8 MiB body" none 200 "$(apollo huge '"bytes":8388598')" "$at" sent
expect "8 MiB and one byte" bad 0 "$(apollo huge '"bytes":8388599')" "$at" sent
expect "redirect loop" bad 0 "$(apollo redirect_loop)" "$at" sent
n=$(stat 's["vendors"]["apollo"]["requests"]')
verdict "$([ "$n" = 4 ]; echo $?)" "redirect loop: three redirects were followed" "$n requests"
expect "redirect to another host" bad 0 "$(apollo redirect_host)" "$at" sent
n=$(stat 'len(s["hosts"]), s["vendors"]["apollo"]["requests"]')
verdict "$([ "$n" = "1 1" ]; echo $?)" "redirect to another host: nothing arrived there" "$n"
expect "redirect to file:" bad 0 "$(apollo redirect_file)" "$at" sent
expect "redirect at home" none 200 \
    "$(apollo redirect "\"count\":1,\"location\":\"$match\"")" "$at" sent
expect "redirect that makes a POST a GET" bad 0 \
    "$(apollo redirect "\"count\":1,\"status\":302,\"location\":\"$match\"")" "$at" sent
expect "HTML with 200" none 200 "$(apollo html200)" "$at" sent
expect "truncated JSON" none 200 "$(apollo truncated_json)" "$at" sent
expect "empty body" none 200 "$(apollo empty)" "$at" sent
expect "not HTTP" bad 0 "$(apollo garbage)" "$at" sent
expect "reset in the body" network 0 "$(apollo reset)" "$at" sent
expect "reset before the answer" network 0 "$(apollo reset_early)" "$at" sent
expect "closed before the answer" network 0 "$(apollo close)" "$at" sent
expect "closed at accept" 'network|connect' 0 '{"kind":"refuse","count":1}' "$at"
expect "nobody listens" connect 0 - "http://127.0.0.1:1/" unsent
expect "no such host" 'dns|timeout' 0 - "http://nobody.invalid/" unsent
for status in 401 402 403 404 422 500 503; do
    expect "status $status" none $status "$(apollo $status)" "$at" sent
done
expect "flapping: first" none 500 "$(apollo flapping)" "$at" sent

expect "429" none 429 "$(apollo 429)" "$at" sent

retry() { # NAME FAULT_JSON LEAST MOST
    tell reset ""
    tell fault "$2"
    read -r _ _ _ _ _ ms _ < <("${get[@]}" -m POST "${keys[@]}" "$at")
    verdict "$([ "$ms" -ge "$3" ] && [ "$ms" -le "$4" ]; echo $?)" "$1" "$ms ms"
}
retry "429 without Retry-After" "$(apollo 429)" -1 -1
retry "429, Retry-After in seconds" "$(apollo 429 '"retry_after":"7"')" 7000 7000
retry "429, Retry-After as a date" "$(apollo 429 '"retry_after":"date:100"')" 95000 100000

# --- others beside it ---------------------------------------------------------------------------
for kind in silence slow endless_headers endless_body gzip_bomb reset; do
    beside "others are not held up: $kind" "$(apollo $kind)" 3
done
beside "others are not held up: 32 silent ones" "$(apollo silence)" 32

# --- TLS ----------------------------------------------------------------------------------------
secure() { echo "https://127.0.0.1:$(port "$1")$match"; }
trust=(-a "$T/certs/ca.pem")
expect "TLS, a CA of our own" none 200 - "$(secure good)" sent "${trust[@]}"
refused() { # NAME LISTENER [OPTION...]
    local name=$1 listener=$2
    shift 2
    expect "TLS refused: $name" tls 0 - "$(secure "$listener")" unsent "$@"
    n=$(stat 's["vendors"]["apollo"]["requests"]')
    verdict "$([ "$n" = 0 ]; echo $?)" "TLS refused: $name: no request arrived" "$n requests"
}
refused "expired" expired "${trust[@]}"
refused "wrong host" wronghost "${trust[@]}"
refused "self-signed" selfsigned "${trust[@]}"
refused "unknown CA" unknownca "${trust[@]}"
refused "a CA that is trusted nowhere else" good
refused "TLS 1.1" old "${trust[@]}"
refused "CA file missing" good -a "$T/none.pem"
expect "TLS stall" timeout 0 '{"kind":"tls_stall"}' "$(secure good)" unsent "${trust[@]}"
expect "TLS asked of a plain port" tls 0 - "https://127.0.0.1:$(port port)$match" unsent "${trust[@]}"
expect "silence over TLS" timeout 0 "$(apollo silence)" "$(secure good)" sent "${trust[@]}"
expect "reset over TLS" network 0 "$(apollo reset)" "$(secure good)" sent "${trust[@]}"
expect "endless body over TLS" bad 0 "$(apollo endless_body)" "$(secure good)" sent "${trust[@]}"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
