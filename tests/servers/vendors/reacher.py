"""Reacher, a server of one's own: POST v1/check_email, GET version.

As the backend has it: a wrong secret is 400 with plain text; the throttle is 429 with the wait in the
message; each part of an answer may be an error object instead.
Special addresses beside those of sim_people: disposable*@, full*@ (full inbox), disabled*@, grey*@
(greylisted), slow*@ (timed out), listed*@ (our address is on a block list), down*@ (no connection),
nullmx*@, newword*@ (a verdict nobody has heard of).
Settings: wait, what the throttle's message asks for ("1.0s").
"""
import json

from sim_people import FREE_DOMAINS, ROLES, Person

NAME = "reacher"
BASES = ("",)
BATCH_ROUTE = "/no-batches"
MOST_BYTES = 16384
SETTINGS = {"wait": "1.0s"}
FAULTS = {"grey": {"error": {"type": "AsyncSmtpError", "message": "transient: 450 Greylisted"}},
          "slow": {"error": {"type": "Timeout", "message": "deadline has elapsed"}},
          "listed": {"error": {"type": "AsyncSmtpError", "message": "permanent: 554 blocked"},
                     "description": "IpBlacklisted"}}
DEAD = {"can_connect_smtp": False, "has_full_inbox": False, "is_catch_all": False,
        "is_deliverable": False, "is_disabled": False}


def error(sim, status):
    if status in (400, 401, 403):
        return sim.text(400, 'Invalid request header "x-reacher-secret"')
    if status == 429:
        return sim.json(429, {"error": "Rate limit per minute exceeded, please wait " +
                                       sim.state(NAME)["wait"]})
    return sim.json(status, {"error": "Internal error"})


def smtp_of(who):
    if who.case in FAULTS:
        return FAULTS[who.case]
    if who.case in ("down", "nullmx", "random"):
        return dict(DEAD)
    gone = who.case in ("invalid", "nobody", "disabled")
    return dict(DEAD, can_connect_smtp=True, is_deliverable=not gone,
                is_catch_all=who.case == "catchall", has_full_inbox=who.case == "full",
                is_disabled=who.case == "disabled")


def verdict(who, smtp):
    if who.case == "newword":
        return "brand_new"
    if "error" in smtp:
        return "unknown"
    if who.case in ("disposable", "catchall", "full") or who.case in ROLES:
        return "risky"
    return "safe" if smtp["is_deliverable"] else "invalid"


def check_email(sim, req):
    if req.headers.get("x-reacher-secret") != sim.key(NAME):
        return error(sim, 400)
    if len(req.body) > MOST_BYTES:
        return sim.text(413, "The request payload is too large")
    try:
        email = json.loads(req.body)["to_email"].strip()
    except (ValueError, KeyError, TypeError, AttributeError):
        return sim.text(400, "Request body deserialize error")
    if not email:
        req.keys = ()
        return sim.json(400, {"error": "Invalid to_email"})
    req.keys = (email,)
    who = Person(email)
    smtp = smtp_of(who)
    syntax = who.case != "random"
    records = ["."] if who.case == "nullmx" else ["mx." + who.domain + "."] if syntax else []
    return sim.json(200, {
        "input": email, "is_reachable": verdict(who, smtp),
        "misc": {"is_disposable": who.case == "disposable", "is_role_account": who.case in ROLES,
                 "is_b2c": who.domain in FREE_DOMAINS, "gravatar_url": None,
                 "haveibeenpwned": None},
        "mx": {"accepts_mail": bool(records), "records": records}, "smtp": smtp,
        "syntax": {"address": email, "domain": who.domain, "is_valid_syntax": syntax,
                   "username": email.split("@")[0], "normalized_email": email, "suggestion": None},
        "debug": {"backend_name": "sim"}})


def version(sim, req):
    req.keys = ()
    return sim.json(200, {"version": "0.11.6"})


ROUTES = {("POST", "/v1/check_email"): check_email, ("GET", "/version"): version}
