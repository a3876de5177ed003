#!/bin/bash
# full_disk.test.sh - every program on a full disk, on a closed standard output, and before a reader
# that goes away. Programs are found by what was built; one with habits of its own has a row below.
set -u
ROOT=${ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
B=${B:-$ROOT/build}
case $B in /*) ;; *) B=$ROOT/$B ;; esac
T=${T:-$(mktemp -d)}
bin=$B/bin
[ -z "${TEST_WRAP:-}" ] || bin=${PATH%%:*}
export XDG_CONFIG_HOME=$T/config XDG_STATE_HOME=$T/state
cd "$T" || exit 1
n=0 passed=0 failed=0

# PROGRAM: what makes it write records without a network or an account.
arguments() {
    case $1 in
    enrich) echo "--state none --chain offline" ;;
    verify) echo "--state none --chain local" ;;
    contacts-import) ;;
    self-check) echo "--state none --dry-run" ;;
    report) echo "--state none --format html --top 1000" ;;
    *) echo "--state none" ;;
    esac
}

# Does it read records?
reads() { [ "$1" != self-check ]; }

# PROGRAM ROWS: input that gives about as many records out. A domain that does not resolve keeps the
# name servers out of it.
sample() {
    case $1 in
    contacts-import)
        echo "Email,Company"
        seq -f "user%.0f@example.invalid,A company" "$2"
        ;;
    report) seq -f '{"email":"user%.0f@example.invalid","emails_sent":9,"emails_opened":9}' "$2" ;;
    *) seq -f '{"kind":"contact","email":"user%.0f@example.invalid","company":"A company"}' "$2" ;;
    esac
}

# A line that is rejected for certain.
bad_line() {
    case $1 in
    contacts-import) printf 'Email\nnot an address\n' ;;
    *) echo '{"email": nonsense' ;;
    esac
}

say() { # GOOD NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        echo "ok $n $2"
    else
        failed=$((failed + 1))
        echo "not ok $n $2"
        echo "# exit status $status"
        sed 's/^/# err: /' "$T/err" | head -n 10
    fi
}

fails_with_74() { # NAME
    [ "$status" = 74 ] && [ -s "$T/err" ]
    say $? "$1"
}

reasoned_74() { # NAME REASON
    [ "$status" = 74 ] && grep -q "$2" "$T/err"
    say $? "$1"
}

try_full_disk() { # PROGRAM ARGUMENTS...
    p=$1
    shift
    sample "$p" 3 >"$T/in"
    "$bin/$p" "$@" <"$T/in" >/dev/full 2>"$T/err"
    status=$?
    reasoned_74 "$p: full disk" "No space left on device"
    sample "$p" 20000 >"$T/in"
    "$bin/$p" "$@" <"$T/in" >/dev/full 2>"$T/err"
    status=$?
    reasoned_74 "$p: full disk in the middle" "No space left on device"
    for option in --help --version; do
        "$bin/$p" $option >/dev/full 2>"$T/err"
        status=$?
        fails_with_74 "$p: full disk, $option"
    done
    if reads "$p"; then
        bad_line "$p" >"$T/in"
        "$bin/$p" "$@" --rejects /dev/full <"$T/in" >/dev/null 2>"$T/err"
        status=$?
        reasoned_74 "$p: full disk for rejects" "/dev/full"
    fi
    if reads "$p" && [ "$p" != report ]; then # which writes nothing where it does not come to the end
        { sample "$p" 3 && bad_line "$p" | tail -n 1; } >"$T/in"
        "$bin/$p" "$@" --fail-fast <"$T/in" >/dev/full 2>"$T/err"
        status=$?
        reasoned_74 "$p: full disk for what was read before bad data" "No space left on device"
    fi
    sample "$p" 3 >"$T/in"
    "$bin/$p" "$@" --stats /dev/full <"$T/in" >/dev/null 2>"$T/err"
    status=$?
    reasoned_74 "$p: full disk for stats" "/dev/full"
}

try_closed() { # PROGRAM ARGUMENTS...
    p=$1
    shift
    if [ -z "${TEST_WRAP:-}" ]; then # valgrind gives its program a standard output that is open
        sample "$p" 3 >"$T/in"
        "$bin/$p" "$@" <"$T/in" >&- 2>"$T/err"
        status=$?
        fails_with_74 "$p: closed standard output"
    fi
    reads "$p" || return
    "$bin/$p" "$@" <&- >/dev/null 2>"$T/err"
    status=$?
    fails_with_74 "$p: closed standard input"
}

try_reader_gone() { # PROGRAM ARGUMENTS...
    p=$1
    shift
    reads "$p" || set -- "$@" --watch=1s # what else goes on writing
    reader='head -n 1' lines=1
    [ "$p" = report ] && reader=: lines=0 # writes once, less than a pipe holds
    sample "$p" 20000 >"$T/in"
    "$bin/$p" --quiet "$@" <"$T/in" 2>"$T/err" | $reader >"$T/out"
    status=${PIPESTATUS[0]}
    # Without a network verify has said so before.
    [ "$status" = 141 ] && ! grep -qv '^verify: local: ' "$T/err" && [ "$(wc -l <"$T/out")" = $lines ]
    say $? "$p: reader gone"
}

# The same while the input is open and says nothing more.
try_reader_gone_idle() { # PROGRAM ARGUMENTS...
    p=$1
    shift
    reads "$p" || return
    reader='head -n 1' lines=1
    [ "$p" = report ] && reader=: lines=0
    rm -f "$T/slow"
    mkfifo "$T/slow"
    { sample "$p" 3 && exec sleep 60; } >"$T/slow" &
    writer=$!
    timeout 30 "$bin/$p" --quiet "$@" <"$T/slow" 2>"$T/err" | $reader >"$T/out"
    status=${PIPESTATUS[0]}
    kill "$writer" 2>/dev/null
    wait "$writer" 2>/dev/null
    [ "$status" = 141 ] && [ "$(wc -l <"$T/out")" = $lines ]
    say $? "$p: reader gone while it waits for input"
}

for path in "$bin"/*; do
    [ -x "$path" ] || continue
    program=${path##*/}
    # shellcheck disable=SC2046 # words are meant
    set -- $(arguments "$program")
    try_full_disk "$program" "$@"
    try_closed "$program" "$@"
    try_reader_gone "$program" "$@"
    try_reader_gone_idle "$program" "$@"
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
