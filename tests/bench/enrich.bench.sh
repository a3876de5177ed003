#!/bin/bash
# enrich.bench.sh - enrich, 32 calls in flight and one contact a call, against nginx with a canned
# answer; beside it an aiohttp client and a bare libcurl loop with the same adapter, and wrk for what
# the server itself can do. Each client runs RUNS times, in turn; the best of each counts.
#   N=30000 RUNS=3 sh tests/bench/enrich.bench.sh
set -u
export PATH=$PATH:/usr/sbin
ROOT=${ROOT:-$(cd "$(dirname "$0")/../.." && pwd)}
B=${B:-$ROOT/build}
T=${T:-$(mktemp -d)}
N=${N:-30000}
RUNS=${RUNS:-3}
enrich=${ENRICH:-$B/bin/enrich}
for tool in nginx wrk; do
    command -v $tool >/dev/null || { echo "enrich.bench.sh: no $tool" >&2; exit 1; }
done

port=$(/usr/bin/python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir -p "$T/nginx"
sed "s|@PORT@|$port|g; s|@DIR@|$T/nginx|g" "$ROOT/tests/bench/nginx-canned.conf.in" >"$T/nginx/conf"
nginx -p "$T/nginx" -c "$T/nginx/conf" -e "$T/nginx/nginx.log" &
server=$!
trap 'kill $server 2>/dev/null; wait $server 2>/dev/null' EXIT
for _ in $(seq 100); do
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.05
done
base=http://127.0.0.1:$port/api/v1

seq -f '{"kind":"contact","email":"user%.0f@acme.test","first_name":"Ada","last_name":"Ashby","custom_fields":{"Plan":"basic","Region":"North"},"tags":["a","b"],"created_at":"2026-01-31T10:00:00Z"}' "$N" >"$T/contacts"
cat >"$T/config.jq" <<CONFIG
{"chains": {"lead_enrichment": {"providers": ["apollo"]}},
 "providers": {"apollo": {"api_key": "sim-key", "base_url": "$base", "batch": 1,
                          "rate": {"requests": 1000000, "per_s": 1}}}}
CONFIG
chmod 600 "$T/config.jq"

calls_a_second() { # NAME: the best of its runs
    awk -v name="$1" '$1 == name && $2 > best { best = $2 } END { printf "%.0f", best }' "$T/rates"
}

run_aiohttp() { /usr/bin/python3 "$ROOT/tests/bench/aiohttp_client.py" "$base"; }
run_loop() { LEADPIPE_LIB=$ROOT/lib "$B/bench/curl_loop" "$base"; }
run_nojq() { LEADPIPE_LIB=$ROOT/lib "$B/bench/curl_loop" "$base" no-jq; }
run_enrich() {
    rm -f "$T"/state*
    LEADPIPE_LIB=$ROOT/lib "$enrich" -q -c "$T/config.jq" -s "$T/state" -j 32
}

measure() { # NAME: runs it once, checks that nothing was lost, notes its rate by wall time
    local name=$1 began ended
    began=$(date +%s%N)
    "run_$name" <"$T/contacts" >"$T/out.$name" 2>"$T/err.$name"
    ended=$(date +%s%N)
    if [ "$(wc -l <"$T/out.$name")" != "$N" ]; then
        echo "enrich.bench.sh: $name lost records:" >&2
        tail -n 3 "$T/err.$name" >&2
        return 1
    fi
    awk -v name="$name" -v n="$N" -v ns=$((ended - began)) \
        'BEGIN { printf "%s %.0f\n", name, n * 1e9 / ns }' >>"$T/rates"
    echo "$name $(tail -n 1 "$T/rates" | cut -d' ' -f2) calls/s $(grep -h libjq "$T/err.$name")" >&2
}

cat >"$T/wrk.lua" <<'LUA'
wrk.method = "POST"
wrk.headers["X-Api-Key"] = "sim-key"
LUA
wrk=$(wrk -t1 -c32 -d3 -s "$T/wrk.lua" "$base/people/match" | awk '/^Requests\/sec/ { printf "%.0f", $2 }')
echo "wrk $wrk calls/s" >&2
clients="aiohttp nojq loop"
[ -x "$enrich" ] && clients+=" enrich"
: >"$T/rates"
for _ in $(seq "$RUNS"); do
    for name in $clients; do measure "$name" || exit 1; done
done
share=$(sed -n 's/.*, \([0-9]*%\) of the time in libjq.*/\1/p' "$T/err.loop")
aiohttp=$(calls_a_second aiohttp) loop=$(calls_a_second loop)
servers="nginx gives wrk $wrk calls/s; the loop spends $share of its time in libjq, without it $(calls_a_second nojq) calls/s"
if [ ! -x "$enrich" ]; then
    echo "| bare libcurl loop with the adapter: $loop calls/s; aiohttp: $aiohttp; $servers | | |"
    exit 0
fi
ours=$(calls_a_second enrich)
ratio() { awk -v a="$ours" -v b="$1" 'BEGIN { printf "%.2f", a / b }'; }
echo "| \`enrich\`, 32 in flight, batch 1: $ours calls/s, aiohttp client $aiohttp | $(ratio "$aiohttp") × | 2 × |"
echo "| the same against a bare libcurl loop with the same adapter, $loop calls/s ($servers) | $(ratio "$loop") × | 0.5 × |"
awk -v a="$(ratio "$aiohttp")" -v l="$(ratio "$loop")" 'BEGIN { exit !(a >= 2 && l >= 0.5) }'
