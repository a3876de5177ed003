"""hunter, peopledatalabs, zerobounce, neverbounce and reacher against their simulated vendors: what is
asked, how often, and what comes of every kind of answer.

    ROOT=. B=build T=/tmp/empty python3 tests/adapters.py [NAME...]
"""
import json
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True  # nothing but $T is written to
from adapter_case import (  # noqa: E402
    CAPABILITIES, KEYS, NOW, PATHS, Case, found, fresh, key_refused, limited, lines, matches,
    never_valid, no_credit, outcomes, people, recovers, setenv, verdicts, wrong_url)
from sim_client import B, WRAP, Sim, contacts, done, ok, path, program, write  # noqa: E402
from sim_people import person  # noqa: E402


# --- hunter -------------------------------------------------------------------------------------------

def hunter_people(sim):
    case = Case(sim, "hunter", "enrich")
    status, out, err = case.run(contacts(5) + lines("nobody1@acme.test"))
    asked = case.asked()
    ok("hunter: people are mapped to their records", status == 0 and all(map(matches, out[:5])), out[:1])
    ok("hunter: a 404 is a miss, no failure", found(out)[5:] == ["not_found"], err)
    ok("hunter: one call a record", asked["routes"] == {"GET /people/find": 6}, asked["routes"])
    ok("hunter: a miss costs nothing", "cost" not in out[5]["enrichment"]
       and out[0]["enrichment"]["cost"] == {"hunter": 1}, out[5])
    wrong_url(case)

    who = person("ada.ashby@acme.test")
    text = people(
        {"first_name": "Ada", "last_name": "Ashby", "domain": "acme.test"},
        {"last_name": "X", "linkedin_url": "https://www.linkedin.com/in/some-one/?x=1"},
        {"last_name": "Ashby", "domain": "acme.test"},
        {"first_name": "Nobody", "last_name": "Ashby", "company": "Acme"},
        {"last_name": 5, "linkedin_url": 7, "company": "Acme"})
    status, out, err = case.run(text)
    asked = case.asked()
    ok("hunter: by name and domain through the finder, by profile through people/find",
       asked["routes"] == {"GET /email-finder": 2, "GET /people/find": 1}
       and out[0]["enrichment"]["job_title"] == who.title and "email" not in out[0]
       and "some-one@linked.test" not in json.dumps(out)
       and list(asked["keys"])[1:2] == ["some-one"], (asked, out[:2]))
    ok("hunter: an address not found is 200 with null, a miss; who cannot be asked about is skipped",
       outcomes(out)[2:] == ["skipped", "not_found", "skipped"], outcomes(out))

    status, out, err = case.run(contacts(2), combined=True)
    ok("hunter: combined brings size and industry, for 2 credits",
       out[0]["enrichment"]["industry"] == person("person0@acme.test").industry
       and out[0]["enrichment"]["cost"] == {"hunter": 2}, out[:1])

    status, out, err = case.run(lines("optout@acme.test"))
    ok("hunter: 451 is rejected, asked once",
       outcomes(out) == ["rejected"] and case.asked()["requests"] == 1, out)
    key_refused(case)
    no_credit(case, told={"credits": 0})
    limited(case, {"kind": "403", "retry_after": "1"}, 3, "found")
    recovers(case, 3, "found")


