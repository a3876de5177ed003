"""Input that means harm, met by every program that reads: the record is rejected, the one after it is
processed, and the peak of memory stays below 64 MiB. Also: what bad lines cost.

    ROOT=. B=build T=/tmp/empty python3 tests/hostile.py
"""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import B, WRAP, done, ok, path, write  # noqa: E402

MIB = 1 << 20
PEAK_KIB = 64 * 1024
with open(os.path.join(B, "bin", "score"), "rb") as binary:
    PLAIN = not WRAP and b"__asan_init" not in binary.read()  # times and sizes say nothing otherwise

GOOD = ('{"kind":"contact","email":"ada@a.invalid","emails_sent":2}\n',
        '{"kind":"contact","email":"bob@b.invalid","emails_sent":2}\n')
ROWS = ("ada@a.invalid,Ada\n", "bob@b.invalid,Bob\n")
SENT = '{"kind":"event","engagement_type":"email_sent","email":"%s","timestamp":"2026-01-09T10:00:00Z"}\n'
# Label, program, arguments. EVENTS: the harm is in the file of events, standard input is good.
RECORDS = (("enrich", ["--state", "none", "--chain", "offline"]),
           ("verify", ["--state", "none", "--chain", "local", "--dns", "127.0.0.1:1"]),
           ("score", []), ("score --events", []), ("report", ["--format", "json"]))
TABLES = (("contacts-import", ["--encoding", "utf-8"]),
          ("contacts-import --dedupe", ["--encoding", "utf-8", "--dedupe", "merge"]))


# The peak of a child counts from what its parent held when it was born, so a small one bears it.
BEAR = """
import resource, subprocess, sys
status = subprocess.run(sys.argv[2:]).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(status, used.ru_maxrss, used.ru_utime + used.ru_stime, file=open(sys.argv[1], "w"))
"""


