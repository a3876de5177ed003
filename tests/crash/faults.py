"""Every way a vendor fails, met by `enrich`: one outcome a record, within its deadline, and the next
provider has its turn. Also: how often a vendor that refuses is asked, TLS, who else is held up, and
what a stop leaves behind.
"""
import glob
import json
import os
import resource
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
from sim_client import B, ROOT, T, WRAP, Sim, contacts, done, ok, path, program, write  # noqa: E402

TIMEOUT_S = 5 if WRAP else 1
SLACK_S = 6 if WRAP else 0.6  # starting the program, and the machine's other work
KEY = "canary-5ecret/key+0123456789"

# The fault, the class it must be, whether it lasts to the deadline.
FAULTS = [
    ("silence", "timeout", True), ("slow", "timeout", True), ("endless_headers", "timeout|bad_response", True),
    ("endless_body", "timeout|bad_response", True), ("wrong_length", "network|timeout", True),
    ("gzip_bomb", "bad_response", False), ("redirect_loop", "bad_response", False),
    ("redirect_host", "bad_response", False), ("redirect_file", "bad_response", False),
    ("html200", "bad_response", False), ("truncated_json", "bad_response", False),
    ("reset", "network", False), ("refuse", "network", False), ("empty", "bad_response", False),
    ("bad_gzip", "bad_response", False), ("huge", "bad_response", False), ("garbage", "bad_response", False),
    ("401", "auth", False), ("402", "quota", False), ("403", "auth", False), ("429", "rate_limited", False),
    ("500", "server", False), ("503", "server", False),
]


def attempts(record):
    return {a["provider"]: a for a in record["enrichment"]["attempts"]}


def one_fault(sim, kind, wanted, lasting):
    sim.tell("reset")
    sim.tell("fault", {"kind": kind, "vendor": "apollo"} if kind not in ("refuse",) else {"kind": kind})
    config = sim.config(["apollo", "offline"], apollo={"api_key": "sim-key", "timeout_s": TIMEOUT_S, "tries": 1})
    began = time.monotonic()
    status, out, err = program("enrich", ["-j", "4"], contacts(3), config, "fault-%s.db" % kind)
    took = time.monotonic() - began
    # The first call goes alone, the others side by side: two deadlines when every try lasts.
    limit = (2 if lasting else 1) * TIMEOUT_S * 1.1 + SLACK_S
    seen = [attempts(r)["apollo"].get("error_class") for r in out]
    known = all(c in wanted.split("|") for c in seen[:1]) and len(seen) == 3
    ok("%s: %s for each record, the next provider asked" % (kind, wanted),
       known and all("offline" in attempts(r) for r in out), (status, seen, err))
    ok("%s: within the deadline and 10 %%" % kind, took <= limit, "%.2f s" % took)


def asked(sim):
    return sim.stats()["vendors"]["apollo"]["requests"]


def refusals(sim):
    for kind, calls in (("401", 1), ("402", 1), ("403", 1)):
        sim.tell("reset")
        sim.tell("fault", {"kind": kind, "vendor": "apollo"})
        program("enrich", ["-j", "8"], contacts(40), sim.config(["apollo", "offline"]), "refused-%s.db" % kind)
        ok("%s always: asked %d time in the whole run" % (kind, calls), asked(sim) == calls, asked(sim))


def too_many_requests(sim):
    for after in ("1", "date:2"):
        sim.tell("reset")
        sim.tell("fault", {"kind": "429", "vendor": "apollo", "retry_after": after})
        config = sim.config(["apollo", "offline"], apollo={"tries": 3})
        began = time.monotonic()
        _, out, _ = program("enrich", [], contacts(1), config, "limited-%s.db" % after[:4])
        took = time.monotonic() - began
        ok("429 always, Retry-After %s: exactly the configured 3 calls" % after, asked(sim) == 3, asked(sim))
        ok("429 always, Retry-After %s: waited for" % after, took >= 1.8, took)
    sim.tell("reset")
    sim.tell("fault", {"kind": "500", "vendor": "apollo"})
    gaps = set()
    for i in range(4):
        program("enrich", [], contacts(1), sim.config(["apollo", "offline"], apollo={"tries": 2}), "jitter%d.db" % i)
    times = sim.stats("?keys=1")["vendors"]["apollo"]["times"]
    gaps = {round(b - a, 3) for a, b in zip(times[::2], times[1::2])}
    ok("the waits between tries differ (full jitter)", len(gaps) == 4, gaps)


