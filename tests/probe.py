"""The probe of mail hosts: against a real Postfix, and against hosts that misbehave.

    ROOT=. B=build T=/tmp/empty python3 tests/probe.py
"""
import json
import os
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
sys.dont_write_bytecode = True
from sim_client import ROOT, WRAP, B, done, ok, path, write  # noqa: E402
from smtp_sim import SmtpSim  # noqa: E402


SLOW = 6 if WRAP else 1  # under valgrind


def script(name, what, where):
    p = subprocess.run(["sh", os.path.join(ROOT, "tests/servers", name), what, where],
                       stdout=subprocess.PIPE, text=True)
    return p.stdout.split() if p.returncode == 0 else None


class Run:
    """verify over these addresses; `said` is {address: (reason, smtp, catch_all)}."""

    def __init__(self, addresses, dns, port, args=(), **settings):
        local = {"probe": True, "probe_port": port, "probe_rate": 100, "helo": "client.test",
                 "mail_from": "check@probe.test", **settings}
        config = write("config.json", json.dumps({"providers": {"local": local}}))
        text = "".join(json.dumps({"email": a}) + "\n" for a in addresses)
        began = time.monotonic()
        p = subprocess.run(
            WRAP + [os.path.join(B, "bin/verify"), *(args or ["-q"]), "--state", "none", "--chain", "local",
                    "--dns", "127.0.0.1:" + dns, "-c", config],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120)
        self.seconds = time.monotonic() - began
        self.status, self.err = p.returncode, p.stderr
        self.records = [json.loads(line) for line in p.stdout.splitlines()]
        self.order = [r["email"] for r in self.records]
        self.said, self.full = {}, {}
        for r in self.records:
            v = r["verification"]
            self.said[r["email"]] = (v["reason"], v["checks"]["smtp"], v["checks"]["catch_all"])
            self.full[r["email"]] = r

    def reasons(self):
        return {v[0] for v in self.said.values()}


# --- Postfix ----------------------------------------------------------------------------------------

VERDICTS = {
    "ann@probe.test": ("ok", True, False),
    "bob@probe.test": ("ok", True, False),
    "missing@probe.test": ("mailbox_not_found", False, False),
    "gone@probe.test": ("disabled", False, False),
    "full@probe.test": ("mailbox_full", False, False),
    "later@probe.test": ("greylisted", None, None),
    "listed@probe.test": ("blocked", None, None),
    "info@probe.test": ("role", True, False),
    "sales@probe.test": ("mailbox_not_found", False, False),
    "x@all.test": ("catch_all", True, True),
    "y@all.test": ("catch_all", True, True),
    "info@all.test": ("role", True, True),
    "ann@plain.test": ("ok", True, False),
    "ann@strict.test": ("ok", True, False),
    "b@strict.test": ("mailbox_not_found", False, False),
    "c@strict.test": ("mailbox_not_found", False, False),
    "ann@next.test": ("ok", True, False),
    "x@closed.test": ("blocked", None, None),
    "x@noaddress.test": ("no_mx", None, None),
    "x@null.test": ("null_mx", None, None),
    "x@nowhere.test": ("no_domain", None, None),
}


def sessions(log):
    """Of each session with a client that greeted: {command: times}."""
    found = []
    for line in re.findall(r"disconnect from \S+ (.*)", log):
        counts = {k: int(v.split("/")[-1]) for k, v in re.findall(r"(\w+)=([\d/]+)", line)}
        if "ehlo" in counts:
            found.append(counts)
    return found


def read_log():
    with open(path("postfix/log"), encoding="utf-8", errors="replace") as f:
        return f.read()


def log_after(size):
    """What Postfix has logged since: its sessions write their line when they are over."""
    for _ in range(50):
        text = read_log()[size:]
        if text.count("disconnect from") >= text.count(" connect from"):
            return text
        time.sleep(0.1)
    return text


