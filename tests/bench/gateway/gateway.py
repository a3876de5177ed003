"""See gateway.bench.sh. The vendors are those of tests/servers/vendor-sim.py."""
import json
import os
import sqlite3
import sys
import time

sys.path.insert(0, os.path.join(os.environ["ROOT"], "tests", "servers"))
from sim_client import Sim, contacts, path, start, write  # noqa: E402

PROCESSES = 8
RECORDS = int(os.environ.get("RECORDS", "20000"))
HOT = int(os.environ.get("HOT", "200000"))
missed = False


def row(work, measured, limit, good):
    global missed
    missed |= not good
    print("| %s | %s | %s |" % (work, measured, limit), flush=True)


def side_by_side(n, state, config):
    inputs = [write("in.%d" % i, contacts(RECORDS, "host%d.test" % i)) for i in range(n)]
    began = time.monotonic()
    runs = [start("enrich", ["-j", "8"], source, config, state) for source in inputs]
    said = [run.communicate()[1] for run in runs]
    if any(run.returncode for run in runs) or any(said):
        sys.exit("gateway.py: %s" % said)
    return time.monotonic() - began


def shared_state(sim):
    sim.tell("set", {"latency_ms": 20, "apollo": {"credits": 1000000}})
    config = sim.config(["apollo"])
    alone = side_by_side(1, "alone.db", config)
    together = side_by_side(PROCESSES, "shared.db", config)
    db = sqlite3.connect(path("shared.db"))
    requests, records = db.execute("SELECT sum(requests), sum(records) FROM total").fetchone()
    db.close()
    ratio, want = PROCESSES * alone / together, PROCESSES * RECORDS
    row("%d processes × %d records on one state file, provider of 20 ms, totals %s: throughput, of one process"
        % (PROCESSES, RECORDS, "exact" if requests == records == want else "WRONG"),
        "%.1f ×" % ratio, "≥ 6 ×", ratio >= 6 and requests == records == want)
    sim.tell("set", {"latency_ms": 0})


def cache_hot(sim):
    config = json.dumps({
        "chains": {"email_verification": {"providers": ["zerobounce"]}},
        "providers": {"zerobounce": {"api_key": "sim-key", "base_url": sim.base + "/v2", "rate": {"requests": 0}}}})
    source, best = write("hot", contacts(HOT)), None
    for _ in range(4):
        began = time.monotonic()
        run = start("verify", [], source, config, "hot.db")
        run.communicate()
        took = time.monotonic() - began
        best = took if best is None or took < best else best
    rate = HOT / best
    row("`verify`, %d k records, every answer in the cache" % (HOT // 1000), "%.0f k records/s" % (rate / 1000),
        "≥ 100 k records/s", rate >= 100000)


with Sim() as simulator:
    shared_state(simulator)
    cache_hot(simulator)
sys.exit(missed)
