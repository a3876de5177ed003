#!/bin/sh
# packages.sh KIND... - installs what is missing of the Debian packages of these kinds; alone: the table.
#
# One table for everything the project needs from Debian 12. A package counts as there when its
# probe is: a command, a header, a Python module. So a system that has these things from elsewhere
# needs no apt, and a system that has them all needs no network and no root.
set -eu

table() {
    cat <<'TABLE'
build gcc                   cmd:gcc
build libc6-dev             hdr:stdio.h
build make                  cmd:make
build pkg-config            cmd:pkg-config
build libcurl4-openssl-dev  hdr:curl/curl.h
build libssl-dev            hdr:openssl/ssl.h
build libjq-dev             hdr:jq.h
build libcsv-dev            hdr:csv.h
build libsqlite3-dev        hdr:sqlite3.h
build libc-ares-dev         hdr:ares.h
build libidn2-dev           hdr:idn2.h
build libpsl-dev            hdr:libpsl.h
build libunistring-dev      hdr:unistr.h
build libuchardet-dev       hdr:uchardet/uchardet.h
build libxxhash-dev         hdr:xxhash.h
build zlib1g-dev            hdr:zlib.h
build ca-certificates       file:/etc/ssl/certs/ca-certificates.crt
test  libcmocka-dev         hdr:cmocka.h
test  bash                  cmd:bash
test  python3               cmd:python3
test  python3-jsonschema    py:jsonschema
show  jq                    cmd:jq
test  mandoc                cmd:mandoc
test  clang-format          cmd:clang-format
test  dnsmasq-base          cmd:dnsmasq
test  postfix               cmd:postfix
test  procps                cmd:ps
test  openssl               cmd:openssl
test  strace                cmd:strace
test  chromium              cmd:chromium
test  faketime              cmd:faketime
test  cmark-gfm             cmd:cmark-gfm
test  zsh                   cmd:zsh
bench miller                cmd:mlr
bench nginx-light           cmd:nginx
bench wrk                   cmd:wrk
bench curl                  cmd:curl
bench hyperfine             cmd:hyperfine
bench python3-aiohttp       py:aiohttp
more  valgrind              cmd:valgrind
more  clang                 cmd:clang
more  libclang-rt-dev       file:/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.fuzzer-x86_64.a
TABLE
}

is_there() { # PROBE
    what=${1#*:}
    case $1 in
    cmd:*) PATH=$PATH:/usr/sbin:/sbin command -v "$what" ;;
    hdr:*) ls /usr/include/"$what" /usr/local/include/"$what" /usr/include/*-linux-gnu*/"$what" 2>/dev/null | grep . ;;
    py:*) /usr/bin/python3 -c "import $what" ;;
    file:*) [ -e "$what" ] ;;
    esac >/dev/null 2>&1
}

missing() { # KIND...
    table | while read -r kind package probe; do
        case " $* " in *" $kind "*) is_there "$probe" || echo "$package" ;; esac
    done
}

# Empty for root, sudo for others; without a terminal sudo must not ask for a password.
as_root() {
    if [ "$(id -u)" = 0 ]; then return 0; fi
    command -v sudo >/dev/null || return 1
    if [ -t 0 ]; then echo sudo; else sudo -n true 2>/dev/null && echo "sudo -n"; fi
}

[ $# -gt 0 ] || { table; exit 0; }
need=$(missing "$@" | tr '\n' ' ')
need=${need% }
[ -n "$need" ] || exit 0
command -v apt-get >/dev/null || {
    echo "packages.sh: missing, and there is no apt-get to install it; on Debian 12 the packages are: $need" >&2
    exit 1
}
root=$(as_root) || {
    echo "packages.sh: missing packages, and neither root nor sudo to install them. As root:" >&2
    echo "    apt-get install $need" >&2
    exit 1
}
echo "packages.sh: installing $need" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# RUNLEVEL=1 keeps a package from starting its daemon.
apt() { $root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y -o Acquire::Retries=3 "$@" </dev/null >"$log" 2>&1; }
if ! { apt update && apt install --no-install-recommends $need; }; then
    tail -n 15 "$log" >&2
    echo "packages.sh: could not install: $need" >&2
    exit 1
fi
still=$(missing "$@" | tr '\n' ' ')
[ -z "$still" ] || { echo "packages.sh: installed, but not found afterwards: $still" >&2; exit 1; }
