"""For tests in Python: starts the simulated vendors, talks to their control port, runs our programs.

    with Sim() as sim:
        sim.tell("set", {"latency_ms": 20})
        run = program(sim, "enrich", ["-j", "8"], lines, config)
    ok(name, condition, why), done()          # "ok N name" lines and the closing count
"""
import json
import os
import subprocess
import sys
import tempfile
import urllib.request

ROOT = os.environ.get("ROOT") or os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
B = os.environ.get("B") or os.path.join(ROOT, "build")
SCRATCH = None if os.environ.get("T") else tempfile.TemporaryDirectory(prefix="leadpipe-test.")
T = os.environ.get("T") or SCRATCH.name  # never the directory the test was started in
WRAP = os.environ.get("TEST_WRAP", "").split()


class Sim:
    def __init__(self, *args):
        self.args = args

    def __enter__(self):
        self.process = subprocess.Popen(
            ["/usr/bin/python3", os.path.join(ROOT, "tests/servers/vendor-sim.py"), "--stdin", *self.args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = {}
        while "port" not in self.ports:
            words = self.process.stdout.readline().split()
            self.ports[words[-2]] = int(words[-1])
        self.base = "http://127.0.0.1:%d" % self.ports["port"]
        self.control = "http://127.0.0.1:%d/_sim/" % self.ports["control"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.terminate()
        self.process.wait()

    def tell(self, what, body=None):
        data = json.dumps(body or {}).encode()
        urllib.request.urlopen(urllib.request.Request(self.control + what, data=data), timeout=10).read()

    def stats(self, query=""):
        with urllib.request.urlopen(self.control + "stats" + query, timeout=10) as r:
            return json.load(r)

    def config(self, chain, **settings):
        """A config file's text: a chain of apollo and dropcontact at the simulator, embedded ones as named."""
        providers = {
            "apollo": {"api_key": "sim-key", "base_url": self.base + "/api/v1", "batch": 1,
                       "rate": {"requests": 0}},
            "dropcontact": {"api_key": "sim-key", "base_url": self.base + "/v1", "rate": {"requests": 0}},
        }
        for name, members in settings.items():
            if name in providers:
                providers[name].update(members)
        top = {name: members for name, members in settings.items() if name not in providers}
        return json.dumps({"chains": {"lead_enrichment": {"providers": chain},
                                      "email_verification": {"providers": chain}},
                           "providers": providers, **top})


def path(name):
    return os.path.join(T, name)


def write(name, text):
    """The file is replaced, never rewritten: a program may be reading it."""
    with open(path(name + ".new"), "w") as f:
        f.write(text)
    os.chmod(path(name + ".new"), 0o600)
    os.rename(path(name + ".new"), path(name))
    return path(name)


def contacts(n, host="acme.test"):
    return "".join('{"email":"person%d@%s"}\n' % (i, host) for i in range(n))


def start(name, args, stdin, config=None, state="state.db", stdout=subprocess.DEVNULL):
    """Starts a program on the file `stdin`; config is text."""
    command = WRAP + [os.path.join(B, "bin", name), "-q", "-s", path(state)]
    if config is not None:
        command += ["-c", write("config-%s.jq" % name, config)]
    return subprocess.Popen(command + args, stdin=open(stdin), stdout=stdout, stderr=subprocess.PIPE)


def program(name, args, text, config=None, state="state.db"):
    """Runs it to the end: (exit status, list of records out, standard error)."""
    p = start(name, args, write("input", text), config, state, subprocess.PIPE)
    out, err = p.communicate()
    return p.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


passed = failed = 0


def ok(name, condition, why=""):
    global passed, failed
    if condition:
        passed += 1
    else:
        failed += 1
    print("%sok %d %s" % ("" if condition else "not ", passed + failed, name), flush=True)
    if not condition:
        print("#   %s" % (why,), flush=True)


def done():
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(failed > 0 or not passed)
