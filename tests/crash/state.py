"""What may befall the state file: a disk that fails at every write, a kill before system calls, cuts, flipped
bits, and things that are no state file. STEP=1 takes every system call and not each STEPth.
"""
import json
import os
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
from sim_client import B, Sim, contacts, done, ok, path, program, start, write  # noqa: E402

STEP = int(os.environ.get("STEP", "18"))
RECORDS = 12
JOBS = 2


def clear(state):
    for end in ("", "-wal", "-shm"):
        if os.path.isdir(path(state + end)):
            os.rmdir(path(state + end))
        elif os.path.exists(path(state + end)):
            os.unlink(path(state + end))
    for name in os.listdir(os.path.dirname(path(state)) or "."):
        if name.startswith(state + ".new"):
            os.unlink(path(name))


def traced(inject, config, state):
    """A run under strace with a fault injected: status, whole output, was the fault met?"""
    source = write("input", contacts(RECORDS))
    run = subprocess.run(
        ["strace", "-f", "-o", path("trace"), "-e", inject, os.path.join(B, "bin", "enrich"), "-q",
         "-s", path(state), "-c", write("config.jq", config), "--jobs", str(JOBS), source],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with open(path("trace"), errors="replace") as f:
        met = "INJECTED" in f.read() or run.returncode < 0
    return run.returncode, run.stdout.decode(), run.stderr.decode(), met


def whole_lines(text):
    return text == "" or (text.endswith("\n") and all(json.loads(line) for line in text.splitlines()))


def rerun_is_whole(config, state):
    status, out, err = program("enrich", [], contacts(RECORDS), config, state)
    good = [r["email"] for r in out] == ["person%d@acme.test" % i for i in range(RECORDS)]
    return status == 0 and good and all(r["enrichment"]["status"] == "found" for r in out), (status, err)


def first_ones(out):
    """Are these records the first ones of a whole run, each with its answer?"""
    records = [json.loads(line) for line in out.splitlines()]
    return [r["email"] for r in records] == ["person%d@acme.test" % i for i in range(len(records))] and all(
        r["enrichment"]["status"] == "found" for r in records)


def paid(sim):
    """How often the vendor was asked about somebody."""
    return sim.stats()["vendors"]["apollo"]["records"]


def wrong_end(status, out, err):
    """What is wrong with a run that met a disk that fails; None: nothing."""
    if not whole_lines(out) or not first_ones(out):
        return "the output"
    if status == 0:
        return None if len(out.splitlines()) == RECORDS else "status 0, and records are missing"
    if status == 74:
        return None if err.startswith("enrich: ") else "no reason given"
    return "the status"


def full_disk(sim):
    """Each write and each sync of the run fails once: no room, and an error of the device."""
    config, bad, runs, odd, twice = sim.config(["apollo"]), [], 0, [], []
    for call in ("pwrite64", "write", "ftruncate", "fallocate", "fsync", "fdatasync"):
        for error in ("ENOSPC", "EIO"):
            k = 1
            while True:
                clear("full.db")
                sim.tell("reset")
                status, out, err, met = traced("inject=%s:error=%s:when=%d" % (call, error, k), config, "full.db")
                if not met:
                    break
                runs += 1
                why = wrong_end(status, out, err)
                if why:
                    bad.append((call, error, k, why, status, err))
                good, why = rerun_is_whole(config, "full.db")
                if not good:
                    odd.append((call, error, k, why))
                if paid(sim) > RECORDS + JOBS:
                    twice.append((call, error, k, paid(sim)))
                k += 1 if STEP == 1 else max(1, k // 2)
    ok("a disk that fails at each of %d writes and syncs: status 0 and all of it, or 74 with a reason" % runs,
       not bad and runs >= 10, bad[:3] or runs)
    ok("and the same command again ends well each time", not odd, odd[:3])
    ok("and pays again for no more than was in flight", not twice, twice[:3])


def system_calls(config, state):
    """The names of a run's system calls, in order."""
    clear(state)
    traced("trace=all", config, state)
    with open(path("trace"), errors="replace") as f:
        words = [line.split(None, 1)[1].split("(")[0] for line in f if "(" in line]
    return [w for w in words if w.isidentifier()]


def kills(sim):
    """SIGKILL at each STEPth system call, each found again as the Nth of its name."""
    config, bad, runs, seen = sim.config(["apollo"]), [], 0, {}
    for i, name in enumerate(system_calls(config, "kill.db")):
        seen[name] = seen.get(name, 0) + 1
        if i % STEP or name in ("execve", "exit_group"):
            continue
        clear("kill.db")
        sim.tell("reset")
        status, out, _, _ = traced("inject=%s:signal=KILL:when=%d" % (name, seen[name]), config, "kill.db")
        runs += status != 0
        cut = out[:out.rfind("\n") + 1]
        good, why = rerun_is_whole(config, "kill.db")
        if not good or not whole_lines(cut) or not first_ones(cut):
            bad.append((i, name, seen[name], why))
        if paid(sim) > RECORDS + JOBS:
            bad.append((i, name, seen[name], "paid %d times" % paid(sim)))
    ok("killed at %d system calls: the same command again ends well, and pays twice for what was in flight at most"
       % runs, not bad and runs >= 30, bad[:3] or runs)


def refused(name, config, state, words):
    before = os.path.isfile(path(state)) and open(path(state), "rb").read()
    status, out, err = program("enrich", [], contacts(1), config, state)
    after = os.path.isfile(path(state)) and open(path(state), "rb").read()
    ok("%s: refused with status 74, named, not replaced" % name,
       status == 74 and not out and any(w in err for w in words) and before == after, (status, err))


def no_state_files(sim):
    config = sim.config(["apollo"])
    clear("odd.db")
    open(path("odd.db"), "w").close()
    refused("an emptied file", config, "odd.db", ["empty", "no content"])
    write("odd.db", "this is no database at all, but a text of some length\n" * 100)
    refused("a text file", config, "odd.db", ["not a database"])
    os.unlink(path("odd.db"))
    os.mkdir(path("odd.db"))
    refused("a directory", config, "odd.db", ["directory", "regular"])
    os.rmdir(path("odd.db"))
    program("enrich", [], contacts(1), config, "odd.db")
    db = sqlite3.connect(path("odd.db"))
    db.execute("PRAGMA user_version = 99")
    db.close()
    refused("a newer version's file", config, "odd.db", ["newer version", "99"])
    clear("odd.db")
    db = sqlite3.connect(path("odd.db"))
    db.execute("CREATE TABLE somebody_elses (x)")
    db.commit()
    db.close()
    status, _, err = program("enrich", [], contacts(1), config, "odd.db")
    db = sqlite3.connect(path("odd.db"))
    tables = db.execute("SELECT name FROM sqlite_master").fetchall()
    db.close()
    ok("a database of somebody else's: refused with status 74, nothing made in it",
       status == 74 and "no state of leadpipe" in err and tables == [("somebody_elses",)], (status, err, tables))
    if os.geteuid() == 0:
        program("enrich", [], contacts(1), config, "foreign.db")
        os.chown(path("foreign.db"), 12345, 12345)
        refused("another user's file", config, "foreign.db", ["belongs to another user"])


def flip(state, text):
    """Flips a bit in the last byte of some text in the file."""
    with open(path(state), "r+b") as f:
        data = bytearray(f.read())
        at = data.rfind(text) + len(text) - 1
        data[at] ^= 1
        f.seek(0)
        f.write(data)


def settle(state):
    db = sqlite3.connect(path(state))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def flipped_bits(sim):
    config = sim.config(["apollo"])
    for name, text, words in (("the cache", b'"linkedin_url":"http', ["cache row"]),
                              ("health", b'"success_count":3', ["health row"])):
        clear("flip.db")
        program("enrich", [], contacts(3), config, "flip.db")
        settle("flip.db")
        flip("flip.db", text)
        status, out, err = program("enrich", [], contacts(3), config, "flip.db")
        ok("a bit flipped in %s: refused by name" % name, status == 74 and any(w in err for w in words),
           (status, err))


def changed_values(sim):
    """Nothing in a row of the cache may be otherwise than it was written."""
    config = sim.config(["apollo"])
    for change in ("at = at + 1", "until = 1", "outcome = 'not_found'", "detail = 'x'", "confidence = '0.8'"):
        clear("flip.db")
        program("enrich", [], contacts(1), config, "flip.db")
        db = sqlite3.connect(path("flip.db"))
        db.execute("UPDATE cache SET " + change)
        db.commit()
        db.close()
        status, out, err = program("enrich", [], contacts(1), config, "flip.db")
        ok("a row of the cache with %s: refused by name" % change.split()[0],
           status == 74 and "cache row" in err, (status, err))


def older_version(name, change=""):
    """A file as the first version wrote it."""
    clear(name)
    db = sqlite3.connect(path(name))
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "state-1.sql")) as f:
        db.executescript(f.read() + change)
    db.close()


