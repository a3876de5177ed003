#!/bin/sh
# providers.test.sh - adapters offline, with nothing but jq: tests/providers/NAME/CASE holds
#   call           the function: request, response, check, checked or advise
#   input.json     what it is given, as spec'd for adapters
#   expected.json  what it must give; members that are null may be left out of either
# The program around the functions is the engine's: the adapter first, then the defaults.
# Runs beside others.
set -u
ROOT=${ROOT:-$(cd "$(dirname "$0")/.." && pwd)}
lib=$ROOT/lib/providers
n=0 failed=0

result() { # STATUS NAME
    n=$((n + 1))
    if [ "$1" = 0 ]; then echo "ok $n $2"; else echo "not ok $n $2"; failed=$((failed + 1)); fi
}

# All cases of an adapter by one jq: "ok CASE", or "not ok CASE" with lines of "# ..." behind it.
run_cases() { # ADAPTER, in the directory of its cases
    HOME=/nonexistent jq -n -r --arg calls "$(grep -H . */call)" -L "$lib" \
        "include \"$1\" {\"search\":\"$lib\"}; include \"defaults\" {\"search\":\"$lib\"};
        def run: if .call == \"request\" then request elif .call == \"response\" then response
                 elif .call == \"check\" then check elif .call == \"checked\" then checked else advise end;
        (reduce (\$calls | split(\"\n\")[] | split(\"/call:\")) as \$c ({}; .[\$c[0]] = \$c[1])) as \$call
        | reduce inputs as \$v ({}; (input_filename | split(\"/\")) as \$at | .[\$at[0]][\$at[1]] = \$v)
        | to_entries[] | (.value[\"expected.json\"] | del(.. | nulls)) as \$want
        | (.key as \$name | .value[\"input.json\"] + {call: \$call[\$name]}
           | try (run | del(.. | nulls)) catch {failed: .}) as \$got
        | if \$got == \$want then \"ok \" + .key
          else \"not ok \" + .key, \"# expected \" + (\$want | tojson), \"# actual   \" + (\$got | tojson) end" \
        */input.json */expected.json
}

for dir in "$ROOT"/tests/providers/*/; do
    adapter=$(basename "$dir")
    said=$(cd "$dir" && run_cases "$adapter" 2>&1)
    seen=0
    while IFS= read -r line; do
        case $line in
        "ok "*) seen=$((seen + 1)) && result 0 "$adapter: ${line#ok }" ;;
        "not ok "*) seen=$((seen + 1)) && result 1 "$adapter: ${line#not ok }" ;;
        *) printf '# %s\n' "${line#\# }" ;;
        esac
    done <<END
$said
END
    [ "$seen" = "$(find "$dir" -mindepth 1 -maxdepth 1 -type d | wc -l)" ]
    result $? "$adapter: every case was run"
done

metadata() { # FILE
    sed -n '/^module {/,/^}/p' "$1" | sed 's/^module //; s/};$/}/; s/ *#.*//'
}

# The module's object must be JSON apart from comments: C reads it without jq.
for file in "$lib"/*.jq; do
    [ "$(basename "$file")" != defaults.jq ] || continue # no adapter
    metadata "$file" | jq -e .name >/dev/null
    result $? "$(basename "$file"): its metadata is JSON"
done

# Whatever goes wrong with whichever provider, there is something to do about it.
for file in "$lib"/*.jq; do
    name=$(basename "$file" .jq)
    HOME=/nonexistent jq -n -e -L "$lib" "include \"$name\" {\"search\":\"$lib\"};
        include \"defaults\" {\"search\":\"$lib\"};
        [(\"auth\", \"quota\", \"rate_limited\", \"timeout\", \"network\", \"dns\", \"tls\", \"server\",
          \"bad_response\", \"config\") as \$class
         | (null, \"HTTP 403: no\") as \$detail | (null, \"2026-11-20T14:05:00Z\") as \$until
         | {class: \$class, status: null, detail: \$detail, until: \$until} | advise
         | (.severity == \"warning\" or .severity == \"critical\") and (.action | length > 10)]
        | length == 40 and all" >/dev/null
    result $? "$name: advice for every class"
done

# Chunks go out at the limit the provider sets.
for pair in apollo:10 dropcontact:250; do
    sed -n '/^module {/,/^}/p' "$lib/${pair%:*}.jq" | grep -q "\"batch\": ${pair#*:},"
    result $? "G23 G24 ${pair%:*}: ${pair#*:} records a call"
done
# A full bucket and what flows in beside it stay within what the vendor allows: CALLS in SECONDS.
while read -r name capability calls seconds; do
    metadata "$lib/$name.jq" | jq -e --arg c "$capability" --argjson n "$calls" --argjson s "$seconds" \
        '(.rate[$c] // .rate) | (.requests + .requests / .per_s * $s | floor) <= $n' >/dev/null
    result $? "$name: at most $calls calls in $seconds s"
done <<END
dropcontact lead_enrichment 60 1
hunter lead_enrichment 15 1
hunter lead_enrichment 500 60
hunter email_verification 10 1
hunter email_verification 300 60
neverbounce email_verification 10 3600
neverbounce email_verification 50 86400
peopledatalabs lead_enrichment 100 60
zerobounce email_verification 30 60
END
echo "1..$n"
exit $((failed > 0))
