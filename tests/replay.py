"""--record, --replay and --chaos: the same bytes without anybody being asked, and no secret kept.

    ROOT=. B=build T=/tmp/empty python3 tests/replay.py
"""
import base64
import itertools
import json
import os
import random
import resource
import stat
import subprocess
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import B, WRAP, Sim, contacts, done, ok, path, write  # noqa: E402

CANARY = "canary/4711+secret value"
KEYS = ["--key", "apollo=" + CANARY, "--key", "dropcontact=" + CANARY]
fresh = itertools.count()


def run(name, args, text, config, state=None, limit=None):
    """The bytes matter: (exit status, standard output, standard error)."""
    command = WRAP + [os.path.join(B, "bin", name), "-s", state or path("state-%d.db" % next(fresh)),
                      "-c", write("config.jq", json.dumps(config))] + args
    bound = limit and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
    p = subprocess.run(command, input=text.encode(), capture_output=True, preexec_fn=bound)
    return p.returncode, p.stdout, p.stderr.decode()


def one_by_one(name, args, text, config, state):
    """The output; a line goes in when the one before has come out."""
    p = subprocess.Popen(WRAP + [os.path.join(B, "bin", name), "-s", state, "-c",
                                 write("config.jq", json.dumps(config))] + args, stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out = b""
    for line in text.splitlines(True):
        p.stdin.write(line.encode())
        p.stdin.flush()
        out += p.stdout.readline()
    return out + p.communicate()[0]


def config(sim, chain, **settings):
    c = json.loads(sim.config(chain, **settings))
    for name in ("apollo", "dropcontact"):
        c["providers"][name]["api_key"] = {"file": write("key", CANARY)}
    return c


def asked(sim):
    return sum(v["requests"] for v in sim.stats()["vendors"].values())


def lines(file):
    with open(file) as f:
        return [json.loads(line) for line in f]


def both(sim, label, name, args, text, conf, replay_conf=None, replay_args=None, state=None):
    """Recorded and replayed: the same bytes, the same status, and nobody was asked."""
    file = path("recording-%d" % next(fresh))
    first = run(name, ["--record", file] + args, text, conf, state)
    before = asked(sim)
    again = run(name, ["--replay", file] + (args if replay_args is None else replay_args), text,
                replay_conf or conf)
    same = first[:2] == again[:2] and first[1].count(b"\n") == text.count("\n")
    ok(label, same and asked(sim) == before and before > 0,
       "status %d and %d, same bytes: %s, asked in the replay: %d\n# %s\n# %s" % (
           first[0], again[0], first[1] == again[1], asked(sim) - before, first[2][-400:], again[2][-400:]))
    return file, first


# --- the same bytes ---------------------------------------------------------------------------------

def same_bytes(sim):
    sim.tell("reset")
    sim.tell("set", {"latency_ms": 3, "dropcontact": {"ready_polls": 2}})
    conf = config(sim, ["apollo", "dropcontact", "offline"], apollo={"batch": 10},
                  dropcontact={"poll_s": 0.05})
    text = contacts(120) + "".join('{"email":"nobody%d@acme.test"}\n' % i for i in range(30))
    file, first = both(sim, "replay: enrich by apollo and dropcontact, polls and all", "enrich", [], text, conf)
    polls = [r for r in lines(file)[1:] if r["request"].get("url", "").count("/enrich/all/")]
    ok("replay: it was polled", len(polls) >= 2, len(polls))

    mode = stat.S_IMODE(os.stat(file).st_mode)
    ok("record: others may not read it", mode == 0o600, oct(mode))
    with open(file) as f:
        kept = f.read()
    forms = [CANARY, urllib.parse.quote(CANARY, ""), base64.b64encode(CANARY.encode()).decode().rstrip("=")]
    ok("record: no secret is in it, in any form", not any(f in kept for f in forms) and "****" in kept
       and not any(f in first[2] for f in forms))

    without = json.loads(json.dumps(conf))
    without["providers"]["apollo"]["api_key"] = {"cmd": "touch %s; false" % path("was-run")}
    without["providers"]["dropcontact"]["api_key"] = {"file": path("not-there")}
    again = run("enrich", ["--replay", file], text, without)
    ok("replay: needs no secret and runs no command for one",
       again[:2] == first[:2] and not os.path.exists(path("was-run")), again)

    both(sim, "replay: one record a call, many in flight", "enrich", ["-j", "16"], text,
         config(sim, ["apollo", "dropcontact", "offline"], dropcontact={"poll_s": 0.05}))
    both(sim, "replay: --chain and --jobs are remembered", "enrich", ["--chain", "apollo,offline", "-j", "3"],
         text, config(sim, ["dropcontact"]), replay_args=[])
    both(sim, "replay: verify by dropcontact", "verify", [], text,
         config(sim, ["dropcontact"], dropcontact={"poll_s": 0.05}))
    file, _ = both(sim, "replay: verify by DNS that nobody answers, then dropcontact", "verify",
                   ["--dns", "127.0.0.1:1"], text + contacts(10, "gmial.com"),
                   config(sim, ["local", "dropcontact"], dropcontact={"poll_s": 0.05}))
    ok("record: what was asked of DNS is in it",
       any(r["provider"] == "local" and r["response"]["results"] for r in lines(file)[1:]))

    later = run("enrich", ["--replay", path("recording-0"), "--now", "2030-01-01T00:00:00Z"], text, conf)
    ok("replay: --now wins over the recorded clock",
       later[0] == 0 and json.loads(later[1].splitlines()[0])["enrichment"]["enriched_at"] == "2030-01-01T00:00:00Z",
       later[1][:300])


def asked_again(sim):
    """Who comes again is looked for in the batch that was given up, in the replay as well."""
    sim.tell("reset")
    sim.tell("set", {"dropcontact": {"ready_polls": 3}})
    conf = config(sim, ["dropcontact"], dropcontact={"poll_s": 0.1, "poll_limit_s": 0.15})
    text, file = contacts(1) * 5, path("recording-again")
    first = one_by_one("enrich", ["--record", file], text, conf, path("state-%d.db" % next(fresh)))
    again = run("enrich", ["--replay", file], text, conf)
    ok("replay: a batch that was given up, and asked for again",
       again[1] == first and b'"found"' in first and b'"failed"' in first, (first[-400:], again[1:]))


# --- when things go wrong ---------------------------------------------------------------------------

def faults(sim):
    for kind in ("500", "429", "401", "402", "garbage", "reset", "truncated_json", "empty", "html200"):
        sim.tell("reset")
        sim.tell("fault", {"kind": kind, "vendor": "apollo", "count": 4})
        both(sim, "replay: %s comes back as it was" % kind, "enrich", ["-j", "8"], contacts(60),
             config(sim, ["apollo", "offline"], apollo={"max_wait_s": 1}))
    sim.tell("reset")
    sim.tell("fault", {"kind": "500", "vendor": "apollo"})
    conf = config(sim, ["apollo", "dropcontact"], apollo={"tries": 1}, dropcontact={"poll_s": 0.05})
    conf["health"] = {"cool_down_s": 0.1}
    file, first = both(sim, "replay: circuits open and are probed where they were", "enrich", ["-j", "4"],
                       contacts(3000), conf)
    probes = [r for r in lines(file)[1:] if r["request"].get("mark") == "probe"]
    ok("replay: and there were such", len(probes) >= 1 and b"circuit_open" in first[1], len(probes))


def at_random(sim, seed):
    """Whatever a run meets: order, modes, batches, faults of both vendors, chaos."""
    random.seed(seed)
    sim.tell("reset")
    sim.tell("set", {"latency_ms": random.choice([0, 3]), "dropcontact": {"ready_polls": random.randint(0, 2)}})
    for vendor in ("apollo", "dropcontact"):
        for kind in random.sample(["500", "429", "garbage", "reset", "empty", "partial"], 2):
            sim.tell("fault", {"kind": kind, "vendor": vendor, "every": random.randint(3, 7)})
    limits = {"tries": 2, "max_wait_s": 1}
    conf = config(sim, random.choice([["apollo", "dropcontact", "offline"], ["dropcontact", "apollo"]]),
                  dropcontact={"poll_s": 0.05, "batch": random.choice([20, 250]), **limits},
                  apollo={"batch": random.choice([4, 10]), **limits})
    conf["health"] = {"cool_down_s": 0.2}
    conf["chains"]["lead_enrichment"].update(random.choice(
        [{}, {"mode": "parallel"}, {"mode": "failover", "order": "health"}]))
    args = ["-j", str(random.choice([1, 4, 16]))] + random.choice([[], ["--chaos", "500@5%,429@5%,reset@3%"]])
    both(sim, "replay: whatever a run meets (%d)" % seed, "enrich", args, contacts(80), conf)


# --- what the state file said ------------------------------------------------------------------------

def remembered(sim):
    """Of what other runs left behind, a replay knows what the recorded one found."""
    sim.tell("reset")
    state = path("state-of-the-day.db")
    conf = config(sim, ["apollo", "offline"])
    conf["chains"]["lead_enrichment"]["budget"] = {"day": "25credits"}
    run("enrich", [], contacts(20), conf, state)
    _, first = both(sim, "replay: what the day's budget had left", "enrich", ["-j", "2"],
                    contacts(40, "other.test"), conf, state=state)
    ok("replay: and that was not much", first[0] == 75, first)

    sim.tell("reset")
    state = path("state-of-the-rate.db")
    conf = config(sim, ["apollo", "offline"], apollo={"rate": {"requests": 12, "per_s": 86400}, "max_wait_s": 1})
    run("enrich", [], contacts(8), conf, state)
    _, first = both(sim, "replay: what others had left of a rate", "enrich", ["-j", "2"],
                    contacts(20, "other.test"), conf, state=state)
    kept = [json.loads(line)["enrichment"]["attempts"][0] for line in first[1].splitlines()]
    ok("replay: and that was not much, either", [a["outcome"] for a in kept].count("ok") == 4 and
       {a.get("error_class") for a in kept[4:]} == {"rate_limited"}, kept)

    sim.tell("reset")
    state = path("state-of-the-order.db")
    conf = config(sim, ["apollo", "dropcontact"], dropcontact={"poll_s": 0.01, "batch": 1})
    conf["chains"]["lead_enrichment"].update({"mode": "failover", "order": "fastest"})
    for provider, latency in (("dropcontact", 20), ("apollo", 90)):
        sim.tell("set", {"latency_ms": latency})
        run("enrich", ["--chain", provider], contacts(4, provider + ".test"), conf, state)
    sim.tell("set", {"latency_ms": 150})
    text, file = contacts(5, "other.test"), path("one-by-one")
    first = one_by_one("enrich", ["--record", file], text, conf, state)
    again = run("enrich", ["--replay", file], text, conf)
    who = [json.loads(line)["enrichment"]["attempts"][0]["provider"] for line in first.splitlines()]
    ok("replay: who had been the fastest, and for how long", again[:2] == (0, first) and
       set(who) == {"apollo", "dropcontact"}, (who, again))


# --- filters ----------------------------------------------------------------------------------------

def filters(sim):
    sim.tell("reset")
    asked_apollo = contacts(5)
    both_kinds = config(sim, ["mine", "apollo"])
    mine = {"use": "exec", "workers": 3, "batch": 4, "command":
            "sed -u -e 's/.*person1@.*/nonsense/;t' -e 's/.*/{\"outcome\":\"ok\",\"data\":{\"industry\":\"x\"}}/'"}
    both_kinds["providers"]["mine"] = mine
    gone = json.loads(json.dumps(both_kinds))
    gone["providers"]["mine"]["command"] = ["/nonexistent/filter"]
    file, _ = both(sim, "replay: a filter's answers, without the filter", "enrich", [], asked_apollo, both_kinds, gone)
    ok("record: of a filter whole calls are kept",
       [len(r["request"]["items"]) for r in lines(file)[1:] if r["provider"] == "mine"] == [4, 1], lines(file)[1:2])


# --- what is not in it ------------------------------------------------------------------------------

def misuse(sim):
    sim.tell("reset")
    conf = config(sim, ["apollo"])
    file = path("recording-misuse")
    first = run("enrich", ["--record", file, "-j", "1"], contacts(5), conf)
    before = asked(sim)
    more = run("enrich", ["--replay", file], contacts(7), conf)
    ok("replay: a request that is not in the recording is named, and is an error of its record",
       more[0] == 65 and more[1].startswith(first[1][:100]) and more[1].count(b"bad_response") >= 2
       and "not in the recording: apollo: POST %s/api/v1/people/match" % sim.base in more[2]
       and "2 requests are not in the recording" in more[2], more)
    ok("replay: nor is it asked for, and no address is told", asked(sim) == before and "person" not in more[2])
    fewer = run("enrich", ["--replay", file], contacts(3), conf)
    ok("replay: fewer records than were recorded are fine",
       fewer[0] == 0 and fewer[1] == b"".join(first[1].splitlines(True)[:3]), fewer)

    again = run("enrich", ["--record", file], contacts(1), conf)
    ok("record: a file that is there is left alone", again[0] == 2 and "there is such a file" in again[2]
       and again[1] == b"" and len(lines(file)) == 6, again)
    two = run("enrich", ["--record", path("other"), "--replay", file], contacts(1), conf)
    ok("record: not together with --replay", two[0] == 2, two)
    other = run("verify", ["--replay", file], contacts(1), conf)
    ok("replay: not of another program", other[0] == 65 and "another program" in other[2], other)
    with open(path("none"), "w") as f:
        f.write('{"email":"a@x.test"}\n')
    none = run("enrich", ["--replay", path("none")], contacts(1), conf)
    ok("replay: not of any file", none[0] == 65 and "not the first line of a recording" in none[2], none)
    missing = run("enrich", ["--replay", path("missing")], contacts(1), conf)
    ok("replay: a file that is not there is named", missing[0] == 74 and "missing" in missing[2], missing)
    with open(file) as f:
        whole = f.read()
    with open(path("cut"), "w") as f:
        f.write(whole[:-20])
    cut = run("enrich", ["--replay", path("cut")], contacts(5), conf)
    ok("replay: a recording cut off is good up to there",
       cut[0] == 65 and "is cut off" in cut[2] and cut[1].splitlines()[:4] == first[1].splitlines()[:4], cut)
    full = run("enrich", ["--record", path("full")], contacts(50), conf, "none", 8192)
    ok("record: a disk that is full ends the run", full[0] == 74 and "--record" in full[2], full)


# --- chaos ------------------------------------------------------------------------------------------

def chaos(sim):
    sim.tell("reset")
    conf = config(sim, ["apollo"], apollo={"tries": 1})
    conf["health"] = {"unhealthy_after": 100000}
    stats = path("stats")
    args = ["--stats", stats, "-j", "8", "--chaos", "500@10%,reset@5%,seed=42"]
    status, out, err = run("enrich", args, contacts(1000), conf)
    records = [json.loads(line) for line in out.splitlines()]
    classes = [r["enrichment"]["attempts"][-1].get("error_class") for r in records]
    with open(stats) as f:
        counts = json.load(f)
    ok("chaos: about as many faults as asked for, seen as any others", status == 1
       and 60 <= classes.count("server") <= 140 and 25 <= classes.count("network") <= 80
       and classes.count(None) == 1000 - classes.count("server") - classes.count("network"),
       (status, classes.count("server"), classes.count("network")))
    ok("chaos: in = out + rejects + dropped",
       counts["in"] == 1000 == counts["out"] + counts["rejects"] + sum(counts["dropped"].values()), counts)
    ok("chaos: nobody was asked where it struck", asked(sim) == classes.count(None), asked(sim))
    again = run("enrich", args[:2] + ["-j", "2", "--chaos", "500@10%,reset@5%,seed=42"], contacts(1000), conf)
    ok("chaos: a seed strikes the same records whatever is in flight",
       [json.loads(line)["enrichment"]["attempts"][-1].get("error_class") for line in again[1].splitlines()] == classes)
    unseeded = run("enrich", ["--chaos", "500@10%"], contacts(1), conf)
    ok("chaos: a seed of its own is told", "seed=" in unseeded[2], unseeded[2])


with Sim(*KEYS) as sim:
    same_bytes(sim)
    asked_again(sim)
    faults(sim)
    for seed in range(6):
        at_random(sim, seed)
    remembered(sim)
    filters(sim)
    misuse(sim)
    chaos(sim)
done()