def hunter_verdicts(sim):
    case = Case(sim, "hunter", "verify")
    emails = {"person1@acme.test": "valid/ok", "invalid1@acme.test": "invalid/mailbox_not_found",
              "catchall1@acme.test": "risky/catch_all", "disposable1@acme.test": "risky/disposable",
              "person1@gmail.com": "valid/ok", "unsure1@acme.test": "unknown/timeout",
              "newword1@acme.test": "unknown/provider_error",
              "optout1@acme.test": "invalid/do_not_mail"}
    status, out, err = case.run(lines(*emails))
    ok("hunter: every verdict has its words", dict(zip(emails, verdicts(out))) == emails,
       dict(zip(emails, verdicts(out))))
    ok("hunter: status 1, for one nobody knows about", status == 1, (status, err))
    ok("hunter: confidence by verdict, checks as they were made",
       [r["verification"]["confidence"] for r in out] == [0.95, 0.95, 0.6, 0.95, 0.85, 0.2, 0, 1]
       and out[4]["verification"]["checks"]["free"] is True
       and out[2]["verification"]["checks"]["catch_all"] is True, out)
    for pending_status in (202, 222):
        status, out, err = case.run(contacts(2), told={"pending": 2, "pending_status": pending_status},
                                    poll_s=0.05)
        asked = case.asked()
        ok("hunter: %d is waited for, by asking again" % pending_status,
           status == 0 and verdicts(out) == ["valid/ok"] * 2
           and asked["requests"] == 6, (status, asked["requests"], err))
    status, out, err = case.run(contacts(1), told={"pending": 1000}, poll_s=0.05, poll_limit_s=0.4)
    ok("hunter: but not for ever", verdicts(out) == ["unknown/timeout"] and status == 69
       and case.seconds < 5, (verdicts(out), status, case.seconds))
    status, out, err = case.run(lines("not an address"))
    ok("hunter: an address it refuses is invalid", verdicts(out) == ["invalid/syntax"], out)
    key_refused(case)
    no_credit(case, told={"credits": 0})
    limited(case, {"kind": "403", "retry_after": "1"}, 3, "valid/ok")
    recovers(case, 3, "valid/ok")
    never_valid(case, ("500", "404", "html200", "truncated_json", "empty", "garbage"))


# --- People Data Labs ---------------------------------------------------------------------------------

def peopledatalabs(sim):
    case = Case(sim, "peopledatalabs", "enrich")
    text = contacts(118) + lines("nobody1@acme.test", "malformed1@acme.test")
    status, out, err = case.run(text)
    asked = case.asked()
    ok("peopledatalabs: people are mapped to their records",
       status == 0 and all(map(matches, out[:118])), (status, out[:1], err))
    ok("peopledatalabs: a miss and a record refused are its own affair",
       outcomes(out[118:]) == ["not_found", "rejected"], out[118:])
    ok("peopledatalabs: 50 in a call, nobody twice",
       asked["routes"] == {"POST /person/bulk": 3} and asked["records"] == 120
       and all(k["n"] == 1 for k in asked["keys"].values()), asked["routes"])
    ok("peopledatalabs: the likelihood is the confidence, each match a credit",
       out[0]["enrichment"]["provenance"]["job_title"]["confidence"] == 0.8
       and round(sum(r["enrichment"].get("cost", {}).get("peopledatalabs", 0) for r in out)) == 118,
       out[0])

    status, out, err = case.run(lines("nobody1@acme.test"))
    ok("peopledatalabs: one record goes by person/enrich, whose 404 is a miss",
       status == 0 and found(out) == ["not_found"]
       and case.asked()["routes"] == {"GET /person/enrich": 1}, (status, out))
    wrong_url(case)
    status, out, err = case.run(lines("lowplan@acme.test"))
    ok("peopledatalabs: `true` in place of a value is no value",
       found(out) == ["found"] and "phone" not in out[0] and "phone" not in out[0]["enrichment"], out)
    status, out, err = case.run(lines("faint@acme.test", "person1@acme.test"))
    ok("peopledatalabs: an unlikely match is not paid for", found(out) == ["not_found", "found"]
       and outcomes(out) == ["not_found", "ok"], out)
    text = people(
        {"last_name": "Ashby", "company": "Acme"}, {"last_name": "X", "linkedin_url": "x.test/in/y"},
        {"first_name": "Ada", "last_name": "Ashby", "domain": "acme.test"}, {"email": "a@acme.test"})
    status, out, err = case.run(text)
    ok("peopledatalabs: who cannot be asked about is skipped, the others keep their places",
       outcomes(out) == ["skipped", "ok", "ok", "ok"]
       and case.asked()["records"] == 3
       and out[3]["enrichment"]["last_name"] == person("a@acme.test").last, outcomes(out))

    for kind in ("partial", "bad_record"):
        status, out, err = case.run(contacts(10), faults=[{"kind": kind, "count": 1}])
        ok("peopledatalabs: a reply with %s costs its record only" % kind,
           found(out) == ["failed"] + ["found"] * 9 and all(map(matches, out[1:])) and status == 1,
           (status, found(out)))
    key_refused(case)
    no_credit(case, told={"credits": 0})
    limited(case, {"kind": "429"}, 1, "found", told={"reset_s": 2})
    status, out, err = case.run(contacts(3), faults=[{"kind": "429"}], told={"reset_s": 3600})
    seconds, why = case.out_for()
    ok("peopledatalabs: a limit that starts anew in an hour takes it out until then",
       case.asked()["requests"] == 1 and why == "rate_limited" and 3500 < seconds < 3700
       and status == 69, (status, case.asked()["requests"], why, seconds))
    recovers(case, 1, "found")


