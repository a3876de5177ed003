#!/bin/sh
# behaviours.sh [RESULTS] - which behaviours do the tests show, and is one of the required missing?
#
# A behaviour is shown by a test that passed and carries its tag as a word of its name: the cmocka
# function g07_degraded_to_healthy, the golden case c08-tags-unique, the line "ok 3 G15 ...".
# RESULTS is what check.sh writes; without it $B/test/results of the last run is read.
set -u
cd "$(dirname "$0")/.." || exit 1
results=${1:-${TEST_LOGS:-${B:-build}/test}/results}

required='
G01 first success ends the chain           G02 falls over on failure
G03 ALL_FAILED with each class             G04 order by health and by priority
G05 max_attempts bounds the total          G06 unknown to degraded
G07 degraded to healthy                    G08 degraded to unhealthy
G09 healthy to degraded                    G10 unhealthy to degraded
G11 EMA of the latency                     G12 every capability has a chain
G13 credentials present: configured        G14 absent: passed over
G15 a config mistake names its key         G16 defaults hold, can be overridden
G17 dry run dominates                      G18 full check
G19 --status shows an earlier run          G20 --watch repeats and stops cleanly
G21 --json validates against its schema    G22 exit status follows health
G23 Apollo mapping
G24 Dropcontact batches                    C01 defaults
C02 names kept                             C03 an engagement makes engaged
C04 three counted                          C05 enrichment fills company, status
C06 verification sets flag and time        C07 round trip
C08 tags unique, findable                  C09 enrichment creation
C10 enrichment round trip
A01 metric snapshot                        A02 negative is a reject
A03 CTR                                    A04 engagement rate
A05 conversion rate                        A06 accumulation
A07 campaign creation                      A08 aggregate over channels
A09 best channel                           A10 conversions per cost
A11 contact score creation                 A12 open rate
A13 click rate                             A14 conversion rate of a contact
A15 LTV 48.0                               A16 the four tiers
A17 report id and period                   A18 campaigns counted
A19 contacts counted                       A20 top N order
A21 by tier                                A22 summary
A23 empty stream                           A24 same input, same bytes
A25 add campaign                           A26 channel metrics
A27 score by key                           A28 later counters replace
A29 compare best and worst                 A30 channel comparison
A31 ranking and ties                       A32 period filter
A33 text                                   A34 json
A35 csv                                    A36 markdown
A37 html
'
[ -f "$results" ] || { echo "behaviours.sh: no $results; run tests/check.sh first" >&2; exit 2; }

printf '%s\n' "$required" | sed 's/   *\([GCPA][0-9][0-9] \)/\n\1/g' | grep . | awk -v results="$results" '
    BEGIN {
        while ((getline line < results) > 0) {
            if (line !~ /^ok / || line ~ /^ok behaviours/) continue
            rest = toupper(line)
            while (match(rest, /(^|[^A-Z0-9])[GCPA][0-9][0-9]($|[^0-9])/)) {
                tag = substr(rest, RSTART, RLENGTH)
                gsub(/[^GCPA0-9]/, "", tag)
                if (!(tag in shown)) where[tag] = substr(line, 4)
                shown[tag]++
                rest = substr(rest, RSTART + RLENGTH - 1)
            }
        }
    }
    {
        tag = $1; n++
        if (shown[tag]) { passed++; printf "ok %d behaviour %s; %d by %s\n", n, $0, shown[tag], where[tag] }
        else { failed++; printf "not ok %d behaviour %s: no test that passed carries its tag\n", n, $0 }
    }
    END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 }'
