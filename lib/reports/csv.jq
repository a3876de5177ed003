# csv.jq - a report as one tidy table: a figure a row, the same columns always (RFC 4180, lines end
# in a line feed).
#
# A spreadsheet runs what begins with = + - @ as a formula, so text that begins so gets an apostrophe
# before it, as OWASP advises; and so does what would begin a cell where columns are parted by
# semicolons, as in half of Europe. Figures are written as numbers and need none.
include "common";

def cell:
    if type == "number" then tostring
    elif . == null then ""
    else (if test("^[=+@＝＋＠－\t\r-]") then "'" + . else . end)
        | gsub(";(?<f>[=+@＝＋＠－-])"; ";'" + .f)
        | if test("[\",;\n\r]") or startswith("'") then "\"" + gsub("\""; "\"\"") + "\"" else . end
    end;

# One row: its place, what it is of, and the figure; `rate` gives its parts.
def line: map(cell) | join(",");
def figure($place; $metric; $unit): $place + [$metric, ., null, null, null, null, $unit];
def share($place; $metric): $place + [$metric, .value, .numerator, .denominator, .low, .high, "fraction"];

def counters: ["impressions", "clicks", "engagements", "conversions", "shares", "comments", "replies",
    "opens", "bounces", "sent", "delivered", "unsubscribed"];
def of_all($place; $rates):
    . as $it
    | (counters[] as $c | $it[$c] | figure($place; $c; "count")),
      ($rates[] as $r | $it[$r] | share($place; $r)),
      (.amounts[] | .currency as $unit
          | (.cost | values | figure($place; "cost"; $unit)), (.revenue | values | figure($place; "revenue"; $unit))),
      (.roi_percent | values | figure($place; "roi_percent"; "percent")),
      (.currency as $unit
          | (.conversions_per_cost | values | figure($place; "conversions_per_cost"; "per 100 " + $unit)),
          (({cost_per_contact, cost_per_valid_address, cost_per_conversion} | to_entries[]) as {$key, $value}
          | $value | values | figure($place; $key; $unit)));
def rates: ["ctr", "engagement_rate", "conversion_rate"];

def rows:
    (.summary | ["summary", null, null, null] as $p
        | (.campaigns | figure($p; "campaigns"; "count")), (.contacts | figure($p; "contacts"; "count")),
          of_all($p; ["overall_ctr", "overall_engagement_rate", "overall_conversion_rate"])),
    (.funnel | (.steps[] | ["funnel", null, null, .status] as $p
            | (.contacts | figure($p; "contacts"; "count")), (.reached | figure($p; "reached"; "count")),
              (.of_previous | share($p; "of_previous")), (.of_first | share($p; "of_first"))),
        (.disqualified | figure(["funnel", null, null, "disqualified"]; "contacts"; "count")),
        (.other | figure(["funnel", null, null, "other"]; "contacts"; "count"))),
    (.campaigns[] | .campaign_id as $id
        | of_all(["campaign", $id, null, null]; rates),
          (.contacts | ["campaign", $id, null, null] as $p
              | ({targeted, valid, imported, engaged, converted} | to_entries[]) as {$key, $value}
              | $value | figure($p; "contacts_" + $key; "count")),
          (.channels[] | ["channel", $id, .channel, null] as $p
              | (.rank | figure($p; "rank"; "rank")), of_all($p; rates))),
    (.channels[] | ["all_campaigns", null, .channel, null] as $p
        | (.rank | figure($p; "rank"; "rank")), of_all($p; rates)),
    (.comparison | to_entries[] | .key as $r | .value
        | (.mean | figure(["comparison", null, null, null]; "mean_" + $r; "fraction")),
          (("best", "worst") as $which | .[$which] | values
              | .campaign_id as $id | .value | figure(["comparison", $id, null, $which]; $r; "fraction"))),
    (.compare | values | ("a", "b") as $side | .[$side] | . as $it | ["compare", null, null, .name] as $p
        | (counters[] as $c | $it[$c] | figure($p; $c; "count")), (rates[] as $r | $it[$r] | share($p; $r))),
    (.compare | values | .tests | to_entries[] | .key as $r | .value | ["compare", null, null, .verdict] as $p
        | ({difference, z, p, needed_per_group} | to_entries[]) as {$key, $value}
        | $value | figure($p; $r + "_" + $key; (if $key == "needed_per_group" then "count" else "number" end))),
    (.contacts | (.by_tier | to_entries[] | .key as $tier | .value | figure(["contacts", null, null, $tier]; "contacts"; "count")),
        (.top[] | .email as $email | .ltv | figure(["top", null, null, $email]; "ltv"; "points"))),
    (.timeline | .buckets[] | ["timeline", null, null, .from] as $p
        | ({impressions, clicks, engagements, conversions} | to_entries[]) as {$key, $value}
        | $value | figure($p; $key; "count")),
    (.providers.list[] | ["provider", null, .capability, .provider] as $p
        | (.calls | figure($p; "calls"; "count")), (.records | figure($p; "records"; "count")),
          ((.outcomes | to_entries[]) as {$key, $value} | $value | figure($p; "outcome_" + $key; "count")),
          (.success_rate | share($p; "success_rate")),
          (.average_latency_ms | values | figure($p; "average_latency_ms"; "ms")),
          (.credits | figure($p; "credits"; "credits"))),
    (.input | (.records | figure(["input", null, null, null]; "records"; "count")),
        (.counted | figure(["input", null, null, null]; "counted"; "count")),
        ((.left_out | to_entries[]) as {$key, $value} | $value | figure(["input", null, null, "left_out"]; $key; "count")));

(["section", "campaign", "channel", "item", "metric", "value", "numerator", "denominator", "low", "high", "unit"] | line),
(rows | line)
