"""Real output of the programs against lib/schemas, and each schema against output that was broken.

    ROOT=. B=build T=/tmp/empty python3 tests/schemas.py
"""
import copy
import json
import os
import subprocess
import sys

import jsonschema

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import B, ROOT, WRAP, Sim, done, ok, path, write  # noqa: E402

# Somebody without identity, bytes that are no UTF-8, text that is no JSON, and three the vendor treats apart.
MORE = (b'{"kind":"contact","first_name":"Ann"}\n{"email":"a@\xff.de"}\nnonsense\n'
        b'{"email":"john.doe@acme.test"}\n{"email":"half1@acme.test"}\n{"email":"nobody1@acme.test"}\n')


def schema(name):
    with open(os.path.join(ROOT, "lib/schemas", name + ".json")) as f:
        document = json.load(f)
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document, format_checker=jsonschema.FormatChecker())


def lines_of(name):
    with open(path(name), "rb") as f:
        return [json.loads(line) for line in f]


def run(name, args, stdin, stdout, config):
    """A program from file to file, with --rejects and --stats beside the output."""
    command = WRAP + [os.path.join(B, "bin", name), "-q", "--rejects", path(stdout + ".rejects"),
                      "--stats", path(stdout + ".stats")] + args
    if name != "contacts-import":
        command[2 + len(WRAP):2 + len(WRAP)] = ["-s", "none", "-c", write("config.jq", config)]
    with open(stdin, "rb") as source, open(path(stdout), "wb") as target:
        return subprocess.run(command, stdin=source, stdout=target, stderr=subprocess.DEVNULL).returncode


def produce(sim):
    """Runs everything; what came out, by schema."""
    config = sim.config(["apollo", "offline"], apollo={"batch": 10}, dropcontact={"poll_s": 0.05})
    run("contacts-import", ["--tag", "x"], os.path.join(ROOT, "examples/leads.csv"), "imported", config)
    run("enrich", [], path("imported"), "enriched", config)
    run("verify", ["--chain", "dropcontact"], path("enriched"), "verified", config)
    with open(path("more.in"), "wb") as f:
        f.write(MORE)
    run("enrich", [], path("more.in"), "more", config)
    run("enrich", ["--dry-run"], path("imported"), "planned", config)
    alone = json.loads(config)
    del alone["chains"]["email_verification"]  # apollo has no part in it, as self-check would say
    state = ["-s", path("benched.db"), "-c", write("bench.jq", json.dumps(alone))]
    subprocess.run(WRAP + [os.path.join(B, "bin", "self-check"), "-q", "--bench", "apollo"] + state, check=True)
    run("enrich", state, path("more.in"), "benched", config)
    sim.tell("fault", {"kind": "500", "vendor": "apollo"})
    run("enrich", ["--chain", "apollo"], path("more.in"), "failed", config)
    runs = ("imported", "enriched", "verified", "more", "planned", "benched", "failed")
    out = {"contact": [], "plan": [], "reject": [], "stats": []}
    for name in runs:
        for record in lines_of(name):
            out["plan" if record.get("kind") == "plan" else "contact"].append(record)
        if os.path.exists(path(name + ".rejects")):
            out["reject"] += lines_of(name + ".rejects")
        out["stats"] += lines_of(name + ".stats")
    return out


def breakages(record, at=()):
    """The record with one member of ours made wrong, for every such member: (where, broken copy)."""
    for name, value in record.items():
        if at + (name,) in (("custom_fields",), ("record",), ("source",)):
            continue
        broken = copy.deepcopy(record)
        broken[name] = [{"wrong": True}]
        yield ".".join(at + (name,)), broken
        if isinstance(value, dict):
            for where, inner in breakages(value, at + (name,)):
                outer = copy.deepcopy(record)
                outer[name] = inner
                yield where, outer


def check(name, records):
    validator = schema(name)
    ok("schema %s: there is output to look at" % name, len(records) > 0)
    wrong = [(e.json_path, e.message[:200]) for r in records for e in validator.iter_errors(r)]
    ok("schema %s: %d records of real output are valid" % (name, len(records)), not wrong, wrong[:3])
    richest = max(records, key=lambda r: len(json.dumps(r)))
    passed = [where for where, broken in breakages(richest) if validator.is_valid(broken)]
    ok("schema %s: sees every member that was broken" % name, not passed, passed)


def refused_records():
    """Records that report rejects: (kind, what is wrong, record)."""
    time, long = "2026-01-10T08:00:00Z", "x" * 513
    whole = {
        "event": {"engagement_type": "email_opened", "email": "a@b.example", "timestamp": time},
        "job": {"job_id": "j", "channel": "email", "contact_email": "a@b.example", "status": "published",
                "published_time": time},
        "reply": {"reply_class": "reply", "contact_email": "a@b.example", "received_at": time},
        "metric": {"campaign_id": "c", "channel": "email", "at": time, "metrics": {"clicks": 1}},
        "spend": {"campaign_id": "c", "amount": 1.5, "currency": "EUR", "at": time},
        "revenue": {"campaign_id": "c", "amount": 1.5, "currency": "EUR", "at": time}}
    wrong = [
        ("event", "email", None), ("event", "email", "a@"), ("event", "timestamp", "soon"),
        ("event", "campaign_id", long), ("event", "channel", long), ("job", "contact_email", "a@"),
        ("job", "published_time", "soon"), ("job", "campaign_id", long), ("reply", "contact_email", "x"),
        ("reply", "received_at", "soon"), ("reply", "campaign_id", long), ("metric", "campaign_id", None),
        ("metric", "campaign_id", long), ("metric", "channel", None), ("metric", "channel", long),
        ("metric", "at", "soon"), ("metric", "metrics", None), ("metric", "metrics", {"clicks": -1}),
        ("metric", "metrics", {"clicks": 0.5}), ("metric", "metrics", {"clicks": 2 ** 53 + 2})]
    wrong += [(kind, member, value) for kind in ("spend", "revenue") for member, value in (
        ("campaign_id", None), ("campaign_id", long), ("channel", long), ("amount", -1), ("amount", "1"),
        ("amount", 1e13), ("currency", "EURO"), ("currency", None), ("at", "soon"))]
    for kind, member, value in wrong:
        yield kind, "%s %.20s" % (member, value), {"kind": kind, **whole[kind], member: value}


def refuses_alike():
    """What report rejects, the schema of its kind refuses."""
    cases = list(refused_records())
    with open(path("wrong.in"), "w") as f:
        f.writelines(json.dumps(record) + "\n" for _, _, record in cases)
    run("report", ["--format", "json"], path("wrong.in"), "wrong", "{}")
    lines = {r["error"]["line"] for r in lines_of("wrong.rejects")}
    taken = [(kind, what) for n, (kind, what, _) in enumerate(cases, 1) if n not in lines]
    ok("report rejects each of %d wrong records" % len(cases), not taken, taken)
    valid = [(kind, what) for kind, what, record in cases if schema(kind).is_valid(record)]
    ok("and their schemas refuse them", not valid, valid)


def accounts(stats):
    ok("stats: in = out + rejects + dropped, in every run",
       all(s["in"] == s["out"] + s["rejects"] + sum(s["dropped"].values()) for s in stats), stats)


with Sim() as simulator:
    output = produce(simulator)
for kind, found in output.items():
    check(kind, found)
accounts(output["stats"])
refuses_alike()
done()
