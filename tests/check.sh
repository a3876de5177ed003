#!/bin/sh
# check.sh [SUITE...] - runs suites against one build, ends with "N passed, M failed".
#
#   units       every $B/unit program (cmocka)
#   golden      tests/golden, by golden.sh
#   scripts     tests/*.test.sh and tests/*/*.test.sh, which print "ok N name" / "not ok N name"; one at
#               a time, but for those with a line "# Runs beside others."
#   lint        tests/lint
#   behaviours  are the behaviours of tests/behaviours.sh shown by tests that passed in this run?
#
# units/LAYER/MODULE and scripts/NAME.test.sh are one of them.
#
# Environment of units and scripts: ROOT (the repository, also the working directory), B (the build
# directory), T (an empty directory, removed afterwards), HOME (another), the built programs first
# on PATH; TEST_WRAP as in golden.sh. Raw output is kept in $B/test/SUITE.NAME.log, one line for
# every test in $B/test/results. A test named "... # skip WHY" is neither passed nor failed.
set -u
ROOT=$(cd "$(dirname "$0")/.." && pwd)
B=${B:-build}
case $B in /*) ;; *) B=$ROOT/$B ;; esac
logs=${TEST_LOGS:-$B/test}
case $logs in /*) ;; *) logs=$ROOT/$logs ;; esac
cd "$ROOT" || exit 1

clean_env() { # WORK COMMAND... - as golden.sh does it, with what test scripts need besides
    work=$1
    shift
    mkdir -p "$work/t" "$work/home"
    env -i HOME="$work/home" PATH="$bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" \
        ROOT="$ROOT" B="$B" T="$work/t" TMPDIR="$work" LC_ALL=C.UTF-8 TZ=UTC LEADPIPE_LIB="$ROOT/lib" \
        TEST_WRAP="${TEST_WRAP:-}" TEST_LOGS="$logs" CI="${CI:-}" MAKE="${MAKE:-make}" \
        ASAN_OPTIONS="log_path=$work/report.asan:detect_stack_use_after_return=1" \
        UBSAN_OPTIONS="log_path=$work/report.ubsan:print_stacktrace=1" REPORT="$work/report" \
        CMOCKA_MESSAGE_OUTPUT=TAP PYTHONDONTWRITEBYTECODE=1 "$@"
}

# Turns raw output into "ok NAME" / "not ok NAME" / "skip NAME" lines. What a test left unsaid (it
# crashed, a plan not kept, a report of a sanitizer, no test at all) is a failure of its own.
results_of() { # SUITE/NAME LOG STATUS REPORTS
    awk -v label="${1:+$1: }" -v status="$3" -v reports="$4" '
        match($0, /^1\.\.[0-9]+$/) { plan += substr($0, 4); next }
        match($0, /(^not ok|not ok|^ok|ok) [0-9]+ /) {
            line = substr($0, RSTART); word = line ~ /^not/ ? "not ok" : "ok"
            sub(/^(not )?ok [0-9]+ (- )?/, "", line); n++
            if (line ~ /# ?[Ss][Kk][Ii][Pp]/) word = "skip"
            if (word == "not ok") failed++
            print word, label  line
        }
        END {
            if (plan && plan != n) { print "not ok " label  n + 0 " of " plan " tests reported" }
            else if (status != 0 && !failed) { print "not ok " label ": exit status " status }
            else if (status == 0 && failed) { print "not ok " label ": exit status 0 although tests failed" }
            if (!n && status == 0) print "not ok " label ": no tests"
            if (reports) print "not ok " label ": sanitizer or valgrind report"
        }' "$2"
}

# What failed and what was said of it; of a program that failed without a word, how it ended.
failures_of() { # LOG
    awk '/ERROR: .*Sanitizer|runtime error:|^==[0-9]+== [A-Z]/ { bad = 25 } bad && bad--' "$1" | head -n 75
    grep -q '^not ok [0-9]' "$1" || { tail -n 20 "$1"; return; }
    awk '/^not ok [0-9]/ { bad = 1 } /^ok [0-9]/ || /^[0-9]+ passed/ { bad = 0 } bad' "$1" | head -n 120
}

run_one() { # SUITE NAME COMMAND...
    suite=$1 name=$2
    shift 2
    log=$logs/$suite.$(echo "$name" | tr / .).log
    work=$(mktemp -d) || exit 1
    limit=600
    [ -z "${TEST_WRAP:-}" ] || limit=6000 # valgrind takes its time
    clean_env "$work" timeout "${TEST_TIMEOUT:-$limit}" "$@" </dev/null >"$log" 2>&1
    status=$?
    reports=0
    for report in "$work"/report.*; do
        [ -s "$report" ] || continue
        reports=1
        cat "$report" >>"$log"
    done
    results_of "$suite/$name" "$log" $status $reports >"$log.results"
    rm -rf "$work"
    grep -q '^not ok' "$log.results" || return 0
    echo "--- $suite/$name failed (exit status $status); all of it: $log"
    failures_of "$log"
    echo "---"
}

unit_names() { # programs whose source is still there
    find tests/unit -name '*.c' 2>/dev/null | sed 's|^tests/unit/||; s|\.c$||' | sort
}

# MARKED: -l those that say they may run beside others, -L the rest.
script_names() { # MARKED
    find tests -maxdepth 2 -name '*.test.sh' -exec grep "$1" '^# Runs beside others' {} + | sed 's|^tests/||' | sort -r
}

run_suite() { # SUITE
    case $1 in
    units) unit_names | xargs -r -P "${TEST_JOBS:-$(nproc)}" -n 1 sh "$0" --one units ;;
    # One at a time, but for those that measure no deadline.
    scripts) script_names -l | xargs -r -P "${TEST_JOBS:-$(nproc)}" -n 1 sh "$0" --one scripts
        script_names -L | xargs -r -n 1 sh "$0" --one scripts ;;
    golden) TEST_JOBS=${TEST_JOBS:-$(nproc)} B=$B sh tests/golden.sh >"$logs/golden.log" 2>&1
        results_of "" "$logs/golden.log" $? 0 >"$logs/golden.log.results"
        ! grep -q '^not ok' "$logs/golden.log.results" || failures_of "$logs/golden.log" ;;
    units/* | scripts/*) sh "$0" --one "${1%%/*}" "${1#*/}" ;;
    lint) run_one lint lint sh tests/lint/run.sh ;;
    behaviours) collect >"$logs/results"
        run_one behaviours behaviours sh tests/behaviours.sh "$logs/results" ;;
    *)
        echo "check.sh: no suite $1" >&2
        exit 2
        ;;
    esac
}

