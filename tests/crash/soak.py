"""What paid runs lose, and what they pay for twice, under faults of all kinds, one fault a run:

    FAULTS=1000 SEED=1 python3 soak.py

A round is a run into which one fault is thrown, drawn by lot, and then the same command without one; a
state file serves some rounds. Counted are
    duplicates      a record that leaves twice; an answer asked for again although it was committed, or
                    more often than the fault and what was in flight explain
    silent losses   a record that is neither in the output, nor among the rejects, nor told of by the exit
                    status; half a line; an answer that is another person's; counts that claim too much
A fault that the run did not come to does not count; the run must be right all the same.
"""
import collections
import json
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
from sim_client import B, Sim, done, ok, path, write  # noqa: E402
from sim_people import person  # noqa: E402

FAULTS = int(os.environ.get("FAULTS", "1000"))
SEED = int(os.environ.get("SEED", "20260131"))
PEOPLE, BAD, JOBS = 24, 3, 4
ROUNDS_OF_A_STATE = 8
BAD_LINE = '{"email": nonsense\n'
TO_THE_END = (1, 69, 77)  # a run with bad lines that went to its end
WORKS = (("enrich", "apollo", 1), ("enrich", "apollo", 10), ("enrich", "dropcontact", 8),
         ("verify", "dropcontact", 8))

VENDOR = ("silence", "slow", "endless_headers", "endless_body", "wrong_length", "gzip_bomb", "bad_gzip",
          "redirect_loop", "redirect_host", "redirect_file", "html200", "truncated_json", "empty", "garbage",
          "reset", "reset_early", "close", "flapping", "partial", "bad_record", "401", "402", "403", "429",
          "500", "503")
CHAOS = ("500", "timeout", "reset", "dns", "tls", "garbage", "slow")
DISK = [(call, error) for error in ("ENOSPC", "EIO") for call in
        ("write", "pwrite64", "fdatasync", "fsync", "ftruncate")] + [("pread64", "EIO"), ("read", "EIO")]
CALLS = ("write", "pwrite64", "pread64", "fdatasync", "fcntl", "read", "openat", "poll", "epoll_wait",
         "sendto", "recvfrom", "socket", "connect", "close", "mmap", "unlink", "lseek", "getrandom")
RARE = ("write", "fdatasync", "fsync", "ftruncate", "unlink", "getrandom", "socket", "connect")
INTERRUPTED = ("read", "write", "poll", "epoll_wait", "recvfrom", "sendto")


def text_of(name):
    if not os.path.exists(path(name)):
        return ""
    with open(path(name), errors="replace") as f:
        return f.read()


class Run:
    """What came of one run."""

    def __init__(self, status, err):
        out, rejects, stats = text_of("out"), text_of("rejects"), text_of("stats")
        self.status, self.err = status, err
        self.whole = all(text == "" or text.endswith("\n") for text in (out, rejects))
        self.records, self.bad = self.parse(out), len(self.parse(rejects))
        self.stats = json.loads(stats) if stats.endswith("\n") else None

    def parse(self, text):
        try:
            return [json.loads(line) for line in text.splitlines()]
        except ValueError:
            self.whole = False
            return []


