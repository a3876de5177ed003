"""report on terminals, at every width, with a state file, against its schema, in the nightly pipeline.

    ROOT=. B=build T=/tmp/empty python3 tests/report.py
"""
import fcntl
import glob
import html
import json
import os
import pty
import random
import re
import signal
import struct
import subprocess
import sys
import termios
import time
import unicodedata

import jsonschema

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import B, ROOT, WRAP, Sim, done, ok, path, write  # noqa: E402

REPORT = WRAP + [os.path.join(B, "bin", "report")]
NIGHT = sorted(glob.glob(os.path.join(ROOT, "examples/nightly/*.ndjson")))
HOSTILE = os.path.join(ROOT, "tests/golden/report/hostile-text/in.ndjson")
NOW = ["--now", "2026-01-31T10:00:00Z", "-q"]


def run(args, env=None, stdin=subprocess.DEVNULL):
    p = subprocess.run(REPORT + args, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                       env=dict(os.environ, **(env or {})))
    return p.returncode, p.stdout.decode(), p.stderr.decode()


def columns(text):
    wide = {"W": 2, "F": 2}
    return sum(0 if unicodedata.combining(c) else wide.get(unicodedata.east_asian_width(c), 1) for c in text)


def on_a_terminal(width, args, env=None):
    """What is written to a terminal of that width."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    environment.update({"TERM": "xterm", **(env or {})})
    child = subprocess.Popen(REPORT + args, stdin=subprocess.DEVNULL, stdout=slave, stderr=subprocess.PIPE,
                             env=environment)
    os.close(slave)
    said = b""
    while True:
        try:
            piece = os.read(master, 65536)
        except OSError:
            break
        if not piece:
            break
        said += piece
    child.wait()
    os.close(master)
    return said.decode().replace("\r\n", "\n")


def bars_line_up(text):
    """In each section the bars begin in one column."""
    starts = {}
    for section in text.split("\n\n"):
        for line in section.split("\n"):
            if re.search(r"  [█#▏▎▍▌▋▊▉]+$", line):
                starts.setdefault(section.split("\n")[0], set()).add(
                    columns(re.sub(r"[█▏▎▍▌▋▊▉#]+$", "", line)))
    return starts and all(len(s) == 1 for s in starts.values())


def text():
    for files, name in ((NIGHT, "worked example"), ([HOSTILE], "hostile names")):
        worst = []
        for width in list(range(38, 110)) + [200]:
            _, out, _ = run(NOW + ["--compare", "spring-webinar,autumn-upgrade"] + files,
                            {"COLUMNS": str(width), "LC_ALL": "C.UTF-8"})
            worst += [(width, l) for l in out.split("\n") if columns(l) > max(width, 40)]
        ok("text: no line is wider than the terminal, %s" % name, not worst, worst[:3])
    _, out, _ = run(NOW + NIGHT, {"LC_ALL": "C.UTF-8"})
    ok("text: bars line up", bars_line_up(out), out)
    _, out, _ = run(NOW + [HOSTILE], {"LC_ALL": "C.UTF-8"})
    ok("text: bars line up beside wide characters", bars_line_up(out), out)
    ok("text: no control character of a name", not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out))
    _, out, _ = run(NOW + [HOSTILE] + NIGHT, {"LC_ALL": "C", "LANG": "de_DE.UTF-8"})
    ok("text: plain ASCII with LC_ALL=C", out.isascii() and "#####" in out)
    _, out, _ = run(NOW + NIGHT, {"LC_ALL": "", "LC_CTYPE": "", "LANG": ""})
    ok("text: plain ASCII where nothing is set", out.isascii())


def terminals():
    plain = run(NOW + NIGHT, {"COLUMNS": "97"})[1]
    said = on_a_terminal(97, NOW + NIGHT)
    ok("terminal: its width is followed", max(columns(re.sub(r"\x1b\[\d*m", "", l)) for l in said.split("\n")) > 90)
    ok("terminal: colour, and without it the same text", "\x1b[1m" in said and re.sub(r"\x1b\[\d*m", "", said) == plain)
    ok("terminal: no colour with NO_COLOR", "\x1b" not in on_a_terminal(97, NOW + NIGHT, {"NO_COLOR": "1"}))
    ok("terminal: no colour with TERM=dumb", "\x1b" not in on_a_terminal(97, NOW + NIGHT, {"TERM": "dumb"}))
    ok("terminal: no colour with --no-color", "\x1b" not in on_a_terminal(97, NOW + ["--no-color"] + NIGHT))
    ok("no colour into a pipe", "\x1b" not in run(NOW + NIGHT, {"TERM": "xterm"})[1])


def validator():
    with open(os.path.join(ROOT, "lib/schemas/report.json")) as f:
        schema = json.load(f)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def members(value, at, seen):
    """The members of every object, by where it stands in its report."""
    if isinstance(value, dict):
        seen.setdefault(at, set()).add(tuple(value))
        for name, inner in value.items():
            members(inner, at + "." + name, seen)
    elif isinstance(value, list):
        for inner in value:
            members(inner, at + "[]", seen)


def schema():
    check = validator()
    runs = ([], NIGHT, NIGHT + [HOSTILE], ["--compare", "spring-webinar,x"] + NIGHT, ["--since", "2026-01-10"] + NIGHT,
            ["--compare", "2026-01-01..,..2026-01-09", "--cost-per-contact", "1EUR"] + NIGHT, ["--top", "0"] + NIGHT)
    reports = [json.loads(run(NOW + ["-f", "json"] + args)[1]) for args in runs]
    wrong = [(e.json_path, e.message[:200]) for r in reports for e in check.iter_errors(r)]
    ok("schema report: %d real reports are valid" % len(reports), not wrong, wrong[:3])
    ok("always the same members", all(list(r) == list(reports[0]) and list(r["summary"]) == list(reports[0]["summary"])
                                      for r in reports))
    seen = {}
    for r in reports:
        members(r, "", seen)
    uneven = {at: sorted(names) for at, names in seen.items() if len(names) > 1 and at != ".input.rejects_by_code"}
    ok("the same members in each of %d kinds of objects" % len(seen), len(seen) > 40 and not uneven, uneven)
    passed = []
    for name in reports[1]:
        if check.is_valid({**reports[1], name: [{"wrong": True}]}):
            passed.append(name)
    ok("schema report: sees every member that was broken", not passed, passed)
    ids = [r["report_id"] for r in reports]
    ok("A17: another report has another id", len(set(ids)) == len(ids), ids)



def shuffled():
    """Records in another order say the same: names, ties, contacts without an address."""
    lines = [l for f in NIGHT + [HOSTILE] for l in open(f, encoding="utf-8").read().splitlines()]
    for who in ("new", "engaged", "converted", "enriched") * 2:
        lines.append(json.dumps({"kind": "contact", "status": who, "score": {"ltv": 99}}))
    for channel in ("b", "a", "d", "c"):
        lines.append(json.dumps({"kind": "metric", "campaign_id": "tie-" + channel, "channel": channel,
                                 "metrics": {"impressions": 100, "engagements": 7, "clicks": 3}}))
    rng, seen = random.Random(7), set()
    for i in range(6):
        with open(path("shuffled"), "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        seen.add(run(NOW + ["-f", "json", "--top", "6", "--compare", "tie-a,tie-b", path("shuffled")])[1])
        rng.shuffle(lines)
    ok("A24: the same bytes whatever the order of the records", len(seen) == 1, [sorted(seen)[0][:300], len(seen)])


def same_figures():
    exact = ["17134", "619", "1325", "72", "0.036126999", "0.077331621", "0.11631664"]
    rounded = ["17,134", "72", "3.61 %", "7.73 %", "11.6 %"]
    wanted = {"text": rounded + ["619", "1,325"], "json": exact, "csv": exact, "markdown": rounded + ["619"],
              "html": rounded}
    for tag, (form, figures) in zip(("A33", "A34", "A35", "A36", "A37"), wanted.items()):
        out = run(NOW + ["-f", form] + NIGHT)[1]
        missing = [f for f in figures if f not in out]
        ok("%s %s: the same figures" % (tag, form), not missing, missing)


def spreadsheets():
    import csv
    import io
    status, out, _ = run(NOW + ["-f", "csv", HOSTILE] + NIGHT)
    rows = list(csv.reader(io.StringIO(out)))
    ok("csv: eleven columns in every row", status == 0 and {len(r) for r in rows} == {11})
    risky = [c for r in rows[1:] for i, c in enumerate(r) if i < 5 and re.match(r"[=+@\t\r-]", c)]
    ok("csv: no text begins as a formula does", not risky, risky[:3])
    numbers = [r[5] for r in rows[1:] if not re.fullmatch(r"-?[0-9.]+(e-?[0-9]+)?|", r[5])]
    ok("csv: values are numbers", not numbers, numbers[:3])
    sly = ["a;=1+1", "a\";=1+1;\"", "＝1+1", "x;+1;-1", ";@x"]
    with open(path("sly"), "w", encoding="utf-8") as f:
        for name in sly:
            f.write(json.dumps({"kind": "metric", "campaign_id": name, "channel": "x", "metrics": {}}) + "\n")
    out = run(NOW + ["-f", "csv", path("sly")])[1]
    ok("csv: no formula begins where semicolons part the cells", not re.search("(^|[;,])\"?[=+@＝-]", out, re.M), out[:2000])
    named = {r[1] for r in csv.reader(io.StringIO(out))}
    ok("csv: such names are there, with an apostrophe", {"a;'=1+1", "a\";'=1+1;\"", "'＝1+1"} <= named, named)


def markdown():
    """What GitHub's own reader makes of hostile names: our headings, lists and tables, and nothing else."""
    names = ["https://evil.example/x", "www.evil.example", "1. one", "1) one", "- # ![i](http://e) &copy; ~~s~~", "+ x", "`c` *b*",
             "[a](javascript:alert(1))", "<b>x</b> | pipe", "= x", "> q", "ftp://f.example", "\\| x", "***", "| a | b |"]
    with open(path("names"), "w", encoding="utf-8") as f:
        for i, name in enumerate(names):
            for channel, engaged in ((names[i - 1], 300), ("mild", 30), ("weak " + name, 20)):
                f.write(json.dumps({"kind": "metric", "campaign_id": name, "channel": channel,
                                    "metrics": {"impressions": 1000, "engagements": engaged, "clicks": 40}}) + "\n")
            f.write(json.dumps({"email": "p%d@x.example" % i, "first_name": name, "company": name, "score": {"ltv": 50 + i}}) + "\n")
    for files in ([path("names"), "--compare", names[0] + "," + names[2]], NIGHT):
        out = run(NOW + ["-f", "markdown", "--top", "20"] + files)[1].replace("@", " at ")
        p = subprocess.run(["cmark-gfm", "-e", "table", "-e", "autolink", "-e", "strikethrough", "-e", "tasklist"], input=out,
                           stdout=subprocess.PIPE, text=True)
        foreign = set(re.findall(r"<([a-z0-9]+)", p.stdout)) - set("h1 h2 h3 p ul li table thead tbody tr th td".split())
        ok("markdown: no markup but ours, %d tables" % p.stdout.count("<table>"), p.stdout.count("<table>") > 6 and not foreign, foreign)
        if files is not NIGHT:
            lost = [n for n in names if p.stdout.count(html.escape(n, quote=True)) < 3]
            ok("markdown: the names are there as they are", not lost, lost)


