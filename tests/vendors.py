"""The simulated vendors themselves: answers of the documented shapes, and no answer to a wrong request.

    ROOT=. T=/tmp/empty python3 tests/vendors.py
"""
import json
import os
import re
import sys
import urllib.error
import urllib.request

sys.dont_write_bytecode = True  # nothing but $T is written to
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import Sim, done, ok  # noqa: E402

JSON = {"Content-Type": "application/json"}
KEY = {"apollo": {"X-Api-Key": "sim-key"}, "dropcontact": {"X-Access-Token": "sim-key"},
       "hunter": {"X-API-KEY": "sim-key"}, "peopledatalabs": {"X-Api-Key": "sim-key"},
       "reacher": {"x-reacher-secret": "sim-key"}, "zerobounce": {}, "neverbounce": {}}


class Reply:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.text = response.read().decode()
        try:
            self.body = json.loads(self.text)
        except ValueError:
            self.body = None


class Vendor:
    """`post` and `get` with the key in its place, unless other headers are given."""

    def __init__(self, sim, name, root):
        self.sim, self.name, self.base = sim, name, "%s/%s%s" % (sim.base, name, root)

    def ask(self, method, path, body=None, headers=None):
        data = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if headers is None:
            headers = {**KEY[self.name], **(JSON if data else {})}
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as response:
                return Reply(response)
        except urllib.error.HTTPError as error:
            return Reply(error)

    def get(self, path, headers=None):
        return self.ask("GET", path, None, headers)

    def post(self, path, body, headers=None):
        return self.ask("POST", path, body, headers)

    def fault(self, kind):
        """The next answer is this status, in the vendor's own words."""
        self.sim.tell("fault", {"vendor": self.name, "kind": kind, "count": 1})

    def says(self, what, reply, right):
        ok("%s: %s" % (self.name, what), right, (reply.status, reply.text[:300], dict(reply.headers)))


def apollo(v):
    wrong = {"X-Api-Key": "other"}
    r = v.post("/people/match?email=a@b.test", None, wrong)
    v.says("a wrong key is 401 in plain text", r, r.status == 401 and r.body is None
           and r.headers["Content-Type"].startswith("text/plain"))
    r = v.post("/people/match?email=nobody@b.test", None)
    v.says("a miss is 200 with a null person", r, r.status == 200 and r.body == {"person": None})
    r = v.post("/people/match", {"email": "ada@b.test"})
    v.says("a body is taken as the query is; unlimited windows have an empty header", r,
           r.body["person"]["title"] and r.headers["x-rate-limit-24-hour"] == "")
    for what, path, body, status in (
            ("match is no GET", "GET", None, 404), ("nobody to ask about", "/people/match", None, 422),
            ("a domain with www.", "/people/match?last_name=x&domain=www.b.test", None, 422),
            ("details that are none", "/people/bulk_match", {"details": "x"}, 422),
            ("a name that is a number", "/people/bulk_match", {"details": [{"first_name": 1}]}, 422),
            ("no JSON", "/people/bulk_match", b"{", 400),
            ("eleven", "/people/bulk_match", {"details": [{"email": "a@b.test"}] * 11}, 400)):
        r = v.get("/people/match") if path == "GET" else v.post(path, body)
        v.says("refused: %s" % what, r, r.status == status)
    v.says("and says that they are too many", r, r.body["error_code"] == "RECORD_LIMIT_EXCEEDED")
    r = v.post("/people/bulk_match", {"details": [{"email": "a@b.test"}, {"email": "nobody@b.test"}]})
    v.says("matches have the places of the questions", r, r.body["matches"][0] and
           r.body["matches"][1] is None and r.body["missing_records"] == r.body["credits_consumed"] == 1)
    r = v.get("/auth/health", wrong)
    v.says("its health is 200 for a wrong key", r, r.body == {"healthy": True, "is_logged_in": False})
    v.fault("403")
    r = v.post("/people/match?email=a@b.test", None)
    v.says("403 is a matter of scope", r, r.body["error_code"] == "API_INACCESSIBLE")