def older_versions(sim):
    config = sim.config(["apollo"])
    older_version("old.db")
    sim.tell("reset")
    runs = [start("enrich", [], write("input", contacts(3)), config, "old.db") for _ in range(4)]
    ends = [(p.wait(), p.stderr.read()) for p in runs]
    status, out, err = program("enrich", [], contacts(3), config, "old.db")
    db = sqlite3.connect(path("old.db"))
    version = db.execute("PRAGMA user_version").fetchone()[0]
    health = db.execute("SELECT data FROM health WHERE provider = 'apollo'").fetchone()[0]
    db.close()
    ok("an older version's file is brought up to date, by several at once",
       all(e == (0, b"") for e in ends) and version == 2, (ends, version))
    ok("and what it knew is known: nobody is asked, health goes on",
       sim.stats()["vendors"].get("apollo", {}).get("requests", 0) == 0 and
       all(r["enrichment"]["linkedin_url"] for r in out) and '"success_count":3,' in health, (status, err, health))
    older_version("old.db", "UPDATE cache SET data = replace(data, 'Oslo', 'Osln');")
    status, out, err = program("enrich", [], contacts(1), config, "old.db")
    ok("what was damaged there stays refused", status == 74 and "cache row" in err, (status, err))


def commits(log):
    """Where each transaction in a write-ahead log ends: a header of 32 bytes, then entries of 24 and a page;
    the last one of a transaction says how many pages the file has."""
    page, at, ends = int.from_bytes(log[8:12], "big"), 32, []
    while at + 24 + page <= len(log) and log[at + 8:at + 16] == log[16:24]:
        at += 24 + page
        if int.from_bytes(log[at - page - 20:at - page - 16], "big"):
            ends.append(at)
    return ends


