#!/usr/bin/python3
"""Simulated vendors: one HTTP server that speaks the protocols of vendors/*.py and fails as told.

    vendor-sim.py [--port N] [--control-port N] [--tls NAME:CERT:KEY[:MAXVERSION]]... [--key VENDOR=KEY]...
                  [--latency-ms N] [--set VENDOR.NAME=VALUE]... [--fault SPEC]...

Listens on 127.0.0.1 and prints, when it is ready, one line each: "tls NAME PORT", "control PORT" and
last "port PORT". Ends with SIGTERM, or when standard input ends under --stdin.

Base URLs: http://127.0.0.1:PORT plus the vendor's own path ("/api/v1" for Apollo, "/v1" for
Dropcontact), or the same below /VENDOR. A vendor is one file in vendors/: NAME, BASES, ROUTES
{(method, path below a base): handler}, error(sim, status), and SETTINGS, BATCH_ROUTE where it has them;
a path that ends in "/" takes what follows as req.rest. Every vendor's key is "sim-key" unless --key
says otherwise. The people it knows are those of sim_people.py, the faults those of sim_faults.py.

Control, on either port (the control port is spared by faults at accept):
    POST /_sim/fault   one fault (sim_faults.py)      POST /_sim/clear   no faults any more
    POST /_sim/set     {"latency_ms": 20, "limit": {"requests": 5, "per_s": 1}, "VENDOR": {...}}
    POST /_sim/reset   faults, settings, counters and vendors' state as at the start
    GET  /_sim/stats   counters; with ?keys=1 also, by address, how often and when (first, last, in
                       seconds since the start), and the times of all requests (the last 20 000)
"""
import argparse
import asyncio
import collections
import importlib
import json
import os
import signal
import ssl
import sys
import time
import warnings

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.dont_write_bytecode = True  # nothing but $T is written to
import sim_faults  # noqa: E402

STATUS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required",
          403: "Forbidden", 404: "Not Found",
          415: "Unsupported Media Type", 422: "Unprocessable Entity",
          429: "Too Many Requests", 500: "Internal Server Error", 503: "Service Unavailable"}


class Reply:
    __slots__ = ("status", "body", "raw")

    def __init__(self, status, kind, body, headers=()):
        self.status = status
        self.body = body
        extra = "".join("%s: %s\r\n" % pair for pair in headers)
        self.raw = ("HTTP/1.1 %d %s\r\nContent-Type: %s\r\n%sContent-Length: %d\r\n\r\n" % (
            status, STATUS.get(status, "Status"), kind, extra, len(body))).encode() + body


class Request:
    __slots__ = ("method", "target", "path", "query", "headers", "body", "rest", "keys", "fault",
                 "began")


class Count:
    """What is counted of a vendor."""

    def __init__(self):
        self.requests = self.records = self.in_flight = self.max_in_flight = 0
        self.routes = collections.Counter()
        self.statuses = collections.Counter()
        self.faults = collections.Counter()
        self.keys = {}
        self.times = collections.deque(maxlen=20000)

    def report(self, with_keys):
        out = {"requests": self.requests, "records": self.records, "in_flight": self.in_flight,
               "max_in_flight": self.max_in_flight, "routes": dict(self.routes),
               "statuses": dict(self.statuses), "faults": dict(self.faults)}
        if with_keys:
            out["keys"] = {k: {"n": v[0], "first": v[1], "last": v[2]}
                           for k, v in self.keys.items()}
            out["times"] = list(self.times)
        return out


