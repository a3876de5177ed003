# What score computes, in jq.
def rate(a; b): if b > 0 then ([1, a / b] | min) else 0 end;
def r9: . * 1e9 | round / 1e9;
(.emails_sent // 0) as $s | (.emails_opened // 0) as $o | (.clicks // 0) as $c | (.conversions // 0) as $v
| rate($o; $s) as $e | rate($v; $c) as $r | ([1, $v / 5] | min) as $n
| (40 * $e | r9) as $p1 | (40 * $r | r9) as $p2 | (20 * $n | r9) as $p3
| ($p1 + $p2 + $p3 | r9) as $ltv
| .score = {ltv: $ltv,
    tier: (if $ltv >= 75 then "high" elif $ltv >= 50 then "medium" elif $ltv >= 25 then "low" else "inactive" end),
    engagement_rate: ($e | r9), click_rate: (rate($c; $o) | r9), conversion_rate: ($r | r9),
    conversions_normalised: ($n | r9),
    explain: [{term: "engagement_rate", weight: 0.4, value: ($e | r9), points: $p1},
              {term: "conversion_rate", weight: 0.4, value: ($r | r9), points: $p2},
              {term: "conversions_normalised", weight: 0.2, value: ($n | r9), points: $p3}],
    as_of: "2026-01-31T10:00:00Z"}
