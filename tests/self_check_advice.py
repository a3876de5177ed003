"""What self-check recommends: every adapter of ours by every class of fault, how grave it is, and that it goes.

    ROOT=. B=build T=/tmp/empty python3 tests/self_check_advice.py
"""
import json
import os
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from self_check import check, exposition, fresh, report  # noqa: E402
from self_check_formats import SCHEMA  # noqa: E402
from sim_client import ROOT, WRAP, Sim, done, ok, path, write  # noqa: E402

SLOW = 5 if WRAP else 1
ROOTS = {"apollo": "/api/v1", "dropcontact": "/v1", "hunter": "/v2", "peopledatalabs": "/v5", "zerobounce": "/v2",
         "neverbounce": "/v4.2", "reacher": ""}
KEYS = {"hunter": "HUNTER_API_KEY", "peopledatalabs": "PDL_API_KEY", "zerobounce": "ZEROBOUNCE_API_KEY",
        "neverbounce": "NEVERBOUNCE_API_KEY", "reacher": "REACHER_SECRET"}
CHAINS = {"lead_enrichment": ["apollo", "dropcontact", "hunter", "peopledatalabs", "offline"],
          "email_verification": ["dropcontact", "zerobounce", "neverbounce", "hunter", "reacher", "none"]}
SEATS = [(c, p) for c, names in CHAINS.items() for p in names if p in ROOTS]
CLASSES = ("auth", "quota", "rate_limited", "timeout", "network", "dns", "tls", "server", "bad_response", "config")


def config(at, **settings):
    """Every adapter; `at` is where its server is."""
    own = {"none": {"use": "noop"}}
    for name, root in ROOTS.items():
        base = "%s/%s%s" % (at, name, root)
        own[name] = {"base_url": base, "timeout_s": 10 * SLOW, "tries": 1,
                     ("secret" if name == "reacher" else "api_key"): "sim-key", **settings}
    own["peopledatalabs"]["sandbox_url"] = at + "/peopledatalabs/sandbox/v5"
    return json.dumps({"chains": {c: {"providers": p} for c, p in CHAINS.items()}, "providers": own})


def by_seat(r):
    found = {}
    for a in r["recommendations"]:
        found.setdefault((a["capability"], a["provider"]), []).append(a)
    return found


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# --- what each adapter says of each class ----------------------------------------------------------------

def adapters():
    """Class by class, from the adapter alone."""
    lib = os.path.join(ROOT, "lib/providers")
    names = sorted(f[:-3] for f in os.listdir(lib) if f.endswith(".jq") and f != "defaults.jq")
    ok("the table has every adapter", names == sorted(ROOTS), names)
    for name in names + ["defaults"]:
        given = [{"class": cls, "status": 429 if cls == "rate_limited" else 500, "detail": "",
                  "until": "2026-11-20T14:05:09.003Z" if cls == "rate_limited" else None} for cls in CLASSES]
        p = subprocess.run(["jq", "-L", lib, 'include "%s"; include "defaults"; map(advise)' % name],
                           input=json.dumps(given), stdout=subprocess.PIPE, text=True,
                           env=dict(os.environ, HOME="/nonexistent"))
        said = dict(zip(CLASSES, json.loads(p.stdout)))
        wrong = {c: a for c, a in said.items() if a["severity"] not in ("critical", "warning") or
                 len(a["action"]) < 10 or "nothing" in a["action"]}
        ok("%s: something to do about every class" % name, not wrong, wrong)
        ok("%s: the classes differ in what is to be done" % name,
           len({a["action"] for a in said.values()}) >= len(CLASSES) - 1, said)
        ok("%s: refused credentials and an empty account are critical, a limit is not" % name,
           [said[c]["severity"] for c in ("auth", "quota", "rate_limited")] == ["critical", "critical", "warning"], said)
        ok("%s: a refused key is told by its variable" % name, KEYS.get(name, "") in said["auth"]["action"], said["auth"])


# --- the same by self-check, at the simulated vendors ------------------------------------------------------

def faults(sim):
    """(what goes wrong, its class, the configuration); an adapter that has it otherwise is named."""
    port = free_port()
    return (({"kind": "401"}, "auth", config(sim.base)),
            ({"kind": "silence"}, "timeout", config(sim.base, timeout_s=SLOW)),
            ({"kind": "reset"}, "network", config(sim.base)),
            ({"kind": "500"}, "server", config(sim.base)),
            ({"kind": "garbage"}, "bad_response", config(sim.base)),
            (None, "network", config("http://127.0.0.1:%d" % port)),
            (None, "dns", config("http://nowhere.invalid")),
            (None, "tls", config(sim.base.replace("http:", "https:"))))


def name_of(fault, cls):
    return "%s by %s" % (cls, fault["kind"] if fault else "the way there")


def three_in_a_row(text, state, what):
    for _ in range(2):
        status, r = report(text, state=state)
    grave = {(s, a["severity"], a["status"]) for s, all_of in by_seat(r).items() for a in all_of}
    ok("%s: three in a row are critical, exit 1" % what, status == 1 and
       grave == {(s, "critical", "unhealthy") for s in SEATS}, (status, grave))


