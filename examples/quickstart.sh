#!/bin/sh
# quickstart.sh - installs what is missing from Debian's packages, builds, and runs the main job on
# examples/leads.csv: import, enrich, verify. Only the embedded providers take part: no account is
# needed and nobody is asked but the name servers; without a network `verify` says "unknown".
# It may be run again and again; everything it writes is below build/.
set -eu
cd "$(dirname "$0")/.."
B=${B:-build}
out=$B/quickstart

stop() { echo "quickstart.sh: $1" >&2; exit 1; }

# 0: everything is in the output; 1: something was rejected or is unknown, and accounted for.
stage() { # NAME COMMAND...
    name=$1
    shift
    status=0
    "$@" || status=$?
    echo "$status" >"$out/status.$name"
}

echo "1. packages"
sh tests/packages.sh build show
echo "2. build"
mkdir -p "$out"
make -j"$(nproc)" B="$B" all >"$out/build.log" 2>&1 || {
    tail -n 30 "$out/build.log" >&2
    stop "the build failed; all of it is in $out/build.log"
}
PATH=$(cd "$B/bin" && pwd):$PATH

echo "3. contacts-import examples/leads.csv | enrich | verify"
rm -f "$out"/rejects.* "$out"/status.* "$out"/contacts.ndjson
echo '{}' >"$out/config.jq"
export LEADPIPE_CONFIG="$out/config.jq" LEADPIPE_STATE="$out/state.db"
stage import contacts-import --tag quickstart --rejects "$out/rejects.import.ndjson" examples/leads.csv |
    stage enrich enrich --chain offline --rejects "$out/rejects.enrich.ndjson" |
    stage verify verify --chain local --rejects "$out/rejects.verify.ndjson" >"$out/contacts.ndjson"
for name in import enrich verify; do
    status=$(cat "$out/status.$name")
    [ "$status" -le 1 ] || stop "the stage $name ended with exit status $status"
done

echo
jq -rn --argjson max 15 -f examples/table.jq "$out/contacts.ndjson"
echo
jq -rn 'reduce (inputs.verification | "\(.status) (\(.reason))") as $v ({}; .[$v] += 1)
    | to_entries | sort_by(-.value, .key)[] | "\(.value)\t\(.key)"' "$out/contacts.ndjson" |
    awk -F '\t' '{ n += $1; printf "%6d  %s\n", $1, $2 } END { printf "%6d  contacts\n", n }'
echo
echo "contacts: $out/contacts.ndjson"
for file in "$out"/rejects.*.ndjson; do
    [ -s "$file" ] && echo "rejects:  $file ($(wc -l <"$file"))"
done
echo "programs: $B/bin; manual: man -l man/leadpipe.7"
