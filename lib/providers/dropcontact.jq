# Dropcontact: a batch is submitted, then asked for until it is ready (10 s to 3 min).
# https://developer.dropcontact.com
module {
  "name": "dropcontact",
  "capabilities": ["lead_enrichment", "email_verification"],
  "transport": "http",
  "settings": {
    "api_key": {"env": "DROPCONTACT_API_KEY", "secret": true, "required": true},
    "base_url": {"default": "https://api.dropcontact.com/v1"},
    "language": {"default": "en"},
    "poll_s": {"default": 30}
  },
  "batch": 250,
  "rate": {"requests": 30, "per_s": 1},   # 60 a second are allowed, burst included
  "cost": {"credits": 1},
  "poll_limit_s": 600
};
include "defaults";
def usual_advice: advise;

def headers: {"X-Access-Token": .settings.api_key};

# A record over 15 kB costs the whole batch: no member of ours needs more than this.
def cut: if type == "string" then .[:300] else null end;

def question($capability):
  if $capability == "email_verification" then {email: (.email | cut)}
  else
    {email: (.email | cut), first_name: (.first_name | cut), last_name: (.last_name | cut),
     company: (.company | cut), website: (if .email then null else .domain | cut end),
     linkedin: (.linkedin_url | cut), country: (.country | cut)}
  end
  | with_entries(select(.value != null));

# Our number goes with each record and comes back with its answer: their order is not relied upon.
def submit:
  .capability as $capability | .items as $items
  | {method: "POST", url: (.settings.base_url + "/enrich/all"), headers: headers,
     body: {siren: false, language: .settings.language,
            data: [range($items | length)
                   | . as $i
                   | $items[$i] | question($capability) | .custom_fields = {index: ($i | tostring)}]}};

def request:
  if .memo then
    {method: "GET", url: (.settings.base_url + "/enrich/all/" + (.memo.request_id | @uri)),
     headers: headers}
  else submit end;

# --- answers --------------------------------------------------------------------------------------

def filled: if type == "string" and . != "" then . else null end;

def addresses: .email? | if type == "array" then map(objects) else [] end;
def has_address: addresses | length > 0;

def host:
  filled | if . then
    ascii_downcase | ltrimstr("https://") | ltrimstr("http://") | ltrimstr("www.") | split("/")[0]
  else null end;

def profile: filled | if . == null or startswith("http") then . else "https://" + . end;

# What was found beside the profile and the website that went out with the question.
def news($asked):
  [(if $asked.linkedin_url then .linkedin_url = null else . end)
   | (if $asked.email == null and $asked.domain then .company_domain = null else . end) | .[]];

# Members come back as they were sent: something must be new for a record to count as found.
def enriched($asked):
  {job_title: (.job | filled), seniority_level: (.job_level | filled),
   linkedin_url: (.linkedin | profile), company_domain: (.website | host),
   company_size: (.nb_employees // null | if type == "number" then tostring else filled end),
   industry: ((.industry | filled) // (.naf5_des | filled)),
   phone: ((.mobile_phone | filled) // (.phone | filled))} as $new
  | if (has_address | not) and ($new | news($asked) | any | not) then not_found
    else
      {outcome: "ok", confidence: 0.9,
       data: ($new + {first_name: (.first_name | filled), last_name: (.last_name | filled),
                      company_name: (.company | filled)})}
    end;

# "<what the local part is>@<what the domain is>". A word we do not know is no verdict.
def verdict:
  split("@") as [$local, $domain]
  | if $local == "invalid" or $local == "random" then ["invalid", "mailbox_not_found", 0.9]
    elif $domain == "invalid" then ["invalid", "no_domain", 0.9]
    elif $domain != "pro" and $domain != "perso" then ["unknown", "provider_error", 0]
    elif $local == "nominative" then ["valid", "ok", 0.95]
    elif $local == "catch_all" or $local == "non_confirm" then ["risky", "catch_all", 0.6]
    elif $local == "generic" then ["risky", "role", 0.9]
    else ["unknown", "provider_error", 0] end
  | {status: .[0], reason: .[1], confidence: .[2],
     checks: ({valid: {smtp: true, catch_all: false, role: false}, invalid: {smtp: false},
               risky: (if .[1] == "role" then {role: true} else {catch_all: true} end)}[.[0]] // {}
              | if $domain == "perso" then .free = true else . end)};

def verified($asked):
  ($asked.email | cut | ascii_downcase) as $email
  | first((addresses[] | select((.email | filled // "" | ascii_downcase) == $email)), null)
  | if . == null then not_found
    else
      (.qualification | filled // "" | verdict)
      | {outcome: "ok", confidence, data: {status, reason, checks}}
    end;

def index: try (.custom_fields.index | tonumber) catch null;

# The answer of each question, by our number; by place where no number came back and none is missing.
def in_order($n):
  if any(.[]; index != null) then reduce .[] as $a ({}; .[$a | index | tostring] = $a)
  elif length == $n then . as $all | reduce range($n) as $i ({}; .[$i | tostring] = $all[$i])
  else {} end;

def answers: (.items | length) as $n | .body.data | in_order($n);

def results($answers):
  .capability as $capability | .items as $items
  | [range($items | length)
     | $items[.] as $asked | $answers[tostring]
     | if type != "object" then lost("no answer for this record")
       elif $capability == "email_verification" then verified($asked)
       else enriched($asked) end];

# An address sent is always charged; without one only the address that was found.
def spent($answers):
  .items as $items
  | [range($items | length) as $i
     | select($items[$i].email or ($answers[$i | tostring] | has_address))] | length;

def pending($memo): {next: {after_s: .settings.poll_s, memo: $memo}};

def submitted:
  if .body.request_id | type == "string" and . != "" then pending({request_id: .body.request_id})
  else failure("bad_response"; "no request id") end;

def polled:
  if .body.success == true and (.body.data | type) == "array" then
    answers as $answers
    | {results: results($answers), usage: {credits: spent($answers), remaining: .body.credits_left}}
  elif .body.success == false then pending(.memo)
  else failure("bad_response"; "neither pending nor ready") end;

# 403 means too few credits for the batch, all of which is then refused.
def response:
  if .status == 403 then failure("quota"; "too few credits for this batch")
  elif .status != 200 then http_failure
  elif (.body | type) != "object" then failure("bad_response"; "no JSON object")
  elif .body.error == true then failure("bad_response"; "the batch was refused")
  elif .memo then polled
  else submitted end;

def check: {method: "GET", url: (.settings.base_url + "/account/credits"), headers: headers};

def checked:
  if .status != 200 or (.body | type) != "object" then http_failure.error | {ok: false, class, detail}
  elif (.body.credits | type) == "number" and .body.credits <= 0 then
    {ok: false, class: "quota", detail: "no credit left", remaining: 0}
  else {ok: true, detail: "key accepted", remaining: .body.credits} end;

def advise:
  if .class == "quota" then
    {severity: "critical",
     action: "the Dropcontact account has too few credits for a whole batch: buy some, or lower `batch` to what is left"}
  elif .class == "auth" then
    {severity: "critical",
     action: "set DROPCONTACT_API_KEY to the token shown in Dropcontact's API settings; Dropcontact refuses the one it gets"}
  elif .class == "rate_limited" then
    {severity: "warning",
     action: "Dropcontact's limit of 60 calls a second was hit: wait\(until_when), or let no other program use the key"}
  elif still_pending then
    {severity: "warning",
     action: "a Dropcontact batch took too long: raise `poll_limit_s`, or wait; it is not submitted anew"}
  else usual_advice end;
