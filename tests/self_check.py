"""self-check against the simulated vendors: reports, faults, exit status, the audit log, the bench.

    ROOT=. B=build T=/tmp/empty python3 tests/self_check.py
"""
import collections
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import B, ROOT, WRAP, Sim, contacts, done, ok, path, program, write  # noqa: E402

SLOW = 5 if WRAP else 1
KEYS = {"api_key": "canary-key-8f3a"}


def config(sim, enrichment=("apollo", "dropcontact", "offline"), verification=("dropcontact",), **more):
    providers = {
        "apollo": {"api_key": "sim-key", "base_url": sim.base + "/api/v1", "batch": 1, "tries": 1,
                   "rate": {"requests": 0}, "timeout_s": 2 * SLOW},
        "dropcontact": {"api_key": "sim-key", "base_url": sim.base + "/v1", "tries": 1, "poll_s": 0.05,
                        "rate": {"requests": 0}, "timeout_s": 2 * SLOW},
    }
    for name, members in more.pop("providers", {}).items():
        providers.setdefault(name, {}).update(members)
    return json.dumps({"chains": {"lead_enrichment": {"providers": list(enrichment)},
                                  "email_verification": {"providers": list(verification)}},
                       "providers": providers, **more})


def check(text, *args, state="state.db", env=None, config_file="config.jq"):
    """(exit status, standard output, standard error)"""
    command = WRAP + [os.path.join(B, "bin/self-check"), "-s", state if state == "none" else path(state),
                      "-c", write(config_file, text), *args]
    p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       env=dict(os.environ, **(env or {})), timeout=120)
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def report(text, *args, **more):
    status, out, err = check(text, "--json", *args, **more)
    try:
        return status, json.loads(out)
    except ValueError:
        return status, {"chains": [], "recommendations": [], "summary": {}, "recent_checks": [], "err": err}


def seats(r):
    return {(c["capability"], p["provider"]): p for c in r["chains"] for p in c["providers"]}


def advice(r, provider, capability="lead_enrichment"):
    return [a for a in r["recommendations"] if (a["provider"], a["capability"]) == (provider, capability)]


SAMPLE = re.compile(r'^(leadpipe_[a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\.)*",?)*)\})? (-?[0-9.]+(?:e[+-]?[0-9]+)?)$')


def exposition(text):
    """What is wrong with it by the rules of the format, as promtool has them; and the samples."""
    wrong, samples, helped, typed, closed, family = [], {}, set(), {}, set(), None
    for line in text.splitlines():
        words = line.split(" ", 3)
        if line.startswith("# HELP "):
            if family:
                closed.add(family)
            family = words[2]
            if family in helped:
                wrong.append("HELP twice: " + family)
            helped.add(family)
        elif line.startswith("# TYPE "):
            if words[2] != family or words[3] not in ("gauge", "counter"):
                wrong.append(line)
            typed[family] = words[3]
        else:
            m = SAMPLE.match(line)
            if not m or m.group(1) != family or family in closed or family not in typed:
                wrong.append("sample: " + line)
                continue
            if (typed[family] == "counter") != family.endswith("_total"):
                wrong.append("counter: " + line)
            if line.rsplit(" ", 1)[0] in samples:
                wrong.append("twice: " + line)
            samples[line.rsplit(" ", 1)[0]] = float(m.group(3))
    if not text.endswith("\n"):
        wrong.append("no newline at the end")
    return wrong, samples


def fresh(sim, name):
    """A state file of the test's own, and vendors without faults."""
    sim.tell("reset")
    return name + ".db"


def routes(sim):
    return {v: dict(c["routes"]) for v, c in sim.stats()["vendors"].items() if c["requests"]}