# --- ZeroBounce ---------------------------------------------------------------------------------------

def zerobounce(sim):
    case = Case(sim, "zerobounce", "verify")
    emails = {"person1@acme.test": "valid/ok", "invalid1@acme.test": "invalid/mailbox_not_found",
              "random1@acme.test": "invalid/syntax", "catchall1@acme.test": "risky/catch_all",
              "info@acme.test": "risky/role", "disposable1@acme.test": "risky/disposable",
              "spamtrap1@acme.test": "invalid/do_not_mail", "full1@acme.test": "risky/mailbox_full",
              "grey1@acme.test": "unknown/greylisted", "slow1@acme.test": "unknown/timeout",
              "newword1@acme.test": "unknown/provider_error"}
    status, out, err = case.run(lines(*emails))
    ok("zerobounce: every verdict has its words", dict(zip(emails, verdicts(out))) == emails,
       dict(zip(emails, verdicts(out))))
    ok("zerobounce: flags that come as words are flags",
       out[0]["verification"]["checks"]["mx"] is True
       and out[4]["verification"]["checks"]["role"] is True, out[0])
    status, out, err = case.run(contacts(250))
    asked = case.asked()
    ok("zerobounce: 100 in a call, nobody twice, answers by address whatever their order",
       status == 0 and asked["requests"] == 3 and asked["records"] == 250
       and verdicts(out) == ["valid/ok"] * 250, (status, asked["requests"], asked["records"]))
    status, out, err = case.run(lines("refused1@acme.test", "person1@acme.test"))
    ok("zerobounce: an error of one address is not the batch's",
       verdicts(out) == ["unknown/provider_error", "valid/ok"] and status == 1, verdicts(out))
    status, out, err = case.run(lines(*("refused%d@acme.test" % i for i in range(5))), batch=1,
                                args=["--stats", path("alone.json")])
    with open(path("alone.json")) as f:
        health = json.load(f)["providers"][0]["health"]
    ok("zerobounce: nor the service's, where it went out alone",
       verdicts(out) == ["unknown/provider_error"] * 5 and health == "healthy", (verdicts(out), health))
    for kind in ("partial", "bad_record"):
        status, out, err = case.run(contacts(10), faults=[{"kind": kind, "count": 1}])
        ok("zerobounce: a reply with %s costs its record only" % kind,
           sorted(verdicts(out)) == ["unknown/provider_error"] + ["valid/ok"] * 9 and status == 1,
           (status, verdicts(out)))
    key_refused(case)
    status, out, err = case.run(contacts(40), told={"credits": 0})
    ok("zerobounce: an empty account, which it tells as a wrong key, is asked once",
       status == 77 and case.asked()["requests"] == 1 and "no credit left" in err, (status, err))
    limited(case, {"kind": "429", "retry_after": "1"}, 1, "valid/ok")
    for kind, most in (("429", 600), ("403", 300)):
        status, out, err = case.run(contacts(3), faults=[{"kind": kind}])
        seconds, why = case.out_for()
        ok("zerobounce: %s without a time: not asked again for %d minutes" % (kind, most / 60),
           case.asked()["requests"] == 1 and why == "rate_limited"
           and most - 30 < seconds <= most and status == 69, (status, why, seconds, err))
    recovers(case, 1, "valid/ok")
    never_valid(case, ("500", "520", "404", "html200", "truncated_json", "empty", "garbage"))


