"""Several processes on one state file: totals exact, nobody sees a lock, and they do not hold each other up.

    PROCESSES=8 RECORDS=20000 python3 shared.py
"""
import os
import random
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
from sim_client import Sim, contacts, done, ok, path, start, write  # noqa: E402

PROCESSES = int(os.environ.get("PROCESSES", "8"))
RECORDS = int(os.environ.get("RECORDS", "1000"))
LATENCY_MS = 20


def run_all(n, state, config):
    """n processes side by side, each with people of its own: seconds, and what went wrong."""
    inputs = [write("in.%d" % i, contacts(RECORDS, "host%d.test" % i)) for i in range(n)]
    began = time.monotonic()
    runs = [start("enrich", ["-j", "8"], source, config, state) for source in inputs]
    ends = [(p.communicate()[1], p.returncode) for p in runs]
    return time.monotonic() - began, [(status, err) for err, status in ends if status != 0 or err]


def totals(state):
    db = sqlite3.connect(path(state))
    health = db.execute("SELECT data FROM health WHERE provider = 'apollo'").fetchone()[0]
    requests, records = db.execute(
        "SELECT sum(requests), sum(records) FROM total WHERE provider = 'apollo'").fetchone()
    audit = db.execute("SELECT count(*) FROM audit WHERE provider = 'apollo'").fetchone()[0]
    cached = db.execute("SELECT count(*) FROM cache").fetchone()[0]
    db.close()
    return health, requests, records, audit, cached


def calls_at_a_time(sim):
    """max_in_flight holds for all of them together; what a killed one had is free again."""
    sim.tell("reset")
    sim.tell("set", {"latency_ms": LATENCY_MS})
    config = sim.config(["apollo"], apollo={"max_in_flight": 3})
    inputs = [write("in.%d" % i, contacts(40, "few%d.test" % i)) for i in range(4)]
    runs = [start("enrich", ["-j", "8"], source, config, "few.db") for source in inputs]
    time.sleep(0.5)
    runs[0].kill()
    ends = [(p.wait(), p.stderr.read()) for p in runs[1:]]
    most = sim.stats()["vendors"]["apollo"]["max_in_flight"]
    ok("max_in_flight 3: never more calls of four processes at a time", 2 <= most <= 3, most)
    ok("one of them killed: the others end well", all(e == (0, b"") for e in ends), ends)


def killed_now_and_then(sim):
    """One of them after the other is killed and started again: all is found, next to nothing asked twice."""
    random.seed(20260131)
    sim.tell("reset")
    sim.tell("set", {"latency_ms": LATENCY_MS})
    config, kills, jobs, each = sim.config(["apollo"]), 0, 4, min(RECORDS, 300)
    inputs = [write("in.%d" % i, contacts(each, "killed%d.test" % i)) for i in range(PROCESSES)]

    def again(i):
        return start("enrich", ["-j", str(jobs)], inputs[i], config, "killed.db")

    runs = [again(i) for i in range(PROCESSES)]
    while kills < 20 and any(p.poll() is None for p in runs):
        time.sleep(random.uniform(0.02, 0.15))
        i = random.choice([i for i, p in enumerate(runs) if p.poll() is None] or [0])
        runs[i].kill()
        runs[i].communicate()
        kills += runs[i].returncode < 0
        runs[i] = again(i)
    ends = [(p.communicate()[1], p.returncode) for p in runs]
    ok("%d processes, one killed now and then (%d times): all end well" % (PROCESSES, kills),
       kills >= 5 and all(e == (b"", 0) for e in ends), (kills, ends))
    _, _, _, _, cached = totals("killed.db")
    requests = sim.stats()["vendors"]["apollo"]["requests"]
    ok("no answer is lost, and asked for again is at most what was in flight",
       cached == PROCESSES * each <= requests <= PROCESSES * each + kills * jobs, (cached, requests, kills))


def main():
    with Sim() as sim:
        sim.tell("set", {"latency_ms": LATENCY_MS})
        config = sim.config(["apollo"])
        alone, wrong = run_all(1, "alone.db", config)
        ok("one process ends well", not wrong, wrong)
        together, wrong = run_all(PROCESSES, "shared.db", config)
        ok("%d processes end well and none sees a lock" % PROCESSES, not wrong, wrong)
        health, requests, records, audit, cached = totals("shared.db")
        want = PROCESSES * RECORDS
        ok("requests, records and answers kept are exact",
           (requests, records, cached) == (want, want, want), (requests, records, cached))
        ok("health counts every request", '"success_count":%d,' % want in health, health)
        ok("the audit log holds every request, or the newest 100 000", audit == min(want, 100000), audit)
        ratio = PROCESSES * alone / together
        print("# throughput of %d processes: %.2f x one (%.0f and %.0f records a second)" %
              (PROCESSES, ratio, want / together, RECORDS / alone))
        if not os.environ.get("TEST_WRAP"):
            least = 0.75 * PROCESSES if os.environ.get("FIGURES") else 2
            ok("together they do at least %.1f x what one does" % least, ratio >= least, ratio)
        calls_at_a_time(sim)
        killed_now_and_then(sim)


main()
done()