# --- the check, and what is kept of it --------------------------------------------------------------
def full_check(sim):
    state = fresh(sim, "full")
    status, r = report(config(sim), state=state)
    asked = sim.stats()["vendors"]
    ok("G18 full check: each provider of each chain is asked once",
       (asked["apollo"]["requests"], asked["dropcontact"]["requests"]) == (1, 2), routes(sim))
    ok("G18 full check: all is well, exit 0", status == 0, (status, r))
    checks = {(c["capability"], c["provider"]): c for c in r["recent_checks"]}
    ok("G18 full check: results are recorded with latency and status",
       len(checks) == 4 and all(c["outcome"] == "ok" for c in checks.values()) and
       checks["lead_enrichment", "apollo"]["http_status"] == 200, checks)
    ok("G18 full check: credits left are told", seats(r)["lead_enrichment", "dropcontact"]["remaining"] is not None,
       seats(r))
    ok("G18 full check: first successes degrade from unknown, without advice",
       all(p["health"] == "degraded" for p in seats(r).values()) and r["recommendations"] == [], r)
    ok("G18 full check: the requests are in the audit log",
       [o["method"] for c in r["chains"] for o in c["recent_operations"]] == ["check"] * 4, r["chains"])
    for _ in range(4):
        status, r = report(config(sim), state=state)
    ok("G18 full check: five in a row are healthy", status == 0 and
       {c["overall_health"] for c in r["chains"]} == {"healthy"} and r["summary"]["total_checks_recorded"] == 20
       and r["summary"]["success_rate_percent"] == 100, r["summary"])

    before = sim.stats()["vendors"]["apollo"]["requests"]
    status, r = report(config(sim), "--status", state=state)
    ok("G19 --status shows an earlier process's results", status == 0 and len(r["recent_checks"]) == 20 and
       seats(r)["lead_enrichment", "apollo"]["consecutive_successes"] == 5, r)
    ok("G19 --status asks nobody", sim.stats()["vendors"]["apollo"]["requests"] == before)
    status, _ = report(config(sim), "--dry-run", state=state)
    ok("self-check --dry-run asks nobody", status == 0 and sim.stats()["vendors"]["apollo"]["requests"] == before)


def side_by_side(sim):
    state = fresh(sim, "parallel")
    sim.tell("set", {"latency_ms": 500})
    began = time.monotonic()
    report(config(sim), state=state)
    took = time.monotonic() - began
    sim.tell("set", {"latency_ms": 0})
    ok("G18 full check: providers are asked at the same time", took < 1.2 * SLOW, took)
    sim.tell("fault", {"kind": "silence", "vendor": "apollo"})
    began = time.monotonic()
    status, r = report(config(sim), state=state)
    took = time.monotonic() - began
    ok("a silent provider ends with its deadline, the others are not held up",
       2 * SLOW <= took < 2.2 * SLOW + 1 and advice(r, "apollo")[0]["issue"].startswith("no answer in time") and
       seats(r)["lead_enrichment", "dropcontact"]["latency_ms"] < 1000 * SLOW, (took, r["recommendations"]))


# --- what is wrong --------------------------------------------------------------------------------
CLASSES = (
    ("apollo", {"kind": "401"}, "auth", "critical"),
    ("dropcontact", {"kind": "401"}, "auth", "critical"),
    ("apollo", {"kind": "500"}, "server", "warning"),
    ("apollo", {"kind": "silence"}, "timeout", "warning"),
    ("apollo", {"kind": "reset"}, "network", "warning"),
    ("apollo", {"kind": "garbage"}, "bad_response", "warning"),
)


def classes(sim):
    for vendor, fault, cls, severity in CLASSES:
        state = fresh(sim, "class-%s-%s" % (vendor, fault["kind"]))
        sim.tell("fault", dict(fault, vendor=vendor))
        status, r = report(config(sim), state=state)
        a = advice(r, vendor)
        ok("%s by %s is %s, %s" % (cls, fault["kind"], cls, severity),
           seats(r)["lead_enrichment", vendor]["error_class"] == cls and len(a) == 1 and
           a[0]["severity"] == severity and a[0]["action"] and a[0]["since"], (status, a, seats(r)))
        ok("%s by %s of %s: exit %d" % (cls, fault["kind"], vendor, severity == "critical"),
           status == (69 if vendor == "dropcontact" else severity == "critical"), status)
        sim.tell("clear")
        status, r = report(config(sim), state=state)
        ok("%s by %s of %s: the advice goes with its cause" % (cls, fault["kind"], vendor),
           status == 0 and advice(r, vendor) == [], (status, r["recommendations"]))