# --- NeverBounce --------------------------------------------------------------------------------------

def neverbounce(sim):
    case = Case(sim, "neverbounce", "verify")
    fast = {"poll_s": 0.05}
    emails = {"person1@acme.test": "valid/ok", "invalid1@acme.test": "invalid/mailbox_not_found",
              "random1@acme.test": "invalid/syntax", "catchall1@acme.test": "risky/catch_all",
              "disposable1@acme.test": "risky/disposable", "trap1@acme.test": "invalid/do_not_mail",
              "unsure1@acme.test": "unknown/not_probed", "slow1@acme.test": "unknown/timeout",
              "newword1@acme.test": "unknown/provider_error"}
    status, out, err = case.run(lines(*emails), told={"polls": 3}, **fast)
    asked = case.asked()
    ok("neverbounce: every verdict has its words", dict(zip(emails, verdicts(out))) == emails,
       dict(zip(emails, verdicts(out))))
    ok("neverbounce: a list is one job, waited for, never single checks",
       asked["routes"] == {"POST /jobs/create": 1, "GET /jobs/status": 4, "GET /jobs/results": 1},
       asked["routes"])
    status, out, err = case.run(contacts(25), page_size=10, **fast)
    asked = case.asked()
    ok("neverbounce: results are read page by page",
       verdicts(out) == ["valid/ok"] * 25 and asked["routes"]["GET /jobs/results"] == 3
       and status == 0, (status, asked["routes"]))
    status, out, err = case.run(lines("a@acme.test", "A@acme.test", "b@acme.test"), **fast)
    ok("neverbounce: an address that stands twice has its answer twice",
       verdicts(out) == ["valid/ok"] * 3 and case.asked()["requests"] == 3, verdicts(out))
    status, out, err = case.run(contacts(120), batch=50, max_in_flight=2, told={"polls": 2}, **fast)
    asked = case.asked()
    ok("neverbounce: jobs at the size set, nobody in two",
       status == 0 and asked["routes"]["POST /jobs/create"] == 3 and asked["records"] == 120,
       (status, asked["routes"]))
    status, out, err = case.run(contacts(120), batch=50, told={"polls": 9},
                                rate={"requests": 2, "per_s": 86400}, **fast)
    ok("neverbounce: the rate counts jobs, not what is asked about them",
       verdicts(out).count("valid/ok") == 100
       and case.asked()["routes"]["POST /jobs/create"] == 2, (case.asked()["routes"], err))
    for kind in ("partial", "bad_record"):
        status, out, err = case.run(contacts(10), faults=[{"kind": kind, "count": 1}], **fast)
        ok("neverbounce: results with %s cost their record only" % kind,
           verdicts(out) == ["unknown/provider_error"] + ["valid/ok"] * 9 and status == 1, verdicts(out))
    status, out, err = case.run(contacts(3), told={"end": "failed"}, **fast)
    ok("neverbounce: a failed job is no verdict, and not submitted anew",
       verdicts(out) == ["unknown/provider_error"] * 3
       and case.asked()["routes"]["POST /jobs/create"] == 1, case.asked()["routes"])
    status, out, err = case.run(contacts(3), told={"end": "under_review"}, poll_limit_s=0.4, **fast)
    state, routes = case.state, case.asked()["routes"]
    ok("neverbounce: a job under review is not waited for for ever",
       verdicts(out) == ["unknown/timeout"] * 3 and status == 69, (status, verdicts(out)))
    status, out, err = case.run(contacts(3), told={"end": "complete"}, state=state, reset=False, **fast)
    ok("neverbounce: the next run takes its answers, and pays for no second job",
       verdicts(out) == ["valid/ok"] * 3 and case.asked()["routes"]["POST /jobs/create"] == 1,
       (verdicts(out), case.asked()["routes"], err))
    key_refused(case)
    no_credit(case, told={"credits": 0})
    limited(case, {"kind": "429", "retry_after": "1"}, 3, "valid/ok", fast)
    status, out, err = case.run(contacts(3), faults=[{"kind": "500", "route": "/jobs/status", "count": 1}], **fast)
    ok("neverbounce: 500 for a poll: asked again, then answered",
       status == 0 and verdicts(out) == ["valid/ok"] * 3 and case.asked()["routes"]["POST /jobs/create"] == 1,
       (status, case.asked()["routes"], err))
    status, out, err = case.run(contacts(3), told={"trouble": "temp_unavail"}, tries=2, **fast)
    ok("neverbounce: temp_unavail is asked again as often as set",
       case.asked()["requests"] == 2 and verdicts(out) == ["unknown/provider_error"] * 3, case.asked())
    recovers(case, 3, "valid/ok", settings=fast)
    never_valid(case, ("500", "413", "404", "html200", "truncated_json", "empty", "garbage"), fast)


