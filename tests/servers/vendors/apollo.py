"""Apollo.io: POST people/match, POST people/bulk_match, GET auth/health.

As the API has it: inputs of people/match are query parameters (a JSON body is taken too); a miss is
200 with a null person; bulk takes 10 at most and answers by position; 401 is text/plain; auth/health
is 200 for a wrong key as well and says so in `is_logged_in`.
Special addresses beside those of sim_people: `unprocessable*@` is refused with 422; in a bulk call it
takes the whole call with it, as a malformed entry does.
Settings:
    credits        what the account has (100000)
    credit_status  with this status an empty one is told, in words (422)
"""
import json
from urllib.parse import parse_qsl

from sim_people import email_from_names, person

NAME = "apollo"
BASES = ("/api/v1", "/v1")
BATCH_ROUTE = "/people/bulk_match"
MOST = 10
LONGEST = 8000  # of a request's target
SETTINGS = {"credits": 100000, "credit_status": 422}
IDENTITY = ("email", "first_name", "last_name", "name", "hashed_email", "organization_name",
            "domain", "id", "linkedin_url")
RATE_HEADERS = (("x-rate-limit-minute", "1000"), ("x-minute-usage", "1"),
                ("x-minute-requests-left", "999"), ("x-rate-limit-24-hour", ""))


def error(sim, status):
    if status == 401:
        return sim.text(401, "Invalid API key. Please check your API key and try again.")
    if status == 403:
        return sim.json(403, {"error": "api/v1/people/match is not accessible with this api_key",
                              "error_code": "API_INACCESSIBLE"})
    if status == 402:
        return sim.json(402, {"error": "You have insufficient credits."})
    if status == 429:
        return sim.json(429, {"message": "The maximum number of api calls allowed for "
                                         "api/v1/people/match is 50 times per minute."})
    return sim.json(status, {"error": "Internal Server Error"})


def refused(sim, status, code, message):
    return sim.json(status, {"status": "failed", "error_code": code, "error_message": message})


def allowed(sim, req):
    return req.headers.get("x-api-key") == sim.key(NAME)


def no(sim, req):
    """Why the account may not ask, as an answer; or None."""
    if not allowed(sim, req):
        return error(sim, 401)
    state = sim.state(NAME)
    if state["credits"] <= 0:
        return sim.json(state["credit_status"], {"error": "You have insufficient credits."})
    return None


def well_formed(item):
    return isinstance(item, dict) and all(isinstance(v, str) for v in item.values()) and \
        not item.get("domain", "").startswith("www.")


def email_of(item):
    return item.get("email") or email_from_names(item, item.get("domain"))


def describe(who):
    organization = None
    if who.company:
        organization = {"id": "o" + who.id[:8], "name": who.company, "primary_domain": who.domain,
                        "website_url": "https://www." + who.domain, "industry": who.industry,
                        "estimated_num_employees": who.size}
    return {"id": who.id, "first_name": who.first, "last_name": who.last,
            "name": who.first + " " + who.last, "linkedin_url": "http://www." + who.linkedin,
            "title": who.title, "headline": who.title, "seniority": who.level, "email": who.email,
            "email_status": "verified", "photo_url": None, "twitter_url": None,
            "organization_id": organization and organization["id"], "organization": organization,
            "employment_history": [], "city": who.city, "state": None, "country": who.country,
            "phone_numbers": [{"raw_number": who.phone, "sanitized_number": who.phone}]}


_bodies = {}  # email -> encoded answer: people/match is the call that benchmarks repeat


def match(sim, req):
    refusal = no(sim, req)
    if refusal:
        return refusal
    if len(req.target) > LONGEST:
        return sim.text(414, "<html>Request-URI Too Large</html>")
    item = dict(parse_qsl(req.query))
    if req.body:
        try:
            body = json.loads(req.body)
        except ValueError:
            return refused(sim, 400, "INVALID_REQUEST", "There was an error parsing the request")
        if isinstance(body, dict):
            item.update(body)
    if not any(item.get(name) for name in IDENTITY) or not well_formed(item):
        return refused(sim, 422, "INVALID_REQUEST", "Parameters are missing or malformed")
    email = email_of(item)
    reply = _bodies.get(email)
    if reply is None:
        who = person(email) if email else None
        if who and who.case == "unprocessable":
            return refused(sim, 422, "UNKNOWN_ERROR", "Unprocessable")
        reply = _bodies[email] = sim.json(200, {"person": who and describe(who)}, RATE_HEADERS)
    req.keys = (email,)
    sim.state(NAME)["credits"] -= person(email) is not None if email else 0
    return reply


def bulk_match(sim, req):
    refusal = no(sim, req)
    if refusal:
        return refusal
    try:
        details = json.loads(req.body)["details"]
    except (ValueError, KeyError, TypeError):
        return refused(sim, 400, "INVALID_REQUEST", "details is missing")
    if not isinstance(details, list) or not all(map(well_formed, details)):
        return refused(sim, 422, "UNKNOWN_ERROR", "details must be an array of objects")
    if len(details) > MOST:
        return refused(sim, 400, "RECORD_LIMIT_EXCEEDED", "At most 10 records per request")
    if not details:
        return refused(sim, 400, "INVALID_REQUEST", "details is empty")
    req.keys = tuple(email_of(d) for d in details)
    people = [person(e) if e else None for e in req.keys]
    if any(p and p.case == "unprocessable" for p in people):
        return refused(sim, 422, "UNKNOWN_ERROR", "Unprocessable")
    matches = [p and describe(p) for p in people]
    found = sum(1 for m in matches if m)
    sim.state(NAME)["credits"] -= found
    if req.fault == "partial":
        matches.pop(0)
    if req.fault == "bad_record":
        matches[0] = "?"
    return sim.json(200, {"status": "success", "error_code": None, "error_message": None,
                          "total_requested_enrichments": len(details),
                          "unique_enriched_records": found, "missing_records": len(details) - found,
                          "credits_consumed": found, "matches": matches}, RATE_HEADERS)


def health(sim, req):
    req.keys = ()
    return sim.json(200, {"healthy": True, "is_logged_in": allowed(sim, req)})


ROUTES = {("POST", "/people/match"): match, ("POST", "/people/bulk_match"): bulk_match,
          ("GET", "/auth/health"): health}