def limits(sim):
    state = fresh(sim, "limit")
    sim.tell("fault", {"kind": "429", "vendor": "apollo", "retry_after": "300"})
    status, r = report(config(sim), state=state)
    p, a = seats(r)["lead_enrichment", "apollo"], advice(r, "apollo")
    ok("429: out until the stated time, in no ill health", status == 0 and p["out_reason"] == "rate_limited" and
       p["health"] == "unknown" and not p["usable"] and len(a) == 1 and a[0]["severity"] == "warning" and
       a[0]["status"] == "rate_limited" and "until 20" in a[0]["issue"], (status, p, a))
    state = fresh(sim, "limit_at_night")
    text = config(sim, enrichment=["apollo", "offline"])
    sim.tell("fault", {"kind": "401", "vendor": "apollo", "count": 1})
    sim.tell("fault", {"kind": "402", "vendor": "apollo", "retry_after": "1", "route": "match"})
    for _ in range(2):  # a key that is refused, and the next night one whose account is empty
        program("enrich", ["--no-cache"], contacts(1), text, state)
    time.sleep(1.2)
    status, r = report(text, "--status", state=state)
    p, a = seats(r)["lead_enrichment", "apollo"], advice(r, "apollo")
    ok("402: what is said is the last that was heard, also when the wait is over", status == 1 and p["usable"] and
       [(x["severity"], x["status"]) for x in a] == [("critical", "quota")] and a[0]["since"] == p["last_check_at"],
       (status, p, a))
    shown = check(text, "--status", state=state)[1]
    ok("and so says the text", re.search("apollo +degraded +no credit left\n", shown) and "since 20" in shown, shown)
    status, r = report(text, state=state)
    ok("a good check that says nothing of credits is no word on them", status == 1 and
       advice(r, "apollo")[0]["status"] == "quota", (status, r["recommendations"]))
    sim.tell("clear")
    program("enrich", ["--no-cache"], contacts(1), text, state)
    ok("a good answer is", report(text, "--status", state=state)[1]["recommendations"] == [])
    sim.tell("fault", {"kind": "402", "vendor": "apollo", "route": "match"})
    program("enrich", ["--no-cache"], contacts(1), text, state)
    sim.tell("clear")
    before = sim.stats()["vendors"]["apollo"]["requests"]
    program("enrich", ["--no-cache"], contacts(1), text, state)
    ok("an account that was topped up waits", sim.stats()["vendors"]["apollo"]["requests"] == before)
    status, _, err = check(text, "--unbench", "apollo", state=state)
    program("enrich", ["--no-cache"], contacts(1), text, state)
    ok("until --unbench", status == 0 and "is asked again" in err and
       sim.stats()["vendors"]["apollo"]["requests"] == before + 1, (status, err))
    wrong = config(sim, providers={"apollo": {"api_key": "another-key"}})
    state = fresh(sim, "wrong")
    status, r = report(wrong, state=state)
    a = advice(r, "apollo")
    ok("a key that is refused with 200 is critical", status == 1 and a and a[0]["severity"] == "critical" and
       seats(r)["lead_enrichment", "apollo"]["error_class"] == "auth", (status, a))


def no_secret(sim):
    """Every run would end with status 78: no matter of waiting for a third failure."""
    text = config(sim, providers={"apollo": {"api_key": {"cmd": "exit 3"}}})
    status, r = report(text, state=fresh(sim, "no_secret"))
    a = advice(r, "apollo")
    ok("a secret that is not to be had is critical at once", status == 1 and a[0]["severity"] == "critical" and
       "providers.apollo.api_key: cmd ended with status 3" in a[0]["issue"], (status, a))


def exit_status(sim):
    state = fresh(sim, "exit")
    text = config(sim)
    sim.tell("fault", {"kind": "500", "vendor": "apollo"})
    status, r = report(text, state=state)
    ok("G22 exit status follows health: degraded is a warning, exit 0", status == 0 and
       advice(r, "apollo")[0]["severity"] == "warning", (status, r["recommendations"]))
    for _ in range(2):
        status, r = report(text, state=state)
    ok("G22 exit status follows health: unhealthy is critical, exit 1", status == 1 and
       seats(r)["lead_enrichment", "apollo"]["health"] == "unhealthy" and
       advice(r, "apollo")[0]["severity"] == "critical", (status, r["recommendations"]))
    ok("G22 exit status follows health: the same by --status", check(text, "--status", state=state)[0] == 1)
    alone = config(sim, enrichment=["apollo"])
    status, r = report(alone, "--status", state=state)
    whole = [a for a in r["recommendations"] if a["provider"] is None]
    ok("G22 exit status follows health: a chain without a usable provider, exit 69", status == 69 and
       len(whole) == 1 and whole[0]["severity"] == "critical", (status, r["recommendations"]))
    sim.tell("clear")
    status, r = report(alone, state=state)
    ok("G22 exit status follows health: one good answer, exit 0, nothing to recommend",
       status == 0 and r["recommendations"] == [] and
       seats(r)["lead_enrichment", "apollo"]["health"] == "degraded", (status, r["recommendations"]))
    nobody = config(sim, enrichment=["hunter"])
    status, r = report(nobody, state=fresh(sim, "nobody"))
    ok("G22 exit status follows health: nobody configured, exit 69; what is not set up is info", status == 69 and
       {a["severity"] for a in advice(r, "hunter")} == {"info"} and
       "HUNTER_API_KEY" in advice(r, "hunter")[0]["action"], (status, r["recommendations"]))
    none = report(text, state="none")
    ok("without memory it checks all the same", none[0] == 0 and len(none[1]["recent_checks"]) == 4, none)


