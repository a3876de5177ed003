#!/bin/sh
# wrap.sh FROM TO - fills TO with a script for every program in FROM that runs it under $TEST_WRAP.
# Under valgrind a report goes to $REPORT.PID where REPORT is set, so that no program's standard
# error changes.
set -eu
mkdir -p "$2"
for program in "$1"/*; do
    [ -x "$program" ] || continue
    wrapper=$2/$(basename "$program")
    case $TEST_WRAP in
    valgrind*) log='${REPORT:+--log-file=$REPORT.%p}' ;;
    *) log= ;;
    esac
    printf '#!/bin/sh\nexec %s %s %s "$@"\n' "$TEST_WRAP" "$log" "$program" >"$wrapper"
    chmod 755 "$wrapper"
done
