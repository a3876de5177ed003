# What an adapter leaves out, and what adapters share (`include "defaults";` after the module line).
# A function an adapter defines itself wins: it is included before this file.
module {"name": "defaults"};

# --- shared ---------------------------------------------------------------------------------------

# The class of an HTTP status that the provider's own rules say nothing about.
def status_class:
  {"401": "auth", "403": "auth", "407": "auth", "402": "quota", "408": "timeout", "429": "rate_limited"}[tostring]
  // if . >= 500 then "server" else "bad_response" end;

# Seconds in Retry-After; null where it is a date, which C reads from the header itself.
def retry_after: [.headers["retry-after"] | tonumber?][0];

# A failed call. `detail` is ours or a word of the provider's (an error code), never free text: that
# may quote the contact back.
def failure(class; detail):
  {error: {class: class, detail: "HTTP \(.status): \(detail)", retry_after_s: retry_after}};

# The same from the status alone, for {status, headers, ...}.
def http_failure:
  (.status | status_class) as $class
  | failure($class; {
      auth: "key refused", quota: "no credit left", timeout: "the service timed out",
      rate_limited: "too many requests", server: "the service failed",
      bad_response: "unexpected answer"}[$class]);

# One record's answers.
def not_found: {outcome: "not_found"};
def lost($detail): {outcome: "error", class: "bad_response", detail: $detail};

# A record that makes a call too long for the service is no fault of the service's.
def too_long: [.status] | inside([413, 414, 431]);
def skipped_for_length:
  {results: [{outcome: "skipped", detail: "HTTP \(.status): too long for a call"}], usage: {credits: 0}};

# For advice: " until 2026-11-20 14:05 UTC", or nothing where no time is known.
def until_when: .until // "" | if . == "" then . else " until " + .[:10] + " " + .[11:16] + " UTC" end;

# Was it an asynchronous answer that did not come, not a call that took too long?
def still_pending: .class == "timeout" and (.detail // "" | contains("polling"));

# --- defaults -------------------------------------------------------------------------------------

def request: error("the adapter has no function `request`");

# For a service that answers in our own member names: one object for one record, or an array with
# one entry per record.
def response:
  if .status == 404 then {results: [.items[] | not_found]}
  elif .status < 200 or .status > 299 then http_failure
  else
    (.items | length) as $n
    | (if (.body | type) == "array" then .body else [.body] end) as $all
    | if ($all | length) != $n or any($all[]; . != null and type != "object")
      then failure("bad_response"; "not one answer per record")
      else {results: [$all[] | if . == null or . == {} then not_found else {outcome: "ok", data: .} end]}
      end
  end;

# No check of its own.
def check: null;

def checked:
  if .status >= 200 and .status < 300 then {ok: true, detail: "HTTP \(.status)"}
  else {ok: false, detail: http_failure.error.detail} end;

def advise: {
    auth: ["critical", "set a valid key; the service refuses the one it gets"],
    quota: ["critical", "the account has no credit left: top it up, or wait for the next period"],
    config: ["critical", "correct the provider's settings in the configuration"],
    rate_limited: ["warning", "wait\(until_when), or lower the provider's `rate` in the configuration"],
    timeout: ["warning", "the service is slow: raise `\(if still_pending then "poll_limit_s" else "timeout_s" end)`, or wait"],
    dns: ["warning", "the service's name does not resolve: check `base_url` and the network"],
    network: ["warning", "the service cannot be reached: check `base_url` and the network"],
    tls: ["critical", "the service's certificate is not trusted: check `base_url` and `ca_file`"],
    server: ["warning", "the service itself fails: wait"],
    bad_response: ["warning", "the service's answers are not understood: is the adapter up to date?"]
  }[.class // ""] // ["info", "nothing to do"]
  | {severity: .[0], action: .[1]};
