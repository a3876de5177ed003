"""Kills a paid run at random times, each followed by a rerun, and counts what was asked twice.

    KILLS=100 RECORDS=8000 python3 paid.py

An answer counts as committed when it stands in the cache of the state file at the moment of the kill;
it is recognised there by the profile the simulated vendor gives each person.
"""
import json
import os
import random
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
from sim_client import Sim, contacts, done, ok, path, program, start, write  # noqa: E402

KILLS = int(os.environ.get("KILLS", "100"))
RECORDS = int(os.environ.get("RECORDS", "8000"))
JOBS = 8


def committed(state):
    """The profiles in the cache."""
    if not os.path.exists(path(state)):
        return set()
    db = sqlite3.connect(path(state))
    rows = db.execute("SELECT data FROM cache WHERE data IS NOT NULL").fetchall()
    db.close()
    return {json.loads(row[0]).get("linkedin_url") for row in rows}


def kill_at_random(sim, config, source):
    """Runs and kills; what was committed at each kill, and when that was."""
    kills = []
    while len(kills) < KILLS:
        p = start("enrich", ["-j", str(JOBS)], source, config)
        try:
            p.wait(random.uniform(0.015, 0.12))
            break
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            # What was under way must have reached the vendor before the clock is read.
            time.sleep(0.03)
            kills.append((sim_clock(sim), committed("state.db")))
    return kills


def sim_clock(sim):
    """The vendor's clock: seconds since its start, as in its statistics."""
    keys = sim.stats("?keys=1")
    lasts = [k["last"] for v in keys["vendors"].values() for k in v.get("keys", {}).values()]
    return max(lasts, default=0)


def main():
    random.seed(20260131)
    with Sim() as sim:
        sim.tell("set", {"latency_ms": 5})
        config = sim.config(["apollo"])
        source = write("leads.ndjson", contacts(RECORDS))
        kills = kill_at_random(sim, config, source)
        status, out, err = program("enrich", ["-j", str(JOBS)], contacts(RECORDS), config)
        ok("a rerun after %d kills ends well" % len(kills), status == 0, err)
        ok("every record is there, in order", [r["email"] for r in out] ==
           ["person%d@acme.test" % i for i in range(RECORDS)])
        ok("every record was found", all(r["enrichment"]["status"] == "found" for r in out))
        profile = {r["email"]: r["enrichment"]["linkedin_url"] for r in out}
        asked = sim.stats("?keys=1")["vendors"]["apollo"]["keys"]
        again = sum(1 for email, k in asked.items() for at, known in kills
                    if k["last"] > at and profile.get(email) in known)
        ok("answers already committed that were asked for again: 0", again == 0, again)
        beyond = sum(k["n"] for k in asked.values()) - RECORDS
        ok("calls beyond one per record: at most what was in flight at the kills (%d of %d)"
           % (beyond, len(kills) * JOBS), beyond <= len(kills) * JOBS, beyond)
        ok("the run was killed as often as asked", len(kills) == KILLS, len(kills))


main()
done()
