"""The ways a simulated vendor fails, and which request meets which of them.

A fault is a JSON object (POST /_sim/fault) or "[VENDOR:]KIND[,NAME=VALUE...]" (--fault):
    kind         one of the names below, or a status: "429", "500", "402" ... with the vendor's own
                 error body
    vendor       default "*": any
    count        how many requests meet it (default: all)
    after        the first N matching requests are spared
    every        then only each Nth of them meets it
    route, match the path's end; some text in the request's target or body
    retry_after  "3" seconds, or "date:3": an HTTP date 3 seconds ahead (any status)
    location, status    of `redirect`
    interval_ms  of `slow` (1000) and `endless_headers`, `endless_body` (0: as fast as they are read)
"""
import asyncio
import email.utils
import gzip
import socket
import struct
import time
import zlib

HTML = b"<!doctype html><html><title>Just a moment...</title><body>Checking</body></html>"
NUMBERS = ("count", "after", "every", "interval_ms", "status", "bytes")


class Fault:
    def __init__(self, spec):
        self.kind = str(spec["kind"]).removeprefix("status_")
        if self.kind not in KINDS and self.kind not in AT_ACCEPT and not self.kind.isdigit():
            raise ValueError("no fault " + self.kind)
        self.vendor = spec.get("vendor", "*")
        self.count = spec.get("count")
        self.spec = spec
        self.seen = self.used = 0

    def meets(self, vendor, req):
        spec = self.spec
        if self.vendor not in ("*", vendor.NAME) or self.kind in AT_ACCEPT:
            return False
        if "route" in spec and not req.path.endswith(spec["route"]):
            return False
        if "match" in spec and spec["match"].encode() not in req.target.encode() + req.body:
            return False
        if self.kind in ("partial", "bad_record") and vendor.BATCH_ROUTE not in req.path:
            return False
        return self.due()

    def due(self):
        self.seen += 1
        n = self.seen - self.spec.get("after", 0)
        if n <= 0 or (n - 1) % self.spec.get("every", 1):
            return False
        if self.count is not None and self.used >= self.count:
            return False
        self.used += 1
        return True

    def retry_after(self):
        value = str(self.spec.get("retry_after", ""))
        if value.startswith("date"):
            ahead = float(value.partition(":")[2] or 3)
            value = email.utils.formatdate(time.time() + ahead, usegmt=True)
        return value


def parse(text):
    """The command line's short form."""
    head, *rest = text.split(",")
    vendor, _, kind = head.rpartition(":")
    spec = {"kind": kind, "vendor": vendor or "*"}
    for pair in rest:
        name, _, value = pair.partition("=")
        spec[name] = int(value) if name in NUMBERS else value
    return spec


# --- each kind: (conn, fault, reply) -> bytes to send as the answer, or None: it sees to it itself ---

def silence(conn, fault, reply):
    return None


def head(*lines, status="200 OK"):
    return ("HTTP/1.1 %s\r\n" % status + "".join(line + "\r\n" for line in lines) + "\r\n").encode()


async def drip(conn, data, interval):
    for i in range(len(data)):
        conn.transport.write(data[i:i + 1])
        await asyncio.sleep(interval)
    conn.answered()


def slow(conn, fault, reply):
    conn.background(drip(conn, reply.raw, fault.spec.get("interval_ms", 1000) / 1000))


async def flood(conn, first, chunk, interval):
    conn.transport.write(first)
    while not conn.transport.is_closing():
        conn.transport.write(chunk)
        await conn.writable.wait()
        await asyncio.sleep(interval)


def endless_headers(conn, fault, reply):
    interval = fault.spec.get("interval_ms", 0) / 1000
    chunk = b"X-Pad: 0123456789abcdef\r\n" * (1 if interval else 100)
    conn.background(flood(conn, b"HTTP/1.1 200 OK\r\n", chunk, interval))


def endless_body(conn, fault, reply):
    interval = fault.spec.get("interval_ms", 0) / 1000
    first = head("Content-Type: application/json", "Transfer-Encoding: chunked")
    chunk = b"1\r\n \r\n" if interval else b"1000\r\n" + b" " * 4096 + b"\r\n"
    conn.background(flood(conn, first, chunk, interval))


def too_long(conn, fault, reply):
    """Announces more than it sends, then closes."""
    conn.close_after = True
    return head("Content-Type: application/json",
                "Content-Length: %d" % (len(reply.body) + 10)) + reply.body


