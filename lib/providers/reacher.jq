# Reacher: verification of addresses by a server of one's own, or the hosted one; one in a call.
# https://docs.reacher.email/self-hosting, /v1/check_email
module {
  "name": "reacher",
  "capabilities": ["email_verification"],
  "transport": "http",
  "text": "errors",
  "settings": {
    "base_url": {"env": "REACHER_URL", "required": true},
    "secret": {"env": "REACHER_SECRET", "secret": true},     # of one's own server
    "api_key": {"env": "REACHER_API_KEY", "secret": true}    # of https://api.reacher.email
  },
  "max_in_flight": 4,   # each probes a mail server and may take tens of seconds
  "timeout_s": 90,
  "tries": 2,
  "cost": {"credits": 0}
};
include "defaults";
def usual_advice: advise;

def question($email):
  {method: "POST", url: (.settings.base_url + "/v1/check_email"),
   headers: {"x-reacher-secret": .settings.secret, "Authorization": .settings.api_key},
   body: {to_email: $email}};

def request: question(.items[0].email[:320]);

# --- verdicts -------------------------------------------------------------------------------------

# A null MX counts as a record there, and as mail taken.
def null_mx: try (.mx.records == ["."]) catch false;

# Each part may be an error instead. What went wrong between the two mail servers says nothing about
# the mailbox.
def fault:
  first((.smtp, .mx, .misc | objects | select(.error)), null) as $part
  | $part.error as $e
  | if $e == null then "not_probed"
    elif $part.description == "IpBlacklisted" or $part.description == "NeedsRDNS" then "blocked"
    elif $e.type == "Timeout" or $e.type == "IOError" then "timeout"
    elif try ($e.message | ascii_downcase | contains("greylist") or contains("graylist")) catch false
    then "greylisted"
    else "provider_error" end;

def risky:
  if .misc.is_disposable? then ["risky", "disposable", 0.95]
  elif .smtp.has_full_inbox? then ["risky", "mailbox_full", 0.8]
  elif .smtp.is_catch_all? then ["risky", "catch_all", 0.6]
  elif .misc.is_role_account? then ["risky", "role", 0.9]
  else ["unknown", "provider_error", 0] end;

# `invalid` is also said of a mail server that could not be reached.
def invalid:
  if .syntax.is_valid_syntax? == false then ["invalid", "syntax", 0.95]
  elif .mx.accepts_mail? == false then ["invalid", "no_mx", 0.95]
  elif .smtp.is_disabled? then ["invalid", "disabled", 0.9]
  elif .smtp.can_connect_smtp? == false then ["unknown", "timeout", 0.2]
  else ["invalid", "mailbox_not_found", 0.9] end;

def verdict:
  .is_reachable as $word
  | if null_mx then ["invalid", "null_mx", 0.95]
    elif $word == "safe" then ["valid", "ok", 0.95]
    elif $word == "risky" then risky
    elif $word == "invalid" then invalid
    elif $word == "unknown" then ["unknown", fault, 0.2]
    else ["unknown", "provider_error", 0] end;

# Where the mail server was not asked its flags are all false: they say nothing then.
def checks:
  (try (.smtp.can_connect_smtp == true) catch false) as $asked
  | {syntax: .syntax.is_valid_syntax?,
     mx: (if null_mx then false else .mx.accepts_mail? end),
     disposable: .misc.is_disposable?, role: .misc.is_role_account?, free: .misc.is_b2c?,
     catch_all: (if $asked then .smtp.is_catch_all else null end),
     smtp: (if $asked then .smtp.is_deliverable else null end)};

def text: if type == "string" and . != "" then . else null end;

def verified:
  verdict as [$status, $reason, $confidence]
  | {results: [{outcome: "ok", confidence: $confidence,
                data: {status: $status, reason: $reason, checks: checks,
                       did_you_mean: (.syntax.suggestion? | text)}}]};

# --- refusals -------------------------------------------------------------------------------------

def about_secret: .text // "" | contains("request header");

# "... please wait 12.5s": there is no Retry-After. Minutes are not used in it.
def asked_to_wait:
  (.body.error? // "" | tostring | split("please wait ")[1] // "" | split(" ")[0]) as $wait
  | try (if $wait | endswith("ms") then ($wait | rtrimstr("ms") | tonumber) / 1000
         else $wait | rtrimstr("s") | tonumber end)
    catch 10;

def refused:
  if .status == 400 and about_secret then failure("auth"; "secret refused")
  elif .status == 400 and (.body.error? | type) == "string" then
    {results: [{outcome: "rejected", detail: "HTTP 400: the address is not taken"}]}
  elif .status == 429 then
    asked_to_wait as $s | failure("rate_limited"; "too many requests") | .error.retry_after_s |= (. // $s)
  elif .status == 404 then failure("config"; "no /v1/check_email there: is base_url right?")
  else http_failure end;

def response:
  if .status != 200 then refused
  elif .body.is_reachable? | type != "string" then failure("bad_response"; "no verdict")
  else .body | verified end;

# --- the provider itself --------------------------------------------------------------------------

# Its version is told to anybody. A question without an address passes the secret's check and is then
# refused, without a mail server being asked.
def check: question("");

def checked:
  if .status == 400 and (about_secret | not) and (.body.error? | type) == "string" then
    {ok: true, detail: "secret accepted"}
  elif .status == 200 then {ok: false, class: "bad_response", detail: "this is no Reacher"}
  else refused.error | {ok: false, class, detail} end;

def advise:
  if .class == "auth" then
    {severity: "critical",
     action: "set REACHER_SECRET to what the server has as RCH__HEADER_SECRET (hosted: REACHER_API_KEY); Reacher refuses the one it gets"}
  elif .class == "config" then
    {severity: "critical",
     action: "set REACHER_URL to the server's address without a path, such as http://127.0.0.1:8080; version 0.10 or newer is needed"}
  elif .class == "rate_limited" then
    {severity: "warning",
     action: "Reacher's own throttle was hit: raise it on the server (RCH__THROTTLE__*), or lower `max_in_flight`"}
  elif .class == "network" or .class == "dns" then
    {severity: "warning", action: "Reacher is not reachable at REACHER_URL: is the server running?"}
  else usual_advice end;