class Sim:
    def __init__(self, args):
        self.args = args
        self.vendors = {}
        self.exact, self.prefixes = {}, []
        for file in sorted(os.listdir(os.path.join(HERE, "vendors"))):
            if file.endswith(".py"):
                self.add(importlib.import_module("vendors." + file[:-3]))
        self.keys = dict(pair.split("=", 1) for pair in args.key)
        self.started = time.monotonic()
        self.reset()

    def add(self, vendor):
        self.vendors[vendor.NAME] = vendor
        for base in vendor.BASES:
            for (method, path), handler in vendor.ROUTES.items():
                for root in ("", "/" + vendor.NAME):
                    if path.endswith("/"):
                        self.prefixes.append((method, root + base + path, vendor, path, handler))
                    else:
                        self.exact[method, root + base + path] = (vendor, path, handler)

    def reset(self):
        self.latency = self.args.latency_ms / 1000
        self.limit = None
        self.window = collections.defaultdict(collections.deque)
        self.faults = [sim_faults.Fault(sim_faults.parse(f)) for f in self.args.fault]
        self.counts = {name: Count() for name in self.vendors}
        self.states = {n: dict(getattr(v, "SETTINGS", {})) for n, v in self.vendors.items()}
        self.connections = self.unknown = self.tls_failed = 0
        self.hosts = collections.Counter()
        for text in self.args.set:
            where, _, value = text.partition("=")
            vendor, _, name = where.partition(".")
            self.states[vendor][name] = json.loads(value)

    # --- for vendors
    def key(self, vendor):
        return self.keys.get(vendor, "sim-key")

    def state(self, vendor):
        return self.states[vendor]

    def json(self, status, value, headers=()):
        body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
        return Reply(status, "application/json; charset=utf-8", body, headers)

    def text(self, status, words):
        return Reply(status, "text/plain; charset=utf-8", words.encode())

    # --- one request
    def route(self, req):
        found = self.exact.get((req.method, req.path))
        if found:
            return found
        for method, prefix, vendor, path, handler in self.prefixes:
            if req.method == method and req.path.startswith(prefix):
                req.rest = req.path[len(prefix):]
                return vendor, path, handler
        return None

    def over_limit(self, name, now):
        if not self.limit:
            return False
        times = self.window[name]
        while times and times[0] <= now - self.limit["per_s"]:
            times.popleft()
        if len(times) >= self.limit["requests"]:
            return True
        times.append(now)
        return False

    def note(self, count, req, path, now):
        count.requests += 1
        count.routes[req.method + " " + path] += 1
        count.in_flight += 1
        count.max_in_flight = max(count.max_in_flight, count.in_flight)
        count.times.append(round(now - self.started, 4))
        self.hosts[req.headers.get("host", "")] += 1

    def note_keys(self, count, keys, now):
        at = round(now - self.started, 4)
        count.records += len(keys)
        for key in keys:
            seen = count.keys.get(key)
            if seen:
                seen[0] += 1
                seen[2] = at
            else:
                count.keys[key] = [1, at, at]

    def stats(self, with_keys):
        return {"connections": self.connections, "unknown": self.unknown,
                "tls_failed": self.tls_failed, "hosts": dict(self.hosts),
                "faults": [{"kind": f.kind, "vendor": f.vendor, "used": f.used}
                           for f in self.faults],
                "vendors": {n: {**c.report(with_keys), "credits": self.states[n].get("credits")}
                            for n, c in self.counts.items()}}

    def control(self, req):
        value = json.loads(req.body) if req.body else {}
        if req.path == "/_sim/stats":
            return self.json(200, self.stats("keys=1" in req.query))
        if req.path == "/_sim/fault":
            self.faults.append(sim_faults.Fault(value))
        elif req.path == "/_sim/clear":
            self.faults = []
        elif req.path == "/_sim/reset":
            self.reset()
        elif req.path == "/_sim/set":
            self.latency = value.pop("latency_ms", self.latency * 1000) / 1000
            self.limit = value.pop("limit", self.limit)
            for vendor, settings in value.items():
                self.states[vendor].update(settings)
        else:
            return self.json(404, {"error": "no such control"})
        return self.json(200, {})


