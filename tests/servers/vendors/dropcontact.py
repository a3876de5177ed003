"""Dropcontact: POST enrich/all (submit), GET enrich/all/ID (poll), GET account/credits.

As the API has it: at most 250 records of at most 15 kB; too few credits for the batch is 403 for all
of it; "not ready" is 200 with success false, and so is an id nobody knows; an address sent is always
charged, other records when something is found.
Settings (--set dropcontact.NAME=VALUE, or POST /_sim/set {"dropcontact": {...}}):
    credits      what the account starts with (100000)
    ready_ms     a batch is ready that long after it was submitted (0)
    ready_polls  and not before it was asked for that often in vain (0)
"""
import json
import time

from sim_people import email_from_names, person

NAME = "dropcontact"
BASES = ("/v1",)
BATCH_ROUTE = "/enrich/all/"
MOST = 250
MOST_BYTES = 15000
SETTINGS = {"credits": 100000, "ready_ms": 0, "ready_polls": 0}
NOT_READY = "Request not ready yet, try again in 30 seconds"


def error(sim, status):
    if status in (404, 422) or status >= 500:
        return sim.json(status, {"detail": "Internal error" if status >= 500 else "Not acceptable"})
    reason = {401: "Unauthorized: the token is not valid", 402: "No credits",
              403: "Not enough credits", 429: "Too many requests"}.get(status, "Bad request")
    return sim.json(status, {"error": True, "success": False, "reason": reason})


def refused(sim, status, reason):
    return sim.json(status, {"error": True, "success": False, "reason": reason})


def allowed(sim, req):
    return req.headers.get("x-access-token") == sim.key(NAME)


def host_of(item):
    site = (item.get("website") or "").lower()
    return site.removeprefix("https://").removeprefix("http://").removeprefix("www.").split("/")[0]


def describe(item):
    email = item.get("email") or email_from_names(item, host_of(item))
    who = person(email) if email else None
    out = {"civility": None, "first_name": item.get("first_name"),
           "last_name": item.get("last_name"), "full_name": item.get("full_name"), "email": [],
           "phone": None, "mobile_phone": None, "company": item.get("company"),
           "website": item.get("website"), "linkedin": item.get("linkedin"), "job": None,
           "job_level": None, "nb_employees": None, "industry": None}
    if "custom_fields" in item:
        out["custom_fields"] = item["custom_fields"]
    if who is None:
        return out
    out.update(first_name=who.first, last_name=who.last, full_name=who.first + " " + who.last,
               email=[{"email": email, "qualification": who.qualification}],
               mobile_phone=who.phone, company=who.company, linkedin="www." + who.linkedin,
               website="www." + who.domain if who.company else None, job=who.title,
               job_level=who.level, nb_employees=who.size and str(who.size), industry=who.industry)
    return out


def problem(sim, items):
    """Why the batch is refused, as an answer; or None."""
    if not isinstance(items, list) or not items:
        return refused(sim, 400, "data is missing")
    if len(items) > MOST:
        return refused(sim, 400, "Too many contacts: the limit is 250 per request")
    if not all(isinstance(item, dict) for item in items):
        return sim.json(422, {"detail": "data must be a list of objects"})
    if any(len(json.dumps(item)) > MOST_BYTES for item in items):
        return refused(sim, 400, "A contact is larger than 15 kB")
    if any(not isinstance(item.get("email", ""), str) for item in items):
        return sim.json(422, {"detail": "email must be a string"})
    if sim.state(NAME)["credits"] < len(items):
        return error(sim, 403)
    return None


def submit(sim, req):
    if not allowed(sim, req):
        return error(sim, 401)
    try:
        body = json.loads(req.body)
    except ValueError:
        return sim.json(422, {"detail": "JSON decode error"})
    items = body.get("data") if isinstance(body, dict) else None
    no = problem(sim, items)
    if no:
        return no
    state = sim.state(NAME)
    batches = state.setdefault("batches", {})
    request_id = "req%06d" % (len(batches) + 1)
    req.keys = tuple(item.get("email") for item in items)
    answers = [describe(item) for item in items]
    state["credits"] -= sum(1 for item, a in zip(items, answers) if item.get("email") or a["email"])
    batches[request_id] = {"data": answers, "polls": 0,
                           "ready_at": time.monotonic() + state["ready_ms"] / 1000}
    return sim.json(200, {"error": False, "success": True, "request_id": request_id,
                          "credits_left": state["credits"]})


def poll(sim, req):
    if not allowed(sim, req):
        return error(sim, 401)
    req.keys = ()
    state = sim.state(NAME)
    batch = state.get("batches", {}).get(req.rest)
    if batch is not None:
        batch["polls"] += 1
        forced = "forceResults=true" in req.query
        ready = batch["polls"] > state["ready_polls"] and time.monotonic() >= batch["ready_at"]
        if ready or forced:
            data = {"partial": batch["data"][1:], "bad_record": ["?"] + batch["data"][1:]}
            return sim.json(200, {"success": True, "error": False,
                                  "data": data.get(req.fault, batch["data"]),
                                  "credits_left": state["credits"]})
    return sim.json(200, {"success": False, "error": False, "reason": NOT_READY})


def credits(sim, req):
    if not allowed(sim, req):
        return sim.json(401, {"detail": "Unauthorized"})
    req.keys = ()
    return sim.json(200, {"credits": sim.state(NAME)["credits"]})


ROUTES = {("POST", "/enrich/all"): submit, ("GET", "/enrich/all/"): poll,
          ("GET", "/account/credits"): credits}
