"""For tests/adapters.py: one provider at its simulated vendor, and what holds for every one of them."""
import itertools
import json
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import contacts, ok, path, program  # noqa: E402
from sim_people import person  # noqa: E402

NOW = ["--now", "2026-01-31T10:00:00Z"]
PATHS = {"hunter": "/v2", "peopledatalabs": "/v5", "zerobounce": "/v2", "neverbounce": "/v4.2",
         "reacher": "", "apollo": "/api/v1", "dropcontact": "/v1"}
# What makes each provider configured, as its page says.
KEYS = {"apollo": {"APOLLO_API_KEY": "sim-key"}, "dropcontact": {"DROPCONTACT_API_KEY": "sim-key"},
        "hunter": {"HUNTER_API_KEY": "sim-key"}, "peopledatalabs": {"PDL_API_KEY": "sim-key"},
        "zerobounce": {"ZEROBOUNCE_API_KEY": "sim-key"},
        "neverbounce": {"NEVERBOUNCE_API_KEY": "sim-key"},
        "reacher": {"REACHER_URL": "http://127.0.0.1:9", "REACHER_SECRET": "sim-key"}}
CAPABILITIES = {"enrich": ["apollo", "dropcontact", "hunter", "peopledatalabs"],
                "verify": ["dropcontact", "zerobounce", "neverbounce", "hunter", "reacher"]}
fresh = itertools.count()


def setenv(provider=None, key=None):
    for names in KEYS.values():
        for name in names:
            os.environ.pop(name, None)
    for name, value in KEYS.get(provider, {}).items():
        os.environ[name] = value if key is None or name == "REACHER_URL" else key


class Case:
    """One provider at the simulator: `run` gives status, records and messages, `asked` the counters."""

    def __init__(self, sim, provider, capability):
        self.sim, self.provider, self.program = sim, provider, capability

    def config(self, **settings):
        own = {"base_url": "%s/%s%s" % (self.sim.base, self.provider, PATHS[self.provider]),
               "rate": {"requests": 0}, **settings}
        return json.dumps({"providers": {self.provider: own}})

    def run(self, text, key=None, state=None, reset=True, faults=(), told=None, args=(), **settings):
        if reset:
            self.sim.tell("reset")
        for fault in faults:
            self.sim.tell("fault", {"vendor": self.provider, **fault})
        if told:
            self.sim.tell("set", {self.provider: told})
        setenv(self.provider, key)
        if self.provider == "reacher":  # its address is a setting that the environment has, too
            os.environ["REACHER_URL"] = self.sim.base + "/reacher"
        self.state = state or "adapters-%d.db" % next(fresh)
        began = time.monotonic()
        result = program(self.program, NOW + ["--chain", self.provider, *args], text,
                         self.config(**settings), self.state)
        self.seconds = time.monotonic() - began
        setenv()
        return result

    def asked(self, query="?keys=1"):
        return self.sim.stats(query)["vendors"][self.provider]

    def out_for(self):
        """Seconds until the provider is asked again, as the state has it, and why."""
        db = sqlite3.connect(path(self.state))
        row = db.execute("SELECT data FROM health WHERE provider = ?", (self.provider,)).fetchone()
        db.close()
        health = json.loads(row[0]) if row else {"out_until": 0, "out_reason": ""}
        return health["out_until"] / 1000 - time.time(), health["out_reason"]


def lines(*emails):
    return "".join(json.dumps({"email": e}) + "\n" for e in emails)


def people(*records):
    return "".join(json.dumps({"kind": "contact", **r}) + "\n" for r in records)


def verdicts(out):
    return ["%s/%s" % (r["verification"]["status"], r["verification"]["reason"]) for r in out]


def found(out):
    return [r["enrichment"]["status"] for r in out]


def outcomes(out):
    """What was answered of each record, and the class of an error."""
    return [" ".join(filter(None, (a["outcome"], a.get("error_class"))))
            for r in out for a in r["enrichment"]["attempts"]]


