"""What the smallest filter (tests/programs/pass.c) does with numbers at their ends, and with a standard
error that another program made non-blocking.

    ROOT=. B=build T=/tmp/empty python3 tests/run_edges.py
"""
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import B, WRAP, done, ok  # noqa: E402

PASS = [*WRAP, os.path.join(B, "tests/programs/pass")]
LINE = b'{"email":"a@example.com"}\n'


def jobs():
    for many in (10001, 4294967296, 10 ** 9):
        p = subprocess.run([*PASS, "--jobs", str(many)], input=LINE, capture_output=True, timeout=60)
        ok("--jobs %d is refused" % many, p.returncode == 2 and p.stdout == b"", (p.returncode, p.stderr))


def nonblocking():
    """More rejects than the pipe holds: they wait for their reader."""
    r, w = os.pipe()
    fcntl.fcntl(w, fcntl.F_SETFL, fcntl.fcntl(w, fcntl.F_GETFL) | os.O_NONBLOCK)
    p = subprocess.Popen([*PASS, "--rejects", "/dev/stderr"], stdin=subprocess.PIPE,
                         stdout=subprocess.DEVNULL, stderr=w)
    os.close(w)
    bad = b"".join(b"not json %d %s\n" % (i, b"y" * 1000) for i in range(200))
    threading.Thread(target=lambda: (p.stdin.write(bad), p.stdin.close()), daemon=True).start()
    time.sleep(0.3)
    with open(r, "rb") as pipe:
        said = pipe.read()
    status = p.wait(60)
    ok("rejects wait for a reader, also where another program set O_NONBLOCK",
       status == 1 and said.count(b'"code":"bad_json"') == 200
       and said.endswith(b"pass: in 200 out 0 rejects 200 dropped 0\n"), (status, said[-200:]))


def out_of_sight(limit):
    p = subprocess.Popen([*PASS, "--limit", str(limit), "--progress", "json"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0)
    p.stdin.write(LINE)
    p.stdout.readline()
    time.sleep(1.1)
    p.send_signal(signal.SIGUSR1)
    said = p.stderr.readline()
    p.stdin.close()
    ok("--limit %d: an end that is out of sight is none" % limit,
       p.wait(60) == 0 and b'"in":1' in said and b"eta_s" not in said, (p.returncode, said))


jobs()
nonblocking()
out_of_sight(10 ** 15)
out_of_sight(2 ** 63 - 1)
done()
