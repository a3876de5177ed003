"""NeverBounce: POST jobs/create, GET jobs/status, GET jobs/results, GET single/check, GET account/info.

As the API has it: the key is in the query of every call; all that goes wrong in the service is told
with 200 and a `status`; results come in pages; an address that stands twice in a job is answered once,
its double marked. single/check locks the account, as walking a list with it may.
Special addresses beside those of sim_people: disposable*@, unsure*@ (unknown), slow*@ (unknown, the
connection failed), trap*@ (in a spam trap's network), newword*@ (a result nobody has heard of).
Settings:
    credits      what the account has (100000)
    polls        a job is complete after it was asked for that often in vain (0)
    end          what becomes of jobs ("complete"; "failed", "under_review")
    trouble      what every call is answered with, such as "throttle_triggered" ("")
"""
import json
from urllib.parse import parse_qsl

from sim_people import FREE_DOMAINS, ROLES, Person

NAME = "neverbounce"
BASES = ("/v4.2",)
BATCH_ROUTE = "/jobs/results"
SETTINGS = {"credits": 100000, "polls": 0, "end": "complete", "trouble": ""}
RESULTS = {"disposable": "disposable", "unsure": "unknown", "slow": "unknown", "newword": "brand_new",
           "catchall": "catchall", "invalid": "invalid", "nobody": "invalid", "random": "invalid"}
FLAGS = {"slow": ["connect_fails"], "trap": ["spamtrap_network"], "random": ["bad_syntax"],
         "catchall": ["accepts_all"]}


def told(sim, word, message=""):
    return sim.json(200, {"status": word, "message": message, "execution_time": 7})


def error(sim, status):
    if status in (401, 403):
        return told(sim, "auth_failure", "Invalid API key")
    if status == 402:
        return told(sim, "general_failure", "Insufficient credits to run this job")
    if status == 429:
        return told(sim, "throttle_triggered", "Too many requests")
    return sim.text(status, "Something is wrong")


def asked(sim, req):
    query = dict(parse_qsl(req.query))
    if query.get("key") != sim.key(NAME):
        return None, error(sim, 401)
    if sim.state(NAME)["trouble"]:
        return None, told(sim, sim.state(NAME)["trouble"])
    return query, None


def describe(email):
    who = Person(email)
    flags = ["has_dns", "has_dns_mx"] + FLAGS.get(who.case, [])
    if who.domain in FREE_DOMAINS:
        flags.append("free_email_host")
    if who.case in ROLES:
        flags.append("role_account")
    return {"result": RESULTS.get(who.case, "valid"), "flags": flags, "suggested_correction": "",
            "address_info": {"original_email": email, "domain": who.domain}}


def create(sim, req):
    query, no = asked(sim, req)
    if no:
        return no
    state = sim.state(NAME)
    try:
        body = json.loads(req.body)
        emails = [row["email"].lower() and row["email"] for row in body["input"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return told(sim, "general_failure", "The input could not be read")
    if not (body.get("input_location") == "supplied" and body.get("auto_parse") and
            body.get("auto_start")):
        return told(sim, "general_failure", "This job would never start")
    if state["credits"] < len(emails):
        return error(sim, 402)
    jobs = state.setdefault("jobs", {})
    job = 150000 + len(jobs)
    req.keys = tuple(emails)
    rows, seen = [], set()
    for row in body["input"]:
        found = describe(row["email"])
        if row["email"].lower() in seen:
            found = {"result": "duplicate", "flags": []}
        elif found["result"] != "unknown":
            state["credits"] -= 1
        seen.add(row["email"].lower())
        rows.append({"data": row, "verification": found})
    jobs[str(job)] = {"rows": rows, "polls": 0}
    return sim.json(200, {"status": "success", "job_id": job, "execution_time": 388})


def job_of(sim, query):
    return sim.state(NAME).get("jobs", {}).get(query.get("job_id"))


def status(sim, req):
    query, no = asked(sim, req)
    if no:
        return no
    req.keys = ()
    state, job = sim.state(NAME), job_of(sim, query)
    if job is None:
        return told(sim, "general_failure", "No such job")
    job["polls"] += 1
    at = "running" if job["polls"] <= state["polls"] else state["end"]
    return sim.json(200, {"status": "success", "id": int(query["job_id"]), "job_status": at,
                          "percent_complete": 50, "total": {"records": len(job["rows"])}})


def results(sim, req):
    query, no = asked(sim, req)
    if no:
        return no
    req.keys = ()
    job = job_of(sim, query)
    if job is None:
        return told(sim, "general_failure", "No such job")
    page, size = int(query.get("page", 1)), int(query.get("items_per_page", 10))
    rows = job["rows"][(page - 1) * size:page * size]
    if req.fault == "partial":
        rows = rows[1:]
    if req.fault == "bad_record":
        rows = ["?"] + rows[1:]
    return sim.json(200, {"status": "success", "total_results": len(job["rows"]),
                          "total_pages": -(-len(job["rows"]) // size),
                          "query": {"job_id": query["job_id"], "page": page, "items_per_page": size},
                          "results": rows, "execution_time": 20})


def single(sim, req):
    sim.state(NAME)["trouble"] = "auth_failure"
    return told(sim, "auth_failure", "The account is locked: lists go through jobs")


def info(sim, req):
    query, no = asked(sim, req)
    if no:
        return no
    req.keys = ()
    return sim.json(200, {"status": "success", "job_counts": {"completed": 0}, "credits_info": {
        "paid_credits_used": 0, "free_credits_used": 0, "free_credits_remaining": 0,
        "paid_credits_remaining": sim.state(NAME)["credits"]}})


ROUTES = {("POST", "/jobs/create"): create, ("GET", "/jobs/status"): status,
          ("GET", "/jobs/results"): results, ("GET", "/single/check"): single,
          ("GET", "/account/info"): info}