def slow_down(sim):
    sim.tell("reset")
    sim.tell("set", {"latency_ms": 20, "limit": {"requests": 40, "per_s": 1}})
    config = sim.config(["apollo"], apollo={"tries": 9})
    status, out, err = program("enrich", ["-j", "32"], contacts(160), config, "slow.db")
    refused = sim.stats()["vendors"]["apollo"]["statuses"].get("429", 0)
    ok("a vendor's limit is met by fewer calls at a time, and no record lost",
       status == 0 and all(r["enrichment"]["status"] == "found" for r in out), (status, err))
    ok("429s stay below one call in three (half of what they are without)", refused < 60, refused)
    sim.tell("set", {"latency_ms": 0, "limit": None})


def flapping(sim):
    sim.tell("reset")
    sim.tell("fault", {"kind": "500", "vendor": "apollo", "every": 2})
    config = sim.config(["apollo"], apollo={"tries": 3}, health={"unhealthy_after": 50})
    status, out, err = program("enrich", ["-j", "1"], contacts(10), config, "flapping.db")
    ok("a vendor that answers every other time loses no record",
       status == 0 and all(r["enrichment"]["status"] == "found" for r in out), (status, err))


def partial(sim):
    sim.tell("reset")
    sim.tell("fault", {"kind": "partial", "vendor": "apollo"})
    config = sim.config(["apollo", "offline"], apollo={"batch": 10})
    status, out, err = program("enrich", [], contacts(20), config, "partial.db")
    wrong = [r["email"] for r in out if r["enrichment"].get("linkedin_url") and "apollo" not in r["enrichment"]["cost"]]
    ok("an answer too few: every record is there and none has a stranger's data", len(out) == 20 and not wrong, wrong)


def timed(sim, chain, name, **settings):
    began = time.monotonic()
    status, out, err = program("enrich", ["--no-cache"], contacts(3000), sim.config(chain, **settings), name)
    return time.monotonic() - began, out


def failover_cost(sim):
    sim.tell("reset")
    alone, _ = timed(sim, ["offline"], "alone.db")
    for kind, price_of_knowing in (("refuse", 0), ("silence", 3 * TIMEOUT_S)):
        sim.tell("reset")
        sim.tell("fault", {"kind": kind})
        before = sim.stats()["connections"]
        took, out = timed(sim, ["apollo", "offline"], "down-%s.db" % kind,
                          apollo={"tries": 1, "timeout_s": TIMEOUT_S})
        calls = sim.stats()["connections"] - before
        skipped = sum(1 for r in out if attempts(r)["apollo"]["outcome"] == "skipped")
        # The first call alone, one for each of the 8 jobs before their failures are known, one in the
        # place of the first of them to fail; and the connection that asks for the statistics.
        ok("first provider down (%s): none asked once the circuit is open" % kind,
           calls <= 1 + 8 + 1 + 1 and skipped >= len(out) - 10, (calls, skipped))
        extra = 1000 * (took - alone - price_of_knowing) / len(out)
        ok("first provider down (%s): at most 1 ms a record" % kind, extra <= (20 if WRAP else 1),
           "%.3f ms" % extra)


def no_address(sim):
    """A vendor may quote the address in what it says of a failure: that is not kept, and not told."""
    config = {"chains": {"lead_enrichment": {"providers": ["own"]}},
              "providers": {"own": {"use": "exec", "tries": 1, "command": ["jq", "-c", "--unbuffered",
                            '{outcome: "error", class: "auth", detail: "no access to <\\(.item.email)>"}']}}}
    _, _, err = program("enrich", [], contacts(1), json.dumps(config), "quoted.db")
    kept = b"".join(open(name, "rb").read() for name in glob.glob(os.path.join(T, "quoted.db*")))
    ok("an address that a vendor quotes is masked in the state and in messages",
       "no access to <***" in err and b"no access to <***" in kept and "person0@" not in err and
       b"person0@" not in kept, (err, kept.count(b"person0@")))