class Round:
    def __init__(self, sim, number, lot):
        self.sim, self.lot = sim, lot
        self.program, self.vendor, self.batch = lot.choice(WORKS)
        self.state = "soak-%d.db" % (number // ROUNDS_OF_A_STATE)
        self.people = ["person%d@r%d.test" % (i, number) for i in range(PEOPLE)]
        lines = ['{"email":"%s"}\n' % email for email in self.people]
        for _ in range(BAD):
            lines.insert(lot.randrange(len(lines)), BAD_LINE)
        self.input = write("input", "".join(lines))
        settings = {"timeout_s": 0.3, "tries": 2, "batch": self.batch, "max_wait_s": 2}
        if self.vendor == "dropcontact":
            settings["poll_s"] = 0.02
        self.config = write("config.jq", sim.config([self.vendor], health={"unhealthy_after": 100000},
                                                    **{self.vendor: settings}))
        self.duplicates, self.losses = [], []
        self.again = JOBS * self.batch  # records that may be paid for twice: those in flight
        self.read_all = True

    # --- running

    def run(self, before=(), args=(), limit=None, reader=None):
        for name in ("rejects", "stats", "out", "trace"):
            if os.path.exists(path(name)):
                os.unlink(path(name))
        command = [*before, os.path.join(B, "bin", self.program), "-q", "-j", str(JOBS), "-s", path(self.state),
                   "-c", self.config, "--rejects", path("rejects"), "--stats", path("stats"), *args, self.input]
        bound = limit and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        with open(path("out"), "wb") as out:
            p = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=bound,
                                 stdout=out if reader is None else subprocess.PIPE)
            if reader is not None:
                self.read_all = False
                head = p.stdout.read(reader)
                out.write(head[:head.rfind(b"\n") + 1])
                p.stdout.close()
            err = p.stderr.read().decode(errors="replace")
        return Run(p.wait(), err)

    def injected(self, what):
        """A run with something injected into a system call, and whether it came to it."""
        run = self.run(["strace", "-f", "-qq", "-o", path("trace"), "-e", "inject=" + what])
        return run, any(word in text_of("trace") for word in ("INJECTED", "SIGTERM", "SIGKILL"))

    def nth(self, call):
        """Which call of that name is hit: of some a run has few, of others dozens."""
        return 1 + int(self.lot.expovariate(1 if call in RARE else 0.12))

    # --- the faults: each a run, and whether the fault was met

    def by_vendor(self):
        self.name = self.lot.choice(VENDOR)
        self.sim.tell("fault", {"kind": self.name, "vendor": self.vendor, "after": self.lot.randrange(3),
                                "count": self.lot.randint(1, 3), "retry_after": "1" if self.name == "429" else ""})
        run = self.run()
        used = sum(f["used"] for f in self.sim.stats()["faults"])
        self.again = used * self.batch
        return run, used > 0

    def by_chaos(self):
        self.name, self.again = self.lot.choice(CHAOS), 0
        run = self.run(args=["--chaos", "%s@30%%,seed=%d" % (self.name, self.lot.randrange(10 ** 6))])
        self.name = "--chaos " + self.name
        return run, bool(run.stats and run.stats["failed"])

    def by_disk(self):
        call, error = self.lot.choice(DISK)
        self.name = "%s, %s" % (call, error)
        return self.injected("%s:error=%s:when=%d" % (call, error, self.nth(call)))

    def by_kill(self):
        call = self.lot.choice(CALLS)
        self.name = "SIGKILL"
        return self.injected("%s:signal=KILL:when=%d" % (call, self.nth(call)))

    def by_term(self):
        call = self.lot.choice(CALLS)
        self.name, self.again = "SIGTERM", 0
        return self.injected("%s:signal=TERM:when=%d" % (call, self.nth(call)))

    def by_interruption(self):
        call = self.lot.choice(INTERRUPTED)
        first = self.nth(call)
        self.name, self.again = call + ", EINTR", 0
        return self.injected("%s:error=EINTR:when=%d..%d" % (call, first, first + 2))

    def by_reader(self):
        self.name = "the reader goes"
        run = self.run(reader=self.lot.choice((0, 1, 500, 3000)))
        return run, run.status == -13

    def by_limit(self):
        self.name = "a write is cut short"
        run = self.run(limit=self.lot.randint(200, 9000))
        return run, run.status == 74

    def by_clock(self):
        self.name, self.again = "the clock is wrong", 0
        return self.run(["faketime", "-f", self.lot.choice(("+40d", "-3d", "+13y"))]), True

    def by_cut(self):
        """A power cut, which loses what of the log was not synced yet. What has been carried over from it into
        the file was, before that."""
        def file():
            return open(path(self.state), "rb").read() if os.path.exists(path(self.state)) else b""
        before = file()
        run, met = self.by_kill()
        log = path(self.state + "-wal")
        self.name = "SIGKILL, the log's end lost"
        if not met or not os.path.exists(log) or file() != before:
            return run, False
        os.truncate(log, max(0, os.path.getsize(log) - self.lot.randint(1, 9000)))
        self.again = PEOPLE  # what is gone with it may be asked again
        return run, True

    # --- what must hold

    def asked(self):
        keys = self.sim.stats("?keys=1")["vendors"][self.vendor].get("keys", {})
        return sum(seen["n"] for email, seen in keys.items() if email in self.people)

    def committed(self, after=-1):
        """How many answers are kept behind that row, how many ordered and on file, and the last row's number;
        read from a copy, so that nothing is mended."""
        for end in ("", "-wal"):
            if os.path.exists(path("copy.db" + end)):
                os.unlink(path("copy.db" + end))
            if os.path.exists(path(self.state + end)):
                shutil.copy(path(self.state + end), path("copy.db" + end))
        if not os.path.exists(path("copy.db")):
            return 0, 0, 0
        db = sqlite3.connect(path("copy.db"))
        kept, last = db.execute("SELECT count(*), coalesce(max(id), 0) FROM cache WHERE id > ?", (after,)).fetchone()
        ordered = db.execute("SELECT total(length(keys)) / 16 FROM pending").fetchone()[0]
        db.close()
        return kept, int(ordered), last

    def lost(self, *what):
        self.losses.append((self.name, self.program, self.vendor, self.batch) + what)

    def is_own(self, run, record):
        """Is what it says true of the person at its address?"""
        said = record.get("verification" if self.program == "verify" else "enrichment")
        if not said:
            return run.status == 143  # taken in, then the run was stopped: it leaves as it came
        if self.program == "verify":
            return said["status"] == "valid" or (said["status"], said["reason"]) in (
                ("unknown", "provider_error"), ("unknown", "timeout"))
        return said["status"] in ("failed", "skipped") or said.get("job_title") == person(record["email"]).title

    def is_answered(self, record):
        return record.get("verification", record.get("enrichment", {})).get("status") in ("found", "valid")

    def look_at(self, run):
        out = [r["email"] for r in run.records]
        early = run.status == -15 and not out  # before there was a handler
        if not run.whole or not early and run.status not in (*TO_THE_END, 74, 75, 143, -9, -13):
            self.lost("half a line, or an end of no kind", run.status, run.err)
        if len(set(out)) < len(out):
            self.duplicates.append((self.name, "out twice", out))
        if self.read_all and out != self.people[:len(out)] or not all(self.is_own(run, r) for r in run.records):
            self.lost("not the records that went in", run.status, run.err, run.stats, run.records)
        if self.read_all and run.status in TO_THE_END and (len(out), run.bad) != (PEOPLE, BAD):
            self.lost("an end without a word", run.status, len(out), run.bad)
        if run.status in (74, 75) and self.program + ": " not in run.err:
            self.lost("status %d without a reason" % run.status, run.err)
        self.look_at_counts(run, len(out))

    def look_at_counts(self, run, out):
        n = run.stats
        if not n or not self.read_all:
            return
        if n["out"] > out or n["rejects"] > run.bad:
            self.lost("the counts claim too much", n, out, run.bad)
        if run.status != 74 and (n["in"] != n["out"] + n["rejects"] + sum(n["dropped"].values()) or n["out"] != out):
            self.lost("the counts do not add up", n, out)

    def play(self, fault):
        """The run that meets the fault and the one after it; true if the fault was met."""
        self.sim.tell("reset")
        self.sim.tell("set", {"latency_ms": self.lot.choice((0, 2, 10))})
        _, ordered_before, last = self.committed()
        run, met = fault(self)
        if "error while loading shared libraries" in run.err:  # the loader's failure, before there is a run
            met = False
        else:
            self.look_at(run)
        (kept, ordered, _), first = self.committed(last), self.asked()
        kept += ordered - ordered_before
        if met and fault is not Round.by_cut and sum(map(self.is_answered, run.records)) > kept:
            self.duplicates.append((self.name, "out, yet not committed", len(run.records), kept))
        self.sim.tell("clear")
        if fault is Round.by_vendor and os.path.exists(path(self.state)):
            self.let_time_pass()
        self.read_all = True
        again = self.run()
        self.look_at(again)
        if again.status != 1 or len(again.records) != PEOPLE or again.bad != BAD:
            self.lost("the same command again", again.status, len(again.records), again.err)
        asked = self.asked()
        if asked - first > PEOPLE - kept or asked > PEOPLE + self.again:
            self.duplicates.append((self.name, "asked %d, then %d, committed %d" % (first, asked - first, kept)))
        return met

    def let_time_pass(self):
        """A vendor that said "later" or refused us is benched for a while, which the test does not wait."""
        db = sqlite3.connect(path(self.state))
        db.execute("DELETE FROM health")
        db.commit()
        db.close()


