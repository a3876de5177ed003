# Hunter: people by address, profile or name, and verification of addresses; one in a call.
# https://hunter.io/api-documentation/v2
module {
  "name": "hunter",
  "capabilities": ["lead_enrichment", "email_verification"],
  "transport": "http",
  "text": "errors",
  "settings": {
    "api_key": {"env": "HUNTER_API_KEY", "secret": true, "required": true},
    "base_url": {"default": "https://api.hunter.io/v2"},
    "combined": {"default": false},   # ask for the company too: size and industry, for 2 credits
    "poll_s": {"default": 5}
  },
  # Allowed are 15 a second and 500 a minute, 10 and 300 for verification. A full bucket and what
  # flows in beside it must stay below both.
  "rate": {"lead_enrichment": {"requests": 7, "per_s": 0.9},
           "email_verification": {"requests": 5, "per_s": 1.05}},
  "cost": {"credits": 1},
  "poll_limit_s": 120
};
include "defaults";
def usual_advice: advise;

# --- questions ------------------------------------------------------------------------------------

def get($path; $query):
  {method: "GET", url: (.settings.base_url + $path), query: $query,
   headers: {"X-API-KEY": .settings.api_key}};

def text: if type == "string" and . != "" then . else null end;
def said: text | if . then .[:300] else null end;   # a longer one is no name and costs the call

# The last part of a profile's address: https://www.linkedin.com/in/HANDLE/
def handle: .linkedin_url | said // "" | split("/in/")[1] // "" | split("?")[0] // "" | split("/")[0] | text;

def person($by): get(if .settings.combined then "/combined/find" else "/people/find" end; $by);

def enrichment:
  (.items[0] | {email: (.email | said), handle: handle, domain: (.domain | said),
                company: (.company | said), first_name: (.first_name | said),
                last_name: (.last_name | said)}) as $who
  | if $who.email then person({email: $who.email})
    elif $who.handle then person({linkedin_handle: $who.handle})
    elif $who.first_name and $who.last_name and ($who.domain or $who.company) then
      get("/email-finder";
          $who | {first_name, last_name, domain, company: (if .domain then null else .company end)})
    else
      {results: [{outcome: "skipped", detail: "neither address, profile nor full name"}],
       usage: {credits: 0}}
    end;

# While an answer is pending the same question is asked again.
def request:
  if .capability == "email_verification" then get("/email-verifier"; {email: .items[0].email[:320]})
  else enrichment end;

# --- people ---------------------------------------------------------------------------------------

def profile: text | if . then "https://www.linkedin.com/in/" + ltrimstr("in/") else null end;

