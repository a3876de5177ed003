"""Mail hosts that behave as no Postfix would, for tests in Python; all on one port of 127.0.1.x.

    with SmtpSim() as sim:
        sim.port; sim.hosts["silent"].commands, .connections, .most_at_once, .rcpt_times

The host NAME takes the mail of NAME.sim.test (dns.zone), the host "many" of every name below par.test.
A host takes recipients whose name begins with "ann" and refuses others with 550 5.1.1, unless its row in
HOSTS says otherwise.
"""
import asyncio
import collections
import threading
import time

# In the order of their addresses: 127.0.1.1, ... ; as in dns.zone.
HOSTS = ("normal", "blocked", "silent", "drip", "endless", "garbage", "nul", "inject", "inject2", "badtls",
         "hangup", "one", "long", "slowrcpt", "greynobody", "turncoat", "many", "tlsdrop")
UNKNOWN = "550 5.1.1 No such user here"


class Host:
    def __init__(self, name):
        self.name = name
        self.commands, self.rcpt_times = [], []
        self.connections = self.at_once = self.most_at_once = 0
        self.first_wave = None  # connections there were when the first was greeted

    def count(self, word):
        return sum(1 for c in self.commands if c.upper().startswith(word))


class Session:
    def __init__(self, host, reader, writer):
        self.host, self.reader, self.writer = host, reader, writer
        self.transactions = 0

    async def say(self, text):
        self.writer.write(text.encode("latin-1") + b"\r\n")
        await self.writer.drain()

    async def hold(self):
        """Says nothing more; ends when the other side does."""
        while await self.reader.read(4096):
            pass

    async def serve(self):
        greet = getattr(self, "greet_" + self.host.name, None)
        await (greet() if greet else self.converse())

    async def converse(self):
        await self.say("220 mx.%s.sim.test ESMTP" % self.host.name)
        while True:
            line = await self.reader.readline()
            if not line:
                return
            command = line.decode("utf-8", "replace").rstrip("\r\n")
            self.host.commands.append(command)
            if await self.answer(command.split(" ")[0].split(":")[0].upper(), command) is False:
                return

    async def answer(self, word, command):
        name = self.host.name
        if word == "EHLO":
            tls = name in ("inject", "inject2", "badtls", "tlsdrop")
            if name == "long":
                for _ in range(3):
                    await self.say("250-" + "x" * 5000)
            await self.say("250-hello" if tls else "250 hello")
            if tls:
                await self.say("250 STARTTLS")
        elif word == "STARTTLS" and name == "tlsdrop":
            return False
        elif word == "STARTTLS":
            await self.starttls()
        elif word == "RCPT":
            return await self.rcpt(command)
        elif word == "RSET":
            self.transactions += 1
            await self.say("250 ok")
            return name != "one" or self.transactions < 2
        elif word == "QUIT":
            await self.say("221 bye")
            return False
        else:
            await self.say("250 ok")
        return True

    async def rcpt(self, command):
        host = self.host
        host.rcpt_times.append(time.monotonic())
        known = command.upper().startswith("RCPT TO:<ANN")
        if host.name == "slowrcpt":
            await self.hold()
            return False
        if host.name == "greynobody" and not known:
            await self.say("450 4.7.1 Greylisted, come back later")
        elif host.name == "turncoat" and len(host.rcpt_times) > 10:
            await self.say(UNKNOWN)
        elif host.name == "long":
            await self.say(("250-" if known else "550-") + "y" * 5000)
            await self.say("250 ok" if known else UNKNOWN)
        else:
            await self.say("250 2.1.5 ok" if known else UNKNOWN)
        return True

    async def starttls(self):
        if self.host.name == "inject":
            await self.say("220 go ahead\r\n250 injected")
        elif self.host.name == "inject2":
            await self.say("220 go ahead")
            await asyncio.sleep(0.02)
            await self.say("250 injected")
        else:
            await self.say("220 go ahead")
            await self.reader.read(100)
            self.writer.write(b"\x15\x03\x01\x00\x02\x02\x28")  # alert: handshake failure
            await self.writer.drain()
        await self.hold()

    async def greet_many(self):
        await asyncio.sleep(0.4)
        if self.host.first_wave is None:
            self.host.first_wave = self.host.at_once
        await self.converse()

    # --- hosts that do not come to a greeting
    async def greet_blocked(self):
        await self.say("554 5.7.1 Your address is listed, see https://spamhaus.test/")

    async def greet_silent(self):
        await self.hold()

    async def greet_drip(self):
        for c in "220-" + "x" * 1000:
            self.writer.write(c.encode())
            await self.writer.drain()
            await asyncio.sleep(0.1)

    async def greet_endless(self):
        while True:
            self.writer.write(b"220-and more\r\n" * 100)
            await self.writer.drain()

    async def greet_garbage(self):
        await self.say("HTTP/1.1 400 Bad Request\r\n\r\n<html>")
        await self.hold()

    async def greet_nul(self):
        self.writer.write(b"\0\0220 \0" * 100)
        await self.writer.drain()
        await self.hold()

    async def greet_hangup(self):
        return


class SmtpSim:
    def __init__(self):
        self.hosts = {name: Host(name) for name in HOSTS}
        self.loop = asyncio.new_event_loop()
        self.servers = []

    async def _session(self, host, reader, writer):
        host.connections += 1
        host.at_once += 1
        host.most_at_once = max(host.most_at_once, host.at_once)
        try:
            await Session(host, reader, writer).serve()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            host.at_once -= 1
            writer.close()

    async def _start(self):
        self.port = 0
        for number, name in enumerate(HOSTS, 1):
            server = await asyncio.start_server(
                lambda r, w, name=name: self._session(self.hosts[name], r, w), "127.0.1.%d" % number,
                self.port)
            self.port = server.sockets[0].getsockname()[1]
            self.servers.append(server)

    def __enter__(self):
        for tries in range(10):
            try:  # a port that is free at the first address may be taken at another
                self.loop.run_until_complete(self._start())
                break
            except OSError:
                for server in self.servers:
                    server.close()
                self.servers = []
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def reset(self):
        """Counts anew; a session still open (its client has just gone) goes on counting in the old one."""
        self.hosts = {name: Host(name) for name in HOSTS}

    def words(self):
        return collections.Counter(
            c.split(" ")[0].split(":")[0].upper() for h in self.hosts.values() for c in h.commands)
