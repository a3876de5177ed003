"""Hunter: GET people/find, combined/find, email-finder, email-verifier, account.

As the API has it: 403 is the limit of calls and 429 the month's credits; 202 (or 222) on the verifier
means "ask again"; a person unknown is 404, an address not found 200 with a null; 451 for those who
asked not to be processed.
Special addresses beside those of sim_people: optout*@ (451), disposable*@, unsure*@ (status unknown),
newword*@ (a status nobody has heard of).
Settings:
    credits        what is left of the month's (100000); the plan gives as many
    reset_date     when they are given anew ("2026-12-05")
    pending        an address is answered only after it was asked for that often in vain (0)
    pending_status with this status (202)
"""
from urllib.parse import parse_qsl

from sim_people import FREE_DOMAINS, Person, email_from_names, person

NAME = "hunter"
BASES = ("/v2",)
BATCH_ROUTE = "/no-batches"
SETTINGS = {"credits": 100000, "reset_date": "2026-12-05", "pending": 0, "pending_status": 202}
WORDS = {400: "wrong_params", 401: "authentication_failed", 403: "too_many_requests",
         404: "not_found", 429: "usage_exceeded", 451: "claimed_email"}


def error(sim, status, word=None):
    return sim.json(status, {"errors": [{"id": word or WORDS.get(status, "internal_error"),
                                         "code": status, "details": "In so many words."}]})


def asked(sim, req):
    """The query and None, or None and a refusal."""
    if req.headers.get("x-api-key") != sim.key(NAME):
        return None, error(sim, 401)
    if sim.state(NAME)["credits"] <= 0:
        return None, error(sim, 429)
    return dict(parse_qsl(req.query)), None


def charge(sim, credits):
    sim.state(NAME)["credits"] -= credits


def describe(who):
    return {"id": who.id, "email": who.email, "phone": who.phone,
            "name": {"fullName": who.first + " " + who.last, "givenName": who.first,
                     "familyName": who.last},
            "geo": {"city": who.city, "state": None, "country": who.country, "countryCode": None},
            "employment": {"domain": who.domain if who.company else None, "name": who.company,
                           "title": who.title, "role": None, "seniority": who.level},
            "linkedin": {"handle": who.linkedin.split("/")[-1]}}


def firm(who):
    if not who.company:
        return None
    return {"name": who.company, "domain": who.domain, "category": {"industry": who.industry},
            "metrics": {"employees": str(who.size)}}


def find(combined):
    def handler(sim, req):
        query, no = asked(sim, req)
        if no:
            return no
        email = query.get("email")
        handle = query.get("linkedin_handle")
        req.keys = (email or handle,)
        who = person(email or "%s@linked.test" % handle) if email or handle else None
        if not (email or handle):
            return error(sim, 400)
        if who is None:
            return error(sim, 404)
        if who.case == "optout":
            return error(sim, 451)
        charge(sim, 2 if combined else 1)
        data = {"person": describe(who), "company": firm(who)} if combined else describe(who)
        return sim.json(200, {"data": data, "meta": {"email": email}})
    return handler


def finder(sim, req):
    query, no = asked(sim, req)
    if no:
        return no
    email = email_from_names(query, query.get("domain") or
                             (query.get("company") or "").replace(" ", "-").lower() + ".test")
    if not email:
        return error(sim, 400)
    req.keys = (email,)
    who = person(email) if query["first_name"].lower() != "nobody" else None
    data = {"first_name": query["first_name"], "last_name": query["last_name"], "email": None,
            "score": 0, "domain": email.split("@")[1], "accept_all": None, "position": None,
            "linkedin_url": None, "phone_number": None, "company": None, "sources": []}
    if who:
        charge(sim, 1)
        data.update(email=email, score=94, accept_all=False, position=who.title,
                    linkedin_url="https://www." + who.linkedin, phone_number=who.phone,
                    company=who.company)
    return sim.json(200, {"data": data, "meta": {}})


def status_of(who):
    special = {"disposable": "disposable", "unsure": "unknown", "newword": "brand_new"}
    if who.case in special:
        return special[who.case]
    local = who.qualification.split("@")[0]
    if local in ("invalid", "random"):
        return "invalid"
    if local == "catch_all":
        return "accept_all"
    return "webmail" if who.domain in FREE_DOMAINS else "valid"


def verifier(sim, req):
    query, no = asked(sim, req)
    if no:
        return no
    email = query.get("email", "")
    if "@" not in email:
        return error(sim, 400, "invalid_email")
    req.keys = (email,)
    state = sim.state(NAME)
    polls = state.setdefault("polls", {})
    polls[email] = polls.get(email, 0) + 1
    if polls[email] <= state["pending"]:
        return sim.json(state["pending_status"], {"data": None, "meta": {}})
    who = Person(email)
    if who.case == "optout":
        return error(sim, 451)
    status = status_of(who)
    if status != "unknown":
        charge(sim, 1)
    return sim.json(200, {"data": {
        "status": status, "result": "risky", "score": 97, "email": email, "regexp": True,
        "gibberish": False, "disposable": status == "disposable",
        "webmail": who.domain in FREE_DOMAINS, "mx_records": True,
        "smtp_server": status != "unknown", "smtp_check": status in ("valid", "webmail"),
        "accept_all": status == "accept_all", "block": False, "sources": []}, "meta": {}})


def account(sim, req):
    if req.headers.get("x-api-key") != sim.key(NAME):
        return error(sim, 401)
    req.keys = ()
    state = sim.state(NAME)
    used = SETTINGS["credits"] - state["credits"]
    return sim.json(200, {"data": {
        "plan_name": "Starter", "reset_date": state["reset_date"],
        "requests": {"credits": {"used": used, "available": SETTINGS["credits"]},
                     "searches": {"used": 0, "available": 500}}}})


ROUTES = {("GET", "/people/find"): find(False), ("GET", "/combined/find"): find(True),
          ("GET", "/email-finder"): finder, ("GET", "/email-verifier"): verifier,
          ("GET", "/account"): account}