def echoed(sim):
    """What comes back as data: out and state, with an exec filter for the vendor that quotes our key."""
    sim.tell("reset")
    sim.tell("fault", {"kind": "500", "vendor": "apollo"})
    config = json.loads(sim.config(["apollo", "own"], apollo={"api_key": KEY, "tries": 1}))
    config["providers"]["own"] = {"use": "exec", "command": [
        "jq", "-c", "--unbuffered", '{outcome: "ok", data: {job_title: "boss of %s"}}' % KEY]}
    _, out, err = program("enrich", [], contacts(1), json.dumps(config), "echoed.db")
    kept = [open(name, "rb").read().decode("latin-1") for name in glob.glob(os.path.join(T, "echoed.db*"))]
    ok("a key that comes back as data is masked there too",
       out[0]["enrichment"].get("job_title") == "boss of ****" and not any(KEY in text for text in kept),
       (out, err))


def held_up(sim):
    """One record meets a vendor's silence; when do the others leave?"""
    sim.tell("reset")
    for kind in ("silence", "slow", "endless_headers", "endless_body"):
        sim.tell("clear")
        sim.tell("fault", {"kind": kind, "match": "person3%40", "interval_ms": 50 if kind != "slow" else 1000})
        config = sim.config(["apollo"], apollo={"tries": 1, "timeout_s": TIMEOUT_S})
        p = subprocess.Popen(WRAP + [os.path.join(B, "bin/enrich"), "-q", "-s", "none", "-j", "4", "--unordered",
                                     "-c", write("config.jq", config), write("input", contacts(40))],
                             stdout=subprocess.PIPE)
        leaves = [(json.loads(line)["email"].split("@")[0], time.monotonic()) for line in p.stdout]
        late = leaves[-1][1] - leaves[-2][1]
        ok("others are not held up: %s" % kind, p.wait() == 1 and len(leaves) == 40
           and leaves[-1][0] == "person3" and late > TIMEOUT_S / 2, (p.returncode, late, leaves[-1]))


def begin(sim, name, **how):
    """A run of 200 people at a vendor that takes a quarter of a second, half a second after its start."""
    sim.tell("reset")
    sim.tell("set", {"latency_ms": 250})
    p = subprocess.Popen(WRAP + [os.path.join(B, "bin/enrich"), "-q", "-s", path(name + ".db"), "-j", "8", "-c",
                                 write("config.jq", sim.config(["apollo"])), "--stats", path("stats"),
                                 write("input", contacts(200))], stdout=subprocess.PIPE, **how)
    time.sleep(4 if WRAP else 0.9)
    return p, asked(sim)


def stopped(sim):
    """SIGTERM, and a reader that goes: what is in flight ends and is kept, nothing begins."""
    for name in ("SIGTERM", "reader"):
        p, before = begin(sim, "stopped-" + name)
        began = time.monotonic()
        if name == "SIGTERM":
            p.terminate()
            out = p.stdout.read().splitlines()
        p.stdout.close()
        status, took = p.wait(), time.monotonic() - began
        after = asked(sim)
        ok("%s: ends within a second of what is in flight" % name, status == (143 if name == "SIGTERM" else -13)
           and took <= 0.25 + 1 + (5 if WRAP else 0), (status, took))
        ok("%s: nothing new is begun" % name, 0 < before <= after <= before + 8, (before, after))
        if name == "SIGTERM":
            counts = json.load(open(path("stats")))
            answered = sum(json.loads(line)["enrichment"]["status"] == "found" for line in out)
            ok("SIGTERM: no line lost, no answer either", counts["in"] == len(out) == counts["out"]
               and answered == after, (counts, len(out), answered, after))
        sim.tell("set", {"latency_ms": 0})
        status, out, err = program("enrich", [], contacts(200), sim.config(["apollo"]), "stopped-" + name + ".db")
        lost = 8 if name == "reader" else 0
        ok("%s: the same command again asks for what is missing" % name,
           status == 0 and len(out) == 200 and asked(sim) <= 200 + lost, (status, err, asked(sim)))