KINDS = ([Round.by_vendor] * 5 + [Round.by_kill] * 4 + [Round.by_disk] * 4 + [Round.by_term] * 2 +
         [Round.by_interruption] * 2 + [Round.by_chaos] * 2 + [Round.by_reader, Round.by_limit, Round.by_clock,
                                                              Round.by_cut])


def main():
    lot, met = random.Random(SEED), collections.Counter()
    duplicates, losses, number = [], [], 0
    with Sim() as sim:
        while sum(met.values()) < FAULTS and number < 4 * FAULTS + 40:
            r = Round(sim, number, lot)
            number += 1
            if r.play(lot.choice(KINDS)):
                met[r.name] += 1
            duplicates += r.duplicates
            losses += r.losses
    for name, n in sorted(met.items()):
        print("# %4d %s" % (n, name))
    print("# duplicates and silent losses per 1,000 injected faults: %g / %g (of %d, in %d runs)" % (
        1000 * len(duplicates) / FAULTS, 1000 * len(losses) / FAULTS, sum(met.values()), 2 * number))
    ok("%d faults thrown into paid runs were met" % FAULTS, sum(met.values()) >= FAULTS, met)
    ok("duplicates: 0", not duplicates, duplicates[:3])
    ok("silent losses: 0", not losses, losses[:3])


main()
done()