def against_postfix(dns, port):
    run = Run(VERDICTS, dns, port)
    for address, want in VERDICTS.items():
        ok("probe, Postfix: %s is %s" % (address, want[0]), run.said.get(address) == want,
           run.said.get(address))
    ok("probe, Postfix: nothing failed, the order is kept", run.status == 0 and run.order == list(VERDICTS),
       (run.status, run.err))
    ann, missing = run.full["ann@probe.test"], run.full["missing@probe.test"]
    ok("probe, Postfix: valid moves the contact on, with confidence",
       ann["status"] == "verified" and ann["verification"]["status"] == "valid"
       and ann["verification"]["confidence"] == 0.95 and "status" not in missing, ann)
    log = log_after(0)
    seen = sessions(log)
    ok("probe, Postfix: one connection a host, however many domains", 3 <= len(seen) <= 6, seen)
    ok("probe, Postfix: TLS where it is offered", sum(s.get("starttls", 0) for s in seen) >= 2
       and any("starttls" not in s for s in seen), seen)
    ok("probe, Postfix: never DATA", "data=" not in log and "cleanup" not in log, log[-500:])
    ok("probe, Postfix: takes its leave", sum(s.get("quit", 0) for s in seen) >= 3, seen)
    names = re.findall(r"RCPT from .*? to=<(\w{20})@", log)
    ok("probe, Postfix: a domain is asked for nobody once, each time for another name",
       len(names) == len(set(names)) == 4, names)
    off = Run(["ann@probe.test"], dns, port, probe=False)
    ok("probe: off, nobody is connected to", off.said["ann@probe.test"] == ("not_probed", None, None)
       and len(sessions(log_after(0))) == len(seen), off.said)
    verbose = Run(["ann@probe.test"], dns, port, ["-v"])
    ok("probe: says once how the certificate stands",
       verbose.err.count("mx.probe.test: TLSv1.3, certificate not verified: ") == 1, verbose.err)
    odd = '"ann lee"@probe.test'
    mx = Run(["later@probe.test", odd, "ann@noaddress.test"], dns, port, accept="mx", allow=["quoted"])
    ok("probe: accept does not make valid what the host left open, but what it cannot be asked",
       mx.said["later@probe.test"][0] == "greylisted" and mx.said[odd][0] == "ok", mx.said)
    ok("probe: nor where the mail host is nowhere", mx.said["ann@noaddress.test"][0] == "no_mx", mx.said)


def canaries(dns, port):
    bad = "x-nobody-x@probe.test"
    people = ["ann@probe.test"] + ["missing%d@probe.test" % i for i in range(9)]
    size = len(read_log())
    run = Run(people, dns, port, canary=["canary@probe.test", bad], canary_every=4)
    asked = log_after(size).count("to=<%s>" % bad)
    ok("canary: good, verdicts stand", run.said["ann@probe.test"][0] == "ok"
       and run.said["missing0@probe.test"][0] == "mailbox_not_found" and run.err == "", (run.said, run.err))
    ok("canary: asked before the first and every 4 verdicts", asked == 3, asked)
    for name, pair, why in (
            ("the bad one is taken", ["canary@probe.test", "bad@all.test"], "bad address of the canary was taken"),
            ("the good one is refused", [bad, bad], "good address of the canary was refused"),
            ("the good one is refused by a blocklist", ["listed@probe.test", bad], "was refused"),
            ("the good one cannot be asked", ["x@closed.test", bad], "of the canary was refused"),
            ("the good one has no domain", ["x@nowhere.test", bad], "of the canary got no answer"),
            ("the good one is put off", ["later@probe.test", bad], "of the canary got no answer")):
        size = len(read_log())
        run = Run(people + ["info@probe.test", "x@null.test"], dns, port, canary=pair)
        rest = dict(run.said)
        ok("canary: %s, the run is void" % name,
           rest.pop("info@probe.test") == ("role", None, None)
           and rest.pop("x@null.test") == ("null_mx", None, None)
           and set(rest.values()) == {("blocked", None, None)}, run.said)
        ok("canary: %s, said once, nobody else is asked" % name,
           run.err.count(why) == 1 and run.err.count("\n") == 1 and "ann@" not in run.err
           and "missing" not in log_after(size), run.err)


# --- hosts that misbehave ---------------------------------------------------------------------------

