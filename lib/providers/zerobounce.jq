# ZeroBounce: verification of addresses; up to 100 in one call.
# https://www.zerobounce.net/docs/email-validation-api-quickstart
module {
  "name": "zerobounce",
  "capabilities": ["email_verification"],
  "transport": "http",
  "text": "errors",
  "settings": {
    "api_key": {"env": "ZEROBOUNCE_API_KEY", "secret": true, "required": true},
    "base_url": {"default": "https://api.zerobounce.net/v2"}
  },
  "batch": 100,
  "rate": {"requests": 15, "per_s": 60},   # 30 a minute, burst included: one more locks for 10 minutes
  "timeout_s": 90,
  "tries": 2,                              # a batch asked for again is charged again
  "cost": {"credits": 1}
};
include "defaults";
def usual_advice: advise;

# What is longer is no address, and gets its verdict as well without the rest.
def asked: .email[:320];

# The key has its place in the body, not in a header.
def request:
  {method: "POST", url: (.settings.base_url + "/validatebatch"),
   body: {api_key: .settings.api_key,
          email_batch: [.items[] | {email_address: asked, ip_address: null}]}};

# --- verdicts -------------------------------------------------------------------------------------

# What the sub-status makes of a status; a new one appears without notice and then says nothing.
def invalid_for:
  {failed_syntax_check: "syntax", no_dns_entries: "no_domain", unroutable_ip_address: "no_domain",
   does_not_accept_mail: "no_mx"}[.] // "mailbox_not_found";

def unknown_for:
  {greylisted: "greylisted", mail_server_temporary_error: "greylisted",
   antispam_system: "blocked", forcible_disconnect: "blocked",
   mail_server_did_not_respond: "timeout", timeout_exceeded: "timeout",
   failed_smtp_connection: "timeout", exception_occurred: "provider_error"}[.] // "not_probed";

def not_to_mail:
  if startswith("role_based") then ["risky", "role", 0.9]
  elif . == "disposable" then ["risky", "disposable", 0.95]
  else ["invalid", "do_not_mail", 0.95] end;

def verdict($sub):
  if . == "valid" then ["valid", "ok", (if $sub == "accept_all" then 0.75 else 0.95 end)]
  elif . == "invalid" then
    if $sub == "mailbox_quota_exceeded" then ["risky", "mailbox_full", 0.8]
    else ["invalid", ($sub | invalid_for), 0.95] end
  elif . == "catch-all" or . == "catch_all" then ["risky", "catch_all", 0.6]
  elif . == "do_not_mail" then $sub | not_to_mail
  elif . == "spamtrap" or . == "abuse" then ["invalid", "do_not_mail", 0.95]
  elif . == "unknown" then ["unknown", ($sub | unknown_for), 0.2]
  else ["unknown", "provider_error", 0] end;

def text: if type == "string" and . != "" then . else null end;

# Flags come as booleans or as the words.
def flag: if . == true or . == "true" then true elif . == false or . == "false" then false else null end;

def checks($status; $reason; $sub):
  {syntax: ($reason != "syntax"), free: (.free_email | flag),
   mx: (if $reason == "no_mx" or $reason == "no_domain" then false else .mx_found | flag end),
   disposable: (if $sub == "disposable" then true elif $status == "valid" then false else null end),
   role: (if $sub | startswith("role_based") then true elif $status == "valid" then false else null end),
   catch_all: (if $reason == "catch_all" or ($sub | endswith("accept_all")) then true
               else .catchall_domain | flag end),
   smtp: (if $status == "valid" then true elif $reason == "mailbox_not_found" then false else null end)};