def providers(sim):
    state = path("state.db")
    config = write("config.jq", sim.config(["apollo"], apollo={"batch": 10}))
    contacts = path("c.ndjson")
    with open(contacts, "w") as f:
        for i in range(30):
            f.write(json.dumps({"kind": "contact", "email": "p%d@acme.test" % i}) + "\n")
    enrich = WRAP + [os.path.join(B, "bin", "enrich"), "-q", "-c", config, "-s", state, contacts]
    subprocess.run(enrich, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    report = json.loads(run(["-q", "-f", "json", "-s", state, contacts])[1])
    mine = [p for p in report["providers"]["list"] if p["provider"] == "apollo"]
    ok("providers: from the totals of the state file", report["providers"]["source"] == "totals" and len(mine) == 1
       and mine[0]["calls"] == sum(mine[0]["outcomes"].values()) > 0, report["providers"])
    ok("providers: average latency and success rate", mine and mine[0]["average_latency_ms"] is not None
       and mine[0]["success_rate"]["denominator"] > 0, mine)
    ok("schema report: with providers too", validator().is_valid(report))
    later = json.loads(run(["-q", "-f", "json", "-s", state, "--since", "2020-01-01", contacts])[1])["providers"]
    ok("providers: of a period from the audit log", later["source"] == "audit"
       and [p["calls"] for p in later["list"] if p["provider"] == "apollo"] == [mine[0]["calls"]], later)
    none = json.loads(run(["-q", "-f", "json", "-s", state, "--until", "2020-01-01", contacts])[1])["providers"]
    ok("providers: none in a period without calls", none == {"source": "audit", "list": []}, none)
    ok("providers: in text", "PROVIDERS" in run(["-q", "-s", state, contacts])[1])


def interrupted():
    read, feed = os.pipe()
    child = subprocess.Popen(REPORT + NOW + ["-f", "json"], stdin=read, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(read)
    with open(NIGHT[0], "rb") as f:
        os.write(feed, f.read(20000))
    time.sleep(1 if not WRAP else 4)
    child.send_signal(signal.SIGTERM)
    out = child.communicate(timeout=60)[0]
    os.close(feed)
    report = json.loads(out)
    ok("stopped by a signal: a report that says so, status 143",
       child.returncode == 143 and report["input"]["complete"] is False and "stopped" in report["input"]["says"][0])


def nightly():
    out = path("night")
    env = dict(os.environ, NOW="2026-01-31T10:00:00Z")
    script = ["bash", os.path.join(ROOT, "pipelines/nightly-report.sh")]
    args = [os.path.join(ROOT, "examples/nightly"), out]
    p = subprocess.run(script + args, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    made = sorted(os.listdir(out)) if os.path.isdir(out) else []
    ok("nightly-report.sh: five reports and the history", p.returncode == 0 and made == [
        "history", "rejects.ndjson", "report.csv", "report.html", "report.json", "report.md", "report.txt"]
       and os.listdir(out + "/history") == ["2026-01-31.json"], (p.stdout, made))
    bare = {k: env[k] for k in ("PATH", "NOW", "LEADPIPE_LIB") if k in env}
    p = subprocess.run(script + [args[0], path("cron")], env=bare, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    same = [n for n in made if n != "history" and open(path("cron/" + n), "rb").read() == open(out + "/" + n, "rb").read()]
    ok("nightly-report.sh: the same by cron, which sets no HOME, TERM or LANG", (p.returncode, p.stdout) == (0, "")
       and len(same) == len(made) - 1, (p.returncode, p.stdout, same))
    night = path("data")
    os.mkdir(night)
    with open(os.path.join(night, "m.ndjson"), "w") as f:
        f.write('{"kind":"metric","campaign_id":"c","channel":"x","metrics":{"clicks":-1}}\nnonsense\n')
    p = subprocess.run(script + [night, out], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    with open(out + "/rejects.ndjson") as f:
        rejects = [json.loads(l)["error"]["code"] for l in f]
    ok("nightly-report.sh: rejects are kept once and are no failure",
       p.returncode == 0 and rejects == ["bad_counter", "bad_json"], (p.stdout, rejects))
    subprocess.run(script + [night, out], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    with open(out + "/rejects.ndjson") as f:
        ok("nightly-report.sh: another night does not keep them twice", len(f.readlines()) == 2)
    before = open(out + "/report.json").read()
    p = subprocess.run(script + [night, out, "--", "--compare", "a,b,c"], env=env, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT, text=True)
    left = [n for n in os.listdir(out) if n.startswith(".night")]
    ok("nightly-report.sh: after a failure all is as before",
       p.returncode == 2 and open(out + "/report.json").read() == before and not left, (p.returncode, p.stdout, left))
    p = subprocess.run(script + [path("nowhere"), out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ok("nightly-report.sh: a directory without records is misuse", p.returncode == 2)
    p = subprocess.run(script + [night, night + "/."], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    ok("nightly-report.sh: its rejects do not become the next night's records",
       p.returncode == 2 and os.listdir(night) == ["m.ndjson"], (p.stdout, os.listdir(night)))


text()
terminals()
schema()
shuffled()
same_figures()
spreadsheets()
markdown()
interrupted()
nightly()
with Sim() as simulator:
    providers(simulator)
done()