def one(sim, dns, name, want, limit=2.0, address="ann", **settings):
    quick = {"reply_timeout_s": 0.6, "connect_timeout_s": 0.6, **settings}
    run = Run(["%s@%s.sim.test" % (address, name)], dns, sim.port, **quick)
    said = run.said["%s@%s.sim.test" % (address, name)]
    ok("probe, host %s: %s" % (name, want[0]), said == want, (said, run.err))
    ok("probe, host %s: ends in time" % name, run.seconds < limit * SLOW, run.seconds)
    return run


def faults(sim, dns):
    nothing = (None, None)
    one(sim, dns, "normal", ("ok", True, False))
    one(sim, dns, "blocked", ("blocked",) + nothing)
    ok("probe: blocked is no failure of the run", one(sim, dns, "blocked", ("blocked",) + nothing).status == 0)
    ok("probe: a timeout is", one(sim, dns, "silent", ("timeout",) + nothing).status == 1)
    one(sim, dns, "drip", ("timeout",) + nothing)
    for name in ("endless", "garbage", "inject", "hangup"):
        one(sim, dns, name, ("provider_error",) + nothing)
    ok("probe: text before the handshake, and not a byte more of us",
       sim.hosts["inject"].commands == ["EHLO client.test", "STARTTLS"], sim.hosts["inject"].commands)
    one(sim, dns, "nul", ("timeout",) + nothing)
    one(sim, dns, "slowrcpt", ("timeout",) + nothing)
    one(sim, dns, "slowrcpt", ("timeout",) + nothing, reply_timeout_s=30, timeout_s=0.7)
    one(sim, dns, "long", ("ok", True, False))
    one(sim, dns, "greynobody", ("greylisted", True, None))
    one(sim, dns, "inject2", ("ok", True, False))
    ok("probe: bytes in the handshake are no reply: another connection, in the clear",
       sim.hosts["inject2"].count("STARTTLS") == 1 and sim.hosts["inject2"].connections == 2,
       sim.hosts["inject2"].commands)
    one(sim, dns, "badtls", ("ok", True, False))
    one(sim, dns, "tlsdrop", ("ok", True, False))
    sim.reset()
    one(sim, dns, "normal", ("ok", True, False), mail_from=" me@münchen.test\u00a0")
    ok("probe: the sender's domain as an A-label",
       set(c for c in sim.hosts["normal"].commands if c.startswith("MAIL"))
       == {"MAIL FROM:<me@xn--mnchen-3ya.test>"}, sim.hosts["normal"].commands)
    sim.reset()
    run = Run(["ann%d@one.sim.test" % i for i in range(4)], dns, sim.port)
    ok("probe: a host that ends connections is asked over new ones", run.reasons() == {"ok"}
       and sim.hosts["one"].connections >= 3, (run.said, sim.hosts["one"].connections))
    ok("probe: never DATA, whatever they say", sim.words()["DATA"] == 0, sim.words())


def odd_addresses(sim, dns):
    sim.reset()
    odd = ['"ann lee"@normal.sim.test', '"ann\\\r\\\nDATA"@normal.sim.test', "ann@normal.sim.test\r\nDATA",
           "ann@normal.sim.test>", "jörg@normal.sim.test"]
    run = Run(odd, dns, sim.port, allow=["quoted", "comments"])
    ok("probe: no address smuggles a command",
       run.reasons() <= {"not_probed", "syntax"} and sim.hosts["normal"].count("RCPT") == 0
       and sim.words()["DATA"] == 0, (run.said, sim.hosts["normal"].commands))


