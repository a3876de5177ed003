"""verify's chain: what local leaves open goes on to Dropcontact, at the simulated vendor.

    ROOT=. B=build T=/tmp/empty python3 tests/verify.py
"""
import itertools
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import ROOT, Sim, done, ok, path, program  # noqa: E402

fresh = itertools.count()


def dns(what):
    p = subprocess.run(["sh", os.path.join(ROOT, "tests/servers/dns.sh"), what, path("dns")],
                       stdout=subprocess.PIPE, text=True)
    return p.stdout.split()


class Run:
    """A run with a state of its own; `of` is each record's verification by its address."""

    def __init__(self, sim, server, addresses, args=(), chain=("local", "dropcontact"), **settings):
        settings = {"poll_s": 0.05, "tries": 1, **settings}
        text = "".join('{"email":"%s","status":"new"}\n' % a for a in addresses)
        self.status, self.out, self.err = program(
            "verify", ["--now", "2026-01-31T10:00:00Z", "--dns", "127.0.0.1:" + server, *args], text,
            sim.config(list(chain), dropcontact=settings), "verify-%d.db" % next(fresh))
        self.of = {r["email"]: r["verification"] for r in self.out}
        self.contact = {r["email"]: r["status"] for r in self.out}

    def said(self, address):
        v = self.of[address]
        return v["status"], v["reason"], v.get("provider")


def asked(sim):
    """Which addresses the vendor was asked about, and how often."""
    seen = sim.stats("?keys=1")["vendors"].get("dropcontact", {}).get("keys", {})
    return {address: counts["n"] for address, counts in seen.items()}


EXPECT = {
    "ann@good.test": ("valid", "ok", "dropcontact", "verified"),
    "catchall@good.test": ("risky", "catch_all", "dropcontact", "new"),
    "invalid@good.test": ("invalid", "mailbox_not_found", "dropcontact", "new"),
    "random@good.test": ("invalid", "mailbox_not_found", "dropcontact", "new"),
    "info@good.test": ("risky", "role", "dropcontact", "new"),
    "ann@null.test": ("invalid", "null_mx", "local", "new"),
    "ann@nowhere.test": ("invalid", "no_domain", "local", "new"),
    "ann@mailinator.com": ("risky", "disposable", "local", "new"),
    "ann at good.test": ("invalid", "syntax", "local", "new"),
    "ann@servfail.test": ("valid", "ok", "dropcontact", "verified"),
}
OPEN = {a for a, want in EXPECT.items() if want[2] == "dropcontact"}


def goes_on(sim, server):
    run = Run(sim, server, EXPECT)
    for address, (status, reason, provider, contact) in EXPECT.items():
        ok("verify: %s is %s/%s by %s" % (address, status, reason, provider),
           run.said(address) == (status, reason, provider) and run.contact[address] == contact,
           (run.of.get(address), run.contact.get(address)))
    ok("verify: all of them are there, in order", [r["email"] for r in run.out] == list(EXPECT)
       and run.status == 0, (run.status, run.err))
    ok("verify: only what local leaves open is paid for, once each", asked(sim) == dict.fromkeys(OPEN, 1),
       asked(sim))
    checks = run.of["ann@good.test"]["checks"]
    ok("verify: what each of them looked at is there",
       checks == {"syntax": True, "mx": True, "disposable": False, "role": False, "free": False,
                  "catch_all": False, "smtp": True}, checks)


def errors(sim, server):
    """An error is never valid: not with any fault of the vendor, for any address."""
    people = ["ann%d@good.test" % i for i in range(5)] + ["info@good.test", "ann@nowhere.test"]
    for name, fault, settings in (
            ("500", "500", {}), ("429", "429", {"max_wait_s": 0.1}), ("401", "401", {}),
            ("403, too few credits", "403", {}), ("HTML with 200", "html200", {}),
            ("truncated JSON", "truncated_json", {}), ("an empty answer", "empty", {}),
            ("a reset connection", "reset", {}), ("silence", "silence", {"timeout_s": 0.3})):
        sim.tell("reset")
        sim.tell("fault", {"vendor": "dropcontact", "kind": fault})
        run = Run(sim, server, people, **settings)
        statuses = {v["status"] for a, v in run.of.items() if a.startswith("ann") and "nowhere" not in a}
        ok("G24 verify: an error is never valid (%s)" % name,
           len(run.out) == len(people) and statuses == {"unknown"}
           and "verified" not in run.contact.values(), (name, run.status, run.of, run.err))
        ok("verify: what local knew stays (%s)" % name, run.said("info@good.test")[1] == "role"
           and run.said("ann@nowhere.test")[1] == "no_domain", run.of)
    for name, fault in (("an answer that is not there", "partial"), ("an answer of no shape", "bad_record")):
        sim.tell("reset")
        sim.tell("fault", {"vendor": "dropcontact", "kind": fault})
        run = Run(sim, server, people[:5])
        ok("G24 verify: %s costs its own record only" % name,
           [v["status"] for v in run.of.values()] == ["unknown"] + ["valid"] * 4, run.of)
    sim.tell("reset")
    run = Run(sim, server, people[:2], poll_limit_s=0.2, chain=["dropcontact"])
    ok("verify: alone, the vendor's word counts", run.said(people[0]) == ("valid", "ok", "dropcontact"),
       run.of)
    sim.tell("set", {"dropcontact": {"ready_ms": 60000}})
    run = Run(sim, server, people[:2], poll_limit_s=0.2)
    ok("G24 verify: a batch that is never ready is not valid",
       {v["status"] for v in run.of.values()} == {"unknown"}, run.of)


def again(sim, server):
    """unknown is asked again, a verdict is not."""
    sim.tell("reset")
    sim.tell("fault", {"vendor": "dropcontact", "kind": "500"})
    first = Run(sim, server, ["ann@good.test", "invalid@good.test"])
    sim.tell("reset")
    text = "".join('%s\n' % json.dumps(r) for r in first.out)
    config = sim.config(["local", "dropcontact"], dropcontact={"poll_s": 0.05})
    args = ["--now", "2026-01-31T10:00:00Z", "--dns", "127.0.0.1:" + server]
    status, out, err = program("verify", args, text, config, "verify-again.db")
    ok("verify: what nobody could answer is asked again",
       [r["verification"]["reason"] for r in out] == ["ok", "mailbox_not_found"], out)
    text = "".join('%s\n' % json.dumps(r) for r in out)
    before = asked(sim)
    status, second, err = program("verify", args, text, config, "verify-again.db")
    ok("verify: a verdict is left alone", second == out and asked(sim) == before and status == 0, second)


def no_dns(sim, behind):
    """Without DNS the verdicts are all alike; why is said once."""
    people = ["ann%d@host%d.test" % (i, i) for i in range(30)]
    for name, server, why in (("knows nothing", behind, "the name servers know no top-level domain"),
                              ("is not there", "1", "no name server can be reached")):
        run = Run(sim, server, people, chain=["local"])
        ok("verify: a name server that %s is told once, and no address is invalid" % name,
           len(run.of) == 30 and {v["status"] for v in run.of.values()} == {"unknown"} and run.err.count(why) == 1,
           (run.of, run.err))


def main():
    server = dns("start")
    if not server:
        ok("the DNS server starts", False)
        return
    try:
        with Sim() as sim:
            for test in (goes_on, errors, again):
                test(sim, server[0])
            no_dns(sim, server[1])
    finally:
        dns("stop")


main()
done()