def every_class(sim):
    for number, (fault, cls, text) in enumerate(faults(sim)):
        state = fresh(sim, "every-%d" % number)
        if fault:
            sim.tell("fault", fault)
        what = name_of(fault, cls)
        status, r = report(text, state=state)
        found = by_seat(r)
        classes = {s: p["error_class"] for c in r["chains"] for p in c["providers"]
                   for s in [(c["capability"], p["provider"])] if s in SEATS}
        ok("%s: seen as that of every provider" % what, set(classes.values()) == {cls}, classes)
        first = "critical" if cls == "auth" else "warning"
        wrong = {s: found.get(s) for s in SEATS if [(a["severity"], a["status"]) for a in found.get(s, [])] !=
                 [(first, "degraded")] or not found[s][0]["action"] or not found[s][0]["since"]}
        ok("%s: one recommendation each, %s" % (what, first), not wrong and len(r["recommendations"]) == len(SEATS),
           wrong or r["recommendations"])
        ok("%s: exit status" % what, status == (cls == "auth"), status)
        if cls in ("server", "dns"):
            three_in_a_row(text, state, what)
        sim.tell("clear")
        status, r = report(config(sim.base), state=state)
        ok("%s: one good answer, and nothing is recommended" % what, status == 0 and r["recommendations"] == [],
           (status, r["recommendations"]))


def limits(sim):
    """Limits are no ill health: whatever number each vendor has for them."""
    state = fresh(sim, "limits")
    text = config(sim.base)
    for vendor, kind in (("apollo", "429"), ("dropcontact", "429"), ("hunter", "403"), ("peopledatalabs", "429"),
                         ("zerobounce", "429"), ("neverbounce", "429"), ("reacher", "429")):
        sim.tell("fault", {"kind": kind, "vendor": vendor})
    sim.tell("set", {"peopledatalabs": {"reset_s": 2}})
    status, r = report(text, state=state)
    checked = {(c["capability"], c["provider"]): c["error_class"] for c in r["recent_checks"]}
    seen = {s: [(a["severity"], a["status"], bool(a["action"])) for a in by_seat(r).get(s, [])] for s in SEATS}
    classes = {s: checked.get(s) for s in SEATS}
    ok("a limit is seen as one", set(classes.values()) == {"rate_limited"}, classes)
    ok("a limit that was met is a warning, also where its end is not told", status == 0 and
       all(v == [("warning", "rate_limited", True)] for v in seen.values()), (status, seen))
    shown = check(text, "--status", state=state)[1]
    ok("and so says the text", shown.count("too many requests") >= 2 * len(SEATS), shown)
    sim.tell("clear")
    end = time.time() + 60 * SLOW
    while report(text, state=state)[1]["recommendations"] and time.time() < end:
        time.sleep(1)
    ok("once it is over, nothing is recommended", report(text, "--status", state=state)[1]["recommendations"] == [],
       by_seat(report(text, "--status", state=state)[1]))
    state = fresh(sim, "empty")
    sim.tell("set", {v: {"credits": 0} for v in ("hunter", "zerobounce", "neverbounce")})
    status, r = report(text, state=state)
    found = by_seat(r)
    wrong = {s: found.get(s) for s in SEATS if s[1] in ("hunter", "zerobounce", "neverbounce") and
             [(a["severity"], a["status"]) for a in found.get(s, [])] != [("critical", "quota")]}
    ok("an account without credits is critical before it is asked, exit 1", status == 1 and not wrong, (status, wrong))


# --- those of this machine, and chains as a whole -----------------------------------------------------------

def own_checks(sim):
    """A table that is read, a filter that starts, name servers that answer: or not."""
    state = fresh(sim, "own")
    known = write("known.csv", "domain,company_name\nacme.test,Acme\n")
    providers = {"offline": {"table": known, "key": "domain"}, "local": {"dns": "127.0.0.1:%d" % free_port()},
                 "filter": {"use": "exec", "command": "cat >/dev/null"}, "none": {"use": "noop"},
                 "gone": {"use": "exec", "command": ["/nonexistent/filter"]}}

    def ask(verification, *args):
        return report(json.dumps({"chains": {"lead_enrichment": {"providers": ["offline", "filter", "gone"]},
                                             "email_verification": {"providers": verification}},
                                  "providers": providers}), *args, state=state)

    status, r = ask(["local", "none"])
    found = {c["provider"]: (c["outcome"], c["error_class"]) for c in r["recent_checks"]}
    ok("a table, a filter and DNS are checked", found == {
        "offline": ("ok", None), "filter": ("ok", None), "gone": ("error", "config"), "local": ("error", "network"),
        "none": ("ok", None)}, found)
    for _ in range(2):
        status, r = ask(["local", "none"])
    grave = {a["provider"]: (a["status"], a["severity"]) for a in r["recommendations"]}
    ok("unhealthy is critical, but of what is embedded a warning, exit 1", status == 1 and grave == {
        "gone": ("unhealthy", "critical"), "local": ("unhealthy", "warning")}, (status, grave))
    status, r = ask(["local"], "--status")
    grave = {a["provider"]: a["severity"] for a in r["recommendations"] if a["capability"] == "email_verification"}
    ok("critical where nobody else is in the chain, exit 69", status == 69 and
       grave == {None: "critical", "local": "critical"}, (status, grave))
    os.remove(known)
    r = ask(["local", "none"])[1]
    ok("a table that is gone is told by its name", "known.csv" in by_seat(r)["lead_enrichment", "offline"][0]["issue"],
       r["recommendations"])


