#!/bin/sh
# golden.sh [CASE...] - runs golden cases and prints "ok N golden/PROGRAM/CASE" lines.
#
# A case is a directory tests/golden/PROGRAM/NAME holding
#   cmd       one shell line, run by sh -c in the case directory
#   in        fed to standard input (none: /dev/null)
#   out       standard output, exactly (none: nothing may be written)
#   err       standard error, exactly; or err.grep: extended regular expressions, one a line,
#             each of which must match some line of standard error
#   status    the exit status (none: 0)
#   nowrap    why the case cannot be run under TEST_WRAP
# $ROOT is the repository, $T an empty directory, the built programs come first on PATH. Nothing
# else of the caller's environment is seen. CASE is PROGRAM/NAME or PROGRAM; without one, all run.
#   B=DIR          the build directory (build)
#   TEST_WRAP=CMD  put before every program, for example 'valgrind -q --error-exitcode=99'
#   TEST_JOBS=N    cases at a time (the number of processors)
#   UPDATE=1       write what came out as `out` (and `err`, `status` where they exist)
set -u
ROOT=$(cd "$(dirname "$0")/.." && pwd)
cases=$ROOT/tests/golden

say_diff() { # LABEL EXPECTED ACTUAL
    diff -u --label "expected $1" --label "actual $1" "$2" "$3" | sed 's/^/# /' | head -n 60
}

check_err() { # CASE WORK
    if [ -f "$1/err" ]; then
        cmp -s "$1/err" "$2/err" || { say_diff err "$1/err" "$2/err"; return 1; }
    elif [ -f "$1/err.grep" ]; then
        while IFS= read -r pattern; do
            grep -Eq -e "$pattern" "$2/err" && continue
            echo "# no line of standard error matches: $pattern"
            sed 's/^/# err: /' "$2/err" | head -n 20
            return 1
        done <"$1/err.grep"
    fi
}

# Sanitizers and valgrind report into files of their own, so that a report from the first program of
# a pipe counts although the last one's status is 0.
check_reports() { # WORK
    for report in "$1"/report.*; do
        [ -s "$report" ] || continue
        sed 's/^/# /' "$report" | head -n 40
        return 1
    done
}

update() { # CASE WORK STATUS
    cp "$2/out" "$1/out"
    [ -s "$1/out" ] || rm -f "$1/out"
    [ ! -f "$1/err" ] || cp "$2/err" "$1/err"
    if [ "$3" = 0 ]; then rm -f "$1/status"; else echo "$3" >"$1/status"; fi
}

run_one() { # PROGRAM/NAME WORK
    case=$cases/$1 work=$2 good=1 want=0
    mkdir -p "$work/t" "$work/home"
    [ -f "$case/cmd" ] || { echo "not ok golden/$1"; echo "# no file cmd"; return; }
    [ -z "${TEST_WRAP:-}" ] || [ ! -f "$case/nowrap" ] || {
        echo "ok golden/$1 # skip $(cat "$case/nowrap")"
        return
    }
    input=/dev/null
    [ ! -f "$case/in" ] || input=$case/in
    [ ! -f "$case/status" ] || want=$(cat "$case/status")
    (
        cd "$case" &&
            exec env -i HOME="$work/home" PATH="$GOLDEN_BIN:/usr/local/bin:/usr/bin:/bin" ROOT="$ROOT" \
                T="$work/t" LC_ALL=C.UTF-8 TZ=UTC LEADPIPE_LIB="$ROOT/lib" \
                ASAN_OPTIONS="log_path=$work/report.asan:detect_stack_use_after_return=1" \
                UBSAN_OPTIONS="log_path=$work/report.ubsan:print_stacktrace=1" \
                REPORT="$work/report" PYTHONDONTWRITEBYTECODE=1 \
                timeout "${TEST_TIMEOUT:-60}" sh -c "$(cat cmd)"
    ) <"$input" >"$work/out" 2>"$work/err"
    status=$?
    [ -z "${UPDATE:-}" ] || update "$case" "$work" "$status"
    {
        [ "$status" = "$want" ] || {
            echo "# exit status $status, expected $want"
            sed 's/^/# err: /' "$work/err" | head -n 20
            good=0
        }
        expected=$case/out
        [ -f "$expected" ] || expected=/dev/null
        cmp -s "$expected" "$work/out" || { say_diff out "$expected" "$work/out"; good=0; }
        check_err "$case" "$work" || good=0
        check_reports "$work" || good=0
    } >"$work/why"
    if [ $good = 1 ]; then echo "ok golden/$1"; else echo "not ok golden/$1"; fi
    cat "$work/why"
}

if [ "${1:-}" = --one ]; then
    run_one "$2" "$GOLDEN_WORK/$2" >"$GOLDEN_WORK/$(echo "$2" | tr / .).result" 2>&1
    exit 0
fi

B=${B:-build}
case $B in /*) ;; *) B=$ROOT/$B ;; esac
GOLDEN_WORK=$(mktemp -d) || exit 1
trap 'rm -rf "$GOLDEN_WORK"' EXIT
trap 'exit 130' INT TERM
GOLDEN_BIN=$B/bin
if [ -n "${TEST_WRAP:-}" ]; then
    GOLDEN_BIN=$GOLDEN_WORK/bin
    sh "$ROOT/tests/wrap.sh" "$B/bin" "$GOLDEN_BIN" || exit 1
fi
export GOLDEN_WORK GOLDEN_BIN

list() {
    if [ $# = 0 ]; then set -- .; fi
    for what; do
        ( cd "$cases" 2>/dev/null && find "$what" -mindepth 0 -type d | sed 's|^\./||' | grep -E '^[^/]+/[^/]+$' )
    done | sort -u
}
list "$@" >"$GOLDEN_WORK/cases"
xargs -r -P "${TEST_JOBS:-$(nproc)}" -n 1 sh "$0" --one <"$GOLDEN_WORK/cases"

while IFS= read -r name; do
    cat "$GOLDEN_WORK/$(echo "$name" | tr / .).result" 2>/dev/null || echo "not ok golden/$name"
done <"$GOLDEN_WORK/cases" >"$GOLDEN_WORK/all"
awk '/^ok .* # skip / { n++; sub(/^ok/, "ok " n); print; next }
     /^ok / { n++; passed++; sub(/^ok/, "ok " n) }
     /^not ok / { n++; failed++; sub(/^not ok/, "not ok " n) }
     { print }
     END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || n == 0 }' "$GOLDEN_WORK/all"