# --- Reacher ------------------------------------------------------------------------------------------

def reacher(sim):
    case = Case(sim, "reacher", "verify")
    emails = {"person1@acme.test": "valid/ok", "invalid1@acme.test": "invalid/mailbox_not_found",
              "random1@acme.test": "invalid/syntax", "nullmx1@acme.test": "invalid/null_mx",
              "disabled1@acme.test": "invalid/disabled", "catchall1@acme.test": "risky/catch_all",
              "full1@acme.test": "risky/mailbox_full", "info@acme.test": "risky/role",
              "disposable1@acme.test": "risky/disposable", "grey1@acme.test": "unknown/greylisted",
              "slow1@acme.test": "unknown/timeout", "listed1@acme.test": "unknown/blocked",
              "down1@acme.test": "unknown/timeout", "newword1@acme.test": "unknown/provider_error"}
    status, out, err = case.run(lines(*emails))
    ok("reacher: every verdict has its words", dict(zip(emails, verdicts(out))) == emails,
       dict(zip(emails, verdicts(out))))
    ok("reacher: flags of a mail server that was not asked say nothing",
       out[2]["verification"]["checks"]["smtp"] is None
       and out[0]["verification"]["checks"]["smtp"] is True, out[2])
    ok("reacher: one call each", case.asked()["routes"] == {"POST /v1/check_email": len(emails)},
       case.asked()["routes"])
    key_refused(case)
    limited(case, {"kind": "429"}, 3, "valid/ok")
    recovers(case, 3, "valid/ok")
    never_valid(case, ("500", "404", "html200", "truncated_json", "empty", "garbage"))


# --- what makes a provider configured -----------------------------------------------------------------

def plan(name, provider):
    setenv(provider)
    status, out, err = program(name, NOW + ["-n"], contacts(1), "{}", "plan-%d.db" % next(fresh))
    setenv()
    return status, [r for r in out if r.get("kind") == "plan"], err


def configured(sim):
    embedded = {"enrich": "offline", "verify": "local"}
    for name, providers in CAPABILITIES.items():
        for provider in providers:
            status, plans, err = plan(name, provider)
            ok("G13 %s: with its key %s is in the plan" % (name, provider),
               status == 0 and {p["provider"] for p in plans} == {provider, embedded[name]}, plans)
            ok("G13 G17 %s: nothing is asked, one call and its cost are foreseen for %s" % (name, provider),
               [p["calls"] for p in plans if p["provider"] == provider] == [1]
               and [p["credits"] for p in plans if p["provider"] == provider]
               == [0 if provider == "reacher" else 1], plans)
        status, plans, err = plan(name, None)
        ok("G14 %s: without any key only %s is in the plan" % (name, embedded[name]),
           status == 0 and [p["provider"] for p in plans] == [embedded[name]], plans)
    setenv()
    status, out, err = program("enrich", NOW, lines("ada.ashby@acme.test"), "{}",
                               "plan-%d.db" % next(fresh))
    ok("G14 enrich: passed over, the embedded one works",
       status == 0 and out[0]["enrichment"]["attempts"] == [
           {"provider": "offline", "outcome": "ok", "latency_ms": 0}], (status, out, err))
    status, out, err = program("verify", NOW, lines("no-address"), "{}", "plan-%d.db" % next(fresh))
    ok("G14 verify: passed over, the embedded one works",
       verdicts(out) == ["invalid/syntax"] and out[0]["verification"]["provider"] == "local",
       (status, out, err))
    os.environ["REACHER_SECRET"] = "sim-key"
    status, out, err = program("verify", NOW + ["-n"], contacts(1), "{}", "plan-%d.db" % next(fresh))
    ok("G14 verify: a secret without the server's address does not configure reacher",
       not [r for r in out if r.get("provider") == "reacher"], out)
    setenv()