collect() { cat "$logs"/*.results 2>/dev/null; }

closing_line() { # SUITE SECONDS
    cat "$logs/$(echo "$1" | tr / .)".*results 2>/dev/null | awk -v suite="$1" -v seconds="$2" '
        /^ok/ { passed++ } /^not ok/ { failed++ } /^skip/ { skipped++ }
        END {
            printf "%-11s %d passed, %d failed", suite ":", passed, failed
            if (skipped) printf ", %d skipped", skipped
            printf " (%d s)\n", seconds
        }'
}

if [ "${1:-}" = --one ]; then
    bin=${TEST_BIN:?}
    case $2 in
    units) run_one units "$3" sh -c 'exec $TEST_WRAP ${TEST_WRAP:+--log-file=$REPORT.%p} "$1"' sh "$B/unit/$3" ;;
    scripts)
        shell=sh
        if head -n 1 "tests/$3" | grep -q bash; then shell=bash; fi
        run_one scripts "$3" $shell "tests/$3" ;;
    esac
    exit 0
fi

[ $# -gt 0 ] || set -- units golden scripts lint behaviours
rm -rf "$logs"
mkdir -p "$logs"
TEST_BIN=$B/bin
if [ -n "${TEST_WRAP:-}" ]; then
    TEST_BIN=$logs/bin
    sh tests/wrap.sh "$B/bin" "$TEST_BIN" || exit 1
fi
bin=$TEST_BIN TEST_LOGS=$logs
export B TEST_BIN TEST_LOGS
for suite; do
    began=$(date +%s)
    run_suite "$suite"
    closing_line "$suite" $(($(date +%s) - began))
done
collect >"$logs/results"
awk '/^ok/ { passed++ } /^not ok/ { failed++ }
     END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || !passed }' "$logs/results"
