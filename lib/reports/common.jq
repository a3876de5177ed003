# common.jq - what the layouts of a report share; a layout of your own may `include "common";` too.
#
# Texts come without control characters and without marks that turn the direction of what follows;
# what else strangers put into names, a layout escapes as its format asks.

# Columns that a text takes, and no more than $n of it; .screen.widths knows the wide characters.
def columns($widths): explode | map(if . < 128 then 1 else $widths[tostring] // 1 end) | add // 0;
def clip($n; $widths; $mark):
    if columns($widths) <= $n then .
    else reduce explode[] as $c ({used: 0, out: []};
          (if $c < 128 then 1 else $widths[$c | tostring] // 1 end) as $w
          | if .used + $w < $n then {used: (.used + $w), out: (.out + [$c])} else .used = $n end)
        | (.out | implode) + $mark
    end;

def zeros($n): if length >= $n then . else "0" + . | zeros($n) end;

# 1234567 as "1,234,567"
def grouped:
    if length <= 3 then . else (.[:-3] | grouped) + "," + .[-3:] end;

# A number with this many decimals, grouped.
def fixed($n):
    ([range($n) | 10] | reduce .[] as $ten (1; . * $ten)) as $scale
    | . as $v | ((if . < 0 then -. else . end) * $scale + 0.5 | floor) as $i
    | (if $v < 0 and $i > 0 then "-" else "" end)
      + ($i / $scale | floor | tostring | grouped)
      + if $n == 0 then "" else "." + ($i % $scale | tostring | zeros($n)) end;

def count: if . == null then "–" else fixed(0) end;

# A fraction in percent: three digits that count.
def percent:
    if . == null then "–"
    else (. * 100) as $p
        | ($p | fixed(if $p == 0 or $p >= 99.95 then 0 elif $p >= 9.995 then 1 else 2 end)) + " %"
    end;
def bare: rtrimstr(" %");

# Of a rate {value, numerator, denominator, low, high}.
def rate: if .denominator == 0 then "–" else .value | percent end;
def interval: if .low == null then "" else (.low | percent | bare) + "–" + (.high | percent) end;

def money($currency): if . == null then "–" else fixed(2) + " " + $currency end;
# Each currency for itself.
def amounts($member):
    [.amounts[] | select(.[$member] != null) | .currency as $c | .[$member] | money($c)]
    | if length == 0 then "–" else join(" + ") end;
def roi: if .roi_percent == null then "–" else (.roi_percent | fixed(1)) + " %" end;

def campaign: if .campaign_id == null then "(no campaign)" else .campaign_name // .campaign_id end;
def channel_name: . // "(no channel)";
def channel: .channel | channel_name;
def person:
    [.first_name, .last_name | select(. != null)] | if length == 0 then null else join(" ") end;

def time: if . == null then "–" else .[0:10] + " " + .[11:16] + " UTC" end;
def date: if . == null then "–" else .[0:10] end;
def period:
    .period
    | if .since != null or .until != null
      then (if .since != null then .since | time else "the beginning" end) + " to "
          + (if .until != null then .until | time else "now" end)
      elif .first == null then "nothing dated"
      else (.first | date) + " to " + (.last | date)
      end;

def plural($one; $many): if . == 1 then "1 " + $one else count + " " + $many end;

def rate_name:
    {"ctr": "CTR", "engagement_rate": "engagement rate", "conversion_rate": "conversion rate"}[.];
