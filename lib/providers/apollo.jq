# Apollo.io: people by address, profile or name; up to ten in one call.
# https://docs.apollo.io/reference/people-enrichment, /bulk-people-enrichment
module {
  "name": "apollo",
  "capabilities": ["lead_enrichment"],
  "transport": "http",
  "settings": {
    "api_key": {"env": "APOLLO_API_KEY", "secret": true, "required": true},
    "base_url": {"default": "https://api.apollo.io/api/v1"}
  },
  "text": "errors",                        # the raw body is read only where something is wrong
  "batch": 10,
  "rate": {"requests": 50, "per_s": 60},   # the free plan's; paid plans may ask 1000 a minute
  "cost": {"credits": 1}
};
include "defaults";
def usual_advice: advise;

# --- questions ------------------------------------------------------------------------------------

def headers: {"X-Api-Key": .settings.api_key, "Cache-Control": "no-cache"};

# An address carries its domain; alone, the domain of a mail provider would name the wrong employer.
# Members that are null are left out of a query, but not out of a body.
def identity:
  {email, first_name, last_name, organization_name: .company, linkedin_url,
   domain: (if .email then null else .domain | ltrimstr("www.") end)};

# Which record a call is about that asks for one; null: it asks for all of them.
def at: if .memo then .memo.said | length elif .items | length == 1 then 0 else null end;

# The one-person call is the one whose inputs are query parameters although it is a POST.
def request:
  at as $at
  | if $at then
      {method: "POST", url: (.settings.base_url + "/people/match"), headers: headers,
       query: (.items[$at] | identity)}
    else
      {method: "POST", url: (.settings.base_url + "/people/bulk_match"), headers: headers,
       body: {details: [.items[] | identity | map_values(select(.))]}}
    end;

# --- answers --------------------------------------------------------------------------------------

# `email` is never taken from here: an address that is not unlocked comes as a placeholder.
def found:
  [.organization | objects][0] as $of
  | {outcome: "ok", confidence: 0.9,
     data: {first_name, last_name, city, country, linkedin_url,
            job_title: .title, seniority_level: .seniority,
            company_name: $of.name, company_domain: $of.primary_domain,
            company_size: ($of.estimated_num_employees | if . then tostring else null end),
            industry: $of.industry,
            phone: [.phone_numbers[0]?.sanitized_number?][0]}};

def person:
  if type == "object" then if .id then found else not_found end
  elif . == null then not_found
  else lost("not a person") end;

# Answers stand in the order of the questions. Where some are missing nothing says which, and a
# stranger's data would be worse than none: then only those go out whose address is the one asked for.
def by_address($matches):
  INDEX($matches[] | objects | select(.email | type == "string"); .email | ascii_downcase) as $of
  | [.items[]
     | $of[.email // "" | ascii_downcase]
     | if . then person else lost("fewer answers than records") end];

def bulk:
  .body.matches as $matches
  | {results: (if ($matches | length) == (.items | length) then [$matches[] | person]
               else by_address($matches) end),
     usage: {credits: .body.credits_consumed}};

def code: [.body.error_code? | tostring | .[:60]][0] // "no JSON";

# It has no status and no code of its own, not even always an error's status.
def no_credit: [.text, .body] | tojson | test("insufficient.*credit|credit.*insufficient"; "i");

# A call about several that is refused for one record's sake is made again for each by itself: only
# that one is the worse for it. `said`: the answers so far.
def one_by_one: {next: {after_s: 0, memo: {said: []}}, usage: {credits: 0}};

def refused:
  if no_credit then failure("quota"; "no credit left")
  elif .status == 403 then failure("auth"; code + ": the key may not make this call")
  elif too_long and at then skipped_for_length
  elif [.status] | inside([400, 413, 414, 422, 431]) | not then http_failure
  elif at then {results: [{outcome: "rejected", detail: code}], usage: {credits: 0}}
  elif code == "RECORD_LIMIT_EXCEEDED" then failure("bad_response"; code)
  else one_by_one end;

# The commonest first: this runs once for every record.
def judged:
  if .status != 200 then refused
  elif .body.person.id then {results: [.body.person | found], usage: {credits: 1}}
  elif .body.matches | type == "array" and length > 0 then bulk
  elif no_credit then failure("quota"; "no credit left")
  elif (.body | type) != "object" or .body.error or .body.error_code then
    failure("bad_response"; "neither a person nor matches")
  elif at then {results: [not_found], usage: {credits: 0}}
  elif .body.missing_records == (.items | length) then
    {results: [.items[] | not_found], usage: {credits: 0}}
  else failure("bad_response"; "neither a person nor matches") end;

def step:
  judged as $now
  | (.memo.said + $now.results) as $said
  | if $now.results == null then $now
    elif ($said | length) == (.items | length) then $now | .results = $said
    else {next: {after_s: 0, memo: {said: $said}}, usage: $now.usage} end;

def response: if .memo then step else judged end;

# --- the provider itself --------------------------------------------------------------------------

def check: {method: "GET", url: (.settings.base_url + "/auth/health"), headers: headers};

# A wrong key is answered with 200 here; only the flag tells.
def checked:
  if .status != 200 or (.body | type) != "object" then http_failure.error | {ok: false, class, detail}
  elif .body.is_logged_in then {ok: true, detail: "key accepted"}
  else {ok: false, class: "auth", detail: "key refused"} end;

def advise:
  if .class == "rate_limited" then
    {severity: "warning",
     action: "Apollo's limit of calls was hit: wait\(until_when), or lower `rate` to what the plan allows"}
  elif .class == "quota" then
    {severity: "critical",
     action: "the Apollo account has no credit left: buy some, wait for its next month, or take the provider out of the chain"}
  elif .class == "auth" and (.detail // "" | contains("HTTP 403")) then
    {severity: "critical",
     action: "Apollo's key may not make this call: allow people/match and people/bulk_match for it, or make it a master key"}
  elif .class == "auth" then
    {severity: "critical",
     action: "set APOLLO_API_KEY to a key from Apollo's settings (Integrations, API keys); Apollo refuses the one it gets"}
  else usual_advice end;
