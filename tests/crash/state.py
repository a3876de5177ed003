"""What may befall the state file: a full disk at every write, a kill before system calls, cuts, flipped
bits, and things that are no state file. STEP=1 takes every system call and not each STEPth.
"""
import json
import os
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
from sim_client import B, Sim, contacts, done, ok, path, program, write  # noqa: E402

STEP = int(os.environ.get("STEP", "12"))
RECORDS = 12


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
         "-s", path(state), "-c", write("config.jq", config), "--jobs", "2", source],
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


def full_disk(sim):
    """Each write of the run fails once with ENOSPC."""
    config, bad, runs, odd = sim.config(["apollo"]), [], 0, []
    for call in ("pwrite64", "write", "ftruncate", "fallocate"):
        k = 1
        while True:
            clear("full.db")
            status, out, err, met = traced("inject=%s:error=ENOSPC:when=%d" % (call, k), config, "full.db")
            if not met:
                break
            runs += 1
            if status not in (0, 74) or not whole_lines(out) or (status == 74 and not err.strip()):
                bad.append((call, k, status, err))
            good, why = rerun_is_whole(config, "full.db")
            if not good:
                odd.append((call, k, why))
            k += 1 if k < 12 else STEP
    ok("a disk full at each of %d writes: status 0 or 74 with a reason, whole lines" % runs,
       not bad and runs >= 10, bad[:3] or runs)
    ok("and the same command again ends well each time", not odd, odd[:3])


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
        status, out, _, _ = traced("inject=%s:signal=KILL:when=%d" % (name, seen[name]), config, "kill.db")
        runs += status != 0
        cut = out[:out.rfind("\n") + 1]
        good, why = rerun_is_whole(config, "kill.db")
        if not good or not whole_lines(cut):
            bad.append((i, name, seen[name], why))
    ok("killed at %d system calls: the same command again ends well" % runs, not bad and runs >= 30,
       bad[:3] or runs)


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
    refused("a newer version's file", config, "odd.db", ["99"])


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
    size, last, bad = os.path.getsize(path("kept-wal")), None, []
    for cut in sorted({0, 1, 2, 3, 7, 24, 25, 100, 4095, 4096, 4120, 4121, 9000, size // 2, size - 32, size}):
        clear("cut.db")
        shutil.copy(path("kept"), path("cut.db"))
        shutil.copy(path("kept-wal"), path("cut.db-wal"))
        os.truncate(path("cut.db-wal"), size - cut)
        db = sqlite3.connect(path("cut.db"))
        rows = db.execute("SELECT count(*) FROM cache").fetchone()[0]
        db.close()
        if last is not None and rows > last:
            bad.append(("more rows after a longer cut", cut, rows, last))
        last = rows
        status, out, err = program("enrich", [], contacts(20), config, "cut.db")
        if status != 0 or len(out) != 20:
            bad.append((cut, status, err))
    ok("the log cut at 16 places: nothing before the cut is lost, the next run goes on", not bad, bad[:3])


def main():
    with Sim() as sim:
        for part in (no_state_files, flipped_bits, cuts, full_disk, kills):
            part(sim)


main()
done()
