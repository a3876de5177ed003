# NeverBounce: verification of addresses, as jobs: create, ask for the status, fetch the results page
# by page. (Walking a list with its single check may lock the account.)
# https://developers.neverbounce.com/reference
module {
  "name": "neverbounce",
  "capabilities": ["email_verification"],
  "transport": "http",
  "text": "errors",
  "settings": {
    "api_key": {"env": "NEVERBOUNCE_API_KEY", "secret": true, "required": true},
    "base_url": {"default": "https://api.neverbounce.com/v4.2"},
    "poll_s": {"default": 10},
    "page_size": {"default": 1000}
  },
  "linger_s": 5,                              # jobs are counted by hour and day: better few and full
  "batch": 1000,                              # a job is dear, an address in it is not
  "max_in_flight": 5,                         # 10 jobs at once are allowed
  "rate": {"requests": 8, "per_s": 17280},    # 50 jobs a day and 10 an hour (of 100 000), burst included
  "free_polls": true,                         # asking how far one is does not count
  "cost": {"credits": 1},
  "poll_limit_s": 1800
};
include "defaults";
def usual_advice: advise;

# --- questions ------------------------------------------------------------------------------------

def call($method; $path; $query):
  {method: $method, url: (.settings.base_url + $path), query: ({key: .settings.api_key} + $query)};

# What is longer is no address, and gets its verdict as well without the rest.
def asked: .email[:320];

def submit:
  .items as $items
  | call("POST"; "/jobs/create"; {})
  | .body = {input: [range($items | length) | {id: tostring, email: ($items[.] | asked)}],
             input_location: "supplied", filename: "leadpipe", auto_parse: 1, auto_start: 1,
             run_sample: 0};

# memo: {job} until it is complete, then {job, page, got}, the answers of the pages read so far.
def request:
  .memo as $memo
  | if $memo == null then submit
    elif $memo.page then
      call("GET"; "/jobs/results";
           {job_id: $memo.job, page: $memo.page, items_per_page: .settings.page_size})
    else call("GET"; "/jobs/status"; {job_id: $memo.job}) end;

# --- verdicts -------------------------------------------------------------------------------------

# Some outputs have numbers for the words.
def word: if type == "number" then ["valid", "invalid", "disposable", "catchall", "unknown"][.] else . end;

def flagged($flag): .flags[$flag] == true;

def invalid:
  if flagged("bad_syntax") then ["invalid", "syntax", 0.95]
  elif flagged("bad_dns") then ["invalid", "no_domain", 0.9]
  else ["invalid", "mailbox_not_found", 0.95] end;

def unsure:
  if flagged("temporary_dns_error") or flagged("connect_fails") then ["unknown", "timeout", 0.2]
  else ["unknown", "not_probed", 0.2] end;

# A mailbox of a spam trap's network may well take mail, and should get none.
def verdict($result):
  if $result == "invalid" then invalid
  elif flagged("spamtrap_network") then ["invalid", "do_not_mail", 0.9]
  elif $result == "valid" then ["valid", "ok", 0.95]
  elif $result == "disposable" then ["risky", "disposable", 0.95]
  elif $result == "catchall" then ["risky", "catch_all", 0.6]
  elif $result == "unknown" then unsure
  else ["unknown", "provider_error", 0] end;

def checks($result; $reason):
  {syntax: (flagged("bad_syntax") | not), role: flagged("role_account"),
   mx: (if flagged("has_dns_mx") then true elif flagged("bad_dns") then false else null end),
   disposable: ($result == "disposable" or flagged("disposable_email")),
   free: flagged("free_email_host"),
   catch_all: (if $result == "catchall" or flagged("accepts_all") then true
               elif $result == "valid" then false else null end),
   smtp: (if $result == "valid" then true
          elif $reason == "mailbox_not_found" then false else null end)};

def text: if type == "string" and . != "" then . else null end;

def verified:
  .flags |= reduce (.[]? | strings) as $flag ({}; .[$flag] = true)
  | (.result | word) as $result
  | verdict($result) as [$status, $reason, $confidence]
  | {outcome: "ok", confidence: $confidence,
     data: {status: $status, reason: $reason, checks: checks($result; $reason),
            did_you_mean: (.suggested_correction | text)}};