def put_back(log):
    clear("cut.db")
    shutil.copy(path("kept"), path("cut.db"))
    with open(path("cut.db-wal"), "wb") as f:
        f.write(log)


def rows_after_cut(log):
    put_back(log)
    db = sqlite3.connect(path("cut.db"))
    rows = db.execute("SELECT count(*) FROM cache").fetchone()[0]
    db.close()
    return rows


def cuts_at_each_byte(log):
    """Of the last entry and of the last transactions' borders: exactly the commits before the cut are there."""
    ends = commits(log)
    log, ends = log[:ends[-1]], ends[-6:]
    want = {end: rows_after_cut(log[:end]) for end in ends}
    places = set(range(len(log) - 4121, len(log) + 1)) | {e + d for e in ends for d in (-1, 0, 1)}
    bad = []
    for place in sorted(p for p in places if ends[0] <= p <= len(log)):
        rows = rows_after_cut(log[:place])
        if rows != want[max(e for e in ends if e <= place)]:
            bad.append((place, rows))
    grown = sorted(want.values()) == list(want.values()) and want[ends[0]] < want[ends[-1]]
    ok("the log cut at each byte of its last entry: exactly the commits before the cut are there",
       not bad and grown, (bad[:3], want))


def cuts(sim):
    """The write-ahead log of a run that was killed, cut at places from its end: what was committed
    before the cut is there, and the next run goes on."""
    config = sim.config(["apollo"])
    clear("cut.db")
    source = write("input", contacts(400))
    run = subprocess.Popen([os.path.join(B, "bin", "enrich"), "-q", "-s", path("cut.db"), "-c",
                            write("config.jq", config), source], stdout=subprocess.DEVNULL)
    while not os.path.exists(path("cut.db-wal")) or os.path.getsize(path("cut.db-wal")) < 200000:
        if run.poll() is not None:
            break
    run.kill()
    run.wait()
    for end in ("", "-wal"):
        shutil.copy(path("cut.db" + end), path("kept" + end))
    with open(path("kept-wal"), "rb") as f:
        log = f.read()
    cuts_at_each_byte(log)
    size, last, bad, silent = len(log), None, [], []
    for cut in sorted({0, 1, 2, 3, 7, 24, 25, 100, 4095, 4096, 4120, 4121, 9000, size // 2, size - 32, size}):
        rows = rows_after_cut(log[:size - cut])
        if last is not None and rows > last:
            bad.append(("more rows after a longer cut", cut, rows, last))
        last = rows
        put_back(log[:size - cut])
        status, out, err = program("enrich", [], contacts(20), config, "cut.db")
        if status != 0 or len(out) != 20:
            bad.append((cut, status, err))
        if ((size - cut - 32) % 4120 != 0 and cut != size) != ("cut off" in err):
            silent.append((cut, err))
    ok("the log cut at 16 places: nothing before the cut is lost, the next run goes on", not bad, bad[:3])
    ok("with a warning exactly where bytes of an entry remain", not silent, silent[:3])


def main():
    with Sim() as sim:
        for part in (no_state_files, flipped_bits, changed_values, older_versions, cuts, full_disk, kills):
            part(sim)


main()
done()