def misuse(sim):
    text = config(sim)
    for args in (["--audit", "--status"], ["--json", "--prometheus"], ["--bench", "a", "--unbench", "b"], ["file"],
                 ["--watch=0s"], ["--bench", "nobody"]):
        status, out, err = check(text, *args, state="misuse.db")
        ok("wrong usage: " + " ".join(args), status == 2 and out == "" and err.startswith("self-check: "), (status, err))
    for args in (["--audit"], ["--status"], ["--bench", "apollo"]):
        status, _, err = check(text, *args, state="none")
        ok("%s needs a state" % args[0], status == 2 and "--state none" in err, err)
    broken = {"providers.apollo.ratee": config(sim, providers={"apollo": {"ratee": 1}}),
              "providers.local.bogus": config(sim, providers={"local": {"bogus": 1}}),
              "chains.email_verification.providers": config(sim, verification=["apollo"]),
              "helth": config(sim, helth={})}
    for key, wrong in broken.items():
        for args in ([], ["--show-config"]):
            status, _, err = check(wrong, *args, state="misuse.db")
            ok("G15 a mistake is named by its key, exit 78: %s %s" % (key, " ".join(args)),
               status == 78 and key in err, (status, err))


# --- again and again --------------------------------------------------------------------------------
def watch(sim):
    state = fresh(sim, "watch")
    command = WRAP + [os.path.join(B, "bin/self-check"), "-s", path(state), "-c", write("config.jq", config(sim)),
                      "--watch=1s", "--json"]
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    lines = [p.stdout.readline() for _ in range(3)]
    p.send_signal(signal.SIGINT)
    began = time.monotonic()
    rest, err = p.communicate(timeout=60)
    reports = [json.loads(line) for line in lines]
    ok("G20 --watch repeats", [r["summary"]["total_checks_recorded"] for r in reports] == [4, 8, 12], lines)
    ok("G20 --watch stops cleanly", p.returncode == 130 and time.monotonic() - began < 2 * SLOW and
       all(json.loads(line) for line in rest.splitlines()) and err == b"", (p.returncode, rest, err))
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    p.stdout.readline()
    p.stdout.close()
    ok("G20 --watch ends when its reader goes", p.wait(timeout=60) == -signal.SIGPIPE and p.stderr.read() == b"",
       p.returncode)
    p.stderr.close()
    sim.tell("set", {"latency_ms": 30000})
    p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while sum(v["in_flight"] for v in sim.stats()["vendors"].values()) < 3:
        time.sleep(0.05)
    p.send_signal(signal.SIGTERM)
    out, err = p.communicate(timeout=60)
    ok("G20 --watch stops in the midst of checks, and says nothing of them", p.returncode == 143 and out == b"",
       (p.returncode, out, err))
    sim.tell("set", {"latency_ms": 0})


# --- the audit log ------------------------------------------------------------------------------------
def audit(sim, state, *args):
    return [json.loads(line) for line in check(config(sim), "--audit", *args, state=state)[1].splitlines()]


def agree(entries, stats):
    """Differences between the audit log's entries of a run and its --stats."""
    wrong = []
    for p in stats["providers"]:
        mine = [e for e in entries if e["provider"] == p["provider"] and e["run_id"] == stats["run_id"]]
        seen = collections.Counter(e["outcome"] for e in mine)
        if seen != {k: v for k, v in p["requests"].items() if v} and p["provider"] != "offline":
            wrong.append((p["provider"], dict(seen), p["requests"]))
        if p["calls"] != sum(p["requests"].values()):
            wrong.append((p["provider"], p["calls"], p["requests"]))
        if abs(sum(e["credits"] for e in mine) - p["credits"]) > 1e-6:
            wrong.append((p["provider"], sum(e["credits"] for e in mine), p["credits"]))
    return wrong


