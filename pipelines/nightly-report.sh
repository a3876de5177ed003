#!/usr/bin/env bash
# nightly-report.sh - the night's report of everything in a directory, for people and for programs
#
#   nightly-report.sh DATA OUT [-- OPTION...]
#
# DATA holds records, *.ndjson: contacts, jobs, replies, events, metrics, spend, in files of any names.
# OUT gets report.json, .txt, .csv, .md and .html of this night, and history/DAY.json; what could not
# be used this night is rejects.ndjson: DATA is read whole every night, so what is kept from earlier
# ones would be there twice. A file of OUT is the old one or the new one, never half of it.
# OPTIONs go to report, as in: nightly-report.sh data out -- --since 2026-01-01 --cost-per-contact 0.50EUR
#
# Environment: LEADPIPE_STATE, the state file (where there is one, providers are reported too); NOW, a
# time that stands for the clock; LC_ALL, LC_CTYPE or LANG, whether report.txt may be more than ASCII
# (cron sets none of them: then it is UTF-8, as its neighbours are).
# Exit status: that of report; rejects alone are no failure, for the report tells of them.
set -euo pipefail

die() { # STATUS MESSAGE
    echo "nightly-report.sh: $2" >&2
    exit "$1"
}
[ $# -ge 2 ] || die 2 "usage: nightly-report.sh DATA OUT [-- OPTION...]"
data=$1 out=$2
shift 2
[ $# = 0 ] || [ "$1" = -- ] || die 2 "$1: options of report come after --"
[ $# = 0 ] || shift

# Rejects of this night would be records of the next, and again of the one after.
[ ! "$data" -ef "$out" ] || die 2 "$out: DATA and OUT are to be two directories"

shopt -s nullglob
records=("$data"/*.ndjson)
[ ${#records[@]} -gt 0 ] || die 2 "$data holds no *.ndjson"
# A relative name that begins with a dash is no option.
case $data in -*) records=("${records[@]/#/./}") ;; esac

options=(--quiet)
[ -z "${NOW:-}" ] || options+=(--now "$NOW")
[ ! -e "${LEADPIPE_STATE:-}" ] || options+=(--state "$LEADPIPE_STATE")

export LC_ALL="${LC_ALL:-${LC_CTYPE:-${LANG:-C.UTF-8}}}"

mkdir -p -- "$out/history"
work=$(mktemp -d -- "$out/.night.XXXXXX")
trap 'rm -rf -- "$work"' EXIT

touch -- "$work/rejects.ndjson"
report "${options[@]}" --rejects "$work/rejects.ndjson" --format json "$@" -- "${records[@]}" \
    >"$work/report.json" || { status=$?; [ $status -eq 1 ] || exit $status; }
for layout in text:txt csv:csv markdown:md html:html; do
    report --quiet --format "${layout%:*}" -- "$work/report.json" >"$work/report.${layout#*:}"
done

day=$(jq -r '.as_of[0:10]' "$work/report.json")
cp -- "$work/report.json" "$work/$day.json"
mv -f -- "$work/$day.json" "$out/history/"
mv -f -- "$work"/report.* "$work/rejects.ndjson" "$out/"
