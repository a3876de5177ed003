"""ZeroBounce: POST validatebatch, GET getcredits.

As the API has it: the key is in the body (in the query of a GET); a wrong key and an empty account are
told alike with 200, as an error about "all"; at most 100 addresses; the number of credits is a string,
and -1 for a wrong key; flags come as booleans or as words.
Special addresses beside those of sim_people: disposable*@, spamtrap*@, full*@ (over quota), grey*@
(greylisted), slow*@ (timed out), newword*@ (a status nobody has heard of), refused*@ (an error of this
address alone).
Settings: credits, what the account has (100000).
"""
import json
from urllib.parse import parse_qsl

from sim_people import FREE_DOMAINS, ROLES, Person

NAME = "zerobounce"
BASES = ("/v2",)
BATCH_ROUTE = "/validatebatch"
MOST = 100
SETTINGS = {"credits": 100000}
UNUSABLE = "Invalid API key or your account ran out of credits"
SPECIAL = {"disposable": ("do_not_mail", "disposable"), "spamtrap": ("spamtrap", ""),
           "full": ("invalid", "mailbox_quota_exceeded"), "grey": ("unknown", "greylisted"),
           "slow": ("unknown", "timeout_exceeded"), "newword": ("brand_new", "never_heard_of"),
           "catchall": ("catch-all", ""), "invalid": ("invalid", "mailbox_not_found"),
           "nobody": ("invalid", "mailbox_not_found"), "random": ("invalid", "failed_syntax_check")}


def error(sim, status):
    if status in (403, 520, 524):
        return sim.text(status, "<html>Attention required</html>")
    return sim.json(status, {"error": "In so many words."})


def unusable(sim):
    return sim.json(200, {"email_batch": [],
                          "errors": [{"error": UNUSABLE, "email_address": "all"}]})


def describe(email):
    who = Person(email)
    status, sub = SPECIAL.get(who.case, ("valid", ""))
    if who.case in ROLES:
        status, sub = "do_not_mail", "role_based"
    return {"address": email, "status": status, "sub_status": sub,
            "free_email": who.domain in FREE_DOMAINS, "did_you_mean": None,
            "account": email.split("@")[0], "domain": who.domain, "domain_age_days": "9692",
            "smtp_provider": "example", "mx_found": "true", "mx_record": "mx." + who.domain,
            "firstname": who.first, "lastname": who.last, "gender": None, "country": None,
            "processed_at": "2026-11-20 10:00:00.000"}


def validatebatch(sim, req):
    try:
        body = json.loads(req.body)
        emails = [entry["email_address"] for entry in body["email_batch"]]
    except (ValueError, KeyError, TypeError):
        return error(sim, 400)
    state = sim.state(NAME)
    if body.get("api_key") != sim.key(NAME) or state["credits"] < len(emails):
        return unusable(sim)
    if len(emails) > MOST:
        return error(sim, 400)
    req.keys = tuple(emails)
    answers = [describe(email) for email in emails if not email.startswith("refused")]
    state["credits"] -= sum(1 for a in answers if a["status"] != "unknown")
    answers.reverse()  # no order is promised
    errors = [{"error": "Not an address", "email_address": e}
              for e in emails if e.startswith("refused")]
    if req.fault == "partial":
        answers.pop(0)
    if req.fault == "bad_record":
        answers[0] = "?"
    return sim.json(200, {"email_batch": answers, "errors": errors})


def getcredits(sim, req):
    req.keys = ()
    right = dict(parse_qsl(req.query)).get("api_key") == sim.key(NAME)
    return sim.json(200, {"Credits": str(sim.state(NAME)["credits"] if right else -1)})


ROUTES = {("POST", "/validatebatch"): validatebatch, ("GET", "/getcredits"): getcredits}
