"""People Data Labs: GET person/enrich, POST person/bulk; the same below /sandbox.

As the API has it: no match is 404 and costs nothing, 402 is an empty account, bulk takes 100 at most
and carries a status per record in a 200; every reply tells the credits in headers; 429 has no
Retry-After but the time of the reset.
Special addresses beside those of sim_people: malformed*@ (400 for this record), lowplan*@ (a phone
that is `true`), faint*@ (a match of likelihood 3).
Settings:
    credits    what the account has (100000)
    reset_s    the limit starts anew that many seconds after a 429 (1)
"""
import json
import time
from urllib.parse import parse_qsl

from sim_people import email_from_names, person

NAME = "peopledatalabs"
BASES = ("/v5", "/sandbox/v5")
BATCH_ROUTE = "/person/bulk"
MOST = 100
SETTINGS = {"credits": 100000, "reset_s": 1}
TYPES = {400: "invalid_request_error", 401: "authentication_error", 402: "payment_required",
         404: "not_found", 405: "invalid_request_error", 429: "rate_limit_error"}


def refusal(status):
    return {"status": status, "error": {"type": TYPES.get(status, "api_error"),
                                        "message": "In so many words."}}


def error(sim, status):
    headers = ()
    if status == 429:
        reset = time.gmtime(time.time() + sim.state(NAME)["reset_s"])
        headers = (("x-ratelimit-limit", "{'minute': 100}"),
                   ("x-ratelimit-reset", time.strftime("%Y-%m-%dT%H:%M:%SZ", reset)))
    return sim.json(status, refusal(status), headers)


def allowed(sim, req):
    return req.headers.get("x-api-key") == sim.key(NAME)


def email_of(params):
    place = (params.get("company") or "").lower().replace(" ", "-")
    return params.get("email") or email_from_names(params, place if "." in place else place + ".test")


def match(params):
    """What one record is answered: (status, body)."""
    email = email_of(params)
    if not email and not params.get("profile"):
        return refusal(400)
    who = person(email or "%s@linked.test" % params["profile"].rstrip("/").split("/")[-1])
    if who and who.case == "malformed":
        return refusal(400)
    likelihood = 3 if who and who.case == "faint" else 8
    if who is None or likelihood < float(params.get("min_likelihood", 2)):
        return refusal(404)
    return {"status": 200, "likelihood": likelihood, "data": {
        "id": who.id, "full_name": who.first + " " + who.last, "first_name": who.first,
        "last_name": who.last, "job_title": who.title,
        "job_title_levels": [who.level] if who.level else [], "job_company_name": who.company,
        "job_company_website": who.domain if who.company else None,
        "job_company_size": "%d-%d" % (who.size, 2 * who.size) if who.size else None,
        "job_company_industry": who.industry, "linkedin_url": who.linkedin,
        "location_locality": who.city, "location_country": who.country,
        "mobile_phone": True if who.case == "lowplan" else who.phone}}


def spend(sim, credits):
    state = sim.state(NAME)
    state["credits"] -= credits
    return (("x-call-credits-spent", str(credits)), ("x-call-credits-type", "enrich"),
            ("x-totallimit-remaining", str(state["credits"])))


def enrich(sim, req):
    if not allowed(sim, req):
        return error(sim, 401)
    if req.path.startswith(("/sandbox", "/peopledatalabs/sandbox")):
        req.keys = ()
        return error(sim, 404)
    if sim.state(NAME)["credits"] <= 0:
        return error(sim, 402)
    params = dict(parse_qsl(req.query))
    req.keys = (email_of(params) or params.get("profile"),)
    reply = match(params)
    return sim.json(reply["status"], reply, spend(sim, int(reply["status"] == 200)))


def bulk(sim, req):
    if not allowed(sim, req):
        return error(sim, 401)
    if sim.state(NAME)["credits"] <= 0:
        return error(sim, 402)
    try:
        body = json.loads(req.body)
        requests = body["requests"]
    except (ValueError, KeyError, TypeError):
        return error(sim, 400)
    if not isinstance(requests, list) or not 0 < len(requests) <= MOST or \
            not all(isinstance(r.get("params"), dict) for r in requests):
        return error(sim, 400)
    req.keys = tuple(email_of(r["params"]) or r["params"].get("profile") for r in requests)
    replies = []
    for request in requests:
        reply = match(dict(request["params"], min_likelihood=body.get("min_likelihood", 2)))
        replies.append(dict(reply, metadata=request.get("metadata")))
    headers = spend(sim, sum(1 for r in replies if r["status"] == 200))
    if req.fault == "partial":
        replies.pop(0)
    if req.fault == "bad_record":
        replies[0] = "?"
    return sim.json(200, replies, headers)


ROUTES = {("GET", "/person/enrich"): enrich, ("POST", "/person/bulk"): bulk}
