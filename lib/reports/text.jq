# text.jq - a report for a terminal: fits .screen.width, bars that line up, colour only where asked for.
include "common";

.screen as $s
| $s.width as $width

# --- columns: what a text takes on the screen ---
| def columns: columns($s.widths);
  def ascii:
      if $s.unicode then .
      else gsub("–"; "-") | gsub("…"; "~") | gsub(" · "; ", ")
          | explode | map(if . < 128 then . else 63 end) | implode end;
  def spaces($n): if $n <= 0 then "" else " " * $n end;
  def clip($n): clip($n; $s.widths; if $s.unicode then "…" else "~" end);
  def left($n): clip($n) | . + spaces($n - columns);
  def right($n): clip($n) | spaces($n - columns) + .;

# --- colour ---
  def paint($code): if $s.color and . != "" then "\u001b[\($code)m\(.)\u001b[0m" else . end;
  def dim: paint("2");

# --- text in paragraphs ---
  def wrapped($indent; $first):
      ($width - ($indent | length)) as $room
      | reduce (splits(" +")) as $word ({lines: [], line: ""};
          (if .line == "" then $word else .line + " " + $word end) as $longer
          | if ($longer | columns) <= $room then .line = $longer
            elif .line == "" then .lines += [$word | clip($room)]
            else .lines += [.line] | .line = ($word | clip($room)) end)
      | (.lines + if .line == "" then [] else [.line] end)
      | to_entries | map((if .key == 0 then $first else $indent end) + .value);

  def heading: "", (ascii | ascii_upcase | wrapped(""; "")[] | paint("1"));

