#!/bin/sh
# postfix.sh start DIR - starts a Postfix of its own on a free port of 127.0.0.1 to 127.0.0.3; prints the port
# postfix.sh stop DIR  - stops it
#
# DIR gets its configuration, queue and log; nothing of the system's Postfix is touched. Needs root: Postfix
# is made of processes of two users. 127.0.0.1 offers STARTTLS, 127.0.0.2 does not, 127.0.0.3 ends a
# session after two refusals.
#   probe.test     ann, bob, info, canary: taken; gone: 5.2.1; full: 5.2.2; later: greylisted, 4.7.1;
#                  listed: 5.7.1 by a blocklist; others: 5.1.1
#   all.test       takes every name
#   plain.test, strict.test, next.test   take ann
set -eu
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "$0")" && pwd)
what=${1:?start or stop} dir=${2:?a directory}

# Postfix's own user comes by here to its data; a temporary directory lets nobody in by itself.
walkable() { # DIR
    for at in "$1" "$1/.." "$1/../.."; do
        [ -k "$at" ] || chmod o+x "$at"
    done
}

configure() { # PORT
    mkdir -p "$dir/etc" "$dir/queue" "$dir/data"
    chown postfix "$dir/data"
    walkable "$dir"
    cat >"$dir/etc/main.cf" <<CF
compatibility_level = 3.6
config_directory = $dir/etc
queue_directory = $dir/queue
data_directory = $dir/data
maillog_file = $dir/log
maillog_file_prefixes = $dir
myhostname = mx.probe.test
mydestination =
mynetworks_style = host
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
smtpd_peername_lookup = no
append_dot_mydomain = no
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = probe.test, all.test, plain.test, strict.test, next.test
virtual_mailbox_maps = inline:{ { ann@probe.test = ann }, { bob@probe.test = bob }, { info@probe.test = info },
  { canary@probe.test = canary }, { gone@probe.test = gone }, { full@probe.test = full },
  { later@probe.test = later }, { listed@probe.test = listed }, { @all.test = all },
  { ann@plain.test = ann }, { ann@strict.test = ann }, { ann@next.test = ann } }
virtual_transport = discard:
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access texthash:$dir/etc/recipients
smtpd_tls_cert_file = $dir/certs/good.pem
smtpd_tls_key_file = $dir/certs/good.key
smtpd_tls_security_level = may
smtpd_error_sleep_time = 0
smtpd_hard_error_limit = 100
smtpd_soft_error_limit = 100
smtpd_junk_command_limit = 1000
smtpd_client_connection_rate_limit = 0
CF
    cat >"$dir/etc/recipients" <<CF
gone@probe.test 550 5.2.1 The account is disabled
full@probe.test 552 5.2.2 Mailbox is over quota
later@probe.test 450 4.7.1 Greylisted, please come back in five minutes
listed@probe.test 554 5.7.1 Service unavailable; client host blocked using zen.example.org
CF
    cat >"$dir/etc/master.cf" <<CF
127.0.0.1:$1 inet n - n - - smtpd
127.0.0.2:$1 inet n - n - - smtpd -o smtpd_tls_security_level=none
127.0.0.3:$1 inet n - n - - smtpd -o smtpd_hard_error_limit=2 -o smtpd_soft_error_limit=2
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
CF
}

answers() { # PORT
    /usr/bin/python3 -c 'import socket, sys
for host in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
    with socket.create_connection((host, int(sys.argv[1])), 5) as s:
        s.settimeout(10)
        assert s.recv(3) == b"220"
        s.sendall(b"QUIT\r\n")' "$1" 2>/dev/null
}

case $what in
start)
    mkdir -p "$dir"
    sh "$here/mkcerts.sh" "$dir/certs" >/dev/null 2>&1
    for try in 1 2 3 4 5; do
        port=$(od -An -N2 -tu2 /dev/urandom | awk '{ print 20000 + $1 % 12000 }')
        configure "$port"
        if postfix -c "$dir/etc" start >"$dir/start.log" 2>&1 && answers "$port"; then
            echo "$port"
            exit 0
        fi
        postfix -c "$dir/etc" stop >/dev/null 2>&1 || true
    done
    cat "$dir/start.log" "$dir/log" >&2
    exit 1 ;;
stop) postfix -c "$dir/etc" stop >/dev/null 2>&1 || true ;;
*) echo "postfix.sh: start or stop" >&2; exit 2 ;;
esac