def overall(sim):
    """Healthy before degraded before unhealthy before unknown: the best of a chain is its health."""
    state = fresh(sim, "overall")
    names = ["apollo", "dropcontact", "hunter", "peopledatalabs"]

    def ask(chain, *args):
        c = json.loads(config(sim.base))
        c["chains"]["lead_enrichment"]["providers"] = chain
        return report(json.dumps(c), *args, state=state)[1]["chains"][0]["overall_health"]

    sim.tell("fault", {"kind": "500", "vendor": "apollo"})
    for _ in range(5):
        ask(["apollo", "dropcontact"])
    ask(["hunter"])
    said = {n: ask([n], "--status") for n in names}
    ok("one of each", said == dict(zip(names, ["unhealthy", "healthy", "degraded", "unknown"])), said)
    ranks = ["dropcontact", "hunter", "apollo", "peopledatalabs"]
    wrong = [(a, b) for i, a in enumerate(ranks) for b in ranks[i:] for pair in ([a, b], [b, a])
             if a != b and ask(pair, "--status") != said[a]]
    ok("overall_health is that of the best, in any order", not wrong and ask(names, "--status") == "healthy", wrong)


# --- what is in a vendor's words ----------------------------------------------------------------------------

HOSTILE = r"""module {"name": "hostile", "capabilities": ["lead_enrichment"], "transport": "http",
                     "settings": {"word": {"default": ""}}};
def check: {error: {class: "server", detail: .settings.word}};
def request: check;
"""


def hostile(sim):
    """Whatever a provider says: nothing of it moves the cursor, breaks a line of 80 columns or the state file."""
    state = fresh(sim, "hostile")
    folder = path("own/leadpipe/providers")
    os.makedirs(folder)
    with open(os.path.join(folder, "hostile.jq"), "w") as f:
        f.write(HOSTILE)
    env = {"XDG_CONFIG_HOME": path("own"), "LC_ALL": "C.UTF-8"}
    words = {"controls": "a\x1b[31mb\x07\x9bc\r\n\td\u202ee\x7f", "long": "x" * 500, "wide": "\u5b57" * 300,
             "cut": "a" + "\u00e9" * 200, "cut at two": "ab" + "\u00e9" * 200, "cut at four": "\U0001f600" * 99,
             "combining": "e\u0301" * 150}
    names = {"\u5b57" * 9: {}, "\u5b57" * 20: {}, "esc\x1b[2Japed": {}, "n" * 60: {}, "mail \u00e9\u00e8": {}}
    for what, word in words.items():
        providers = {n: {"use": "hostile", "word": word} for n in names}
        text = json.dumps({"chains": {"lead_enrichment": {"providers": list(names)},
                                      "email_verification": {"providers": ["none"]}},
                           "providers": {**providers, "none": {"use": "noop"}}})
        for args in ([], ["--status"]):
            status, out, err = check(text, *args, state=state, env=env)
            wide = [line for line in out.splitlines() if columns(line) > 80]
            ok("%s %s: 80 columns, and no control byte" % (what, " ".join(args)), status in (0, 69) and out and not wide and
               not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", out + err), (status, wide, out, err))
        r = report(text, "--status", state=state, env=env)[1]
        ok("%s: its words are in the state, whole characters of them" % what, r["chains"] and
           all(p["error_message"] and "\ufffd" not in p["error_message"] for p in r["chains"][0]["providers"]), r)
        problems = [e.message for e in SCHEMA.iter_errors(r)]
        ok("%s: the report validates" % what, not problems, problems)
        wrong, _ = exposition(check(text, "--status", "--prometheus", state=state, env=env)[1])
        ok("%s: Prometheus' format holds" % what, not wrong, wrong)
        shown = check(text, "--show-config", state=state, env=env)[1]
        ok("%s: no control byte in --show-config" % what, "providers." in shown and
           not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown), "")


def columns(line):
    """Of a terminal, near enough for what is in these names."""
    return sum(2 if ord(c) >= 0x3000 else 0 if "\u0300" <= c <= "\u036f" else 1 for c in line)


def main():
    adapters()
    with Sim() as sim:
        for test in (every_class, limits, own_checks, overall, hostile):
            test(sim)
    done()


if __name__ == "__main__":
    main()