# --- bars ---
  def bar($n):
      (. * $n * 8 + 0.5 | floor) as $eighths
      | if $s.unicode then
            ("█" * ($eighths / 8 | floor) // "") + ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][$eighths % 8]
        else "#" * (. * $n + 0.5 | floor) // "" end;
  # [{label, value, note, color}]: values from 0 up, the greatest fills the line.
  def bars:
      map(.label |= ascii | .note |= ascii)
      | ([.[].label | columns] | max // 0 | if . > $width / 3 then $width / 3 | floor else . end) as $names
      | ([.[].note | columns] | max // 0 | if . > $width - $names - 12 then $width - $names - 12 else . end) as $note
      | ($width - $names - $note - 6) as $room
      | ([.[].value] | max // 0) as $top
      | map(.color as $color
          | (if $top > 0 then .value / $top else 0 end | bar($room)) as $bar
          | "  " + (.label | left($names)) + "  " + (.note | right($note)) + "  " + ($bar | paint($color)));

# --- tables: columns of the least worth go first where there is no room ---
  # [{head, cells, right, worth}]; the first may be cut, but to no less than 24.
  def table:
      def total: map(.width) | add + 2 * length;
      def line(f):
          [.[] | .width as $w | if .right then f | right($w) else f | left($w) end]
          | "  " + join("  ") | sub(" +$"; "");
      map(.cells |= map(ascii) | .width = ([(.head | columns), (.cells[] | columns)] | max))
      | ([.[0].width, 24] | min) as $least
      | until(length == 1 or total - .[0].width + $least <= $width;
          (min_by(.worth).worth) as $worth | map(select(.worth != $worth)))
      | .[0].width = ([.[0].width, $width - (total - .[0].width)] | min)
      | (line(.head) | dim), (range(.[0].cells | length) as $row | line(.cells[$row]));

# --- a row of the time line, one character a bucket ---
  def spark($room):
      (length / $room | ceil) as $each
      | [range(0; length; $each) as $i | .[$i:$i + $each] | add] as $v
      | ($v | max // 0) as $top
      | (if $s.unicode then "▁▂▃▄▅▆▇█" else ".:-=+*#@" end) as $marks
      | [$v[] | if . == 0 or $top == 0 then " " else (. / $top * 7.999 | floor) as $i | $marks[$i:$i + 1] end] | join("");

  def title:
      ("Campaign report" | paint("1")),
      ([("as of " + (.as_of | time)), period] | join(" · ") | ascii | wrapped(""; "")[] | dim);

  def figures:
      .summary as $m
      | [["campaigns", ($m.campaigns | count), "contacts", ($m.contacts | count), ""],
         ["impressions", ($m.impressions | count), "CTR", ($m.overall_ctr | rate), ($m.overall_ctr | interval)],
         ["engagements", ($m.engagements | count), "engagement rate", ($m.overall_engagement_rate | rate),
             ($m.overall_engagement_rate | interval)],
         ["clicks", ($m.clicks | count), "conversion rate", ($m.overall_conversion_rate | rate),
             ($m.overall_conversion_rate | interval)],
         ["conversions", ($m.conversions | count), "ROI", ($m | roi), ""]]
      | (map(.[1] | columns) | max) as $a | (map(.[3] | columns) | max) as $b
      | map(map(ascii))
      | if $width < 33 + $a + $b
        then ([$a, $b] | max) as $w | .[] | "  " + (.[0] | left(16)) + (.[1] | right($w)), "  " + (.[2] | left(16)) + (.[3] | right($w))
        else .[] | "  " + (.[0] | left(12)) + (.[1] | right($a)) + "   " + (.[2] | left(16)) + (.[3] | right($b))
            + (if .[4] == "" or $width < 35 + $a + $b + (.[4] | columns) then "" else "  " + .[4] end)
        end;

  def spending:
      .summary as $m
      | if ($m.amounts | length) == 0 then empty
        else "cost \($m | amounts("cost")), revenue \($m | amounts("revenue"))" | ascii | wrapped("  "; "  ")[] end;

  def steps:
      .next_steps
      | if length == 0 then empty
        else ("What to do next" | heading), (.[] | ascii | wrapped("    "; "  * ")[]) end;

  def funnel:
      select(.contacts.total > 0)
      | ("Funnel: contacts that came at least so far" | heading),
      ([.funnel.steps[] | {label: .status, value: .reached, color: "36",
          note: "\(.reached | count)  \(if .status == "new" then "" else .of_previous | rate end)"}]
       | (map(.note | split("  ")[1] | columns) | max) as $w
       | map(.note |= (split("  ") | .[0] + "  " + (.[1] | right($w)))) | bars[]),
      (.funnel | [(select(.disqualified > 0) | "\(.disqualified | count) disqualified"),
          (select(.other > 0) | "\(.other | count) of another status")] | select(length > 0)
       | "apart: " + join(", ") | wrapped("  "; "  ")[] | dim);

  # A rate above 1 is none; its bar is as long as that of the best that is one.
  def ranking:
      ([.channels[].engagement_rate | select(.low != null) | .value] | max // 1) as $most
      | [.channels[] | {label: channel, value: ([.engagement_rate.value, $most] | min),
          note: "\(.engagement_rate | rate)  \(.engagement_rate | interval)", color: "36"}]
      | if length == 0 then empty
        else (map(.note | split("  ")[1] // "" | columns) | max) as $w
            | map(.note |= (split("  ") | .[0] + "  " + (.[1] // "" | right($w)))) | bars[] end;
  def evidence: .channel_evidence | if . == null then empty else .says | ascii | wrapped("  "; "  ")[] | dim end;

  def campaigns:
      (.campaigns | sort_by(-.impressions) | .[:50]) as $list
      | if ($list | length) == 0 then empty
        else ("Campaigns" | heading),
          ([{head: "campaign", cells: [$list[] | campaign], worth: 99},
            {head: "impressions", cells: [$list[] | .impressions | count], right: true, worth: 8},
            {head: "clicks", cells: [$list[] | .clicks | count], right: true, worth: 4},
            {head: "CTR", cells: [$list[] | .ctr | rate], right: true, worth: 9},
            {head: "engaged", cells: [$list[] | .engagement_rate | rate], right: true, worth: 10},
            {head: "conv.", cells: [$list[] | .conversions | count], right: true, worth: 7},
            {head: "conv. rate", cells: [$list[] | .conversion_rate | rate], right: true, worth: 6},
            {head: "cost", cells: [$list[] | amounts("cost")], right: true, worth: 3},
            {head: "ROI", cells: [$list[] | roi], right: true, worth: 5}] | table),
          (.campaigns | length - ($list | length) | select(. > 0) | "  and \(count) more" | dim)
        end;

  def by_campaign:
      (.campaigns | sort_by(-.impressions) | .[:20])[]
      | select(.channels | length > 0)
      | "", ("CHANNELS OF " + (campaign | ascii | clip($width - 12)) | paint("1")), ranking, evidence;
  def more_campaigns:
      .campaigns | length - 20 | select(. > 0)
      | "", ("and \(plural("campaign"; "campaigns")) more, whose channels are not shown" | wrapped("  "; "  ")[] | dim);

  def compared:
      .compare | select(. != null)
      | (.a.name) as $a | (.b.name) as $b | . as $c
      | ("Compared" | heading),
        ([{head: "rate", cells: [.tests | keys_unsorted[] | rate_name], worth: 99},
          {head: ($a | ascii | clip(24)), cells: [.tests | keys_unsorted[] as $r | $c.a[$r] | rate], right: true, worth: 9},
          {head: ($b | ascii | clip(24)), cells: [.tests | keys_unsorted[] as $r | $c.b[$r] | rate], right: true, worth: 8}]
          | table),
        (.tests | to_entries[] | (.key | rate_name) + ": " + (.value.says) | ascii | wrapped("    "; "  ")[] | dim);

  def contacts:
      .contacts
      | if .total == 0 then empty
        else ("Contacts by tier" | heading),
          (. as $c | [.by_tier | to_entries[] | {label: .key, value: .value, color: "36",
              note: "\(.value | count)  \(.value / $c.total | percent)"}]
           | (map(.note | split("  ")[1] | columns) | max) as $w
           | map(.note |= (split("  ") | .[0] + "  " + (.[1] | right($w)))) | bars[]),
          (.top | if length == 0 then empty
            else ("Top \(length) by score" | heading),
              ([{head: "address", cells: map(.email), worth: 99},
                {head: "name", cells: map(person // ""), worth: 2},
                {head: "score", cells: map(.ltv | fixed(1)), right: true, worth: 9},
                {head: "tier", cells: map(.tier), worth: 5},
                {head: "status", cells: map(.status), worth: 4}] | table) end)
        end;

  def timeline:
      .timeline
      | if (.buckets | length) < 2 then empty
        else ("By \(.unit), \(.buckets[0].from) to \(.buckets[-1].from)" | heading),
          (["impressions", "engagements", "clicks", "conversions"] as $rows | .buckets as $b
            | ([$b[][$rows[]]] | max | count | columns | if . > 9 then . else 9 end) as $most
            | $rows[] as $m
            | "  " + ($m | left(13)) + ([$b[][$m]] | spark([$width - 25 - $most, 1] | max) | paint("36"))
              + ("  " + ([$b[][$m]] | max | count) + " at most" | dim))
        end;

  def providers:
      .providers.list
      | if length == 0 then empty
        else ("Providers" | heading),
          ([{head: "provider", cells: map(.provider), worth: 99},
            {head: "capability", cells: map(.capability), worth: 2},
            {head: "calls", cells: map(.calls | count), right: true, worth: 8},
            {head: "good", cells: map(.success_rate | rate), right: true, worth: 9},
            {head: "errors", cells: map(.outcomes.error | count), right: true, worth: 7},
            {head: "ms", cells: map(.average_latency_ms | count), right: true, worth: 6},
            {head: "credits", cells: map(.credits | fixed(1)), right: true, worth: 5}] | table)
        end;

  def omitted:
      .input.says | if length == 0 then empty
      else ("Left out" | heading), (.[] | ascii | wrapped("    "; "  * ")[] | if $s.color then paint("33") else . end) end;

[ title, "", figures, spending, steps, funnel,
  (select(.channels != []) | ("Channels by engagement rate, with 95 % intervals" | heading), ranking, evidence),
  campaigns, by_campaign, more_campaigns, compared, contacts, timeline, providers, omitted ]
| map(sub(" +$"; "")) | join("\n") + "\n"
