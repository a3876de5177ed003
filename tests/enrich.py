"""enrich against the simulated vendors: what is asked, how often, and what comes of the answers.

    ROOT=. B=build T=/tmp/empty python3 tests/enrich.py
"""
import itertools
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
sys.dont_write_bytecode = True  # nothing but $T is written to
from adapter_case import (  # noqa: E402
    Case, found, key_refused, limited, lines, matches, no_credit, outcomes, people, recovers)
from sim_client import B, WRAP, Sim, contacts, done, ok, path, program, write  # noqa: E402
from sim_people import person  # noqa: E402

NOW = ["--now", "2026-01-31T10:00:00Z"]
fresh = itertools.count()


def enrich(sim, text, chain, args=(), **settings):
    """A run with a state of its own: nothing is known of earlier ones."""
    return program("enrich", NOW + list(args), text, sim.config(chain, **settings),
                   "state-%d.db" % next(fresh))


def enrich_bytes(sim, text, chain, args=(), **settings):
    """The same, but standard output as it is."""
    config = write("config-bytes.jq", sim.config(chain, **settings))
    p = subprocess.run(WRAP + [os.path.join(B, "bin", "enrich"), "-q", "-s",
                               path("state-%d.db" % next(fresh)), "-c", config, *NOW, *args],
                       input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def vendor(sim, name):
    return sim.stats("?keys=1")["vendors"].get(name, {})


def statuses(out):
    return [r["enrichment"]["status"] for r in out]


# --- Apollo -----------------------------------------------------------------------------------------

def apollo(sim):
    sim.tell("reset")
    text = contacts(25) + '{"email":"nobody1@acme.test"}\n'
    status, out, err = enrich(sim, text, ["apollo"], apollo={"batch": 10})
    ok("G23 apollo: everybody is mapped to their own record", all(map(matches, out[:25])), out[:2])
    ok("G23 apollo: a miss is not_found, no failure",
       status == 0 and statuses(out)[25:] == ["not_found"] and "status" not in out[25], (status, err))
    asked = vendor(sim, "apollo")
    ok("G23 apollo: nobody is asked about twice, at most 10 in a call",
       asked["records"] == 26 and 3 <= asked["requests"] <= 4
       and all(k["n"] == 1 for k in asked["keys"].values()), asked)
    ok("G23 apollo: credits are those it counted",
       round(sum(r["enrichment"].get("cost", {}).get("apollo", 0) for r in out)) == 25)

    sim.tell("reset")
    status, out, err = enrich(sim, contacts(1), ["apollo"])
    ok("G23 apollo: one record goes by people/match",
       matches(out[0]) and vendor(sim, "apollo")["routes"] == {"POST /people/match": 1}, vendor(sim, "apollo"))

    sim.tell("reset")
    sim.tell("fault", {"kind": "partial", "vendor": "apollo", "count": 1})
    status, out, err = enrich(sim, contacts(10), ["apollo"], apollo={"batch": 10})
    right = [matches(r) for r in out]
    ok("apollo: a reply that lacks an answer gives nobody another's data",
       all(m or s == "failed" for m, s in zip(right, statuses(out))) and status == 1
       and statuses(out).count("failed") == 1, (status, statuses(out)))


# --- Dropcontact ------------------------------------------------------------------------------------

def dropcontact(sim):
    sim.tell("reset")
    sim.tell("set", {"dropcontact": {"ready_polls": 2}})
    status, out, err = enrich(sim, contacts(501), ["dropcontact"], dropcontact={"poll_s": 0.05})
    asked = vendor(sim, "dropcontact")
    submits = [n for route, n in asked["routes"].items() if route.startswith("POST")]
    ok("G24 dropcontact: submitted, polled and mapped, in order",
       status == 0 and all(map(matches, out))
       and [r["email"] for r in out] == ["person%d@acme.test" % i for i in range(501)], err)
    ok("G24 dropcontact: chunks at the limit of 250, each submitted once",
       asked["records"] == 501 and 3 <= sum(submits) <= 4, asked["routes"])
    polls = sum(n for route, n in asked["routes"].items() if route.startswith("GET"))
    ok("G24 dropcontact: polled until ready", polls >= 2 * sum(submits), asked["routes"])

    for kind in ("500", "403", "401", "html200", "truncated_json", "empty", "garbage", "reset"):
        sim.tell("reset")
        sim.tell("fault", {"kind": kind, "vendor": "dropcontact"})
        lines = contacts(3)
        status, out, err = program("verify", NOW + ["--chain", "dropcontact"], lines,
                                   sim.config(["dropcontact"], dropcontact={"poll_s": 0.05, "tries": 1}),
                                   "state-%d.db" % next(fresh))
        verdicts = [r["verification"]["status"] for r in out]
        ok("G24 dropcontact: an error is never valid (%s)" % kind,
           status != 0 and verdicts == ["unknown"] * 3, (status, verdicts, err))


# --- what they refuse ---------------------------------------------------------------------------------

def apollo_refuses(sim):
    case = Case(sim, "apollo", "enrich")
    text = lines(*["bad%d@acme.test" % i if i % 10 else "unprocessable%d@acme.test" % i for i in range(200)])
    status, out, err = case.run(text)
    asked = case.asked()
    ok("apollo: a record that a batch is refused for is rejected, its neighbours are asked about alone",
       [o for o in outcomes(out) if o != "ok"] == ["rejected"] * 20 and outcomes(out).count("ok") == 180
       and all(map(matches, [r for i, r in enumerate(out) if i % 10])), (status, outcomes(out), err))
    ok("apollo: one such in each batch does not make it ill, and nobody found is paid for twice",
       asked["routes"] == {"POST /people/bulk_match": 20, "POST /people/match": 200}
       and all(r["enrichment"]["cost"] == {"apollo": 1} for i, r in enumerate(out) if i % 10), asked)
    text = people({"email": "person1@acme.test", "first_name": 5, "company": {"a": [1]}},
                  {"email": "person2@acme.test", "last_name": ["x"], "country": None},
                  {"first_name": "Ada", "last_name": "Ashby", "domain": "www.acme.test"})
    status, out, err = case.run(text)
    ok("apollo: members of another type cost nobody anything",
       found(out) == ["found"] * 3 and case.asked()["requests"] == 1, (status, out, err))
    text = people(*[{"email": "person%d@acme.test" % i, "company": "x" * 20000} for i in range(5)])
    status, out, err = case.run(text, args=("--chain", "apollo,offline"), batch=1)
    ok("apollo: one that is too long for a call is passed over, and does not make it ill",
       outcomes(out) == ["skipped", "ok"] * 5 and case.asked()["requests"] == 5, (outcomes(out), err))
    key_refused(case)
    for told in ({"credits": 0}, {"credits": 0, "credit_status": 200}, {"credits": 0, "credit_status": 403}):
        no_credit(case, told=told)
    limited(case, {"kind": "429", "retry_after": "1"}, 1, "found")
    recovers(case, 1, "found")


def dropcontact_refuses(sim):
    fast = {"poll_s": 0.05}
    for name, good in (("enrich", "found"), ("verify", "valid/ok")):
        case = Case(sim, "dropcontact", name)
        key_refused(case)
        no_credit(case, told={"credits": 0})
        limited(case, {"kind": "429", "retry_after": "1"}, 2, good, fast)
        recovers(case, 2, good, settings=fast)


# --- the record -------------------------------------------------------------------------------------

def records(sim):
    sim.tell("reset")
    five = "".join('{"email":"p%d@acme.test","n":%d}\n' % (i, i) for i in range(5))
    status, out, err = enrich(sim, five, ["apollo"], ["-j", "4"])
    ok("C24 a batch of 5 gives 5 in order", status == 0 and [r["n"] for r in out] == list(range(5)))
    ok("C05 enrichment fills company and title and makes them enriched", all(map(matches, out)))
    ok("C09 the member says who, when, how sure and at what cost",
       all(r["enrichment"]["provenance"]["job_title"] == {"provider": "apollo", "confidence": 0.9,
                                                           "at": "2026-01-31T10:00:00Z"}
           and r["enrichment"]["enrichment_source"] == "apollo"
           and r["enrichment"]["cost"] == {"apollo": 1} for r in out), out[:1])

    line = ('{"email":"p1@acme.test", "id":1234567890123456789,"x":1.10,"note":"\\u00e9","first_name":'
            '"Zo\\u00eb","title":"Chef","own":{"a":[1, 2]},"tags":["vip"]')
    status, out, err = enrich_bytes(sim, line + "}\n", ["apollo"])
    ok("C07 what enrich does not own leaves byte for byte", out.startswith(line + ","), out)
    ok("C02 names and titles the contact has are kept", json.loads(out)["title"] == "Chef")
    ok("C08 tags stay", json.loads(out)["tags"] == ["vip"])
    status, out, err = enrich(sim, line + "}\n", ["apollo"], ["--overwrite"])
    ok("--overwrite replaces them", out[0]["title"] == person("p1@acme.test").title)


def again(sim):
    sim.tell("reset")
    status, once, err = enrich_bytes(sim, contacts(5), ["apollo"])
    before = vendor(sim, "apollo")["requests"]
    status, twice, err = enrich_bytes(sim, once, ["apollo"])
    ok("C10 an enriched contact passes as it is, without a call",
       once == twice and vendor(sim, "apollo")["requests"] == before)
    status, third, err = enrich_bytes(sim, once, ["apollo"], ["--refresh"])
    ok("C10 asked again on demand, the same answer gives the same bytes",
       third == once and vendor(sim, "apollo")["requests"] > before, third[:300])
    status, old, err = enrich_bytes(sim, once.replace("2026-01-31", "2025-01-31"), ["apollo"])
    ok("an answer past its lifetime is asked for again", '"enriched_at":"2026-01-31' in old)
    sim.tell("fault", {"kind": "500", "vendor": "apollo"})
    status, out, err = enrich_bytes(sim, once, ["apollo"], ["--refresh"], apollo={"tries": 1})
    ok("a failure never replaces an answer, and is told by the status",
       out == once and status in (1, 69), (status, err))
    status, out, err = enrich_bytes(sim, contacts(2), ["apollo"], apollo={"tries": 1})
    ok("failed: every record leaves, marked", len(out.splitlines()) == 2 and status == 69
       and out.count('"status":"failed"') == 2 and "ALL_FAILED (1 attempts)" in out, (status, out))
    sim.tell("clear")
    status, later, err = enrich(sim, out, ["apollo"])
    ok("what failed is asked again", statuses(later) == ["found", "found"], (status, err))


def together(sim):
    sim.tell("reset")
    lines = '{"email":"half1@acme.test"}\n{"email":"anna.lee@acme.test"}\n{"email":"nobody.x@acme.test"}\n'
    status, out, err = enrich(sim, lines, ["apollo", "dropcontact", "offline"],
                              dropcontact={"poll_s": 0.05})
    tried = [[a["provider"] for a in r["enrichment"]["attempts"]] for r in out]
    ok("waterfall: the next is asked only while title or company is missing",
       tried[0] == ["apollo", "dropcontact", "offline"] and tried[1] == ["apollo"], tried)
    ok("waterfall: a guess of the embedded provider fills nothing",
       out[0]["enrichment"].get("job_title") is None and "title" not in out[0])

    sim.tell("reset")
    sim.tell("fault", {"kind": "500", "vendor": "apollo"})
    status, out, err = enrich(sim, contacts(3), ["apollo", "dropcontact"], apollo={"tries": 1},
                              dropcontact={"poll_s": 0.05})
    ok("failing over: found by the second, the first one's error on record",
       status == 0 and statuses(out) == ["found"] * 3
       and [a["outcome"] for a in out[0]["enrichment"]["attempts"]] == ["error", "ok"]
       and out[0]["enrichment"]["attempts"][0]["error_class"] == "server", (status, out[:1]))
    sim.tell("clear")
    status, later, err = enrich(sim, "".join(json.dumps(r) + "\n" for r in out), ["apollo", "dropcontact"])
    ok("a record with an error in its attempts is asked about again",
       [r["enrichment"]["enrichment_source"] for r in later] == ["apollo"] * 3, later[:1])


def in_turns(args, config, turns, until=None):
    """The same two again and again, each time after their answers: the records out."""
    p = subprocess.Popen(WRAP + [os.path.join(B, "bin", "enrich"), "-q", "-c", config, *args],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    out = []
    for _ in range(turns):
        p.stdin.write(contacts(2).encode())
        p.stdin.flush()
        out += [json.loads(p.stdout.readline()) for _ in range(2)]
        if until in statuses(out):
            break
    p.communicate()
    return out


def given_up(sim):
    """A batch is not ready in time; the same people come again while the run goes on."""
    for state in (path("given_up.db"), "none"):
        sim.tell("reset")
        sim.tell("set", {"dropcontact": {"ready_polls": 3}})
        config = write("given_up.jq", sim.config(["dropcontact"], dropcontact={
            "poll_s": 0.1, "poll_limit_s": 0.15}))
        out = in_turns(["-s", state], config, 9, "found")
        asked = vendor(sim, "dropcontact")
        ok("a batch that was given up is asked for again, not handed in again: --state " + state[-4:],
           statuses(out)[:2] == ["failed"] * 2 and statuses(out)[-2:] == ["found"] * 2
           and asked["routes"]["POST /enrich/all"] == 1, (asked["routes"], statuses(out)))


def attempts(records):
    return {(a["outcome"], a.get("error_class")) for r in records for a in r["enrichment"]["attempts"]}


def left_alone(sim):
    """Nor is a batch asked for of a provider that is to be left alone, and it is not handed in anew."""
    sim.tell("reset")
    sim.tell("fault", {"kind": "429", "vendor": "dropcontact", "after": 1, "retry_after": "300"})
    config = write("left.jq", sim.config(["dropcontact"], dropcontact={"poll_s": 0.1}))
    args = ["-s", path("left.db")]
    out = in_turns(args, config, 3)
    again = in_turns(args, config, 1)
    asked = vendor(sim, "dropcontact")["routes"]
    ok("a batch is not asked for before Retry-After is over",
       attempts(out[:2]) == {("error", "rate_limited")} and list(asked.values()) == [1, 1]
       and attempts(out[2:] + again) == {("skipped", "rate_limited")}, (asked, attempts(out + again)))
    ok("what was not asked took no time",
       all(a["latency_ms"] == 0 for r in again for a in r["enrichment"]["attempts"]), again[0])

    sim.tell("clear")
    for flag in ("--unbench", "--bench"):
        subprocess.run(WRAP + [os.path.join(B, "bin", "self-check"), "-q", "-c", config, *args, flag,
                               "dropcontact"], check=True)
    out = in_turns(args, config, 1)
    ok("nor while its provider is benched",
       vendor(sim, "dropcontact")["routes"] == asked and attempts(out) == {("skipped", "benched")}, out[0])
    subprocess.run(WRAP + [os.path.join(B, "bin", "self-check"), "-q", "-c", config, *args, "--unbench",
                           "dropcontact"], check=True)
    out = in_turns(args, config, 1)
    ok("and is there when it may be asked again", statuses(out) == ["found"] * 2
       and vendor(sim, "dropcontact")["routes"]["POST /enrich/all"] == 1, out[0])


def charged(sim):
    """Who is named without an address and not found comes back as sent: no find, and free."""
    sim.tell("reset")
    text = contacts(3) + "".join(json.dumps({"kind": "contact", **r}) + "\n" for r in (
        {"email": "nobody@acme.test"}, {"linkedin_url": "https://www.linkedin.com/in/some-one"},
        {"first_name": "Ada", "last_name": "Ashby", "domain": "acme.test"},
        {"last_name": "Ashby", "domain": "acme.test"}))
    status, out, err = enrich(sim, text, ["dropcontact"], ["--stats", path("charged.json")],
                              dropcontact={"poll_s": 0.05})
    with open(path("charged.json")) as f:
        counts = json.load(f)["providers"][0]
    ok("dropcontact: what it was sent is no find of its own",
       statuses(out) == ["found"] * 3 + ["not_found"] * 2 + ["found", "not_found"], statuses(out))
    ok("dropcontact: as many credits are counted as the account is charged",
       counts["credits"] == 5 and counts["remaining"] == 99995, counts)


def used_up(sim):
    sim.tell("reset")
    sim.tell("fault", {"kind": "402", "vendor": "dropcontact", "after": 1})
    config = write("used_up.jq", sim.config(["dropcontact"], dropcontact={"poll_s": 0.1}))
    out = in_turns(["-s", path("used_up.db")], config, 3)
    asked = vendor(sim, "dropcontact")["routes"]
    ok("a batch refused for want of credit is asked for once", list(asked.values()) == [1, 1]
       and attempts(out) == {("error", "quota"), ("skipped", "quota")}, (asked, attempts(out)))


def account(sim):
    sim.tell("reset")
    sim.tell("fault", {"kind": "401", "vendor": "apollo"})
    status, out, err = enrich(sim, contacts(40), ["apollo"])
    ok("a refused key costs one call and exits 77",
       status == 77 and vendor(sim, "apollo")["requests"] == 1 and len(out) == 40, (status, err))
    ok("the key is in no message and no record", "sim-key" not in err + json.dumps(out))
    sim.tell("reset")
    sim.tell("set", {"dropcontact": {"credits": 1}})
    status, out, err = enrich(sim, contacts(5), ["dropcontact", "offline"],
                              dropcontact={"poll_s": 0.05, "batch": 2})
    ok("too little credit for a batch: the chain goes on",
       len(out) == 5 and any(a.get("error_class") == "quota" for r in out
                             for a in r["enrichment"]["attempts"]), out[-1:])
    ok("those after it are not asked about", [r["enrichment"]["attempts"][0]["outcome"] for r in out]
       == ["error"] * 2 + ["skipped"] * 3 and statuses(out) == ["not_found"] * 5, out)
    sim.tell("set", {"dropcontact": {"credits": 100}})
    status, out, err = enrich(sim, "".join(json.dumps(r) + "\n" for r in out), ["dropcontact", "offline"],
                              dropcontact={"poll_s": 0.05})
    ok("and asked about again when there is credit", statuses(out) == ["found"] * 5, (status, out[-1:]))


with Sim() as simulator:
    for part in (apollo, dropcontact, apollo_refuses, dropcontact_refuses, records, again, together, given_up,
                 left_alone, used_up, charged, account):
        part(simulator)
done()
