"""The programs that keep no state, under strace: each write, read and sync fails in turn, is interrupted,
or is the last thing done before a kill. ALL=1 takes every one, and not the first few and then some.

What must hold: the exit status 74 and a line of reason, or a run that is whole in spite of it; whole
lines, the first ones of a run without a fault; counts that claim no more than is there; no file left in
TMPDIR; the same bytes from the same command afterwards.
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
from sim_client import B, done, ok, path, write  # noqa: E402

ALL = bool(os.environ.get("ALL"))
NOW = ["--now", "2026-01-31T10:00:00Z"]
TMP = path("tmp")
ROWS = 4000  # some blocks of output


def sent(i):
    return ('{"kind":"event","engagement_type":"email_sent","email":"user%d@a.invalid","job_id":"j%d",'
            '"timestamp":"2026-01-0%dT10:00:00Z"}\n' % (i % 7000, i % 3, 1 + i % 9))


def make_inputs():
    os.makedirs(TMP)
    bad = "no address,x\n"
    write("rows.csv", "Email,Company\n" + "".join(
        "user%d@a.invalid,A company of some length\n" % (i * 7919 % 9000) + bad * (i % 50 == 0) for i in range(ROWS)))
    write("people", "".join(
        '{"kind":"contact","email":"user%d@a.invalid","company":"A company of some length","emails_sent":9,'
        '"emails_opened":%d}\n' % (i, i % 9) + '{"email": nonsense\n' * (i % 50 == 0) for i in range(ROWS)))
    write("events", "".join(map(sent, range(ROWS))))
    if ALL:
        make_many()


def make_many():
    """More than report keeps in memory."""
    with open(path("many"), "w") as f:
        f.writelines('{"kind":"event","engagement_type":"email_sent","email":"u%d@a.invalid","job_id":"j",'
                     '"timestamp":"2026-01-01T10:00:00Z"}\n' % i for i in range(1200000))


CASES = {
    "contacts-import": ["rows.csv"],
    "contacts-import --dedupe merge": ["--dedupe", "merge", "rows.csv"],
    "enrich": ["--state", "none", "--chain", "offline", "people"],
    "verify": ["--state", "none", "--chain", "local", "--dns", "127.0.0.1:1", "people"],
    "score": ["people"],
    "score --events": ["--events", "events", "people"],
    "report": ["--format", "html", "people", "events"],
}
SPILLING = {"report of more than its memory": ["--format", "json", "many"]}


class Run:
    def __init__(self, name, args, inject=None):
        for file in ("out", "rejects", "stats", "trace"):
            if os.path.exists(path(file)):
                os.unlink(path(file))
        args = [path(a) if os.path.exists(path(a)) else a for a in args]
        command = [os.path.join(B, "bin", name.split(" ")[0]), "-q", *NOW, "--rejects", path("rejects"), "--stats",
                   path("stats"), *args]
        if inject:
            command = ["strace", "-f", "-qq", "-o", path("trace"), "-e", inject, *command]
        with open(path("out"), "wb") as out:
            p = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE,
                               env=dict(os.environ, TMPDIR=TMP))
        self.status, self.err = p.returncode, p.stderr.decode(errors="replace")
        self.out, self.rejects, self.trace = (self.read(f) for f in ("out", "rejects", "trace"))
        stats = self.read("stats")
        self.stats = json.loads(stats) if stats.endswith(b"\n") else None
        # What the loader meets is before the run. libjq gives up on a read that is interrupted, which Linux
        # does to no file.
        self.loaded = "error while loading shared libraries" not in self.err and not (
            inject and "EINTR" in inject and "Error reading from" in self.err)

    @staticmethod
    def read(name):
        if not os.path.exists(path(name)):
            return b""
        with open(path(name), "rb") as f:
            return f.read()


def cut(clean, run, name):
    """What is wrong with a run that was hit; None: nothing."""
    lines = run.out.count(b"\n")
    if os.listdir(TMP):
        return "left behind: %s" % os.listdir(TMP)
    if not clean.out.startswith(run.out) or (run.out and not run.out.endswith(b"\n") and "report" not in name):
        return "not the first lines of the run without a fault"
    if run.status >= 0 and run.stats and (run.stats["rejects"] > run.rejects.count(b"\n") or
                                          "report" not in name and run.stats["out"] > lines):
        return "the counts claim too much: %s" % run.stats
    if run.status == clean.status:
        whole = run.out == clean.out and run.rejects == clean.rejects
        return None if whole else "status %d, yet not whole" % run.status
    if run.status == 74:
        return None if run.err.startswith(name.split(" ")[0] + ": ") else "no reason given"
    return None if run.status == -9 else "status %d" % run.status


def try_all(name, args, clean, faults, wanted):
    """Each fault in turn until the run does not come to it any more; how often it was met, and what was bad."""
    met, bad = 0, []
    for call, what in faults:
        k = 1
        while True:
            run = Run(name, args, "inject=%s:%s:when=%d" % (call, what, k))
            if b"INJECTED" not in run.trace:
                break
            k += 1 if k < 3 or ALL else k
            if not run.loaded:
                continue
            met += 1
            why = cut(clean, run, name)
            if not why and run.status not in wanted:
                why = "status %d" % run.status
            if why:
                bad.append((call, what, k, why, run.err))
    return met, bad


def system_calls(name, args):
    run = Run(name, args, "trace=all")
    words = [line.split(None, 1)[1].split(b"(")[0].decode() for line in run.trace.splitlines() if b"(" in line]
    return [w for w in words if w.isidentifier() and w not in ("execve", "exit_group")]


def kills(name, args, clean):
    seen, bad, runs = {}, [], 0
    calls = system_calls(name, args)
    begin = calls.index("prlimit64") if "prlimit64" in calls else 0  # before that the loader is at work
    step = 1 if ALL else (len(calls) - begin) // 8 + 1
    for i, call in enumerate(calls):
        seen[call] = seen.get(call, 0) + 1
        if i < begin or (i - begin) % step:
            continue
        run = Run(name, args, "inject=%s:signal=KILL:when=%d" % (call, seen[call]))
        runs += run.status == -9
        why = cut(clean, run, name)
        if why:
            bad.append((call, seen[call], why))
    return runs, bad


def faults_of(name, args):
    clean = Run(name, args)
    ok("%s: it runs" % name, clean.status in (0, 1) and clean.out, (clean.status, clean.err))
    disk = [("write", "error=" + error) for error in ("ENOSPC", "EIO")[:1 + ALL]]
    disk += [("pread64", "error=EIO"), ("read", "error=EIO")]
    met, bad = try_all(name, args, clean, disk, (clean.status, 74))
    ok("%s: a disk that fails at %d places: status 74 with a reason, nothing claimed" % (name, met),
       met >= 3 and not bad, bad[:3] or met)
    return clean


def main():
    make_inputs()
    for name, args in CASES.items():
        clean = faults_of(name, args)
        met, bad = try_all(name, args, clean, [(c, "error=EINTR") for c in ("read", "write", "pread64", "poll")],
                           (clean.status,))
        ok("%s: interrupted at %d places, the same bytes" % (name, met), met and not bad, bad[:3] or met)
        runs, bad = kills(name, args, clean)
        ok("%s: killed at %d system calls: whole lines, nothing left behind" % (name, runs), runs and not bad,
           bad[:3] or runs)
        again = Run(name, args)
        ok("%s: the same command again gives the same bytes" % name, again.out == clean.out)
    for name, args in SPILLING.items() if ALL else ():
        faults_of(name, args)


main()
done()