class Connection(asyncio.Protocol):
    def __init__(self, sim, tls=None, control=False):
        self.sim, self.tls, self.control = sim, tls, control
        self.buffer = b""
        self.busy = True  # until the connection is set up
        self.close_after = False
        self.count = self.req = self.vendor = None
        self.tasks = set()
        self.writable = asyncio.Event()
        self.writable.set()

    def background(self, coroutine):
        task = asyncio.get_running_loop().create_task(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def connection_made(self, transport):
        self.transport = transport
        self.sim.connections += 1
        if not self.control and self.fault_at_accept():
            return
        if self.tls:
            transport.pause_reading()
            self.background(self.start_tls())
        else:
            self.busy = False

    def fault_at_accept(self):
        for fault in self.sim.faults:
            stalls = fault.kind == "tls_stall" and self.tls
            if (fault.kind == "refuse" or stalls) and fault.due():
                if stalls:
                    self.transport.pause_reading()
                else:
                    sim_faults.reset_now(self.transport)
                return True
        return False

    async def start_tls(self):
        loop = asyncio.get_running_loop()
        try:
            self.transport = await loop.start_tls(self.transport, self, self.tls, server_side=True)
        except (OSError, ssl.SSLError):
            self.transport = None
        if self.transport is None:
            self.sim.tls_failed += 1
            return
        self.busy = False
        self.next()

    def pause_writing(self):
        self.writable.clear()

    def resume_writing(self):
        self.writable.set()

    def connection_lost(self, why):
        for task in self.tasks:
            task.cancel()
        if self.count:
            self.count.in_flight -= 1
            self.count = None
        self.busy = True

    def data_received(self, data):
        self.buffer += data
        if not self.busy:
            self.next()

    def next(self):
        """Takes the next whole request out of the buffer."""
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            if self.buffer[:1] == b"\x16":  # TLS spoken to a plain port
                self.transport.close()
            return
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        size = int(headers.get("content-length") or 0)
        if len(self.buffer) < end + 4 + size:
            return
        req = self.req = Request()
        words = lines[0].split(" ")
        req.method, req.target = words[0], words[1] if len(words) == 3 else "/"
        req.path, _, req.query = req.target.partition("?")
        req.headers, req.body = headers, self.buffer[end + 4:end + 4 + size]
        req.keys, req.fault, req.rest = (), None, ""
        self.buffer = self.buffer[end + 4 + size:]
        self.busy = True
        if headers.get("connection", "").lower() == "close":
            self.close_after = True
        self.handle(req)

    def handle(self, req):
        sim = self.sim
        if req.path.startswith("/_sim/"):
            try:
                self.send(sim.control(req).raw)
            except (ValueError, KeyError, TypeError) as why:
                self.send(sim.json(400, {"error": str(why)}).raw)
            return
        found = sim.route(req)
        if not found:
            sim.unknown += 1
            self.send(sim.json(404, {"error": "Not Found"}).raw)
            return
        self.vendor, path, handler = found
        now = req.began = time.monotonic()
        self.count = sim.counts[self.vendor.NAME]
        sim.note(self.count, req, path, now)
        if sim.faults:
            for fault in sim.faults:
                if fault.meets(self.vendor, req):
                    self.fail(fault, handler, now)
                    return
        if sim.over_limit(self.vendor.NAME, now):
            self.answer(self.error(429, (("Retry-After", str(sim.limit["per_s"])),)).raw, "429")
            return
        if req.body and not req.headers.get("content-type", "").startswith("application/json"):
            self.answer(self.error(415).raw, "415")
            return
        reply = handler(sim, req)
        if req.keys:
            sim.note_keys(self.count, req.keys, now)
        self.answer(reply.raw, str(reply.status))

    def error(self, status, headers=()):
        """The vendor's own words for a status."""
        reply = self.vendor.error(self.sim, status)
        if not headers:
            return reply
        kind = reply.raw.split(b"Content-Type: ", 1)[1].split(b"\r\n", 1)[0].decode()
        return Reply(status, kind, reply.body, headers)

    def fail(self, fault, handler, now):
        req = self.req
        self.count.faults[fault.kind] += 1
        if fault.kind.isdigit():
            after = fault.retry_after()
            headers = (("Retry-After", after),) if after else ()
            self.answer(self.error(int(fault.kind), headers).raw, fault.kind)
            return
        req.fault = fault.kind
        reply = None
        if fault.kind not in sim_faults.WITHOUT_REPLY:
            reply = handler(self.sim, req)
            self.sim.note_keys(self.count, req.keys, now)
        raw = sim_faults.KINDS[fault.kind](self, fault, reply)
        if raw is not None:
            self.answer(raw, "faulty")

    def answer(self, raw, status):
        self.count.statuses[status] += 1
        if self.sim.latency:
            asyncio.get_running_loop().call_later(self.sim.latency, self.send, raw)
        else:
            self.send(raw)

    def send(self, raw):
        if self.transport.is_closing():
            return
        self.transport.write(raw)
        self.answered()

    def answered(self):
        if self.count:
            self.count.in_flight -= 1
            self.count = None
        if self.close_after:
            self.transport.close()
            return
        self.busy = False
        if self.buffer:
            self.next()


def tls_context(cert, key, version):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if version:  # old on purpose
        warnings.simplefilter("ignore", DeprecationWarning)
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        context.maximum_version = {"1.0": ssl.TLSVersion.TLSv1, "1.1": ssl.TLSVersion.TLSv1_1,
                                   "1.2": ssl.TLSVersion.TLSv1_2}[version]
    context.load_cert_chain(cert, key)
    return context


async def serve(args):
    loop = asyncio.get_running_loop()
    sim = Sim(args)
    stop = loop.create_future()

    def end():
        if not stop.done():
            stop.set_result(None)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end)
    if args.stdin:
        loop.add_reader(0, lambda: os.read(0, 4096) or end())

    async def listen(label, port, **how):
        server = await loop.create_server(
            lambda: Connection(sim, **how), "127.0.0.1", port, backlog=1024)
        print(label, server.sockets[0].getsockname()[1], flush=True)
        return server
    servers = []
    for spec in args.tls:
        name, cert, key, version = (spec + ":").split(":")[:4]
        servers.append(await listen("tls " + name, 0, tls=tls_context(cert, key, version)))
    servers.append(await listen("control", args.control_port, control=True))
    servers.append(await listen("port", args.port))
    await stop
    for server in servers:
        server.close()


def main():
    words = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    words.add_argument("--port", type=int, default=0)
    words.add_argument("--control-port", type=int, default=0)
    words.add_argument("--stdin", action="store_true", help="end when standard input ends")
    words.add_argument("--latency-ms", type=float, default=0)
    for name in ("--tls", "--key", "--set", "--fault"):
        words.add_argument(name, action="append", default=[])
    asyncio.run(serve(words.parse_args()))


if __name__ == "__main__":
    main()