def dropcontact(v):
    r = v.post("/enrich/all", {"data": [{"email": "a@b.test"}]}, {**JSON, "X-Access-Token": "other"})
    v.says("a wrong key is 401, with a reason", r, r.status == 401 and r.body["error"] and r.body["reason"])
    r = v.get("/account/credits", {"X-Access-Token": "other"})
    v.says("but with a detail for the credits", r, r.status == 401 and list(r.body) == ["detail"])
    for what, body, status in (
            ("no data", {}, 400), ("too many", {"data": [{"email": "a@b.test"}] * 251}, 400),
            ("one too big", {"data": [{"email": "a@b.test", "job": "x" * 15001}]}, 400),
            ("an address that is an array", {"data": [{"email": []}]}, 422), ("no JSON", b"{", 422),
            ("JSON not called so", b'{"data": [{"email": "a@b.test"}]}', 415)):
        r = v.post("/enrich/all", body, {**KEY["dropcontact"], "Content-Type": "text/plain"}
                   if status == 415 else None)
        v.says("refused: %s" % what, r, r.status == status)
    v.sim.tell("set", {"dropcontact": {"ready_polls": 1, "credits": 2}})
    three = {"data": [{"email": "a%d@b.test" % i, "custom_fields": {"n": str(i)}} for i in range(3)]}
    r = v.post("/enrich/all", three)
    v.says("too few credits for all of it are 403", r, r.status == 403)
    r = v.post("/enrich/all", {"data": three["data"][:2]})
    v.says("submitted: an id and what is left", r, r.body["request_id"] and r.body["credits_left"] == 0)
    path = "/enrich/all/" + r.body["request_id"]
    unknown, early, ready = v.get("/enrich/all/other"), v.get(path), v.get(path)
    v.says("not ready is 200 without success", early, early.status == 200 and early.body["success"] is False
           and early.body["error"] is False and "not ready" in early.body["reason"])
    v.says("and so is an id nobody knows", unknown, unknown.body == early.body)
    v.says("ready: addresses are an array, our fields come back", ready,
           ready.body["data"][1]["email"][0] == {"email": "a1@b.test", "qualification": "nominative@pro"}
           and ready.body["data"][1]["custom_fields"] == {"n": "1"})
    r = v.get("/account/credits")
    v.says("credits", r, r.body == {"credits": 0})


def hunter(v):
    for what, path, status, word in (
            ("a person unknown", "/people/find?email=nobody@b.test", 404, "not_found"),
            ("who asked not to be processed", "/people/find?email=optout@b.test", 451, "claimed_email"),
            ("nobody to look for", "/people/find", 400, "wrong_params"),
            ("half a name", "/email-finder?domain=b.test&last_name=x", 400, "wrong_params"),
            ("no address", "/email-verifier?email=x", 400, "invalid_email")):
        r = v.get(path)
        v.says("%s is %d" % (what, status), r, r.status == status and r.body["errors"][0]["id"] == word)
    r = v.get("/account?api_key=sim-key", {})
    v.says("a key that is not where it belongs is refused", r, r.status == 401)
    r = v.get("/email-finder?domain=b.test&first_name=nobody&last_name=x")
    v.says("an address not found is 200 with a null", r, r.status == 200 and r.body["data"]["email"] is None)
    r = v.get("/email-verifier?email=catchall@b.test")
    v.says("a verdict and what it rests on", r, r.body["data"]["status"] == "accept_all"
           and {"regexp", "mx_records", "smtp_check", "accept_all", "block"} <= set(r.body["data"]))
    r = v.get("/account")
    v.says("the account", r, r.body["data"]["requests"]["credits"]["available"] and r.body["data"]["reset_date"])
    v.sim.tell("set", {"hunter": {"pending": 1}})
    r = v.get("/email-verifier?email=a@b.test")
    v.says("at work is 202", r, r.status == 202)
    v.fault("403")
    r = v.get("/account")
    v.says("403 is too many requests, without a time", r, r.body["errors"][0]["id"] == "too_many_requests"
           and r.headers["Retry-After"] is None)
    v.sim.tell("set", {"hunter": {"credits": 0}})
    r = v.get("/people/find?email=a@b.test")
    v.says("429 is the month's credits", r, r.status == 429)


def zerobounce(v):
    def batch(*emails, key="sim-key"):
        return v.post("/validatebatch", {"api_key": key, "email_batch": [{"email_address": e} for e in emails]})
    r = batch("a@b.test", key="other")
    v.says("a wrong key is 200 and an error about all", r, r.status == 200 and r.body["email_batch"] == []
           and r.body["errors"][0]["email_address"] == "all")
    r = v.post("/validatebatch?api_key=sim-key", {"email_batch": [{"email_address": "a@b.test"}]})
    v.says("the key belongs into the body", r, r.body["email_batch"] == [])
    r = batch(*["a%d@b.test" % i for i in range(101)])
    v.says("refused: a hundred and one", r, r.status == 400)
    r = batch("catchall@b.test", "refused@b.test")
    v.says("answers are about `address`, with a hyphen, flags in words", r, r.body["email_batch"][0]["address"]
           == "catchall@b.test" and r.body["email_batch"][0]["status"] == "catch-all"
           and r.body["email_batch"][0]["mx_found"] == "true")
    v.says("an error of one address is told beside them", r, r.body["errors"][0]["email_address"]
           == "refused@b.test" and len(r.body["email_batch"]) == 1)
    right, wrong = v.get("/getcredits?api_key=sim-key"), v.get("/getcredits?api_key=other")
    v.says("credits are a string, and -1 for a wrong key", right,
           right.body == {"Credits": "99999"} and wrong.body == {"Credits": "-1"})


