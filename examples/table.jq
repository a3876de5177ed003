# table.jq - contacts as a table of 80 columns:  jq -rn --argjson max 15 -f table.jq contacts.ndjson
# East Asian letters take two columns, combining marks none; control bytes never reach the terminal.
def columns:
  if . < 32 or (. >= 127 and . < 160) or (. >= 8234 and . <= 8238) or (. >= 8294 and . <= 8297) then -1
  elif . >= 768 and . <= 879 then 0
  elif . >= 4352 and (. <= 4447 or (. >= 11904 and . <= 42191) or (. >= 44032 and . <= 55203)
      or (. >= 63744 and . <= 64255) or (. >= 65072 and . <= 65103) or (. >= 65280 and . <= 65376)
      or (. >= 127744 and . <= 129791) or (. >= 131072 and . <= 262141)) then 2
  else 1 end;
def width: [explode[] | columns] | add // 0;
def fit($n):
  (. // "" | tostring | [explode[] | if columns < 0 then 63 else . end] | implode) as $s
  | if ($s | width) <= $n then $s
    else reduce ($s | explode[]) as $c ({s: [], w: 0, full: false};
        if .full or .w + ($c | columns) > $n - 1 then .full = true
        else .s += [$c] | .w += ($c | columns) end) | .s + [8230] | implode
    end
  | . + " " * ($n - width);
def row: [(.[0] | fit(22)), (.[1] | fit(12)), (.[2] | fit(12)), (.[3] | fit(8)), (.[4] | fit(22))]
  | join(" ") | sub(" +$"; "");
(["EMAIL", "NAME", "COMPANY", "STATUS", "VERIFICATION"] | row),
limit($max; inputs
  | [.email, ([.first_name, .last_name | strings] | join(" ")), .company, .status,
     ([.verification | objects | .status, .reason | strings | select(. != "ok")] | join(" "))]
  | row)