def log(sim):
    state = fresh(sim, "audit")
    text = config(sim, providers={"apollo": {"tries": 3}})
    totals = collections.Counter()
    faults = ([], [{"kind": "flapping", "vendor": "apollo"}], [{"kind": "500", "vendor": "apollo", "every": 3}],
              [{"kind": "401", "vendor": "apollo"}, {"kind": "reset", "vendor": "dropcontact", "every": 2}])
    for i, set_of_faults in enumerate(faults):
        sim.tell("clear")
        for fault in set_of_faults:
            sim.tell("fault", fault)
        before = {v: c["requests"] for v, c in sim.stats()["vendors"].items()}
        program("enrich", ["--stats", path("stats"), "--no-cache"], contacts(12, "acme.test").replace(
            "person1@", "nobody1@"), text, state)
        with open(path("stats")) as f:
            stats = json.load(f)
        entries = audit(sim, state)
        wrong = agree(entries, stats)
        ok("the audit log agrees with --stats, run %d" % i, not wrong, wrong)
        sent = {v: c["requests"] - before.get(v, 0) for v, c in sim.stats()["vendors"].items()}
        logged = collections.Counter(e["provider"] for e in entries if e["run_id"] == stats["run_id"])
        ok("the audit log has every request the vendors saw, run %d" % i,
           all(sent[v] == logged[v] for v in ("apollo", "dropcontact")), (sent, logged))
        for p in stats["providers"]:
            for outcome, n in p["requests"].items():
                totals[p["provider"], outcome] += n
    _, samples = exposition(check(text, "--status", "--prometheus", state=state)[1])
    kept = collections.Counter()
    for name, value in samples.items():
        m = re.match(r'leadpipe_requests_total\{capability="lead_enrichment",provider="(\w+)",outcome="(\w+)"', name)
        if m:
            kept[m.groups()] += int(value)
    ok("totals of all runs are exact", kept == +totals, (kept, totals))
    r = report(text, "--status", state=state)[1]
    ok("a chain's operations are all of its requests", r["chains"][0]["total_operations"] == sum(totals.values()) and
       len(r["chains"][0]["recent_operations"]) == 10, r["chains"][0]["total_operations"])
    every, last = audit(sim, state), audit(sim, state, "--limit", "3")
    ok("--audit --limit gives the newest, the newest last", len(last) == 3 and last == every[-3:] and
       [e["at"] for e in every] == sorted(e["at"] for e in every), last)
    ok("an entry has the members of the manual and no others", all(list(e) == [
        "at", "run_id", "capability", "method", "provider", "outcome", "error_class", "http_status", "latency_ms",
        "records", "credits"] for e in every))
    ok("no address in the log", "acme.test" not in json.dumps(every))
    db = sqlite3.connect(path(state))
    db.execute("UPDATE audit SET at = at - at % 1000 WHERE id % 2")
    db.commit()
    db.close()
    at = [e["at"] for e in audit(sim, state)]
    ok("the log sorts as text, whole seconds among the rest", at == sorted(at) and len(set(map(len, at))) == 1, at)