def block(size):
    """That many bytes, a MiB at a time."""
    for _ in range(size // MIB):
        yield b"x" * MIB


def one(data):
    yield data if isinstance(data, bytes) else data.encode()


def quoted(parts):
    yield b'"'
    yield from parts
    yield b'"'


# Name, the bytes of the line without its end, how many lines of it are rejected.
LINES = (("a line of 1 GiB", lambda: block(1 << 30), 1),
         ("nesting of 10^6", lambda: one('{"a":' + "[" * 10 ** 6 + "]" * 10 ** 6 + "}"), 1),
         ("10^6 members", lambda: one("{" + ",".join('"m%d":%d' % (i, i) for i in range(10 ** 6)) + "}"), 1),
         ("NUL", lambda: one(b'{"email":"a\0b@x.invalid"}'), 1),
         ("bad UTF-8", lambda: one(b'{"email":"\xff\xc0\xaf@x.invalid"}'), 1),
         ("a lone surrogate", lambda: one('{"email":"\\ud800@x.invalid"}'), 1),
         ("UTF-16", lambda: one('{"email":"a@x.invalid"}\n'.encode("utf-16")), 2))
CELLS = (("a line of 1 GiB", lambda: block(1 << 30), 1),
         ("a cell of 100 MiB", lambda: iter([b"eve@x.invalid,", *block(100 * MIB)]), 1),
         ("a quoted cell of 100 MiB", lambda: iter([b"eve@x.invalid,", *quoted(block(100 * MIB))]), 1),
         ("10^6 columns", lambda: one("eve@x.invalid" + ",x" * 10 ** 6), 1),
         ("NUL", lambda: one(b"a\0b@x.invalid,Eve"), 1),
         ("bad UTF-8", lambda: one(b"eve@x.invalid,\xff\xc0\xaf"), 1))


def feed(pipe, parts):
    try:
        for part in parts:
            pipe.write(part)
        pipe.close()
    except BrokenPipeError:
        pass


def run(label, args, parts=()):
    """(exit status, standard output, the counts, peak memory in KiB, standard error)"""
    command = [*WRAP, os.path.join(B, "bin", label.split(" ")[0]), "-q", *args, "--stats", path("stats"),
               "--rejects", path("rejects")]
    with open(path("out"), "wb") as out, open(path("err"), "wb") as err:
        p = subprocess.Popen(["/usr/bin/python3", "-SEc", BEAR, path("end"), *command], stdin=subprocess.PIPE,
                             stdout=out, stderr=err)
        feed(p.stdin, parts)
        p.wait()
    status, peak, _ = read("end").split()
    return int(status), read("out"), json.loads(read("stats")), int(peak), read("err").decode()


def read(name):
    with open(path(name), "rb") as f:
        return f.read()


def counted(label, out, counts):
    """How many good records came through, those in their order only."""
    if label == "report":
        return counts["dropped"].get("counted", 0)
    if label == "score --events":
        return counts["dropped"].get("event_counted", 0)
    return len(out.splitlines()) if out == b"".join(sorted(out.splitlines(True))) else -1


def harm(label, args, name, line, rejects):
    """The lines between two good ones."""
    first, last = GOOD
    if label == "score --events":
        first, last = (SENT % who for who in ("ada@a.invalid", "bob@b.invalid"))
    if label.startswith("contacts-import"):
        first, last = "Email,First name\n" + ROWS[0], ROWS[1]
    parts = [first.encode(), b"\n", last.encode()]
    stream = (part for group in (parts[:1], line(), parts[1:]) for part in group)
    if label == "score --events":
        args = ["--events", save("events", stream)]
        stream = iter([g.encode() for g in GOOD])
    status, out, counts, peak, err = run(label, args, stream)
    ok("%s: %s: rejected, the next record processed" % (label, name),
       status == 1 and counts["rejects"] == rejects and counted(label, out, counts) == 2,
       (status, counts, err[:300], out[:300]))
    if PLAIN:
        ok("%s: %s: a peak of memory below 64 MiB" % (label, name), peak <= PEAK_KIB, "%d KiB" % peak)


def save(name, parts):
    with open(path(name), "wb") as f:
        for part in parts:
            f.write(part)
    return path(name)


# --- bad lines ---------------------------------------------------------------------------------------

MANY = 100000 if PLAIN else 2000


def many(label, bad):
    """MANY lines, each tenth of them bad if `bad`, and the numbers of the bad ones."""
    if label.startswith("contacts-import"):
        head = "Email,First name,Company,Title,City,Country\n"
        good, wrong = "%07d@example.invalid,Ada,A company,Head of Sales,Berlin,DE\n", "no address,%d,x,x,x,x\n"
    elif label == "score --events":
        head, good, wrong = "", SENT.replace("%s", "%07d@example.invalid"), '{"email": nonsense %d\n'
    else:
        head, wrong = "", '{"email": nonsense %d\n'
        good = '{"email":"%07d@example.invalid","company":"A company","title":"Head of Sales","city":"Berlin",' \
               '"emails_sent":5}\n'
    numbers = [i for i in range(MANY) if bad and i % 10 == 7]
    text = head + "".join((wrong if bad and i % 10 == 7 else good) % i for i in range(MANY))
    return text, [i + 1 + len(head.splitlines()) for i in numbers]


def through(label, args, name):
    """Seconds of a processor, which other work on the machine does not change, and what run() says."""
    source = [path(name)]
    if label == "score --events":
        args, source = ["--events", path(name)], [write("nobody", "")]
    if os.path.exists(path("rejects")):
        os.unlink(path("rejects"))
    result = run(label, [*args, *source])
    return float(read("end").split()[2]), result


def least(label, args):
    """The least that the clean lines and the mixed ones took: more tries where it is a near thing."""
    pairs = []
    for tries in (3, 15):
        pairs += [(through(label, args, "clean")[0], through(label, args, "mixed")[0]) for _ in range(tries)]
        clean, mixed = (min(times) for times in zip(*pairs))
        if mixed < 1.2 * clean:
            break
    return clean, mixed


def bad_lines(label, args):
    text, numbers = many(label, True)
    write("mixed", text)
    write("clean", many(label, False)[0])
    _, (status, out, counts, _, err) = through(label, args, "mixed")
    good = MANY - len(numbers)
    ok("%s: %d lines with 10 %% bad: exactly the %d others, in order" % (label, MANY, good),
       status == 1 and counted(label, out, counts) == good, (status, counts, err[:300]))
    with open(path("rejects")) as f:
        told = [json.loads(line)["error"]["line"] for line in f]
    ok("%s: and %d rejects with their line numbers" % (label, len(numbers)), told == numbers, told[:3])
    if PLAIN:
        clean, mixed = least(label, args)
        print("# %s: %.3f x the time of clean input" % (label, mixed / clean))
        ok("%s: under 1.2 x the time of clean input" % label, mixed < 1.2 * clean,
           "%.1f ms, clean %.1f ms" % (1000 * mixed, 1000 * clean))


def many_titles():
    """One campaign of which each record says another name: its memory is that of one campaign."""
    name = "a name of its own, " + "x" * 300 + " %07d"
    told = ('{"kind":"metric","campaign_id":"c","channel":"x","campaign_name":"%s","metrics":{"clicks":1}}\n'
            % (name % i) for i in range(3 * MANY))
    status, out, _, peak, err = run("report", ["--format", "json"], (line.encode() for line in told))
    last = json.loads(out)["campaigns"][0]["campaign_name"]
    ok("report: a name a record: the last one is the campaign's",
       status == 0 and last == name % (3 * MANY - 1), (status, last, err[:300]))
    if PLAIN:
        ok("report: a name a record: a peak of memory below 64 MiB", peak <= PEAK_KIB, "%d KiB" % peak)


def main():
    many_titles()
    for label, args in RECORDS:
        for line in LINES:
            harm(label, args, *line)
        bad_lines(label, args)
    for label, args in TABLES:
        for line in CELLS if label == "contacts-import" else CELLS[1:2]:
            harm(label, args, *line)
        bad_lines(label, args)


main()
done()
