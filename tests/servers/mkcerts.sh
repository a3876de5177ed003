#!/bin/sh
# mkcerts.sh DIR - makes the certificates of the TLS cases in DIR, each NAME.pem with NAME.key:
#   ca          the authority the tests trust (ca.pem)
#   good        for 127.0.0.1 and localhost, by ca
#   expired     as good, but over since 2020
#   wronghost   by ca, for elsewhere.test
#   selfsigned  as good, signed by itself
#   unknownca   as good, by an authority nobody trusts
set -eu
dir=$1
mkdir -p "$dir"
cd "$dir"
names="subjectAltName=IP:127.0.0.1,DNS:localhost"

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key" 2>/dev/null; }

authority() { # NAME
    key "$1"
    openssl req -x509 -new -key "$1.key" -subj "/CN=test $1" -days 30 -out "$1.pem" \
        -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign"
}

leaf() { # NAME CA NAMES [FROM UNTIL]
    key "$1"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
    : >"$1.index"
    cat >"$1.cnf" <<CNF
[ca]
default_ca = d
[d]
database = $1.index
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = p
x509_extensions = x
unique_subject = no
[p]
commonName = supplied
[x]
$3
CNF
    openssl ca -batch -notext -config "$1.cnf" -cert "$2.pem" -keyfile "$2.key" -in "$1.csr" \
        -out "$1.pem" -startdate "${4:-20200101000000Z}" -enddate "${5:-20491231000000Z}" 2>/dev/null
}

authority ca
authority other
leaf good ca "$names"
leaf expired ca "$names" 20190101000000Z 20200101000000Z
leaf wronghost ca "subjectAltName=DNS:elsewhere.test"
leaf unknownca other "$names"
key selfsigned
openssl req -x509 -new -key selfsigned.key -subj "/CN=selfsigned" -days 30 -out selfsigned.pem \
    -addext "$names"
rm -f ./*.csr ./*.cnf ./*.index* ./[0-9A-F]*.pem