# --- an operator's word ---------------------------------------------------------------------------------
def bench(sim):
    state = fresh(sim, "bench")
    text = config(sim, enrichment=["apollo", "offline"])
    status, out, err = check(text, "--bench", "apollo", state=state)
    ok("--bench says what it did", status == 0 and out == "" and "apollo" in err, (status, err))
    _, records, _ = program("enrich", ["--no-cache"], contacts(3), text, state)
    tried = {(a["provider"], a["outcome"], a.get("error_class")) for r in records for a in r["enrichment"]["attempts"]}
    ok("who is benched is not asked", ("apollo", "skipped", "benched") in tried and
       sim.stats()["vendors"]["apollo"]["requests"] == 0, tried)
    alone = config(sim, enrichment=["apollo"])
    program("enrich", ["--no-cache"], contacts(3), alone, state)
    ok("who is benched is not asked even if nobody else could", sim.stats()["vendors"]["apollo"]["requests"] == 0)
    status, r = report(alone, "--status", state=state)
    ok("benched: the chain cannot be used, exit 69", status == 69 and advice(r, "apollo")[0]["status"] == "benched" and
       "--unbench apollo" in advice(r, "apollo")[0]["action"], (status, r["recommendations"]))
    status, r = report(text, state=state)
    ok("a good check does not take it back", seats(r)["lead_enrichment", "apollo"]["out_reason"] == "benched", r)
    check(text, "--unbench", "apollo", state=state)
    before = sim.stats()["vendors"]["apollo"]["requests"]
    program("enrich", ["--no-cache"], contacts(3), text, state)
    ok("--unbench puts it back", sim.stats()["vendors"]["apollo"]["requests"] == before + 3)
    sim.tell("set", {"latency_ms": 100})
    out = write("long", contacts(60))
    p = subprocess.Popen(WRAP + [os.path.join(B, "bin/enrich"), "-q", "-j", "1", "--no-cache", "-s", path(state), "-c",
                                 write("bench.jq", text)], stdin=open(out), stdout=subprocess.PIPE)
    while sim.stats()["vendors"]["apollo"]["requests"] < before + 6:
        time.sleep(0.05)
    check(text, "--bench", "apollo", state=state)
    p.communicate(timeout=120)
    asked = sim.stats()["vendors"]["apollo"]["requests"] - before
    ok("--bench reaches a run under way", asked < 50, asked)
    sim.tell("set", {"latency_ms": 0})


# --- the configuration, and secrets -----------------------------------------------------------------------
def show_config(sim):
    text = config(sim, providers={
        "apollo": {"api_key": {"cmd": "echo canary-cmd-77"}, "timeout_s": 9},
        "dropcontact": {**KEYS, "base_url": "http://user:canary-word-55@127.0.0.1/v1"},
        "gmail": {"use": "smtp", "password": "canary-mail-66"}}, health={"healthy_after": 4})
    env = {"HUNTER_API_KEY": "canary-env-99", "LEADPIPE_STATE": path("shown.db")}
    p = subprocess.run(WRAP + [os.path.join(B, "bin/self-check"), "--show-config", "--json", "-c",
                               write("shown.jq", text.replace('"offline"]', '"hunter", "offline"]'))],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       env=dict(os.environ, **env))
    c = json.loads(p.stdout)
    value = {k: v["value"] for k, v in c.items()}
    source = {k: v["source"] for k, v in c.items()}
    ok("--show-config has values and sources", p.returncode == 0 and
       (value["providers.apollo.timeout_s"], source["providers.apollo.timeout_s"]) == (9, "config") and
       (value["providers.apollo.total_s"], source["providers.apollo.total_s"]) == (120, "default") and
       (value["health.healthy_after"], source["health.healthy_after"]) == (4, "config") and
       source["config"] == "flag --config" and source["state"] == "env LEADPIPE_STATE" and
       value["chains.lead_enrichment.providers"] == ["apollo", "dropcontact", "hunter", "offline"], c)
    ok("--show-config masks secrets and says where they are from",
       value["providers.hunter.api_key"] == "****" and source["providers.hunter.api_key"] == "env HUNTER_API_KEY" and
       source["providers.apollo.api_key"] == "config (cmd)" and b"canary" not in p.stdout + p.stderr, p.stdout)
    status, out, _ = check(text, "--show-config")
    ok("--show-config as text, one setting a line", status == 0 and 'providers.apollo.timeout_s = 9  # config\n' in out
       and "canary" not in out, out)


def secrets(sim):
    state = fresh(sim, "secret")
    seen = ""
    text = config(sim, providers={"apollo": KEYS, "dropcontact": KEYS})
    for kind in ("401", "500", "garbage", "html200"):
        sim.tell("clear")
        sim.tell("fault", {"kind": kind})
        for args in ([], ["--json"], ["--prometheus"], ["-v"]):
            seen += "".join(map(str, check(text, *args, state=state)))
    db = sqlite3.connect(path(state))
    for table in ("health", "audit", "checks", "total"):
        seen += str(db.execute("SELECT * FROM " + table).fetchall())
    db.close()
    ok("no secret in any report, message or row", KEYS["api_key"] not in seen and len(seen) > 10000)


def main():
    with Sim() as sim:
        for test in (full_check, side_by_side, classes, limits, no_secret, exit_status, misuse, watch, log, bench,
                     show_config, secrets):
            test(sim)
    done()


if __name__ == "__main__":
    main()
