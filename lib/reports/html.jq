# html.jq - a report as one file for browsers: tables and inline SVG, no script, nothing fetched.
# It follows the reader's choice of light or dark, fits a phone, and prints.
#
# jq compiles in a time that grows with the instructions of a program, and this one is to run within
# a tenth of a second: hence bars scaled by transforms, columns aligned by style, one chart for four.
include "common";

def esc: tostring | @html;
def name: "<bdi>" + (. // "–" | @html) + "</bdi>";

# --- pieces of a page ---
def card($class; $title; $body): "<section class=\"card " + $class + "\"><h2>" + $title + "</h2>" + $body + "</section>\n";
def note: "<p class=\"note\">" + @html + "</p>";
def list: "<ul>" + (map("<li>" + @html + "</li>") | add) + "</ul>";
def row($class): "<tr" + $class + "><th scope=\"row\">" + .[0] + "</th><td>" + (.[1:] | join("</td><td>")) + "</td></tr>\n";
# Rows are made; $class says which columns are numbers.
def table($class; $caption; $heads; rows):
    "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"\($caption)\"><table class=\"\($class)\"><caption>\($caption)</caption><thead><tr><th scope=\"col\">"
    + ($heads | join("</th><th scope=\"col\">")) + "</th></tr></thead><tbody>" + ([rows] | add // "") + "</tbody></table></div>";
def rated: rate + "<small>" + interval + "</small>";

# --- charts: 420 units wide, so that their text stays readable on a phone ---
def svg($id; $height; $title; $about; $body):
    "<svg class=\"chart\" viewBox=\"0 0 420 \($height)\" role=\"img\" aria-labelledby=\"\($id)t \($id)d\"><title id=\"\($id)t\">\($title)</title><desc id=\"\($id)d\">"
    + $about + "</desc>" + $body + "</svg>";
# [{name, said, value, class, low, high, part}], values as parts of the whole line.
def bars($id; $title):
    svg($id; length * 30; $title; map(.name + ": " + .said | @html) | join(", ");
        [to_entries[] | .key as $i | .value
            | "<g transform=\"translate(0 \($i * 30))\"><title>\(.name | @html): \(.said)</title><svg width=\"98\" height=\"30\"><text y=\"17\">\(.name | @html)</text></svg><g transform=\"translate(104) scale(196 1)\"><path class=\"rail\" d=\"M0 6h1v14H0z\"/><path class=\"\(.class)\" d=\"M0 6h\(.value)v14H0z\"/>"
              + (if .low then "<path class=\"whisker\" d=\"M\(.low) 9v8m0-4H\(.high)m0-4v8\"/>"
                 elif .part then "<path class=\"b2\" d=\"M0 6h\(.part)v14H0z\"/>" else "" end)
              + "</g><text x=\"420\" y=\"17\" class=\"end\">\(.said)</text></g>"] | add)
    + "";

def funnel:
    .funnel.steps[0].reached as $all
    | if $all == 0 then "No contacts in the records." | note
      else (.funnel.steps | map({name: .status, value: (.reached / $all), class: "b1",
              said: ((.reached | count) + if .status == "new" then "" else " · " + (.of_previous | rate) end)}) | bars("f"; "Funnel"))
        + ("Contacts that came at least so far, and the share of the step before. Disqualified, and counted apart: \(.funnel.disqualified | count)." | note)
      end;

def channels:
    (.channels | map(select(.impressions > 0))) as $all | $all[:12] as $list
    | if $list == [] then "No channels in the records." | note
      else ($list | map(.engagement_rate.high // 0) | max | if . > 0 then . else 1 end) as $top
        | ($list | map(.engagement_rate as $r | {name: (.channel | channel_name), class: "b1", said: ($r | rate),
            value: ([$r.value / $top, 1] | min),
            low: (if $r.high then $r.low / $top else null end), high: (if $r.high then $r.high / $top else null end)})
            | .[0].class = "b2" | bars("c"; "Channels by engagement rate"))
          + ("The line at each bar is its 95 % interval" + (.channel_evidence | if . then "; " + .says else "" end) + "."
              + ($all | length - 12 | if . > 0 then " Below these, \(plural("channel is"; "channels are")) not shown." else "" end) | note)
      end;

def tiers:
    .contacts as $c
    | if $c.total == 0 then "No contacts in the records." | note
      else $c.by_tier | to_entries
        | map({name: .key, value: (.value / $c.total), class: (.key | @html), said: ((.value | count) + " · " + (.value / $c.total | percent))})
        | bars("t"; "Contacts by tier") + ("Tiers of the engagement score, of \($c.total | plural("contact"; "contacts"))." | note)
      end;

def panel($all; $member; $class; $y):
    ($all | map(.[$member]) | max | if . > 0 then . else 1 end) as $top
    | "<text y=\"\($y + 11)\">\($member)</text><text x=\"420\" y=\"\($y + 11)\" class=\"s end\">at most \($top | count)</text><path class=\"axis\" d=\"M0 \($y + 72)h420\"/><g class=\"\($class)\" transform=\"translate(0 \($y + 72)) scale(\(420 / ($all | length)) \(-52 / $top))\">"
      + ([$all | to_entries[] | .value as $v | $v[$member] | select(. > 0) as $n
          | "<path d=\"M\($v.i + 0.12) 0v\(if . * 35 < $top then $top / 35 else . end)h.76V0z\"><title>\($v.from | @html): \(. | count)</title></path>"] | add // "") + "</g>";
def timeline:
    .timeline.unit as $unit | .timeline.buckets
    | if . == [] then "Nothing dated in the records." | note
      else (to_entries | map(.value + {i: .key})) as $b
        | svg("l"; 268; "Time line"; ("By \($unit), from \($b[0].from) to \($b[-1].from)" | @html);
            panel($b; "impressions"; "b1"; 0) + panel($b; "engagements"; "b2"; 86) + panel($b; "conversions"; "b3"; 172)
            + "<text y=\"262\" class=\"s\">\($b[0].from | @html)</text><text x=\"420\" y=\"262\" class=\"s end\">\($b[-1].from | @html)</text>")
          + ("By \($unit), each panel to its own scale." | note)
      end;

def providers:
    .providers.list
    | if . == [] then ""
      else (map(.success_rate.denominator) | max | if . > 0 then . else 1 end) as $top
        | card("wide"; "Providers";
            (.[:12] | map({name: .provider, value: (.success_rate.denominator / $top), part: (.success_rate.numerator / $top), class: "bad",
                said: (.success_rate | rate)}) | bars("p"; "Calls to providers, and how many were answered"))
            + ("Calls that were answered, and in another colour those that failed." | note)
            + table("from3"; "Providers"; ["Provider", "For", "Calls", "Answered", "Errors", "Latency in ms", "Credits"];
                .[] | [(.provider | name), (.capability | name), (.calls | count), (.success_rate | rated),
                    (.outcomes.error | count), (.average_latency_ms | count), (.credits | fixed(1))] | row("")))
      end;

# --- figures ---
def tiles:
    .summary
    | [["Impressions", (.impressions | count), (.campaigns | plural("campaign"; "campaigns"))],
       ["Engagement rate", (.overall_engagement_rate | rate, interval)], ["Clicks", (.clicks | count), ""], ["CTR", (.overall_ctr | rate, interval)],
       ["Conversions", (.conversions | count), (.overall_conversion_rate | rate) + " of clicks"], ["Contacts", (.contacts | count), ""],
       ["Cost", amounts("cost"), if .cost_per_conversion then (.cost_per_conversion | fixed(2)) + " a conversion" else "" end],
       ["Revenue", amounts("revenue"), "ROI " + roi]]
    | "<dl class=\"tiles\">" + (map("<div class=\"tile\"><dt>\(.[0])</dt><dd>\(.[1])</dd><dd class=\"more\">\(.[2])</dd></div>") | add) + "</dl>\n";

def measures:
    [(.impressions | count), (.clicks | count), (.ctr | rated), (.engagement_rate | rated), (.conversions | count), (.conversion_rate | rated),
     amounts("cost"), amounts("revenue"), roi];
def campaigns:
    if .campaigns == [] then ""
    else .campaigns | sort_by(-.impressions) | .[:50] as $list
      | card("wide"; "Campaigns and their channels";
          table("from2"; "Campaigns and their channels, ranked by engagement rate";
              ["Campaign", "Impressions", "Clicks", "CTR", "Engagement rate", "Conversions", "Conversion rate", "Cost", "Revenue", "ROI"];
              $list[] | ([campaign | name] + measures | row(" class=\"sum\"")),
                (.best_channel as $best | .channels[]
                  | ["<i>\(.rank | count)</i> " + (.channel | channel_name | name) + if .channel == $best then " <em>best</em>" else "" end] + measures | row("")))
          + ($list | map(select(.channel_evidence) | campaign + ": " + .channel_evidence.says + "." | note) | add // "")
          + if length > 50 then "\(length - 50) campaigns of fewer impressions are not shown." | note else "" end)
    end;

def comparison:
    if .comparison.ctr.campaigns < 2 then ""
    else card("wide"; "Campaigns compared";
        table("best"; "Means, best and worst of the campaigns"; ["Rate", "Mean", "Best", "", "Worst", "", "Evidence"];
            .comparison | to_entries[] | (.key | rate_name) as $rate | .value
            | [$rate, (.mean | percent), (.best.campaign_id | name), (.best.value | percent),
               (.worst.campaign_id | name), (.worst.value | percent), (.evidence.says // "–" | esc)] | row("")))
    end;

def compared:
    if .compare then .compare | . as $c | [.a, .b | .name | @html] as $names
      | card("wide"; "Compared";
          table("two"; $names | join(" and "); ["Rate"] + $names + ["What the test says"];
              .tests | to_entries[] | [(.key | rate_name), (.key as $r | $c.a, $c.b | .[$r] | rated), (.value.says | esc)] | row("")))
    else "" end;

def top:
    .contacts.top
    | if . == [] then ""
      else card("wide"; "Contacts of the highest score";
          table("fourth"; "Contacts of the highest score"; ["Contact", "Name", "Company", "Score", "Tier", "Status"];
              .[] | [(.email | name), (person | name), (.company | name), (.ltv | fixed(1)), (.tier, .status | @html)] | row("")))
      end;

def omitted: .input.says | if . == [] then "" else card("wide"; "Left out"; list) end;
def steps: .next_steps | if . == [] then "" else card("wide next"; "What to do next"; list) end;

def style: "<style>
:root{color-scheme:light dark;--bg:#f4f6f9;--card:#fff;--ink:#17202c;--soft:#566274;--rule:#dfe5ed;--rail:#eef1f6;--b1:#3b76d6;--b2:#0b8f7f;--b3:#8a4fc7;--bad:#c4492b;--t0:#0b5f55;--t1:#17998a;--t2:#7cc4ba;--t3:#a9b4c2;--mark:#fff4e2;--edge:#d98a1f}
@media (prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#182029;--ink:#e8edf4;--soft:#9dabbd;--rule:#2a3542;--rail:#232d38;--b1:#74a7f7;--b2:#43c9b6;--b3:#bd8df0;--bad:#ef8467;--t0:#6fe3d2;--t1:#35b3a2;--t2:#237a70;--t3:#5b6878;--mark:#2c2416;--edge:#d99a3d}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif}
main,header,footer{max-width:1120px;margin:0 auto;padding:0 20px}
header{padding-top:28px}h1{font-size:26px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
header p,footer,.note,small{color:var(--soft)}header p{margin:0}
h2{font-size:16px;line-height:1.3;margin:0 0 12px}
.tiles{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:12px;margin:20px 0}
.tile,.card{background:var(--card);border:1px solid var(--rule);border-radius:10px}
.tile{padding:12px}.tile dt{color:var(--soft);font-size:13px}.tile dd{margin:0;font-size:21px;font-weight:650;line-height:1.3;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.tile:nth-child(n+7) dd:nth-child(2){font-size:15px;padding-top:4px}.tile dd.more{font-size:13px;font-weight:400;color:var(--soft)}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px}
.card{padding:18px 20px;min-width:0}.wide{grid-column:1/-1}
.next{background:var(--mark);border-color:var(--edge)}.card ul{margin:0;padding-left:20px}.card li{margin:3px 0;overflow-wrap:anywhere}
.note{font-size:13px;margin:10px 0 0;overflow-wrap:anywhere}
.chart{display:block;width:100%;height:auto;max-width:560px}.wide .chart{max-width:440px}.chart text{fill:var(--ink);font-size:12.5px}.chart .s{fill:var(--soft);font-size:11px}.chart .end{text-anchor:end}
.rail{fill:var(--rail)}.b1{fill:var(--b1)}.b2{fill:var(--b2)}.b3{fill:var(--b3)}.bad{fill:var(--bad)}.high{fill:var(--t0)}.medium{fill:var(--t1)}.low{fill:var(--t2)}.inactive{fill:var(--t3)}
.whisker{stroke:var(--ink);stroke-width:1.4;fill:none;vector-effect:non-scaling-stroke}.axis{stroke:var(--rule)}
.scroll{overflow-x:auto;position:relative}.chart+.note+.scroll{margin-top:12px}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
th,td{text-align:left;padding:7px 8px;border-bottom:1px solid var(--rule);vertical-align:top;font-weight:400}
thead th{color:var(--soft);font-size:12.5px;white-space:nowrap;vertical-align:bottom}tbody tr:last-child>*{border-bottom:0}
th:first-child,td:first-child{padding-left:0}th:last-child,td:last-child{padding-right:0}
td{white-space:nowrap}.from2 :is(td,th):nth-child(n+2),.from3 :is(td,th):nth-child(n+3),.best :is(td,th):nth-child(-n+6):nth-child(2n):not(:first-child),.two :is(td,th):nth-child(2),.two :is(td,th):nth-child(3),.fourth :is(td,th):nth-child(4){text-align:right}.best td:last-child,.two td:last-child{white-space:normal;min-width:320px}td small{display:block;font-size:11.5px}
tr.sum>*{font-weight:650;border-top:1px solid var(--rule)}tr.sum small{font-weight:400}
tbody th{max-width:260px;overflow-wrap:anywhere;min-width:110px}.best tbody th,.two tbody th{overflow-wrap:normal}tbody i{font-style:normal;display:inline-block;min-width:1.3em;color:var(--soft)}
em{font-style:normal;font-size:11px;padding:1px 6px;border-radius:8px;background:var(--t0);color:var(--card);white-space:nowrap}
footer{padding-top:18px;padding-bottom:36px;font-size:12.5px}footer p{margin:4px 0}
@media screen and (max-width:720px){main,header,footer{padding-left:14px;padding-right:14px}.grid{grid-template-columns:minmax(0,1fr)}.card{padding:14px}h1{font-size:22px}.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}.tile dd{font-size:18px}.chart text{font-size:14.5px}.chart .s{font-size:13px}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--rule:#bbb;--rail:#eee;--b1:#3b76d6;--b2:#0b8f7f;--b3:#8a4fc7;--bad:#c4492b;--t0:#0b5f55;--t1:#17998a;--t2:#7cc4ba;--t3:#a9b4c2;--mark:#fff;--edge:#888}
body{font-size:10pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}main,header,footer{padding-left:0;padding-right:0}.card,.tile,tr{break-inside:avoid}.card:has(table){break-inside:auto}.card{padding:12px}.scroll{overflow:visible}table{font-size:7.4pt}td small{font-size:6.4pt}th,td{padding:3px 4px}thead th{font-size:7pt;white-space:normal}.note{font-size:8pt}em{font-size:6.4pt;padding:0 4px}tbody th{min-width:0}.best td:last-child,.two td:last-child{min-width:0}}
</style>";


"<!DOCTYPE html>
<html lang=\"en\"><head><meta charset=\"utf-8\">
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex\">
<title>Campaign report, \(.as_of | date | esc)</title>
\(style)</head><body>
<header><h1>Campaign report</h1><p>\(period | esc) · as of \(.as_of | time | esc)</p></header>
<main>
\(tiles)<div class=\"grid\">
\(steps + card(""; "Funnel"; funnel) + card(""; "Channels by engagement rate"; channels)
    + card(""; "Contacts by tier"; tiers) + card(""; "Time line"; timeline)
    + campaigns + comparison + compared + top + providers + omitted)</div></main>
<footer><p>CTR = clicks / impressions; engagement rate = engagements / impressions; conversion rate = conversions / clicks; ROI = (revenue − cost) / cost. Ranges are 95 % Wilson intervals; p values are of a two-sided test of two proportions, and the extremes of many are judged more strictly.</p>
<p>\(.input.records | plural("record"; "records")) read, \(.input.counted | count) counted. Report \(.report_id | esc).</p></footer>
</body></html>"