def too_short(conn, fault, reply):
    """Announces less than it sends."""
    conn.close_after = True
    return head("Content-Type: application/json",
                "Content-Length: %d" % (len(reply.body) // 2)) + reply.body


def gzip_bomb(conn, fault, reply):
    """64 MiB in 300 KB. Made of one block time and again: to compress it all would take as long as some
    time limits. The checksum at its end is wrong, which is of no use to who reads that far."""
    z = zlib.compressobj(1, zlib.DEFLATED, 31)
    first, block = (z.compress(b" " * (1 << 20)) + z.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    bomb = first + 63 * block + z.flush()
    return head("Content-Type: application/json", "Content-Encoding: gzip", "Content-Length: %d" % len(bomb)) + bomb


def bad_gzip(conn, fault, reply):
    return head("Content-Type: application/json", "Content-Encoding: gzip",
                "Content-Length: %d" % len(reply.body)) + reply.body


def gzipped(conn, fault, reply):
    """No fault: a client must read it."""
    body = gzip.compress(reply.body)
    return head("Content-Type: application/json", "Content-Encoding: gzip",
                "Content-Length: %d" % len(body)) + body


def huge(conn, fault, reply):
    body = b'{"pad":"' + b"x" * fault.spec.get("bytes", 9 << 20) + b'"}'
    return head("Content-Type: application/json", "Content-Length: %d" % len(body)) + body


def redirect_to(location, status=307):
    return head("Location: " + location, "Content-Length: 0", status="%d Redirect" % status)


def redirect(conn, fault, reply):
    return redirect_to(fault.spec.get("location", "/"), fault.spec.get("status", 307))


def redirect_loop(conn, fault, reply):
    return redirect_to(conn.req.target)


def redirect_host(conn, fault, reply):
    """To the same server by another name: what follows it is seen in the statistics' `hosts`."""
    port = conn.req.headers.get("host", "").rpartition(":")[2]
    return redirect_to("http://localhost:%s%s" % (port, conn.req.target))


def redirect_file(conn, fault, reply):
    return redirect_to("file:///etc/passwd")


def html200(conn, fault, reply):
    return head("Content-Type: text/html", "Content-Length: %d" % len(HTML)) + HTML


def truncated_json(conn, fault, reply):
    body = reply.body[:len(reply.body) // 2]
    return head("Content-Type: application/json", "Content-Length: %d" % len(body)) + body


def empty(conn, fault, reply):
    return head("Content-Length: 0")


def garbage(conn, fault, reply):
    conn.close_after = True
    return b"this is not HTTP\r\n\r\n"


def reset_now(transport):
    """Ends the connection by RST, as a crashed server or a middlebox does."""
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def reset_later(conn, data):
    conn.transport.write(data)
    await asyncio.sleep(0.05)
    reset_now(conn.transport)


def reset(conn, fault, reply):
    conn.background(reset_later(conn, reply.raw[:len(reply.raw) - len(reply.body) // 2]))


def reset_early(conn, fault, reply):
    reset_now(conn.transport)


def close(conn, fault, reply):
    """No answer, but a proper end."""
    conn.transport.close()


def closing(conn, fault, reply):
    """No fault: the connection is closed after the answer without a word about it."""
    conn.close_after = True
    return reply.raw


def flapping(conn, fault, reply):
    """Fails, answers, fails, answers ..."""
    return conn.error(500).raw if fault.used % 2 else reply.raw


def plain(conn, fault, reply):
    """The vendor's handler has done it."""
    return reply.raw


KINDS = {f.__name__: f for f in (
    silence, slow, endless_headers, endless_body, gzip_bomb, bad_gzip, gzipped, huge, redirect,
    redirect_loop, redirect_host, redirect_file, html200, truncated_json, empty, garbage, reset,
    reset_early, close, closing, flapping)}
KINDS.update(wrong_length=too_long, wrong_length_short=too_short, partial=plain, bad_record=plain)
AT_ACCEPT = ("refuse", "tls_stall")  # met by connections, before there is a request
WITHOUT_REPLY = frozenset(("silence", "endless_headers", "endless_body", "gzip_bomb", "huge",
                           "redirect", "redirect_loop", "redirect_host", "redirect_file", "html200",
                           "empty", "garbage", "reset_early", "close"))