# --- answers --------------------------------------------------------------------------------------

# The page's answers added to those before it, by the address they are about. Of an address that
# stands twice in the list one answer is marked as a duplicate: the other counts.
def gathered:
  reduce (.body.results[] | objects) as $a (.memo.got // {};
    (try $a.data.email catch null | text) as $email
    | if $email == null or ($a.verification | type) != "object" or $a.verification.result == "duplicate"
      then .
      else .[$email] = ($a.verification | {result, flags, suggested_correction}) end);

# Folding its case is slow, and needed only where an address comes back other than it was sent.
def results($got):
  (if all(.items[]; $got[asked]) then {} else $got | with_entries(.key |= ascii_downcase) end) as $folded
  | [.items[] | asked | $got[.] // $folded[ascii_downcase]
     | if . then verified else lost("no answer for this record") end];

# What stayed unknown is not charged, nor is a double.
def spent: [.[] | select(.result | word != "unknown")] | length;

def page:
  if .body.results | type != "array" then failure("bad_response"; "no results")
  else
    gathered as $got
    | if (.body.total_pages | type) == "number" and .memo.page < .body.total_pages then
        {next: {after_s: 0, memo: (.memo + {page: (.memo.page + 1), got: $got})}}
      else {results: results($got), usage: {credits: ($got | spent)}} end
  end;

# A job under review by the service's people waits like one at work.
def progress:
  .body.job_status as $at
  | if $at == "complete" then {next: {after_s: 0, memo: (.memo + {page: 1})}}
    elif $at == "failed" then failure("bad_response"; "the job failed")
    elif $at | type == "string" then {next: {after_s: .settings.poll_s, memo: .memo}}
    else failure("bad_response"; "no status of the job") end;

def submitted:
  if .body.job_id | type == "number" or type == "string" then
    {next: {after_s: .settings.poll_s, memo: {job: .body.job_id}}}
  else failure("bad_response"; "no job id") end;

# All that goes wrong in the service is told with 200. No credit has no word of its own.
def told:
  .body.status as $word
  | if $word == "auth_failure" then failure("auth"; "auth_failure")
    elif $word == "temp_unavail" then failure("server"; "temp_unavail")
    elif $word == "throttle_triggered" then
      failure("rate_limited"; "throttle_triggered") | .error.retry_after_s |= (. // 30)
    elif $word == "bad_referrer" then failure("config"; "bad_referrer: the key is for another site")
    elif try (.body.message | ascii_downcase | contains("credit")) catch false then
      failure("quota"; "too few credits for this job")
    else failure("bad_response"; $word | text // "no status" | .[:60]) end;

def response:
  if .status != 200 then http_failure
  elif (.body | type) != "object" then failure("bad_response"; "no JSON object")
  elif .body.status != "success" then told
  elif .memo == null then submitted
  elif .memo.page then page
  else progress end;

# --- the provider itself --------------------------------------------------------------------------

def check: call("GET"; "/account/info"; {});

def left: .body.credits_info | [.paid_credits_remaining, .free_credits_remaining] | map(numbers) | add;

def checked:
  if .status != 200 then http_failure.error | {ok: false, class, detail}
  elif .body.status? != "success" then told.error | {ok: false, class, detail}
  else
    (try left catch null) as $left
    | if $left == 0 then {ok: false, class: "quota", detail: "no credit left", remaining: 0}
      else {ok: true, detail: "key accepted", remaining: $left} end
  end;

def advise:
  if .class == "auth" then
    {severity: "critical",
     action: "set NEVERBOUNCE_API_KEY to a key of the kind secret_..., from app.neverbounce.com/apps; NeverBounce refuses the one it gets"}
  elif .class == "quota" then
    {severity: "critical",
     action: "the NeverBounce account has too few credits: buy some, or take the provider out of the chain"}
  elif .class == "rate_limited" then
    {severity: "warning",
     action: "NeverBounce allows 10 jobs at once, 10 an hour and 50 a day: wait, or lower `rate` or `max_in_flight`"}
  elif still_pending then
    {severity: "warning",
     action: "a NeverBounce job took too long (it may be under review, see app.neverbounce.com): raise `poll_limit_s`, or wait; it is not submitted anew"}
  else usual_advice end;