# One shape for what people/find and combined/find say ...
def of_person:
  (.person? // (if .name? then . else {} end)) as $who | (.company? // {}) as $firm
  | {first_name: ($who.name.givenName | text), last_name: ($who.name.familyName | text),
     city: ($who.geo.city | text), country: ($who.geo.country | text),
     company_name: (($who.employment.name | text) // ($firm.name | text)),
     company_domain: (($who.employment.domain | text) // ($firm.domain | text)),
     company_size: ($firm.metrics.employees | if type == "number" then . else text end),
     industry: ($firm.category.industry | text),
     job_title: ($who.employment.title | text),
     seniority_level: ($who.employment.seniority | text),
     linkedin_url: ($who.linkedin.handle | profile),
     phone: ($who.phone | text)};

# ... and email-finder. The address it found is not ours to set: the contact came without one.
def of_finder:
  {first_name: (.first_name | text), last_name: (.last_name | text),
   company_name: (.company | text), company_domain: (.domain | text), job_title: (.position | text),
   linkedin_url: (.linkedin_url | text), phone: (.phone_number | text)};

# Names and domain come back as they were asked for: something must be new. Whoever was found is
# charged all the same.
def found($credits):
  {results: [if .job_title or .company_name or .linkedin_url or .phone
             then {outcome: "ok", data: ., confidence: 0.85} else not_found end],
   usage: {credits: (if any(.[]; .) then $credits else 0 end)}};

def nobody: {results: [not_found], usage: {credits: 0}};

def enriched:
  .settings.combined as $combined
  | .body.data
  | if type != "object" then nobody
    elif has("score") then (if .email then of_finder | found(1) else nobody end)
    else of_person | found(if $combined then 2 else 1 end) end;

# --- verdicts -------------------------------------------------------------------------------------

def invalid:
  if .regexp == false then ["invalid", "syntax", 0.95]
  elif .mx_records == false then ["invalid", "no_mx", 0.95]
  else ["invalid", "mailbox_not_found", 0.95] end;

# `webmail` says who runs the mailbox, not whether it is there.
def webmail:
  if .smtp_check == true and .accept_all != true then ["valid", "ok", 0.85]
  else ["unknown", "not_probed", 0.3] end;

def unsure:
  if .block == true then ["unknown", "blocked", 0.2]
  elif .smtp_server == false then ["unknown", "timeout", 0.2]
  else ["unknown", "not_probed", 0.2] end;

def verdict:
  .status as $status
  | if $status == "valid" then ["valid", "ok", 0.95]
    elif $status == "invalid" then invalid
    elif $status == "accept_all" then ["risky", "catch_all", 0.6]
    elif $status == "webmail" then webmail
    elif $status == "disposable" then ["risky", "disposable", 0.95]
    elif $status == "unknown" then unsure
    else ["unknown", "provider_error", 0] end;

# Without `credits` the configured cost counts. What was not verified is not charged; a word that we
# do not know is a verdict nevertheless.
def verified:
  if (.body.data | type) != "object" then failure("bad_response"; "no data")
  else
    .body.data
    | verdict as [$status, $reason, $confidence]
    | {results: [{outcome: "ok", confidence: $confidence,
                  data: {status: $status, reason: $reason,
                         checks: {syntax: .regexp, mx: .mx_records, disposable, free: .webmail,
                                  catch_all: .accept_all, smtp: .smtp_check}}}],
       usage: {credits: (if $status == "unknown" and $reason != "provider_error" then 0 else null end)}}
  end;

# --- refusals -------------------------------------------------------------------------------------

def id: try (.body.errors[0].id | tostring | .[:60]) catch "no JSON";

def one($outcome): {results: [$outcome], usage: {credits: 0}};

# The person wants no processing: nobody else is asked, no mail is sent.
def opted_out:
  if .capability == "email_verification" then
    one({outcome: "ok", confidence: 1, detail: "HTTP 451: asked not to be processed",
         data: {status: "invalid", reason: "do_not_mail"}})
  else one({outcome: "rejected", detail: "HTTP 451: asked not to be processed"}) end;

def bad_record:
  if .capability == "email_verification" and id == "invalid_email" then
    one({outcome: "ok", confidence: 0.95,
         data: {status: "invalid", reason: "syntax", checks: {syntax: false}}})
  else one({outcome: "rejected", detail: "HTTP \(.status): \(id)"}) end;

# A miss is told in the service's own words; any other 404 says that it is not there at all.
def miss: try (.body.errors | length > 0) catch false;
def not_there: failure("config"; "not the service's own answer: is base_url right?");

# 403 is the rate limit here, and 429 the month's credits. Which of its limits was hit is not said.
def refused:
  .status as $s
  | if $s > 200 and $s < 300 then {next: {after_s: .settings.poll_s, memo: {again: true}}}
    elif $s == 403 then
      failure("rate_limited"; id) | .error.retry_after_s |= (. // 20)
    elif $s == 429 then failure("quota"; "the month's credits are used up")
    elif $s == 451 then opted_out
    elif $s == 404 and (miss | not) then not_there
    elif $s == 404 and .capability == "lead_enrichment" then nobody
    elif $s == 400 or $s == 422 then bad_record
    elif too_long then skipped_for_length
    else http_failure end;

def response:
  if .status != 200 then refused
  elif (.body | type) != "object" then failure("bad_response"; "no JSON object")
  elif .body | has("data") | not then failure("bad_response"; "no data")
  elif .capability == "email_verification" then verified
  else enriched end;

# --- the provider itself --------------------------------------------------------------------------

def check: get("/account"; {});

# Newer plans count credits, older ones searches and verifications; `available` is what the plan gives.
def left($capability):
  .requests
  | (.credits // if $capability == "email_verification" then .verifications else .searches end)
  | if (.available | type) == "number" then .available - (.used // 0) else null end;

# 403 and 429 mean here what they mean elsewhere.
def checked:
  if .status == 403 or .status == 429 then refused.error | {ok: false, class, detail, retry_after_s}
  elif .status != 200 or (.body.data? | type) != "object" then
    http_failure.error | {ok: false, class, detail}
  else
    .capability as $capability
    | .body.data
    | (.reset_date | text) as $reset | left($capability) as $left
    | if $left and $left <= 0 then
        {ok: false, class: "quota", remaining: 0, reset_at: $reset,
         detail: ("no credit left" + (if $reset then ", resets on " + $reset else "" end))}
      else {ok: true, detail: "key accepted", remaining: $left, reset_at: $reset} end
  end;

# The check knows the day, and what is out until a midnight is out for that.
def day:
  if .until // "" | .[10:19] == "T00:00:00" then .until[:10]
  else .detail // "" | split("resets on ")[1] // "" | .[:10] end;

def advise:
  if .class == "quota" then
    {severity: "critical",
     action: ("Hunter's monthly credits are used up: wait until they reset" +
              (day | if . == "" then " (self-check shows the day)" else " on " + . end) +
              ", or take a larger plan")}
  elif .class == "auth" then
    {severity: "critical",
     action: "set HUNTER_API_KEY to the key shown at hunter.io/api-keys; Hunter refuses the one it gets"}
  elif .class == "rate_limited" then
    {severity: "warning",
     action: "Hunter's limit a second or a minute was hit (its 403): lower `rate`, or let no other program use the key"}
  else usual_advice end;
