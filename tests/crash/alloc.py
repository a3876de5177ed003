"""Out of memory at the N-th allocation, for every N: `bad` has what must hold of each run.

Needs programs built with -DLP_TEST_ALLOC, as `make check-san` builds them: there LEADPIPE_FAIL_ALLOC=N
makes the N-th request of lib/base/mem.c fail. Each program is run with N = 1, 2, ... until a run comes
to its end untouched. What libjq, SQLite, libcurl and the C library allocate for themselves does not
pass there and is not tried here; libjq is given a handler that ends the program in the same way, and
libcsv allocates by ours.
"""
import concurrent.futures
import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

B = os.environ.get("B", "build")
BIN = os.path.join(B, "bin")
T = os.environ.get("T") or tempfile.mkdtemp()
NOW = ["--now", "2026-01-31T10:00:00Z"]
EACH = 400  # every N up to here, then every STEP-th
STEP = 7
failed = number = 0

CSV = """sep=;
E-mail;First Name;Tags;Company;Opened
ann@example.org;Ann;"a;b";"Two
lines";3
Ann@Example.org;Anna;c;;4
no address;X;;;
bob@example.net;"5" pipe";;M\u00fcller;x
"unclosed@example.com;Eve;;;
carl@example.com;Carl;;;1
"""
PEOPLE = """{"kind":"contact","email":"ann.lee@example.invalid","company":"Two","custom_fields":{"a":[1,{}]}}
{"email":"j\\u00f6rg@b\u00fccher.invalid","emails_sent":10,"emails_opened":5,"clicks":2,"conversions":1}
{"email": nonsense
{"kind":"job","job_id":"1"}
{"email":"no address at all"}
{"email":"\\"quoted one\\"@[127.0.0.1]"}
"""
EVENTS = """{"kind":"event","engagement_type":"email_sent","email":"ann.lee@example.invalid","timestamp":"2026-01-09T10:00:00Z"}
{"kind":"event","engagement_type":"email_opened","email":"ann.lee@example.invalid","timestamp":"2026-01-09T11:00:00Z"}
{"kind":"event","engagement_type":"email_opened","email":"ann.lee@example.invalid","timestamp":"last week"}
"""
CONFIG = """# nobody listens on port 1
{chains: {lead_enrichment: {providers: ["apollo", "offline"], mode: "waterfall", budget: {day: "9credits"}}},
 providers: {apollo: {api_key: {env: "KEY"}, base_url: "http://127.0.0.1:1", tries: 1},
             offline: {table: "%s", key: "domain"}}}
"""
FILTER = """{chains: {lead_enrichment: {providers: ["mine"]}},
 providers: {mine: {use: "exec", command: ["jq", "-c", "--unbuffered", "{outcome: \\"not_found\\"}"]}}}
"""
MAP = {"columns": {"E-mail": "email"}, "members": {"title": ".[\"First Name\"] | ascii_upcase"}}
# name: program, its arguments, and what is fed to it. The directory of a run is D.
RUNS = [
    ("contacts-import", ["--dedupe", "merge", "--tag", "t"], CSV),
    ("contacts-import by a map", ["--map", T + "/map"], CSV),
    ("enrich offline", ["--state", "D/state.db", "--chain", "offline", "--stats", "D/stats"], PEOPLE),
    ("enrich over a wire that is cut", ["--state", "D/state.db", "--config", T + "/config"], PEOPLE),
    ("verify", ["--state", "none", "--chain", "local", "--dns", "127.0.0.1:1"], PEOPLE),
    ("score", ["--events", T + "/events", "--half-life", "90"], PEOPLE),
    ("report", ["--format", "html"], PEOPLE + EVENTS),
    ("enrich by a filter", ["--state", "none", "--config", T + "/filter"], PEOPLE),
    ("self-check --status", ["--status", "--json", "--state", "D/state.db", "--config", T + "/config"], ""),
]


def put(name, text):
    with open(os.path.join(T, name), "w", encoding="utf-8") as f:
        f.write(text)


def run(case, n):
    """The run whose n-th allocation fails, in a directory of its own; 0: none does."""
    name, args, text = case
    d = os.path.join(T, "%s-%d" % (name.replace(" ", "_"), n))
    os.makedirs(d)
    program = name.split(" ")[0]
    if not program.startswith("self"):
        args = args + ["--rejects", d + "/rejects"]
    env = dict(os.environ, HOME=d, XDG_STATE_HOME=d, XDG_CONFIG_HOME=d, TMPDIR=d, KEY="a-key-0123",
               LEADPIPE_FAIL_ALLOC=str(n), ASAN_OPTIONS="log_path=%s/report.asan" % d,
               UBSAN_OPTIONS="log_path=%s/report.ubsan:print_stacktrace=1" % d)
    p = subprocess.run([os.path.join(BIN, program), *NOW, *[a.replace("D/", d + "/") for a in args]],
                       input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, timeout=60)
    return program, d, p


