"""See filters.bench.sh."""
import json
import os
import subprocess
import sys
import time

B, T = os.environ["B"], os.environ["T"]
N = int(os.environ.get("N", "10000000"))
missed = False


def row(work, measured, limit, good):
    global missed
    missed |= not good
    print("| %s | %s | %s |" % (work, measured, limit), flush=True)


def program(name, *args):
    return [os.path.join(B, "bin", name), "-q", *args]


def memory(name, *args):
    """Peak memory in KiB and records a second over N records: half of them at domains that are there
    for verify's name server, half at some of 50,000 that are not."""
    make = ('BEGIN { for (i = 0; i < %d; i++) { domain = i %% 2 ? "acme" i %% 50000 ".test" : "x" i %% 100 ".par.test"; '
            'print "{\\"email\\":\\"user" i "@" domain "\\",\\"first_name\\":\\"Ada\\"}" } }' % N)
    began = time.monotonic()
    source = subprocess.Popen(["awk", make], stdout=subprocess.PIPE)
    run = subprocess.Popen(program(name, "-s", os.path.join(T, name + ".db"), *args),
                           stdin=source.stdout, stdout=subprocess.DEVNULL)
    source.stdout.close()
    _, _, usage = os.wait4(run.pid, 0)
    return usage.ru_maxrss, N / (time.monotonic() - began)


def delay(name, *args):
    """Milliseconds from a record's way in to its way out, input being silent before and after."""
    run = subprocess.Popen(program(name, *args), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL)
    line = b'{"kind":"job","job_id":"%d"}\n'
    if name == "contacts-import":
        line = b"user%d@acme.test\n"
        run.stdin.write(b"Email\n")
    times = []
    for i in range(60):
        time.sleep(0.01)
        began = time.monotonic()
        run.stdin.write(line % i)
        run.stdin.flush()
        run.stdout.readline()
        times.append(1000 * (time.monotonic() - began))
    run.stdin.close()
    run.wait()
    return sorted(times)[int(0.9 * len(times))]


def cpu_ms(commands, runs=60):
    """CPU time of each command, in turn and at its best: what it costs whatever else the machine does."""
    def once(command):
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, _, usage = os.wait4(run.pid, 0)
        return 1000 * (usage.ru_utime + usage.ru_stime)
    return [min(times) for times in zip(*([once(c) for c in commands] for _ in range(runs)))]


def start_up():
    config = os.path.join(T, "config.jq")
    with open(config, "w") as f:
        json.dump({"chains": {"lead_enrichment": {"providers": ["apollo"]}},
                   "providers": {"apollo": {"api_key": "k-12345", "base_url": "http://127.0.0.1:9", "tries": 1}}}, f)
    os.chmod(config, 0o600)
    one = os.path.join(T, "one")
    with open(one, "w") as f:
        f.write('{"email":"ada@acme.test"}\n')
    ours, jq = cpu_ms([program("enrich", "--state", "none", "-c", config, one), ["jq", "-n", "1"]])
    row("`enrich` with one adapter, one record: CPU time (%.0f ms), of `jq -n 1` (%.0f ms)" % (ours, jq),
        "%.2f ×" % (ours / jq), "≤ 2 ×", ours <= 2 * jq)


class NameServer:
    """The tests' own (tests/servers/dns.sh), which is asked as a resolver of the network would be."""
    script = os.path.join(os.environ["ROOT"], "tests", "servers", "dns.sh")

    def __enter__(self):
        ports = subprocess.run(["sh", self.script, "start", T], stdout=subprocess.PIPE, check=True)
        return "127.0.0.1:" + ports.stdout.split()[0].decode()

    def __exit__(self, *_):
        subprocess.run(["sh", self.script, "stop", T])


def dedupe():
    """Bytes of memory a key, of rows that differ in nothing else: what more of them cost."""
    def peak(rows):
        source = subprocess.Popen("echo Email; seq -f user%%.0f@acme.test %d" % rows, shell=True, stdout=subprocess.PIPE)
        run = subprocess.Popen(program("contacts-import"), stdin=source.stdout, stdout=subprocess.DEVNULL)
        source.stdout.close()
        _, status, usage = os.wait4(run.pid, 0)
        if status:
            sys.exit("filters.py: contacts-import failed")
        return usage.ru_maxrss * 1024
    few, many = 10000, 5000000
    each = (peak(many) - peak(few)) / (many - few)
    row("`contacts-import`, dedupe over %d M keys: memory" % (many // 1000000), "%.1f bytes a key" % each, "≤ 24", each <= 24)


def main():
    with NameServer() as dns:
        state = ["--state", "none"]
        filters = {"contacts-import": [], "enrich": [*state, "--chain", "offline"],
                   "verify": [*state, "--chain", "local", "--dns", dns], "score": []}
        delays = {name: delay(name, *args) for name, args in filters.items()}
        worst = max(delays, key=delays.get)
        row("%s: a record passed through, input pausing; 9 of 10 within, slowest filter (`%s`)"
            % (", ".join("`%s`" % name for name in filters), worst),
            "%.2f ms" % delays[worst], "≤ 5 ms", delays[worst] <= 5)
        start_up()
        dedupe()
        for name, args in [("enrich", ["--chain", "offline"]), ("verify", ["--chain", "local", "--dns", dns])]:
            kib, rate = memory(name, *args)
            row("`%s`, %d M records, embedded provider (%.0f k records/s): peak memory" % (name, N // 1000000, rate / 1000),
                "%.1f MiB" % (kib / 1024), "≤ 32 MiB", kib <= 32 * 1024)
    return missed


sys.exit(main())