def pace(sim, dns):
    sim.reset()
    run = Run(["ann%d@normal.sim.test" % i for i in range(8)], dns, sim.port, probe_rate=10)
    host = sim.hosts["normal"]
    times = host.rcpt_times
    ok("pace: one connection at a time, used again", host.most_at_once == 1 and host.connections == 1,
       (host.most_at_once, host.connections))
    ok("pace: nobody is asked for once, then known", len(times) == 9 and run.reasons() == {"ok"}, len(times))
    ok("pace: 10 recipients a second", len(times) == 9 and 0.7 < times[-1] - times[0] < 2.5 * SLOW,
       times and times[-1] - times[0])
    sim.reset()
    run = Run(["ann@x%d.par.test" % i for i in range(100)], dns, sim.port)
    host = sim.hosts["many"]
    ok("pace: many hosts at a time, 64 and no more", host.first_wave == 64 and run.reasons() == {"ok"},
       (host.first_wave, run.reasons()))
    ok("pace: 100 hosts of half a second take two", run.seconds < 5 * SLOW, run.seconds)
    run = Run(["ann@silent.sim.test"] + ["ann%d@normal.sim.test" % i for i in range(3)], dns, sim.port,
              ["-q", "--unordered"], reply_timeout_s=1)
    ok("pace: a silent host holds up nobody else", run.order[-1] == "ann@silent.sim.test"
       and run.seconds < 2.5 * SLOW, (run.order, run.seconds))
    run = Run(["a%d@silent.sim.test" % i for i in range(40)], dns, sim.port, reply_timeout_s=0.5)
    ok("pace: a host that is down is not waited for again", run.reasons() == {"timeout"} and run.seconds < 3 * SLOW,
       (run.reasons(), run.seconds))
    sim.reset()
    run = Run(["a%d@slowrcpt.sim.test" % i for i in range(40)], dns, sim.port, reply_timeout_s=0.3)
    ok("pace: nor one that answers nothing", run.reasons() == {"timeout"}
       and sim.hosts["slowrcpt"].connections <= 4, (run.reasons(), sim.hosts["slowrcpt"].connections))


def closed_port(sim, dns):
    run = Run(["a@x%d.shut.test" % i for i in range(60)], dns, sim.port)
    ok("probe: port closed, everything is blocked, nothing invalid", run.reasons() == {"blocked"}
       and run.status == 0, (run.reasons(), run.status))
    ok("probe: port closed, said once", run.err.count("seems to be closed") == 1
       and run.err.count("\n") == 1, run.err)


def turncoat(sim, dns):
    sim.reset()
    people = ["ann%d@turncoat.sim.test" % i for i in range(40)]
    run = Run(people, dns, sim.port, canary=["ann-canary@turncoat.sim.test", "zoe@turncoat.sim.test"],
              canary_every=3)
    reasons = [run.said[p][0] for p in people]
    ok("canary: a host that turns in mid-run voids the rest", reasons[0] == "ok"
       and reasons[-20:] == ["blocked"] * 20 and run.err.count("was refused") == 1, (reasons, run.err))
    ok("canary: what it said until the canary saw it is at most what lies between two",
       reasons.count("mailbox_not_found") <= 3, reasons)


def interrupted(sim, dns):
    """Half a record's time, then TERM twice: no line lost, no crash."""
    config = write("config.json", json.dumps({"providers": {"local": {
        "probe": True, "probe_port": sim.port, "reply_timeout_s": 20}}}))
    p = subprocess.Popen(
        WRAP + [os.path.join(B, "bin/verify"), "-q", "--state", "none", "--chain", "local", "--dns",
                "127.0.0.1:" + dns, "-c", config],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    p.stdin.write('{"email":"ann@silent.sim.test"}\n{"email":"ann@normal.sim.test"}\n')
    p.stdin.flush()
    time.sleep(1 * SLOW)
    p.terminate()
    time.sleep(0.3)
    p.terminate()
    out, err = p.communicate(timeout=30)
    ok("probe: a second signal ends it at once", p.returncode in (143, -15), (p.returncode, err))
    ok("probe: and what it writes is whole", all(json.loads(line) for line in out.splitlines()), out)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the servers are stopped all the same
    dns_ports = script("dns.sh", "start", path("dns"))
    if not dns_ports:
        ok("the DNS server starts", False)
        return
    dns = dns_ports[0]
    try:
        with SmtpSim() as sim:
            for test in (faults, odd_addresses, pace, closed_port, turncoat, interrupted):
                test(sim, dns)
        if os.getuid() != 0:
            print("ok 0 probe against Postfix # skip needs root")
            return
        port = script("postfix.sh", "start", path("postfix"))
        ok("Postfix starts", port)
        if port:
            try:
                against_postfix(dns, int(port[0]))
                canaries(dns, int(port[0]))
            finally:
                script("postfix.sh", "stop", path("postfix"))
    finally:
        script("dns.sh", "stop", path("dns"))


main()
done()
