#!/bin/sh
# dns.sh start DIR - starts the tests' DNS server (dnsmasq) on a free loopback port; prints the port,
#                    and the port of the server behind it
# dns.sh stop DIR  - stops it
#
# It answers dns.zone, and that x0 to x99.par.test and .shut.test have a mail host each. DIR keeps the process numbers and the port. Two servers run: one that is asked,
# and one behind it whose unsigned answers the first must take for forged, which is how dnsmasq comes
# to answer SERVFAIL.
set -u
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
what=${1:?start or stop} dir=${2:?a directory}
# Any well-formed digest does: nothing is ever signed with it.
anchor=20326,8,2,E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D

stop() {
    for pid in "$dir"/dns.*.pid; do
        [ ! -s "$pid" ] || kill "$(cat "$pid")" 2>/dev/null
        rm -f "$pid"
    done
}

# dnsmasq goes to the background once it has its port, so that its exit status says whether it could.
serve() { # NAME PORT OPTION...
    name=$1 port=$2
    shift 2
    dnsmasq --conf-file=/dev/null --port="$port" --listen-address=127.0.0.1 --bind-interfaces \
        --no-resolv --no-hosts --user="$(id -un)" --pid-file="$dir/dns.$name.pid" \
        --log-facility="$dir/dns.$name.log" "$@" 2>>"$dir/dns.err"
}

serve_anywhere() { # NAME OPTION... - prints the port
    name=$1
    shift
    for try in 1 2 3 4 5 6 7 8 9 10; do
        port=$(od -An -N2 -tu2 /dev/urandom | awk '{ print 20000 + $1 % 12000 }')
        if serve "$name" "$port" "$@"; then
            echo "$port"
            return
        fi
    done
    cat "$dir/dns.err" >&2
    return 1
}

case $what in
start)
    mkdir -p "$dir"
    behind=$(serve_anywhere behind --local=/test/ --local=/com/ --mx-host=servfail.test,mx.servfail.test,10) || exit 1
    for i in $(seq 0 99); do
        echo "mx-host=x$i.par.test,m$i.par.test,10"
        echo "mx-host=x$i.shut.test,m$i.shut.test,10"
    done >"$dir/dns.many"
    asked=$(serve_anywhere asked --conf-file="$here/dns.zone" --conf-file="$dir/dns.many" --server="/servfail.test/127.0.0.1#$behind" \
        --server="/silent.test/127.0.0.1#1" --dnssec --dnssec-no-timecheck \
        --trust-anchor=".,$anchor" --trust-anchor="servfail.test,$anchor") || { stop; exit 1; }
    echo "$asked $behind" ;;
stop) stop ;;
*) echo "dns.sh: start or stop" >&2; exit 2 ;;
esac