def neverbounce(v):
    key, rows = "?key=sim-key", [{"id": str(i), "email": e} for i, e in enumerate(("a@b.test", "A@b.test", "c@b.test"))]
    job = {"input": rows, "input_location": "supplied", "auto_parse": 1, "auto_start": 1}
    for what, path, body, word in (
            ("a missing key", "/jobs/create", job, "auth_failure"),
            ("a job that would never start", "/jobs/create" + key, dict(job, auto_start=0), "general_failure"),
            ("rows without an address", "/jobs/create" + key, dict(job, input=[{"id": "1"}]), "general_failure"),
            ("no JSON", "/jobs/create" + key, b"{", "general_failure")):
        r = v.post(path, body)
        v.says("told with 200: %s" % what, r, r.status == 200 and r.body["status"] == word and r.body["message"])
    number = v.post("/jobs/create" + key, job).body["job_id"]
    r = v.get("/jobs/status%s&job_id=%d" % (key, number))
    v.says("a job's status", r, r.body["job_status"] == "complete")
    r = v.get("/jobs/results%s&job_id=%d&page=1&items_per_page=2" % (key, number))
    v.says("results in pages, a double marked", r, r.body["total_pages"] == 2 and r.body["total_results"] == 3
           and [x["verification"]["result"] for x in r.body["results"]] == ["valid", "duplicate"]
           and r.body["results"][0]["data"] == rows[0])
    r = v.get("/jobs/status%s&job_id=7" % key)
    v.says("a job nobody knows", r, r.body["status"] == "general_failure")
    r = v.get("/account/info" + key)
    v.says("credits", r, r.body["credits_info"]["paid_credits_remaining"] == 99998)
    v.get("/single/check%s&email=a@b.test" % key)
    r = v.get("/account/info" + key)
    v.says("walking a list locks the account", r, r.body["status"] == "auth_failure")


def reacher(v):
    for what, headers in (("missing", JSON), ("wrong", {**JSON, "x-reacher-secret": "other"})):
        r = v.post("/v1/check_email", {"to_email": "a@b.test"}, headers)
        v.says("a %s secret is 400 in plain text" % what, r, r.status == 400 and r.body is None
               and "request header" in r.text)
    for what, body, status in (("no JSON", b"{", 400), ("a number", {"to_email": 5}, 400),
                               ("too much", {"to_email": "a@b.test", "x": "y" * 17000}, 413)):
        r = v.post("/v1/check_email", body)
        v.says("refused: %s" % what, r, r.status == status and r.body is None)
    r = v.post("/v1/check_email", {"to_email": ""})
    v.says("no address is 400 with an error", r, r.status == 400 and r.body["error"])
    r = v.post("/v1/check_email", {"to_email": "listed@b.test"})
    v.says("a part may be an error", r, r.body["is_reachable"] == "unknown"
           and r.body["smtp"]["description"] == "IpBlacklisted")
    r = v.post("/v1/check_email", {"to_email": "nullmx@b.test"})
    v.says("a null MX counts as a record", r, r.body["mx"] == {"accepts_mail": True, "records": ["."]})
    v.fault("429")
    r = v.post("/v1/check_email", {"to_email": "a@b.test"})
    v.says("the throttle says how long, but in no header", r, r.status == 429
           and "please wait 1.0s" in r.body["error"] and r.headers["Retry-After"] is None)


def peopledatalabs(v):
    for what, r, status in (
            ("a wrong key", v.get("/person/enrich?email=a@b.test", {"X-Api-Key": "other"}), 401),
            ("no match", v.get("/person/enrich?email=nobody@b.test"), 404),
            ("too little to go by", v.get("/person/enrich?first_name=x"), 400),
            ("a hundred and one", v.post("/person/bulk", {"requests": [{"params": {"email": "a@b.test"}}] * 101}), 400),
            ("no parameters", v.post("/person/bulk", {"requests": [{}]}), 400)):
        v.says("%s is %d, in the body too" % (what, status), r, r.status == r.body["status"] == status
               and r.body["error"]["type"])
    r = v.get("/person/enrich?email=a@b.test")
    v.says("a match costs a credit, told in headers", r, r.body["likelihood"] == 8
           and r.headers["x-call-credits-spent"] == "1" and r.headers["x-totallimit-remaining"] == "99999")
    r = v.post("/person/bulk", {"requests": [{"metadata": {"n": e}, "params": {"email": e}}
                                             for e in ("nobody@b.test", "a@b.test")]})
    v.says("bulk is an array, each with a status and our metadata", r, r.status == 200
           and [(x["status"], x["metadata"]["n"]) for x in r.body] == [(404, "nobody@b.test"), (200, "a@b.test")])
    v.fault("429")
    r = v.get("/person/enrich?email=a@b.test")
    v.says("429 has a time of reset, no Retry-After", r, r.headers["Retry-After"] is None
           and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", r.headers["x-ratelimit-reset"]))
    v.sim.tell("set", {"peopledatalabs": {"credits": 0}})
    r = v.get("/person/enrich?email=a@b.test")
    v.says("402 is an empty account", r, r.status == 402)


VENDORS = ((apollo, "/api/v1"), (dropcontact, "/v1"), (hunter, "/v2"), (zerobounce, "/v2"),
           (neverbounce, "/v4.2"), (reacher, ""), (peopledatalabs, "/v5"))

with Sim() as simulator:
    for test, root in VENDORS:
        simulator.tell("reset")
        test(Vendor(simulator, test.__name__, root))
done()
