# markdown.jq - a report for a mail, a wiki or an issue: GitHub's Markdown, tables and lists.
#
# Names are escaped so that none of them makes a heading, a link, markup or another cell.
include "common";

def plain:
    tostring | gsub("(?<c>[\\\\`*_{}\\[\\]()#+\\-.!|~:@=])"; "\\\(.c)")
    | gsub("&"; "&amp;") | gsub("<"; "&lt;") | gsub(">"; "&gt;");
# Sentences of the report hold names too. They are to be read as they are, so what is harmless within
# a line stays: what would begin a list, a block of code or an address is taken apart.
def sentence: sub("^ +"; "") | gsub("(?<c>[\\\\`*_\\[\\]#|~<>&])"; if .c == "<" then "&lt;" elif .c == ">" then "&gt;" elif .c == "&" then "&amp;" else "\\\(.c)" end)
    | gsub("://"; "\\://") | gsub("(?<w>www)[.]"; "\(.w)\\."; "i")
    | sub("^(?<c>[-+=])"; "\\\(.c)") | sub("^(?<n>[0-9]+)(?<c>[.)])"; "\(.n)\\\(.c)");
def row: "| " + join(" | ") + " |";
# $heads: one that begins with > is of a column of numbers.
def table($heads; rows):
    ([$heads[] | ltrimstr(">")] | row), ([$heads[] | if startswith(">") then "--:" else "---" end] | row), (rows | row), "";
def rated: rate + (interval | if . == "" then "" else " (" + . + ")" end);

def measures:
    [(.impressions | count), (.clicks | count), (.ctr | rated), (.engagement_rate | rated), (.conversions | count),
     (.conversion_rate | rated), amounts("cost"), amounts("revenue"), roi];
def heads($first): [$first, ">Impressions", ">Clicks", ">CTR", ">Engagement rate", ">Conversions", ">Conversion rate", ">Cost", ">Revenue", ">ROI"];
def evidence: .channel_evidence | values | (.says | sentence) + ".", "";

def page:
    "# Campaign report", "", "\(period), as of \(.as_of | time). Ranges are 95 % Wilson intervals.", "",
    (.summary | table(heads("Campaigns"); [.campaigns | count] + (
        {impressions, clicks, conversions, amounts, roi_percent, ctr: .overall_ctr,
         engagement_rate: .overall_engagement_rate, conversion_rate: .overall_conversion_rate} | measures))),
    (.next_steps | select(. != []) | "## What to do next", "", (.[] | "- " + sentence), ""),
    (select(.funnel.steps[0].reached > 0) | .funnel | "## Funnel", "",
        table(["Status", ">At it", ">At least", ">Of the step before", ">Of all"];
            .steps[] | [.status, (.contacts | count), (.reached | count), (.of_previous | rated), (.of_first | rated)]),
        "Disqualified, and counted apart: \(.disqualified | count).", ""),
    (select(.channels != []) | "## Channels by engagement rate", "",
        table([">Rank"] + heads("Channel"); .channels[] | [(.rank | tostring), (.channel | channel_name | plain)] + measures), evidence),
    (select(.campaigns != []) | "## Campaigns", "",
        table(heads("Campaign"); .campaigns | sort_by(-.impressions) | .[:50][] | [campaign | plain] + measures),
        (.campaigns | length - 50 | select(. > 0) | "And \(plural("campaign"; "campaigns")) more, of fewer impressions.", ""),
        (.campaigns | sort_by(-.impressions) | .[:20][] | select(.channels != []) | "### \(campaign | plain)", "",
            table([">Rank"] + heads("Channel"); .channels[] | [(.rank | tostring), (.channel | channel_name | plain)] + measures), evidence),
        (.campaigns | length - 20 | select(. > 0) | "The channels of \(plural("campaign"; "campaigns")) more are not shown.", "")),
    (select(.comparison.ctr.campaigns > 1) | "## Campaigns compared", "",
        table(["Rate", ">Mean", "Best", ">", "Worst", ">", "Evidence"];
            .comparison | to_entries[] | .value as $v
            | [(.key | rate_name), ($v.mean | percent), ($v.best.campaign_id // "–" | plain), ($v.best.value | percent),
               ($v.worst.campaign_id // "–" | plain), ($v.worst.value | percent), ($v.evidence.says // "–" | sentence)])),
    (.compare | values | . as $c | "## Compared", "",
        table(["Rate", ">" + (.a.name | plain), ">" + (.b.name | plain), "What the test says"];
            .tests | to_entries[] | .key as $r | [($r | rate_name), ($c.a[$r] | rated), ($c.b[$r] | rated), (.value.says | sentence)])),
    (.contacts | select(.total > 0) | .total as $n | "## Contacts", "",
        table(["Tier", ">Contacts", ">Share"]; .by_tier | to_entries[] | [.key, (.value | count), (.value / $n | percent)]),
        (select(.top != []) | table([">#", "Contact", "Name", "Company", ">Score", "Tier", "Status"];
            .top[] | [(.rank | tostring), (.email | plain), (person // "" | plain), (.company // "" | plain), (.ltv | fixed(1)), .tier, .status]))),
    (.timeline | select(.buckets != []) | "## Time line, by \(.unit)", "",
        table(["From", ">Impressions", ">Engagements", ">Clicks", ">Conversions"];
            .buckets[] | select(.impressions + .engagements + .clicks + .conversions > 0)
            | [.from, (.impressions, .engagements, .clicks, .conversions | count)])),
    (.providers.list | select(. != []) | "## Providers", "",
        table(["Provider", "For", ">Calls", ">Answered", ">Errors", ">Latency in ms", ">Credits"];
            .[] | [(.provider | plain), (.capability | plain), (.calls | count), (.success_rate | rated), (.outcomes.error | count),
                (.average_latency_ms | count), (.credits | fixed(1))])),
    (.input.says | select(. != []) | "## Left out", "", (.[] | "- " + sentence), ""),
    "\(.input.records | plural("record"; "records")) read, \(.input.counted | count) counted. Report \(.report_id | plain).";

[page] | join("\n") + "\n"