def whole_lines(text, what):
    if text and not text.endswith(b"\n"):
        return "half a line in " + what
    if text.startswith(b"<!DOCTYPE"):
        return None if text.endswith(b"</html>\n") else "half a page in " + what
    for line in text.splitlines():
        try:
            json.loads(line)
        except ValueError:
            return "no JSON in %s: %r" % (what, line[:80])
    return None


def read(d, name):
    try:
        with open(os.path.join(d, name), "rb") as f:
            return f.read()
    except FileNotFoundError:
        return b""


def bad(program, d, p):
    """What is wrong with the end of a run without memory; None: nothing."""
    reports = [n for n in os.listdir(d) if n.startswith("report.")]
    told = p.stderr.decode(errors="replace")
    if reports:
        return read(d, reports[0]).decode(errors="replace")
    if p.returncode != 74:
        return "exit status %d: %s" % (p.returncode, told)
    if told.count("out of memory") != 1 or not told.endswith(program + ": out of memory\n"):
        return "the reason is not one line: " + told
    if any(not re.match(r"[a-z-]+: ", line) for line in told.splitlines()):
        return "messages are not whole: " + told
    return whole_lines(p.stdout, "standard output") or whole_lines(read(d, "rejects"), "the rejects") \
        or whole_lines(read(d, "stats"), "the counts")


def goes_on(case, d):
    """After the failure the same state must serve."""
    name, args, text = case
    if "D/state.db" not in args or not os.path.exists(d + "/state.db"):
        return None
    env = dict(os.environ, HOME=d, XDG_STATE_HOME=d, XDG_CONFIG_HOME=d, KEY="a-key-0123")
    p = subprocess.run([os.path.join(BIN, "enrich"), "--state", d + "/state.db", "--chain", "offline"],
                       input=b'{"email":"ann@example.invalid"}\n', env=env, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE, timeout=60)
    return None if p.returncode == 0 else "the state is not usable: " + p.stderr.decode(errors="replace")


def one(case, n):
    program, d, p = run(case, n)
    if b"out of memory" not in p.stderr and p.returncode in (0, 1, 69):
        ended, wrong = True, None
    else:
        ended, wrong = False, bad(program, d, p)
        if not wrong and n % 10 == 0:
            wrong = goes_on(case, d)
    shutil.rmtree(d)
    return ended, wrong


def numbers():
    yield from range(1, EACH + 1)
    yield from itertools.count(EACH + STEP, STEP)


def try_all(case, pool):
    """(runs that failed as they should, the first that did not)."""
    good, source = 0, numbers()
    while True:
        some = list(itertools.islice(source, 16))
        for n, (ended, wrong) in zip(some, pool.map(lambda n: one(case, n), some)):
            if wrong:
                return good, "allocation %d: %s" % (n, wrong)
            if ended:
                return good, None
            good += 1


def say(good, name, why=""):
    global failed, number
    number += 1
    failed += not good
    print("%s %d out of memory: %s" % ("ok" if good else "not ok", number, name), flush=True)
    if not good:
        print("\n".join("# " + line for line in why.split("\n")[:40]), flush=True)


def main():
    put("known.csv", "domain,company,city\nexample.invalid,Example,Bonn\n")
    put("config", CONFIG % os.path.join(T, "known.csv"))
    put("events", EVENTS)
    put("filter", FILTER)
    put("map", json.dumps(MAP))
    program, d, p = run(RUNS[0], 1)
    shutil.rmtree(d)
    if p.returncode != 74:
        print("ok 1 out of memory # skip the programs are not built with LP_TEST_ALLOC (make check-san)")
        print("0 passed, 0 failed")
        return 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for case in RUNS:
            program, d, p = run(case, 0)
            shutil.rmtree(d)
            if p.returncode not in (0, 1):
                say(False, case[0], "it does not even run: " + p.stderr.decode(errors="replace"))
                continue
            good, wrong = try_all(case, pool)
            say(good > 0 and not wrong, "%s: %d allocations refused in turn" % (case[0], good), wrong or "none refused")
    print("%d passed, %d failed" % (number - failed, failed))
    return 1 if failed else 0


sys.exit(main())