# --- what it costs ------------------------------------------------------------------------------------

def counted(sim):
    """As many credits are counted as the vendor takes off the account, whatever comes of each record."""
    words = ("person", "nobody", "half", "jobless", "invalid", "catchall", "random", "info", "disposable",
             "optout", "unsure", "newword", "malformed", "faint", "refused", "grey", "unprocessable")
    text = lines(*(w + at for w in words for at in ("0@acme.test", "1@gmail.com")),
                 "person0@acme.test", "PERSON0@acme.test", "a" * 400 + "@acme.test")
    named = people(
        {"first_name": "Ada", "last_name": "Ashby", "domain": "acme.test"},
        {"first_name": "Nobody", "last_name": "Ashby", "company": "Acme"},
        {"last_name": "Ashby", "domain": "acme.test"},
        {"linkedin_url": "https://www.linkedin.com/in/some-one"},
        {"linkedin_url": "https://www.linkedin.com/in/nobody"})
    for name, providers in CAPABILITIES.items():
        for provider in providers:
            if provider == "reacher":
                continue  # costs nothing
            case = Case(sim, provider, name)
            quick = {"poll_s": 0.05} if provider in ("dropcontact", "neverbounce") else {}
            status, out, err = case.run(text + (named if name == "enrich" else ""),
                                        args=["--stats", path("counted.json")], **quick)
            with open(path("counted.json")) as f:
                credits = json.load(f)["providers"][0]["credits"]
            taken = 100000 - case.asked()["credits"]
            ok("%s %s: the credits counted are those taken" % (provider, name),
               credits == taken > 0, (credits, taken, err))


# --- their own checks ---------------------------------------------------------------------------------

def check(sim, key, told=None):
    """What self-check finds of each provider, with one call for each: {provider: (check, advice)}."""
    sim.tell("reset")
    for provider, settings in (told or {}).items():
        sim.tell("set", {provider: settings})
    own = {}
    for provider, root in PATHS.items():
        own[provider] = {"base_url": "%s/%s%s" % (sim.base, provider, root),
                         ("secret" if provider == "reacher" else "api_key"): key}
    own["peopledatalabs"]["sandbox_url"] = sim.base + "/peopledatalabs/sandbox/v5"
    chains = {"lead_enrichment": {"providers": ["apollo", "dropcontact", "hunter", "peopledatalabs",
                                                "offline"]},
              "email_verification": {"providers": ["zerobounce", "neverbounce", "reacher"]}}
    p = subprocess.run(WRAP + [os.path.join(B, "bin", "self-check"), "--json", "-s",
                               path("check-%d.db" % next(fresh)), "-c",
                               write("check.jq", json.dumps({"chains": chains, "providers": own}))],
                       capture_output=True, text=True)
    report = json.loads(p.stdout)
    advice = {r["provider"]: r for r in report["recommendations"]}
    return {c["provider"]: (c, advice.get(c["provider"], {})) for c in report["recent_checks"]}