def matches(record):
    who, said = person(record["email"]), record["enrichment"]
    return (said["status"] == "found" and said["job_title"] == who.title == record["title"]
            and said["company_name"] == who.company == record["company"] and said["last_name"] == who.last
            and record["status"] == "enriched")


def results(case, out):
    return verdicts(out) if case.program == "verify" else found(out)


def failing(case):
    return "unknown/provider_error" if case.program == "verify" else "failed"


def left_open(case, out):
    """Has nobody got an answer?"""
    if case.program == "verify":
        return all(r["verification"]["status"] == "unknown" for r in out)
    return set(found(out)) == {"failed"}


# --- what holds for each of them ----------------------------------------------------------------------

def key_refused(case):
    status, out, err = case.run(contacts(40), key="wrong-key")
    asked = case.asked()
    name = case.provider
    ok("%s %s: a refused key is asked with once, status 77" % (name, case.program),
       status == 77 and asked["requests"] == 1 and len(out) == 40 and left_open(case, out),
       (status, asked["requests"], err))
    ok("%s %s: and told as such, without the key" % (name, case.program),
       "credentials refused" in err and "wrong-key" not in err, err)


def no_credit(case, faults=(), told=None, kind="quota"):
    status, out, err = case.run(contacts(40), faults=faults, told=told)
    asked, (seconds, why) = case.asked(), case.out_for()
    ok("%s %s: no credit: asked once, out until later, status 69" % (case.provider, case.program),
       status == 69 and asked["requests"] == 1 and why == kind and seconds > 3000
       and len(out) == 40 and left_open(case, out), (status, asked["requests"], why, seconds, err))
    status, out, err = case.run(contacts(1), state=case.state, reset=False)
    ok("%s %s: and the next run does not ask" % (case.provider, case.program),
       case.asked()["requests"] == asked["requests"], (status, err))


def recovers(case, spread, good, kinds=("500", "reset", "truncated_json"), settings=None):
    """A failed call is made again where that can help; what is no answer is none."""
    for kind in kinds:
        status, out, err = case.run(contacts(3), faults=[{"kind": kind, "count": 1}], **(settings or {}))
        asked = case.asked()
        again = kind in ("500", "reset")
        if again:
            right = status == 0 and set(results(case, out)) == {good} and \
                asked["requests"] == spread + 1
        else:
            right = status in (1, 69) and results(case, out).count(failing(case)) >= 1
        ok("%s %s: %s: %s" % (case.provider, case.program, kind,
                              "asked again, then answered" if again else "no answer"),
           right, (status, results(case, out), asked["requests"], err))


def wrong_url(case):
    """Somebody else's 404 is no answer about anybody."""
    status, out, err = case.run(contacts(1), base_url="%s/%s/nowhere" % (case.sim.base, case.provider))
    ok("%s %s: a 404 from where it does not live is no miss" % (case.provider, case.program),
       status == 69 and found(out) == ["failed"] and "right?" in err, (status, found(out), err))


def never_valid(case, kinds, settings=None):
    for kind in kinds:
        status, out, err = case.run(contacts(3), faults=[{"kind": kind}], tries=1, **(settings or {}))
        ok("%s %s: an error is never a verdict (%s)" % (case.provider, case.program, kind),
           status != 0 and all(r["verification"]["status"] == "unknown" for r in out),
           (status, verdicts(out), err))


def limited(case, fault, spread, good, settings=None, told=None):
    """The limit is waited for: asked again once, after the time it named."""
    status, out, err = case.run(contacts(3), faults=[{"count": 1, **fault}], told=told, **(settings or {}))
    asked = case.asked()
    ok("%s %s: the limit is waited for, and nobody forgotten" % (case.provider, case.program),
       status == 0 and set(results(case, out)) == {good} and asked["requests"] == spread + 1
       and case.seconds >= 0.9, (status, results(case, out), asked["requests"], case.seconds, err))