def verified:
  (.sub_status | text // "") as $sub
  | (.status | verdict($sub)) as [$status, $reason, $confidence]
  | {outcome: "ok", confidence: $confidence,
     data: {status: $status, reason: $reason, checks: checks($status; $reason; $sub),
            did_you_mean: (.did_you_mean | text)}};

# --- answers --------------------------------------------------------------------------------------

# A wrong key and an empty account are answered alike, with 200 and this sentence.
def about_account: try (ascii_downcase | contains("api key") or contains("credit")) catch false;

def account_error:
  failure("auth"; "the key is refused, or the account has no credit left (the service does not say which)");

# Answers are found by the address they are about, never by place. Folding its case is slow, and
# needed only where one comes back other than it was sent.
def answers:
  (reduce (.body.email_batch[] | objects) as $a ({}; .[$a.address | text // ""] = $a)) as $of
  | (if all(.items[]; $of[asked]) then {} else $of | with_entries(.key |= ascii_downcase) end) as $folded
  | [.items[] | asked | $of[.] // $folded[ascii_downcase]];

# What ZeroBounce itself calls unknown is not charged.
def spent: [.[] | select(. and .status != "unknown")] | length;

# An error about one address is that record's only, however few went out with it: no verdict, and no
# failure of the service.
def named: reduce (.body.errors[]? | objects | .email_address | text // empty) as $of
             ({}; .[$of | ascii_downcase] = true);
def no_verdict: {outcome: "ok", confidence: 0, data: {status: "unknown", reason: "provider_error"}};

def each($answers; $named):
  .items as $items
  | [range($items | length) as $i
     | $answers[$i]
     | if . then verified
       elif $named[$items[$i] | asked | ascii_downcase] then no_verdict
       else lost("no answer for this record") end];

def batch:
  named as $named
  | if any(.body.errors[]?; try (.error | about_account) catch false) then account_error
    elif (.body.email_batch | length == 0) and (.body.errors | length > 0)
         and (any(.items[]; $named[asked | ascii_downcase]) | not)
    then failure("bad_response"; "the batch was refused")
    else
      answers as $answers
      | {results: each($answers; $named), usage: {credits: ($answers | spent)}}
    end;

# The lock after too many calls lasts ten minutes; how long the protection (403) asks to wait is not
# said. Neither is about the key.
def refused:
  if .status == 429 then failure("rate_limited"; "too many requests") | .error.retry_after_s |= (. // 600)
  elif .status == 403 then
    failure("rate_limited"; "held back by the service's protection") | .error.retry_after_s |= (. // 300)
  else http_failure end;

def response:
  if .status != 200 then refused
  elif (.body | type) != "object" then failure("bad_response"; "no JSON object")
  elif .body.email_batch | type == "array" then batch
  elif (.body.error // .body.errors[0]?.error) | about_account then account_error
  else failure("bad_response"; "no answers") end;

# --- the provider itself --------------------------------------------------------------------------

def check:
  {method: "GET", url: (.settings.base_url + "/getcredits"), query: {api_key: .settings.api_key}};

# The number is a string; -1 is a wrong key, told with 200.
def checked:
  (try (.body.Credits | tonumber) catch null) as $left
  | if .status != 200 then refused.error | {ok: false, class, detail}
    elif $left == null then {ok: false, class: "bad_response", detail: "no number of credits"}
    elif $left < 0 then {ok: false, class: "auth", detail: "key refused"}
    elif $left == 0 then {ok: false, class: "quota", detail: "no credit left", remaining: 0}
    else {ok: true, detail: "key accepted", remaining: $left} end;

def advise:
  if .class == "auth" and (.detail // "" | contains("or the account")) then
    {severity: "critical",
     action: "ZeroBounce says the same for a wrong key and for an empty account: check ZEROBOUNCE_API_KEY and the credits, both under zerobounce.net/members/api"}
  elif .class == "auth" then
    {severity: "critical",
     action: "set ZEROBOUNCE_API_KEY to the key shown at zerobounce.net/members/api; 200 refusals in an hour lock the account"}
  elif .class == "quota" then
    {severity: "critical", action: "the ZeroBounce account has no credit left: buy some, or take the provider out of the chain"}
  elif .class == "rate_limited" then
    {severity: "warning",
     action: "ZeroBounce has locked the account for some minutes (30 batches a minute are allowed): wait, or lower `rate`"}
  else usual_advice end;
