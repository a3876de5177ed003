"""A canary in place of every provider's key, and where it must not be seen: in records, messages, counts,
rejects, recordings, the state file and what self-check shows of it; in the list of processes; in a core.
It is looked for as it is, URL-encoded and in base64, through every way to fail, with a vendor among them
that sends back all it was sent.
"""
import base64
import glob
import http.server
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "servers"))
from sim_client import B, T, WRAP, Sim, contacts, done, ok, path, write  # noqa: E402

KEY = "canary-5ecret/key+0123456789"
FAULTS = ("401", "500", "html200", "reset", "silence", "redirect_host")
PROVIDERS = {"enrich": {"apollo": "/api/v1", "dropcontact": "/v1", "hunter": "/v2", "peopledatalabs": "/v5"},
             "verify": {"dropcontact": "/v1", "zerobounce": "/v2", "neverbounce": "/v4.2", "hunter": "/v2",
                        "reacher": ""}}
CAPABILITY = {"enrich": "lead_enrichment", "verify": "email_verification"}
SHOWS = (["--status"], ["--status", "--json"], ["--prometheus", "--status"], ["--audit"], ["--show-config"], ["--json"])


def spellings(secret):
    """As it is, URL-encoded, and in base64 wherever in a text it may begin."""
    coded = [base64.b64encode(b"\0" * i + secret.encode()).decode()[4 * (i > 0):-4] for i in range(3)]
    return [secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret), *coded]


def hits(text):
    return [s for s in spellings(KEY) if s in text]


class Echo(http.server.BaseHTTPRequestHandler):
    """Whatever it is asked, it says what it was sent."""
    status = 401

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace")
        said = "%s %s %s" % (self.path, dict(self.headers), body)
        data = json.dumps({"error": said, "message": said, "reason": said, "detail": said}).encode()
        self.send_response(self.status, said.encode("ascii", "replace").decode()[:200].replace("\n", " "))
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Request-Id", said[:200].replace("\n", " "))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST

    def log_message(self, *_):
        pass


def config(base, name, roots, form, **more):
    own = {"rate": {"requests": 0}, "timeout_s": 3 if WRAP else 0.3, "tries": 1, "max_wait_s": 0.2, **more}
    providers = {p: {**own, "base_url": "%s/%s%s" % (base, p, root), ("secret" if p == "reacher" else "api_key"): form}
                 for p, root in roots.items()}
    return {"chains": {CAPABILITY[name]: {"providers": list(roots), "mode": "failover"}}, "providers": providers}


def forms():
    os.environ["CANARY"] = KEY
    return [{"env": "CANARY"}, {"file": write("key", KEY + "\n")}, {"cmd": "cat " + path("key")}, KEY]


def run(name, conf, record):
    """All that a run lets be seen, as one text; "" if nobody was asked, for then it shows nothing."""
    for file in ("stats", "rejects", "recording"):
        if os.path.exists(path(file)):
            os.unlink(path(file))
    write("conf.jq", json.dumps(conf))
    command = WRAP + [os.path.join(B, "bin", name), "-v", "-s", path("canary.db"), "-c", path("conf.jq"), "--refresh",
                      "--stats", path("stats"), "--rejects", path("rejects")]
    p = subprocess.run(command + (["--record", path("recording")] if record else []), stdout=subprocess.PIPE,
                       input=contacts(2) + '{"email": nonsense\n', stderr=subprocess.PIPE, text=True)
    asked = any(c["calls"] for c in json.load(open(path("stats")))["providers"])
    return asked and p.stdout + p.stderr + "".join(
        open(path(f)).read() for f in ("stats", "rejects", "recording") if os.path.exists(path(f)))


def clear_state():
    """A provider that has refused a key is not asked again for a while."""
    for file in glob.glob(path("canary.db*")):
        os.unlink(file)