def checks(sim):
    setenv()
    said = check(sim, "sim-key")
    stats = sim.stats()["vendors"]
    for provider in PATHS:
        ok("check %s: a good key, by one call that asks about nobody" % provider,
           said[provider][0]["outcome"] == "ok" and stats[provider]["requests"] == 1
           and stats[provider]["records"] == 0, (said.get(provider), stats[provider]["routes"]))
    ok("check: how much is left, where they say it",
       [said[p][0]["remaining"] for p in PATHS] == [100000, None, 100000, 100000, None, None, 100000],
       [said[p][0] for p in PATHS])
    said = check(sim, "wrong-key")
    for provider in PATHS:
        found, advice = said[provider]
        name = "REACHER_SECRET" if provider == "reacher" else next(iter(KEYS[provider]))
        ok("check %s: a refused key, and which variable to set" % provider,
           found["error_class"] == "auth" and advice["severity"] == "critical"
           and name in advice["action"] and "wrong-key" not in json.dumps([found, advice]),
           (found, advice))
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 15 * 86400))
    empty = {p: {"credits": 0} for p in PATHS if p != "reacher"}
    empty["hunter"]["reset_date"] = day
    said = check(sim, "sim-key", empty)
    for provider in ("hunter", "zerobounce", "neverbounce", "dropcontact"):
        found, advice = said[provider]
        ok("check %s: no credit left is seen before it is asked" % provider,
           found["error_class"] == "quota" and found["remaining"] == 0
           and "credit" in advice["action"], (found, advice))
    ok("check hunter: out until its credits reset, and that day is named",
       day in said["hunter"][1]["action"]
       and day + "T00:00:00Z" in said["hunter"][1]["issue"], said["hunter"][1])


# --- what holds for all -------------------------------------------------------------------------------

RESETS = """module {"name": "resets", "capabilities": ["lead_enrichment"], "transport": "http",
                   "settings": {"at": {"default": null}}};
def request: {error: {class: "quota", detail: "none left", reset_at: .settings.at}};
"""


def resets(sim):
    """A limit that starts anew at a time: until then the provider is not asked."""
    os.environ["XDG_CONFIG_HOME"] = path("config")
    os.makedirs(path("config/leadpipe/providers"))
    with open(path("config/leadpipe/providers/resets.jq"), "w") as f:
        f.write(RESETS)
    case = Case(sim, "resets", "enrich")
    ahead = time.time() + 7200
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ahead))
    for what, at, seconds in (("RFC 3339", stamp, 7200), ("epoch seconds", int(ahead), 7200),
                              ("epoch seconds as text", str(int(ahead)), 7200),
                              ("a time that has passed", "2026-01-01T00:00:00Z", 3600),
                              ("no time", "soon", 3600), ("null", None, 3600)):
        case.state = "resets-%d.db" % next(fresh)
        program("enrich", ["--chain", "resets"], contacts(2),
                json.dumps({"providers": {"resets": {"at": at}}}), case.state)
        left, why = case.out_for()
        ok("reset_at: %s: out of quota for %d s" % (what, seconds),
           why == "quota" and seconds - 30 < left <= seconds, (why, left))
    del os.environ["XDG_CONFIG_HOME"]


def details(sim):
    """No detail quotes the contact: the cases' errors all do."""
    told = []
    for provider in KEYS:
        root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "providers", provider)
        for name in sorted(os.listdir(root)):
            with open(os.path.join(root, name, "expected.json")) as f:
                reply = json.load(f)
            said = [reply.get("detail"), reply.get("error", {}).get("detail")] + \
                [r.get("detail") for r in reply.get("results", [])]
            told += ["%s/%s: %s" % (provider, name, d) for d in said
                     if d and ("acme" in d.lower() or "jane" in d.lower() or "@" in d)]
    ok("no detail of an adapter quotes the contact", not told, told)


TESTS = {"hunter": (hunter_people, hunter_verdicts), "peopledatalabs": (peopledatalabs,),
         "zerobounce": (zerobounce,), "neverbounce": (neverbounce,), "reacher": (reacher,),
         "configured": (configured,), "checks": (checks,), "resets": (resets,),
         "counted": (counted,), "details": (details,)}


def main():
    with Sim() as sim:
        for name in sys.argv[1:] or TESTS:
            for test in TESTS[name]:
                test(sim)
    done()


main()
