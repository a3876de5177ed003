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

# --- questions ------------------------------------------------------------------------------------

def headers: {"X-Api-Key": .settings.api_key, "Cache-Control": "no-cache"};

# An address carries its domain; alone, the domain of a mail provider would name the wrong employer.
# Members that are null are left out of a query, but not out of a body.
def identity:
  {email, first_name, last_name, organization_name: .company, linkedin_url,
   domain: (if .email then null else .domain end)};

# The one-person call is the one whose inputs are query parameters although it is a POST.
def request:
  if .items | length == 1 then
    {method: "POST", url: (.settings.base_url + "/people/match"), headers: headers,
     query: (.items[0] | identity)}
  else
    {method: "POST", url: (.settings.base_url + "/people/bulk_match"), headers: headers,
     body: {details: [.items[] | identity | with_entries(select(.value))]}}
  end;

# --- answers --------------------------------------------------------------------------------------

# `email` is never taken from here: an address that is not unlocked comes as a placeholder.
def found:
  .organization as $of
  | {outcome: "ok", confidence: 0.9,
     data: {first_name, last_name, city, country, linkedin_url,
            job_title: .title, seniority_level: .seniority,
            company_name: $of.name, company_domain: $of.primary_domain,
            company_size: ($of.estimated_num_employees | if . then tostring else null end),
            industry: $of.industry,
            phone: .phone_numbers[0].sanitized_number}};

def person:
  if type == "object" then if .id then found else not_found end
  elif . == null then not_found
  else lost("not a person") end;

# Answers stand in the order of the questions. Where some are missing nothing says which, and a
# stranger's data would be worse than none: then only those go out whose address is the one asked for.
def by_address($matches):
  ($matches | map(select(.email) | {key: (.email | ascii_downcase), value: .}) | from_entries) as $of
  | [.items[]
     | $of[.email // "" | ascii_downcase]
     | if . then person else lost("fewer answers than records") end];

def bulk:
  .body.matches as $matches
  | {results: (if ($matches | length) == (.items | length) then [$matches[] | person]
               else by_address($matches) end),
     usage: {credits: .body.credits_consumed}};

def code: try (.body.error_code | tostring | .[:60]) catch "no JSON";

def refused:
  if .status == 403 then failure("auth"; code + ": the key may not make this call")
  elif .text // "" | ascii_downcase | contains("insufficient credits") then
    failure("quota"; "no credit left")
  elif .status != 400 and .status != 422 then http_failure
  elif .items | length == 1 then {results: [{outcome: "rejected", detail: code}], usage: {credits: 0}}
  else failure("bad_response"; code) end;

# The commonest first: this runs once for every record.
def response:
  if .status != 200 then refused
  elif .body.person.id then {results: [.body.person | found], usage: {credits: 1}}
  elif .body.matches | type == "array" then bulk
  elif (.items | length == 1) and (.body | type == "object") then
    {results: [not_found], usage: {credits: 0}}
  else failure("bad_response"; "neither a person nor matches") end;

# --- the provider itself --------------------------------------------------------------------------

def check: {method: "GET", url: (.settings.base_url + "/auth/health"), headers: headers};

# A wrong key is answered with 200 here; only the flag tells.
def checked:
  if .status != 200 then {ok: false, detail: http_failure.error.detail}
  elif .body.is_logged_in then {ok: true, detail: "key accepted"}
  else {ok: false, detail: "key refused"} end;
