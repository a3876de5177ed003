# People Data Labs: people by address, profile or name; up to 100 in one call.
# https://docs.peopledatalabs.com/docs/person-enrichment-api, /docs/bulk-enrichment-api
module {
  "name": "peopledatalabs",
  "capabilities": ["lead_enrichment"],
  "transport": "http",
  "text": "errors",
  "settings": {
    "api_key": {"env": "PDL_API_KEY", "secret": true, "required": true},
    "base_url": {"default": "https://api.peopledatalabs.com/v5"},
    "sandbox_url": {"default": "https://sandbox.api.peopledatalabs.com/v5"},
    "min_likelihood": {"default": 5}   # of 10; what is less likely would not count as known
  },
  "batch": 50,                             # 100 are allowed, but only 1 MB of answer
  "rate": {"requests": 50, "per_s": 60},   # the free plan's 100 a minute, burst included
  "cost": {"credits": 1}
};
include "defaults";
def usual_advice: advise;

# --- questions ------------------------------------------------------------------------------------

def headers: {"X-Api-Key": .settings.api_key};

# Only what is used here: a whole record has 20 times as much.
def fields:
  "first_name,last_name,job_title,job_title_levels,job_company_name,job_company_website,job_company_size,job_company_industry,linkedin_url,location_locality,location_country,mobile_phone";

def options: {min_likelihood: .settings.min_likelihood, titlecase: true, data_include: fields};

# On lower plans a field that exists may come as `true` instead of its value.
def text: if type == "string" and . != "" then . else null end;
def said: text | if . then .[:300] else null end;   # a longer one is no name and costs the batch

# An address carries its domain; as a company, that of a mail provider would name the wrong employer.
def identity:
  (.email | said) as $email
  | {email: $email, profile: (.linkedin_url | said), first_name: (.first_name | said),
     last_name: (.last_name | said),
     company: ((.company | said) // if $email then null else .domain | said end),
     country: (.country | said)};

# Less than this is refused: an address, a profile, or a full name with a place to find it.
def enough: identity | .email or .profile or (.first_name and .last_name and .company);
def too_little: {outcome: "skipped", detail: "neither address, profile nor full name with a company"};

# Our number goes with each record and comes back with its answer.
def bulk:
  .items as $items
  | {method: "POST", url: (.settings.base_url + "/person/bulk"), headers: headers,
     body: (options + {requests: [range($items | length) | . as $i | $items[$i] | select(enough)
                                  | {metadata: {index: $i},
                                     params: (identity | with_entries(select(.value)))}]})};

def request:
  if any(.items[]; enough) | not then
    {results: [.items[] | too_little], usage: {credits: 0}}
  elif .items | length > 1 then bulk
  else
    {method: "GET", url: (.settings.base_url + "/person/enrich"), headers: headers,
     query: ((.items[0] | identity) + options)}
  end;

# --- answers --------------------------------------------------------------------------------------

def profile: text | if . == null or startswith("http") then . else "https://" + . end;

def found:
  (.likelihood | if type == "number" then . else 5 end) as $likelihood
  | .data
  | {outcome: "ok", confidence: ($likelihood / 10),
     data: {first_name: (.first_name | text), last_name: (.last_name | text),
            city: (.location_locality | text), country: (.location_country | text),
            company_name: (.job_company_name | text), company_domain: (.job_company_website | text),
            company_size: (.job_company_size | text), industry: (.job_company_industry | text),
            job_title: (.job_title | text),
            seniority_level: (.job_title_levels | if type == "array" then .[0] | text else null end),
            linkedin_url: (.linkedin_url | profile), phone: (.mobile_phone | text)}};

def type_of($answer): try ($answer.error.type | tostring | .[:60]) catch "no JSON";

# One record's answer, by the status it carries itself.
def person:
  .status as $s
  | if $s == 200 and (.data | type) == "object" then found
    elif $s == 404 then not_found
    elif $s == 400 then {outcome: "rejected", detail: "400: \(type_of(.))"}
    elif ($s | type) == "number" and $s != 200 then
      {outcome: "error", class: ($s | status_class), detail: "\($s): \(type_of(.))"}
    else lost("no status") end;

# By our number; by place where no number came back and none is missing.
def in_order($asked):
  if any(.[]; try .metadata.index catch null | . != null) then
    reduce .[] as $a ({}; (try ($a.metadata.index | tostring) catch null) as $i
                          | if $i then .[$i] = $a else . end)
  elif length == ($asked | length) then
    . as $all | reduce range(length) as $i ({}; .[$asked[$i] | tostring] = $all[$i])
  else {} end;

def results:
  .items as $items
  | [range($items | length) | select($items[.] | enough)] as $asked
  | (.body | in_order($asked)) as $answers
  | [range($items | length) | . as $i
     | if $items[$i] | enough | not then too_little
       else $answers[$i | tostring] | if type == "object" then person else lost("no answer for this record") end
       end];

def header($name): .headers[$name] | if . then (try tonumber catch null) else null end;

# Each match is a credit; the reply says how many were spent and are left.
def with_usage($results):
  {results: $results,
   usage: {credits: (header("x-call-credits-spent") // ([$results[] | select(.outcome == "ok")] | length)),
           remaining: header("x-totallimit-remaining")}};

# A miss is told in the service's own words; any other 404 says that it is not there at all.
def miss: .status == 404 and (try (.body.error | type == "object") catch false);
def not_there: failure("config"; "not the service's own answer: is its URL right?");

# There is no Retry-After, but the time at which the limit starts anew.
def refused:
  .status as $s
  | if $s == 429 then
      .headers["x-ratelimit-reset"] as $reset
      | failure("rate_limited"; type_of(.body)) | .error.reset_at = $reset
    elif $s == 404 and (miss | not) then not_there
    elif .items | length > 1 then http_failure
    elif too_long then skipped_for_length
    elif miss then with_usage([not_found])
    elif $s == 400 then with_usage([{outcome: "rejected", detail: "HTTP 400: \(type_of(.body))"}])
    else http_failure end;

def response:
  if .status != 200 then refused
  elif .body | type == "array" then results as $results | with_usage($results)
  elif (.body | type == "object") and (.items | length == 1) then
    (.body | .status = 200 | person) as $answer | with_usage([$answer])
  else failure("bad_response"; "not one answer per record") end;

# --- the provider itself --------------------------------------------------------------------------

# The sandbox takes the same key and costs nothing; whether it knows the profile does not matter.
def check:
  {method: "GET", url: (.settings.sandbox_url + "/person/enrich"), headers: headers,
   query: {profile: "linkedin.com/in/leadpipe-self-check"}};

def checked:
  if .status == 200 or miss then {ok: true, detail: "key accepted"}
  elif .status == 404 then not_there.error | {ok: false, class, detail}
  else http_failure.error | {ok: false, class, detail} end;

def advise:
  if .class == "quota" then
    {severity: "critical",
     action: "the People Data Labs account has no credit left (402): top it up, wait for its next month, or take the provider out of the chain"}
  elif .class == "auth" then
    {severity: "critical",
     action: "set PDL_API_KEY to the key shown at dashboard.peopledatalabs.com; the service refuses the one it gets"}
  elif .class == "rate_limited" then
    {severity: "warning",
     action: "People Data Labs' limit a minute was hit: lower `rate` to what the plan allows (100 or 1000 a minute)"}
  else usual_advice end;
