"""score against exact arithmetic, and report against counting by sets, over random records; and their schemas.

    ROOT=. B=build T=/tmp/empty python3 tests/analytics.py
"""
import copy
import glob
import json
import os
import random
import shlex
import subprocess
import sys
from fractions import Fraction

import jsonschema

ROOT = os.environ.get("ROOT", ".")
B = os.environ.get("B", os.path.join(ROOT, "build"))
T = os.environ["T"]
WRAP = shlex.split(os.environ.get("TEST_WRAP", ""))
NOW = "2026-01-31T10:00:00Z"
UNIT = 10 ** 9
count = failed = 0


def ok(name, good, why=""):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} {name}")
    if not good:
        print("# " + str(why)[:2000])


def path(name):
    return os.path.join(T, name)


def write(name, records):
    with open(path(name), "w", encoding="utf-8") as f:
        for r in records:
            f.write(json.dumps(r, ensure_ascii=False) + "\n")
    return path(name)


def score(*args):
    p = subprocess.run(WRAP + [os.path.join(B, "bin/score"), "-q", "--now", NOW, *args], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return p.returncode, [json.loads(line) for line in p.stdout.split(b"\n") if line]


def half_up(x):
    """A fraction in billionths."""
    return (2 * x * UNIT + 1) // 2


def units(number):
    return round(Fraction(str(number)) * UNIT)


class Settings:
    """Weights, bound and tiers as exact numbers, and the flags that say them."""
    def __init__(self, weights, cap, tiers):
        self.weights, self.cap, self.tiers = [Fraction(n) for n in weights], Fraction(cap), [Fraction(n) for n in tiers]
        self.flags = ["--weights", "engagement=%s,conversion=%s,volume=%s" % weights, "--bounds", "conversions=%s" % cap,
                      "--tiers", "high=%s,medium=%s,low=%s" % tiers]


PRESET = Settings(("0.4", "0.4", "0.2"), "5", ("75", "50", "25"))


def expected(sent, opened, clicks, conversions, s=PRESET):
    """By the formulas of score(1), in whole fractions."""
    def rate(a, b):
        return min(Fraction(1), Fraction(a, b)) if b else Fraction(0)
    value = [rate(opened, sent), rate(conversions, clicks), min(Fraction(1), conversions / s.cap)]
    points = [half_up(100 * w * v) for w, v in zip(s.weights, value)]
    ltv = sum(points)
    reached = [name for name, least in zip(("high", "medium", "low"), s.tiers) if ltv >= least * UNIT]
    tier = (reached + ["inactive"])[0]
    return {"ltv": ltv, "tier": tier, "engagement_rate": half_up(value[0]), "click_rate": half_up(rate(clicks, opened)),
            "conversion_rate": half_up(value[1]), "conversions_normalised": half_up(value[2]), "points": points}


def difference(got, counters, s=PRESET):
    """What differs from exact arithmetic; a last digit is allowed where a double stood between."""
    want = expected(*counters, s)
    for name in ("engagement_rate", "click_rate", "conversion_rate", "conversions_normalised"):
        if abs(units(got[name]) - want[name]) > 1:
            return name
    points = [units(e["points"]) for e in got["explain"]]
    if any(abs(a - b) > 1 for a, b in zip(points, want["points"])):
        return "points"
    if sum(points) != units(got["ltv"]):
        return "points do not add up"
    if [units(e["weight"]) for e in got["explain"]] != [w * UNIT for w in s.weights]:
        return "weights"
    return None if got["tier"] == want["tier"] else "tier"


def random_contacts(rng, n):
    for i in range(n):
        top = rng.choice((3, 20, 1000, 10 ** 9))
        counters = [rng.randint(0, top) for _ in range(4)]
        yield dict(zip(("emails_sent", "emails_opened", "clicks", "conversions"), counters),
                   kind="contact", email=f"p{i}@example.org")


def ready_counters(rng):
    contacts = list(random_contacts(rng, 3000))
    status, out = score(write("contacts", contacts))
    wrong = [(c, o["score"], d) for c, o in zip(contacts, out) for d in
             [difference(o["score"], [c[k] for k in ("emails_sent", "emails_opened", "clicks", "conversions")])] if d]
    ok("score agrees with exact arithmetic on 3,000 random contacts, and its points add up",
       status == 0 and len(out) == 3000 and not wrong, wrong[:2])
    return out


def odd_settings(rng):
    """Weights, a bound and tiers nobody would choose."""
    wrong, runs = [], 0
    for _ in range(12):
        first = rng.randint(0, UNIT)
        second = rng.randint(0, UNIT - first)
        weights = tuple("%.9f" % (n / UNIT) for n in (first, second, UNIT - first - second))
        tiers = tuple("%.9f" % n for n in sorted((rng.uniform(0, 100) for _ in range(3)), reverse=True))
        s = Settings(weights, rng.choice(("1", "7", "0.3", "123456789")), tiers)
        contacts = list(random_contacts(rng, 250))
        status, out = score(*s.flags, write("odd", contacts))
        runs += status == 0 and len(out) == len(contacts)
        wrong += [(s.flags, o["score"], d) for c, o in zip(contacts, out) for d in
                  [difference(o["score"], [c[k] for k in ("emails_sent", "emails_opened", "clicks", "conversions")], s)] if d]
    ok("score agrees with exact arithmetic under 12 odd settings, and its points add up", runs == 12 and not wrong,
       (runs, wrong[:2]))


TYPES = {"email_sent": 0, "email_opened": 1, "link_clicked": 2, "converted": 3}


def random_events(rng, n):
    for _ in range(n):
        who, job = rng.randrange(60), rng.randrange(6)
        what = rng.choice(list(TYPES) + ["email_delivered", "website_visit"])
        if what == "email_sent" and rng.random() < 0.5:
            yield {"kind": "job", "job_id": f"j{job}", "channel": "email", "status": "published",
                   "contact_email": f"P{who}@Example.org", "published_time": f"2026-01-{1 + job:02}T08:00:00Z"}
        else:
            yield {"kind": "event", "engagement_type": what, "email": f"p{who}@example.org", "job_id": f"j{job}",
                   "timestamp": f"2026-01-{rng.randint(1, 30):02}T12:00:00Z"}


def counted(events, since, until):
    """contact -> counters, with a set for once only."""
    seen, counters = set(), {}
    for e in events:
        what = TYPES.get(e.get("engagement_type", "email_sent"))
        when = (e.get("timestamp") or e.get("published_time"))[:10]
        who = (e.get("email") or e.get("contact_email")).lower()
        if what is None or not since <= when < until or (who, e["job_id"], what) in seen:
            continue
        seen.add((who, e["job_id"], what))
        counters.setdefault(who, [0, 0, 0, 0])[what] += 1
    return counters


def from_events(rng):
    events = list(random_events(rng, 4000))
    contacts = [{"kind": "contact", "email": f"p{i}@example.org"} for i in range(70)]
    files = ["--events", write("e1", events[:1500]), "--events", write("e2", events[1500:])]
    for name, args, since, until in (("A28 all of them", [], "", "3"),
                                     ("A32 a period", ["--since", "2026-01-05", "--until", "2026-01-20"],
                                      "2026-01-05", "2026-01-20")):
        status, out = score(*files, *args, write("c", contacts))
        counters = counted(events, since, until)
        wrong = [(o, d) for o in out for d in [difference(o["score"], counters.get(o["email"], [0] * 4))] if d]
        ok(f"score --events agrees with counting by sets: {name}", status == 0 and len(out) == 70 and not wrong, wrong[:2])
    again = score(*files, path("c"))[1]
    ok("A24 the same events give the same output, whatever the seed of the hashes", again == score(*files, path("c"))[1])
    return events


HAPPENED = {"email_sent": "sent", "email_delivered": "delivered", "email_opened": "opens", "link_clicked": "clicks",
            "reply_received": "replies", "bounce": "bounces", "unsubscribed": "unsubscribed", "converted": "conversions"}


def random_night(rng, n):
    """Events, jobs and replies of a few contacts, which say their campaign and channel now and then, and metrics."""
    for _ in range(n):
        job = rng.randrange(9)
        e = {"email": rng.choice(["a@x.example", "A@X.Example", "b@x.example", "c@x.example"]), "job_id": f"j{job}",
             "campaign_id": f"c{job % 3}", "channel": "sms" if job == 4 else "email",
             "timestamp": f"2026-01-0{rng.randint(1, 9)}T10:0{job}:00Z"}
        for member in ("campaign_id", "channel", "job_id"):
            if rng.random() < 0.3:
                del e[member]
        kind = rng.choice(["event", "event", "event", "job", "reply"])
        if kind == "event":
            yield dict(e, kind=kind, engagement_type=rng.choice(list(HAPPENED) + ["website_visit"]))
        elif kind == "job":
            e["contact_email"], e["published_time"] = e.pop("email"), e.pop("timestamp")
            yield dict(e, kind=kind, status=rng.choice(["published", "published", "failed"]))
        else:
            e["contact_email"], e["received_at"] = e.pop("email"), e.pop("timestamp")
            yield dict(e, kind=kind, reply_class=rng.choice(["reply", "bounce", "unsubscribe", "auto_reply"]))
    yield {"kind": "metric", "campaign_id": "c1", "channel": "sms", "metrics": {"impressions": 50, "clicks": 5}}
    yield {"kind": "metric", "campaign_id": "c1", "channel": "sms", "metrics": {"impressions": 7}}


def what_happened(r):
    if r["kind"] == "event":
        return HAPPENED.get(r["engagement_type"])
    if r["kind"] == "job":
        return "sent" if r["status"] == "published" else None
    return {"reply": "replies", "bounce": "bounces", "unsubscribe": "unsubscribed"}.get(r["reply_class"])


def figures(records):
    """(campaign, channel) -> figures, by sets: as report(1) says, in another way than report counts."""
    occasions, groups, stated = {}, {}, set()
    for r in records:
        if r["kind"] == "metric":
            stated.add((r["campaign_id"], r["channel"]))
            continue
        what, when = what_happened(r), r.get("timestamp") or r.get("published_time") or r.get("received_at")
        if what or "job_id" in r:  # what is not counted still says whose campaign its job is
            who = (r.get("email") or r.get("contact_email")).lower()
            job = (who, "job", r["job_id"]) if "job_id" in r else (who, r.get("campaign_id"), when)
            o = occasions.setdefault(job, {"what": set()})
            o["what"] |= {what} - {None}
            o.update({k: r[k] for k in ("campaign_id", "channel") if k in r})
    for o in (o for o in occasions.values() if o["what"]):
        g = groups.setdefault((o.get("campaign_id"), o.get("channel", "email")), {})
        seen = "delivered" in o["what"] or ("sent" in o["what"] and "bounces" not in o["what"])
        engaged = o["what"] & {"opens", "clicks", "replies"}
        for name in list(o["what"]) + ["impressions"] * seen + ["engagements"] * bool(engaged):
            g[name] = g.get(name, 0) + 1
    for r in records:
        if r["kind"] == "metric":
            key = (r["campaign_id"], r["channel"])
            g = groups[key] = groups.get(key, {}) if key not in stated else {}
            stated.discard(key)
            for name, n in r["metrics"].items():
                g[name] = g.get(name, 0) + n
    return groups


def report_figures(rng):
    wrong = []
    for run in range(12):
        records = list(random_night(rng, rng.choice((5, 60, 400))))
        rng.shuffle(records)
        p = subprocess.run(WRAP + [os.path.join(B, "bin/report"), "-q", "-f", "json", "--now", NOW, write("night", records)],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
        got = {(c["campaign_id"], g["channel"]): {name: g[name] for name in [*HAPPENED.values(), "impressions", "engagements"]
                                                  if g[name]}
               for c in json.loads(p.stdout)["campaigns"] for g in c["channels"]}
        want = figures(records)
        wrong += [(run, key, got.get(key), want.get(key)) for key in set(got) | set(want) if got.get(key) != want.get(key)]
    ok("A06 A08 report agrees with counting by sets over 12 random nights", not wrong, wrong[:2])


def validator(name):
    with open(os.path.join(ROOT, "lib/schemas", name + ".json"), encoding="utf-8") as f:
        document = json.load(f)
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document, format_checker=jsonschema.FormatChecker())


def blind_spots(v, record):
    for name in record:
        if v.is_valid(dict(record, **{name: [{"wrong": True}]})):
            yield name
    for name in v.schema["required"]:
        less = copy.deepcopy(record)
        if less.pop(name, None) is not None and v.is_valid(less):
            yield "without " + name


SAMPLES = {
    "reply": {"kind": "reply", "reply_class": "bounce", "from_email": "mailer-daemon@mx.test", "text": "no such user",
              "message_id": "<1@mx.test>", "received_at": NOW, "contact_email": "ann@example.org", "job_id": "j1",
              "match": {"method": "message_id", "confidence": 1}, "source": {"mailbox": "INBOX", "uid": 7},
              "bounce": {"kind": "hard", "status": "5.1.1", "reason": "unknown", "recipient": "ann@example.org"}},
    "metric": {"kind": "metric", "campaign_id": "spring", "channel": "linkedin", "at": NOW,
               "metrics": {"impressions": 1000, "clicks": 50, "engagements": 100, "conversions": 5}},
    "spend": {"kind": "spend", "campaign_id": "spring", "channel": "email", "amount": 49.9, "currency": "EUR", "at": NOW},
    "revenue": {"kind": "revenue", "campaign_id": "spring", "amount": 500, "currency": "EUR", "at": NOW},
}


def schemas(scored, events):
    v = validator("contact")
    wrong = [e.message[:200] for r in scored for e in v.iter_errors(r)]
    ok("schema contact: scored contacts are valid", not wrong, wrong[:3])
    record = scored[0]
    passed = [name for name in record["score"]
              if v.is_valid(dict(record, score=dict(record["score"], **{name: [{"wrong": True}]})))]
    ok("schema contact: every member of score is looked at", not passed, passed)
    for kind in ("event", "job"):
        found = [e for e in events if e["kind"] == kind]
        wrong = [e.message[:200] for r in found for e in validator(kind).iter_errors(r)]
        ok(f"schema {kind}: records that score counts are valid", found and not wrong, wrong[:3])
        passed = list(blind_spots(validator(kind), found[0]))
        ok(f"schema {kind}: sees what is wrong", not passed, passed)
    for kind, record in SAMPLES.items():
        wrong = [e.message for e in validator(kind).iter_errors(record)]
        ok(f"schema {kind}: the example of records.md is valid", not wrong, wrong)
        passed = list(blind_spots(validator(kind), record))
        ok(f"schema {kind}: sees what is wrong", not passed, passed)
    night = [json.loads(l) for f in glob.glob(os.path.join(ROOT, "examples/nightly/*.ndjson")) for l in open(f, encoding="utf-8")]
    kinds = {kind: validator(kind) for kind in {r["kind"] for r in night}}
    wrong = [e.message[:200] for r in night for e in kinds[r["kind"]].iter_errors(r)]
    ok("schemas: the worked example is valid, %d kinds of records" % len(kinds), len(kinds) == 7 and not wrong, wrong[:3])
    ok("A02 schema metric: a negative count is wrong",
       not validator("metric").is_valid(dict(SAMPLES["metric"], metrics={"clicks": -1})))


def main():
    rng = random.Random(20260131)
    scored = ready_counters(rng)
    odd_settings(rng)
    events = from_events(rng)
    report_figures(rng)
    schemas(scored, events)
    print(f"{count - failed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