def shown(conf):
    write("conf.jq", json.dumps(conf))
    texts = []
    for args in SHOWS:
        p = subprocess.run(WRAP + [os.path.join(B, "bin/self-check"), "-s", path("canary.db"), "-c", path("conf.jq"),
                                   *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        texts.append(p.stdout + p.stderr)
    return "".join(texts)


def failures(sim):
    for name, roots in PROVIDERS.items():
        seen = []
        for kind in FAULTS:
            sim.tell("reset")
            sim.tell("fault", {"kind": kind, **({"count": 8} if kind == "refuse" else {})})
            for provider, root in roots.items():
                form = forms()[len(seen) % 4]
                if len(seen) % 4 == 0:
                    clear_state()
                text = run(name, config(sim.base, name, {provider: root}, form), len(seen) % 2)
                seen += [(kind, provider, h) for h in hits(text or KEY)] or [None]
        ok("%s: no secret in what it writes, by any of %d ways to fail" % (name, len(FAULTS)),
           len(seen) >= len(FAULTS) * len(roots) and not any(seen), [s for s in seen if s][:3])


def echoes():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base, seen, n = "http://127.0.0.1:%d" % server.server_port, [], 0
    for name, roots in PROVIDERS.items():
        for status in (200, 200, 400, 401, 401, 429, 500):
            Echo.status, n = status, n + 1
            conf = config(base, name, roots, KEY)
            clear_state()
            text = run(name, conf, n % 2) or KEY
            seen += [(name, status, h) for h in hits(text + (shown(conf) if status == 401 else ""))]
    server.shutdown()
    ok("a vendor that sends back all it was sent: no secret is passed on, in %d runs" % n, n and not seen, seen[:3])


def files():
    kept = glob.glob(os.path.join(T, "canary.db*"))
    ok("the state is ours alone", kept and all(os.stat(f).st_mode & 0o777 == 0o600 for f in kept), kept)
    found = [f for f in kept if hits(open(f, "rb").read().decode("latin-1"))]
    ok("no secret is in the state", not found, found)


def waiting(sim, form):
    """A run that waits for a silent vendor, as bare as it can be killed."""
    sim.tell("reset")
    sim.tell("fault", {"kind": "silence"})
    write("conf.jq", json.dumps(config(sim.base, "enrich", {"apollo": "/api/v1"}, form, timeout_s=60)))
    return subprocess.Popen([os.path.join(B, "bin/enrich"), "-q", "-s", "none", "-c", path("conf.jq"),
                             write("two", contacts(2))], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=T,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)))


def wait_for_request(sim):
    for _ in range(200):
        if sim.stats()["vendors"]["apollo"]["requests"]:
            return True
        time.sleep(0.02)
    return False


def processes(sim):
    for form in forms()[1:]:
        p = waiting(sim, form)
        asked, text = wait_for_request(sim), ""
        for command in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                text += open(command, "rb").read().decode("latin-1") + "\n"
            except OSError:
                pass
        p.kill()
        p.wait()
        ok("the list of processes has no secret", asked and "bin/enrich" in text and not hits(text), hits(text))


def cores(sim):
    """Does an abort leave a core? A program that holds nothing must, or the test says nothing."""
    free = subprocess.Popen(["/usr/bin/python3", "-c", "import os; os.abort()"], cwd=T,
                            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (-1, -1)))
    if not os.WCOREDUMP(os.waitpid(free.pid, 0)[1]):
        print("ok 0 no core of a program that holds secrets # skip no cores on this machine")
        return
    for form in forms():
        p = waiting(sim, form)
        asked = wait_for_request(sim)
        p.send_signal(signal.SIGABRT)
        status = os.waitpid(p.pid, 0)[1]
        ok("no core of a program that holds secrets", asked and os.WIFSIGNALED(status) and not os.WCOREDUMP(status),
           status)


def main():
    with Sim("--key", "apollo=" + KEY) as sim:
        failures(sim)
        echoes()
        files()
    if WRAP:
        return
    with Sim() as sim:  # its own arguments are in the list of processes, too
        processes(sim)
        cores(sim)


main()
done()
