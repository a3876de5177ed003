"""What self-check writes: JSON against its schema, Prometheus' format, text for people and for pipes.

    ROOT=. B=build T=/tmp/empty python3 tests/self_check_formats.py
"""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time

import jsonschema

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from self_check import check, config, exposition, fresh, report  # noqa: E402
from sim_client import B, ROOT, WRAP, Sim, contacts, done, ok, path, program, write  # noqa: E402

with open(os.path.join(ROOT, "lib/schemas/self-check.json")) as f:
    SCHEMA = jsonschema.Draft202012Validator(json.load(f))


def schema(sim):
    state = fresh(sim, "schema")
    texts = [config(sim), config(sim, enrichment=["hunter"]), config(sim, verification=["local", "dropcontact"]),
             config(sim, providers={"apollo": {"api_key": "wrong"}})]
    problems = []
    for fault in (None, {"kind": "500"}, {"kind": "429", "retry_after": "90"}, {"kind": "garbage"}):
        sim.tell("clear")
        if fault:
            sim.tell("fault", fault)
        for text in texts:
            for args in ([], ["--status"]):
                status, r = report(text, *args, state=state)
                problems += [e.message for e in SCHEMA.iter_errors(r)]
    program("enrich", [], contacts(3), config(sim), state)
    check(config(sim), "--bench", "apollo", state=state)
    problems += [e.message for e in SCHEMA.iter_errors(report(config(sim), "--status", state=state)[1])]
    ok("G21 --json validates against its schema", not problems, problems[:5])
    good = report(config(sim), "--status", state=state)[1]
    broken = []
    for chain in ("overall_health", "recent_operations", "total_operations"):
        broken.append(json.loads(json.dumps(good)))
        del broken[-1]["chains"][0][chain]
    broken.append(dict(good, more=1))
    broken.append(dict(good, timestamp="yesterday"))
    ok("G21 the schema refuses what is broken", all(list(SCHEMA.iter_errors(r)) for r in broken))


def prometheus(sim):
    state = fresh(sim, "prom")
    sim.tell("fault", {"kind": "500", "vendor": "apollo"})
    status, out, _ = check(config(sim), "--prometheus", state=state)
    wrong, samples = exposition(out)
    ok("--prometheus keeps to the exposition format", status == 0 and not wrong and len(samples) > 20, wrong or out)
    at = 'leadpipe_provider_health{capability="lead_enrichment",provider="%s"}'
    ok("--prometheus has health by capability and provider", samples.get(at % "apollo") == 1 and
       samples.get('leadpipe_provider_failures_total{capability="lead_enrichment",provider="apollo"}') == 1 and
       samples.get('leadpipe_requests_total{capability="lead_enrichment",provider="apollo",outcome="error",'
                   'error_class="server"}') == 1, out)
    quoted = config(sim, enrichment=['odd"\\name', "offline"],
                    providers={'odd"\\name': {"use": "apollo", "api_key": "sim-key", "base_url": sim.base + "/api/v1"}})
    wrong, samples = exposition(check(quoted, "--prometheus", state=state)[1])
    ok("--prometheus escapes names", not wrong and at % 'odd\\"\\\\name' in samples, wrong)


def text_report(sim):
    state = fresh(sim, "text")
    sim.tell("fault", {"kind": "401", "vendor": "apollo"})
    sim.tell("fault", {"kind": "500", "vendor": "dropcontact"})
    text = config(sim, enrichment=["apollo", "dropcontact", "hunter", "peopledatalabs", "offline"],
                  verification=["dropcontact", "zerobounce", "a-rather-long-name-for-a-provider"],
                  providers={"a-rather-long-name-for-a-provider":
                             {"use": "dropcontact", "api_key": "k" * 9, "base_url": sim.base + "/v1"}})
    for _ in range(3):
        check(text, state=state)
    status, out, _ = check(text, "--status", state=state, env={"LC_ALL": "C.UTF-8"})
    ok("the text fits 80 columns", max(len(line) for line in out.splitlines()) <= 80,
       [line for line in out.splitlines() if len(line) > 80])
    ok("the text has no colour in a pipe", "\033" not in out)
    ascii_only = check(text, "--status", state=state, env={"LC_ALL": "C"})[1]
    ok("the text is ASCII in the C locale", ascii_only.isascii() and not out.isascii(), ascii_only)
    ok("the text says what to do", "What to do" in out and "critical" in out and "credentials refused" in out, out)
    later = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86400 * 1.5))
    out = check(text, "--status", "--now", later, state=state)[1]
    ok("the text says since when", re.search(r"since 20\d\d-\d\d-\d\d \d\d:\d\d \(1 day\)", out), out)


def on_terminal(args, env):
    """The output of a program whose standard output is a terminal."""
    master, slave = pty.openpty()
    p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.DEVNULL,
                         env=dict(os.environ, TERM="xterm", **env))
    os.close(slave)
    out = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        out += chunk
    p.wait()
    os.close(master)
    return out


def colours(sim):
    command = WRAP + [os.path.join(B, "bin/self-check"), "--status", "-s", path("text.db"), "-c",
                      write("config.jq", config(sim))]
    ok("colour on a terminal", b"\033[3" in on_terminal(command, {}))
    ok("no colour with NO_COLOR", b"\033" not in on_terminal(command, {"NO_COLOR": "1"}))
    ok("no colour with --no-color", b"\033" not in on_terminal(command + ["--no-color"], {}))
    ok("no colour with TERM=dumb", b"\033" not in on_terminal(["env", "TERM=dumb"] + command, {}))


def live_line(sim):
    """On a terminal --watch tells when it checks again; Ctrl-C leaves a clean line."""
    master, slave = pty.openpty()
    p = subprocess.Popen(WRAP + [os.path.join(B, "bin/self-check"), "--watch=3s", "-s", path("live.db"), "-c",
                                 write("config.jq", config(sim))], stdin=subprocess.DEVNULL, stdout=slave,
                         stderr=slave, env=dict(os.environ, TERM="xterm", NO_COLOR="1", LC_ALL="C.UTF-8"))
    os.close(slave)
    out, end = b"", time.time() + 60
    while (out.count(b"self-check, ") < 2 or not out.endswith(b"Ctrl-C ends\033[K")) and time.time() < end:
        out += os.read(master, 65536)
    p.send_signal(signal.SIGINT)
    p.wait()
    rest = os.read(master, 65536)
    os.close(master)
    lines = re.split(rb"[\r\n]+", out)
    ok("G20 --watch counts down on a terminal, and begins anew", b"next check in 0:03, Ctrl-C ends\033[K" in lines and
       b"next check in 0:01, Ctrl-C ends\033[K" in lines and out.count(b"\033[H\033[2J") == 2, out)
    ok("G20 --watch ends with a clean line, 130", (p.returncode, rest) == (130, b"\r\033[K"), (p.returncode, rest))
    seen = [re.sub(rb"\033\[[0-9]*[HJKm]", b"", line).decode() for line in lines]
    ok("G20 --watch fits 80 columns", max(map(len, seen)) <= 80, seen)


def main():
    with Sim() as sim:
        for test in (schema, prometheus, text_report, colours, live_line):
            test(sim)
    done()


if __name__ == "__main__":
    main()