def not_reached(base, wanted, name, **settings):
    """A provider that no request may get to: the class of what became of it, and how long that took."""
    conf = {"chains": {"lead_enrichment": {"providers": ["apollo", "offline"]}},
            "providers": {"apollo": {"api_key": "sim-key", "base_url": base, "tries": 1, "batch": 1,
                                     "timeout_s": TIMEOUT_S, **settings}}}
    began = time.monotonic()
    status, out, err = program("enrich", [], contacts(2), json.dumps(conf), "tls-%s.db" % name.replace(" ", "-"))
    took = time.monotonic() - began
    seen = [attempts(r)["apollo"].get("error_class") for r in out]
    ok("%s: %s, the next provider asked" % (name, wanted),
       len(out) == 2 and seen[0] in wanted.split("|") and all("offline" in attempts(r) for r in out), (seen, err))
    ok("%s: within the deadline and 10 %%" % name, took <= 2 * 1.1 * TIMEOUT_S + SLACK_S, took)


def tls():
    certs = path("certs")
    subprocess.run(["sh", os.path.join(ROOT, "tests/servers/mkcerts.sh"), certs], check=True)
    bad = ("expired", "wronghost", "selfsigned", "unknownca")
    listeners = ["%s:%s/%s.pem:%s/%s.key" % (n, certs, n, certs, n) for n in ("good",) + bad]
    listeners.append("old:%s/good.pem:%s/good.key:1.1" % (certs, certs))
    with Sim(*[word for one in listeners for word in ("--tls", one)]) as sim:
        def base(name):
            return "https://127.0.0.1:%d/api/v1" % sim.ports[name]
        for name in (*bad, "old"):
            not_reached(base(name), "tls", "TLS " + name, ca_file=certs + "/ca.pem")
        not_reached(base("good"), "tls", "TLS of an authority trusted here only")
        ok("TLS refused: no request, and no key, arrived", asked(sim) == 0, asked(sim))
        sim.tell("fault", {"kind": "tls_stall"})
        not_reached(base("good"), "timeout", "TLS stall", ca_file=certs + "/ca.pem")
        ok("TLS stall: nothing arrived", asked(sim) == 0, asked(sim))
        sim.tell("clear")
        status, out, err = program("enrich", [], contacts(2), json.dumps({
            "chains": {"lead_enrichment": {"providers": ["apollo"]}},
            "providers": {"apollo": {"api_key": "sim-key", "base_url": base("good"), "ca_file": certs + "/ca.pem"}}}),
            "tls-good.db")
        ok("TLS with the authority that is named: asked and answered", status == 0 and asked(sim) > 0, (status, err))
    not_reached("http://nobody.invalid/api/v1", "dns|timeout", "no such host")


def few_files(sim):
    """More calls than there may be open files: fewer at a time, and the vendor is not to blame."""
    sim.tell("reset")
    sim.tell("set", {"latency_ms": 100})
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if WRAP:  # valgrind keeps files of its own
        return
    for limit, said in (((120, hard), ""), ((120, 120), "18 calls at a time instead of 200: only 120 files")):
        command = [os.path.join(B, "bin", "enrich"), "-q", "--no-cache", "-j", "200", "-s", path("few.db"), "-c",
                   write("few.jq", sim.config(["apollo"], apollo={"batch": 1, "tries": 1})), write("many", contacts(400))]
        run = subprocess.run(WRAP + command, capture_output=True, text=True,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit))
        found = run.stdout.count('"status":"found"')
        ok("200 calls at a time, %d of %d files: no record fails" % (limit[0], limit[1]),
           (run.returncode, found) == (0, 400) and (said in run.stderr if said else not run.stderr),
           (run.returncode, found, run.stderr))
    sim.tell("set", {"latency_ms": 0})


def main():
    tls()
    with Sim() as sim:
        for fault in FAULTS:
            one_fault(sim, *fault)
        for part in (refusals, too_many_requests, slow_down, flapping, partial, failover_cost, no_address, echoed,
                     held_up, stopped, few_files):
            part(sim)


main()
done()
