#!/bin/sh
# selftest.sh - proves every rule of lint.py: a small clean tree passes, and each breach of it,
# made one at a time, is found by the rule it breaks.
set -u
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
n=0 passed=0 failed=0

clean_tree() {
    rm -rf "$T/tree"
    mkdir -p "$T/tree" && cd "$T/tree" || exit 1
    mkdir -p cmd include/leadpipe lib/base lib/sys lib/run lib/gateway lib/mail lib/publish man tests
    cp "$top/.clang-format" .
    for module in base/a sys/jq run/run gateway/chain mail/compose publish/job; do
        name=${module#*/}
        printf '/*\n * Owns: nothing\n * Units: none\n * Errors: none\n */\nint lp_%s_x(void);\n' "$name" \
            >"include/leadpipe/$name.h"
        printf '#include "leadpipe/%s.h"\n\nint lp_%s_x(void)\n{\n    return 0;\n}\n' "$name" "$name" >"lib/$module.c"
    done
    printf '#include "leadpipe/run.h"\n\nint main(void)\n{\n    return lp_run_x();\n}\n' >cmd/prog.c
    page PROG 1 prog >man/prog.1
    page LEADPIPE 7 leadpipe '.Sh SEE ALSO' '.Xr prog 1' >man/leadpipe.7
    printf '#!/bin/sh\necho ok\n' >tests/x.sh
}

page() { # TITLE SECTION NAME LINES...
    title=$1 section=$2 name=$3
    shift 3
    printf '.Dd November 20, 2026\n.Dt %s %s\n.Os\n.Sh NAME\n.Nm %s\n.Nd a page\n' "$title" "$section" "$name"
    printf '.Sh DESCRIPTION\nText.\n'
    [ $# = 0 ] || printf '%s\n' "$@"
}

lint() { /usr/bin/python3 "$here/lint.py" --root "$T/tree" "$@" >"$T/said" 2>&1; }

say() { # GOOD NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then
        passed=$((passed + 1)) && echo "ok $n lint selftest: $2"
    else
        failed=$((failed + 1)) && echo "not ok $n lint selftest: $2" && sed 's/^/# /' "$T/said"
    fi
}

# The rule must fail, and name the file that was broken.
finds() { # RULE FILE NAME
    lint "$1"
    status=$?
    if grep -q '# skip' "$T/said"; then
        n=$((n + 1)) && echo "ok $n lint selftest: $3 # skip"
    elif [ "$status" = 1 ] && grep -q "^$2:" "$T/said"; then
        say 0 "$3"
    else
        say 1 "$3"
    fi
    clean_tree
}

add() { printf '%b' "$2" >>"$1"; }
before() { printf '%b' "$2" | cat - "$1" >"$T/new" && mv "$T/new" "$1"; }

clean_tree
lint
say $? "a clean tree passes"

before lib/base/a.c '#include "leadpipe/run.h"\n'
finds layers lib/base/a.c "layers: base includes run"
before include/leadpipe/jq.h '#include "leadpipe/chain.h"\n'
finds layers include/leadpipe/jq.h "layers: a header of sys includes gateway"
before lib/mail/compose.c '#include "leadpipe/job.h"\n'
finds layers lib/mail/compose.c "layers: mail includes publish"
before lib/gateway/chain.c '#include "leadpipe/compose.h"\n'
finds layers lib/gateway/chain.c "layers: gateway includes mail"
before lib/mail/compose.c '#include "../publish/secret.h"\n'
finds layers lib/mail/compose.c "layers: a private header of another directory"
echo 'int lp_stray(void);' >include/leadpipe/stray.h
finds layers include/leadpipe/stray.h "layers: a header without a module"

add lib/run/run.c '\nint main(void)\n{\n    return 1;\n}\n'
finds programs lib/run/run.c "programs: main in lib"
before cmd/prog.c '#include "other.c"\n'
finds programs cmd/prog.c "programs: a .c included"

before lib/base/a.c '#include <jq.h>\n'
finds foreign lib/base/a.c "foreign: jq.h in another file"
before lib/sys/jq.c '#include <sqlite3.h>\n'
finds foreign lib/sys/jq.c "foreign: one library's file includes another library"
before lib/run/run.c '#include <curl/curl.h>\n'
finds foreign lib/run/run.c "foreign: curl.h in the filter layer"
before lib/sys/jq.c '#include <gmp.h>\n'
finds foreign lib/sys/jq.c "foreign: a header in no table"

add lib/base/a.c '\nvoid lp_a_end(void)\n{\n    exit(1);\n}\n'
finds exit lib/base/a.c "exit: exit in base"
add cmd/prog.c '\nvoid lp_a_end(void)\n{\n    _exit(1);\n}\n'
finds exit cmd/prog.c "exit: _exit in a program"

for call in 'strcpy(a, b)' 'sprintf(a, b)' 'strtok(a, b)' 'gmtime(t)' 'localtime(t)' 'system (a)' \
    'popen(a, b)' 'atoi(a)' 'strcat(a, b)'; do
    add lib/mail/compose.c "\nvoid lp_compose_y(void)\n{\n    $call;\n}\n"
    finds banned lib/mail/compose.c "banned: ${call%%[ (]*}"
done
add lib/mail/compose.c '\n/* strcpy(a, b) in a comment */\nconst char *lp_s = "strcpy(a, b)";\nint lp_strcpy(int);\n'
lint banned
say $? "banned: comments, strings and longer names are let be"
clean_tree

echo 'size_t lp_a_size(void);' >>include/leadpipe/a.h
finds headers include/leadpipe/a.h "headers: one that needs another before it"
echo 'struct lp_twice { int x; };' >>include/leadpipe/a.h
finds headers include/leadpipe/a.h "headers: one without a guard"

sed -i '/Units/d' include/leadpipe/a.h
finds template include/leadpipe/a.h "template: a header that tells no units"

add lib/base/a.c '/* TO''DO later */\n'
finds open_ends lib/base/a.c "open ends: in a source"
add tests/x.sh '# FIX''ME\n'
finds open_ends tests/x.sh "open ends: in a script"

add lib/base/a.c 'int  lp_b;\n'
finds format lib/base/a.c "format: two blanks"

add man/prog.1 '.Sh NONSENSE\n.Xr\n'
finds manual man/prog.1 "manual: what mandoc warns of"
rm man/prog.1
finds manual cmd/prog.c "manual: a program without a page"
page LEADPIPE 7 leadpipe >man/leadpipe.7
finds manual man/leadpipe.7 "manual: a program the front page does not name"

awk 'BEGIN { for (i = 0; i < 501; i++) print "int lp_v" i ";" }' >lib/mail/compose.c
finds lengths lib/mail/compose.c "lengths: a file of 501 lines"
awk 'BEGIN { print "int lp_f(int n)\n{"; for (i = 0; i < 70; i++) print "    n++;"; print "}" }' >lib/mail/compose.c
finds lengths lib/mail/compose.c "lengths: a function of 73 lines"

add tests/x.sh 'if true; then\n'
finds scripts tests/x.sh "scripts: sh that does not parse"
printf '#!/bin/sh\na=(1 2)\n' >tests/x.sh
finds scripts tests/x.sh "scripts: bash called sh"
printf 'def f(:\n' >tests/y.py
finds scripts tests/y.py "scripts: Python that does not parse"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
