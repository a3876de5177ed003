#!/bin/sh
# install.test.sh - what `make install` puts where, that it works there, and that uninstall takes all
# of it away.
# Runs beside others.
set -u
ROOT=${ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
B=${B:-$ROOT/build}
case $B in /*) ;; *) B=$ROOT/$B ;; esac
T=${T:-$(mktemp -d)}
cd "$ROOT" || exit 1
n=0 passed=0 failed=0
: >"$T/said"

say() { # GOOD NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        passed=$((passed + 1))
        echo "ok $n $2"
    else
        failed=$((failed + 1))
        echo "not ok $n $2"
        sed 's/^/# /' "$T/said" | tail -n 15
    fi
}

if [ -n "${TEST_WRAP:-}" ] || [ "${B##*/}" = san ]; then
    echo "ok 1 install # skip only the plain build is installed"
    echo "0 passed, 0 failed"
    exit 0
fi
put() { env -u LEADPIPE_LIB ${MAKE:-make} B="$B" DESTDIR="$T/root" PROGRAM_PREFIX=lp- "$@" >"$T/said" 2>&1; }
# Where it is installed, not where it was built.
run() { env -u LEADPIPE_LIB "$@" >"$T/said" 2>&1; }

put install
say $? "install"
[ $failed = 0 ] || { echo "0 passed, 1 failed"; exit 1; }
usr=$T/root/usr/local
for path in "$B"/bin/*; do
    p=${path##*/}
    run "$usr/bin/lp-$p" --version
    say $? "$p: installed and runs"
    grep -q "^\.Nm lp-$p" "$usr/share/man/man1/lp-$p.1" 2>"$T/said"
    say $? "$p: its page has the prefix"
    completion=$usr/share/bash-completion/completions/lp-$p
    bash -c '. "$1"; complete -p "lp-$2"' bash "$completion" "$p" >"$T/said" 2>&1
    say $? "$p: completion for bash"
    head -n 1 "$usr/share/zsh/site-functions/_leadpipe_lp-$p" 2>"$T/said" | grep -q "^#compdef lp-$p$"
    say $? "$p: completion for zsh"
done
for shell in bash zsh; do
    for p in contacts-import enrich; do
        if command -v $shell >/dev/null; then
            /usr/bin/python3 tests/completion.py $shell "$usr" "lp-$p" --reject '--rejects' >"$T/said" 2>&1
            say $? "$p: the first tab in an interactive $shell completes"
        else
            say 0 "$p: the first tab in an interactive $shell completes # skip no $shell"
        fi
    done
done
for page in man/*.5 man/*.7; do
    [ -f "$usr/share/man/man${page##*.}/${page##*/}" ]
    say $? "${page##*/}: installed"
done
names=$(ls "$B/bin" | paste -s -d '|')
! grep -HE "^\.(.* )?(Xr|Nm) ($names)( |$)" "$usr"/share/man/man?/* >"$T/said"
say $? "pages refer to no program by a name that it is not installed by"
find lib/providers lib/lists lib/schemas lib/reports -type f ! -name '*.awk' 2>/dev/null | sed 's|^lib/||' | sort >"$T/want"
(cd "$usr/share/leadpipe" && find . -type f) | sed 's|^\./||' | sort >"$T/have"
diff "$T/want" "$T/have" >"$T/said"
say $? "everything that ships is there"
if [ -x "$usr/bin/lp-enrich" ]; then
    echo '{"email":"ann@example.org"}' | run "$usr/bin/lp-enrich" --state none --dry-run --chain apollo,offline
    say $? "an installed program finds what ships"
fi
put uninstall
left=$(find "$T/root" -type f -o -type l)
echo "$left" >"$T/said"
[ -z "$left" ]
say $? "uninstall leaves no file"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
