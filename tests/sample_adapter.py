#!/usr/bin/python3
"""sample_adapter.py PAGE - takes the adapter out of leadpipe-providers(5) and puts it to work.

First its functions by themselves, with jq; then `enrich` with it against a server on loopback, with
the key in the environment.
"""
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import urllib.parse

sys.dont_write_bytecode = True
from examples import ROOT, unescape  # noqa: E402

KEY = "registry-key-1f/2+3"
failed = number = 0


def say(good, name, *why):
    global failed, number
    number += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} sample adapter: {name}")
    if not good:
        for text in why:
            print("\n".join("# " + line for line in str(text).split("\n")))


def blocks(page):
    with open(page, encoding="utf-8") as f:
        for text in re.findall(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", f.read(), re.M | re.S):
            yield "\n".join(unescape(line) for line in text.split("\n"))


def jq_runs(adapter, directory):
    given = {"capability": "lead_enrichment", "memo": None, "headers": {}, "body": None, "text": "",
             "settings": {"base_url": "http://h", "api_key": "K"}, "items": [{"domain": "example.org"}]}
    cases = [
        ("request", {}, lambda r: r["query"] == {"domain": "example.org"} and
         r["headers"] == {"Authorization": "Bearer K"}),
        ("request", {"items": [{"linkedin_url": "https://linkedin.com/in/x"}]},
         lambda r: r["results"][0]["outcome"] == "skipped"),
        ("response", {"status": 404}, lambda r: r["results"] == [{"outcome": "not_found"}]),
        ("response", {"status": 401}, lambda r: r["error"]["class"] == "auth"),
        ("response", {"status": 200, "body": []}, lambda r: r["error"]["class"] == "bad_response"),
        ("response", {"status": 200, "body": {"name": "Acme", "industry": "steel"}},
         lambda r: r["results"][0]["data"]["company_name"] == "Acme"),
        ("check", {}, lambda r: r["url"].endswith("/v1/me")),
    ]
    for function, more, right in cases:
        program = f'include "registry"; {function}'
        p = subprocess.run(["jq", "-c", "-L", directory, "-L", ROOT + "/lib/providers", program],
                           input=json.dumps({**given, **more}), stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True, env={"PATH": os.environ["PATH"]})
        good = p.returncode == 0 and right(json.loads(p.stdout))
        say(good, f"{function} {more.get('status', '')}".strip(), p.stdout, p.stderr)


class Registry(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        domain = urllib.parse.parse_qs(url.query).get("domain", [""])[0]
        if self.headers.get("Authorization") != "Bearer " + KEY:
            status, body = 401, {}
        elif domain == "example.org":
            status, body = 200, {"name": "Example Works", "domain": domain, "industry": "steel", "country": "NO"}
        else:
            status, body = 404, {}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def enrich_runs(directory, home):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = os.path.join(home, "config.jq")
    with open(config, "w", encoding="utf-8") as f:
        f.write('# the registry on this machine\n{providers: {registry: {base_url: "http://127.0.0.1:%d"}}}\n'
                % server.server_port)
    people = "".join(json.dumps({"email": f"ann@{d}", "domain": d}) + "\n"
                     for d in ("example.org", "example.net"))
    env = dict(os.environ, HOME=home, XDG_CONFIG_HOME=home, REGISTRY_API_KEY=KEY)
    enrich = "enrich" if os.environ.get("TEST_WRAP") else \
        os.path.join(ROOT, os.environ.get("B", "build"), "bin", "enrich")
    p = subprocess.run([enrich, "--config", config, "--state", "none", "--chain", "registry"],
                       input=people, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                       timeout=60)
    server.shutdown()
    try:
        out = [json.loads(line) for line in p.stdout.splitlines()]
    except ValueError:
        out = []
    say(p.returncode == 0 and len(out) == 2, "enrich ends well with it", p.returncode, p.stdout, p.stderr)
    say(len(out) == 2 and out[0].get("company") == "Example Works"
        and out[0]["enrichment"]["industry"] == "steel", "a company found fills the contact", p.stdout)
    say(len(out) == 2 and out[1]["enrichment"]["status"] == "not_found", "a miss is not_found", p.stdout)
    say(KEY not in p.stdout + p.stderr, "the key stays out of what is written")


def main(argv):
    found = [b for b in blocks(argv[0]) if re.match(r"(#[^\n]*\n)*module \{", b)]
    say(len(found) == 1, "the page holds one")
    with tempfile.TemporaryDirectory() as home:
        directory = os.path.join(home, "leadpipe", "providers")
        os.makedirs(directory)
        with open(os.path.join(directory, "registry.jq"), "w", encoding="utf-8") as f:
            f.write(found[0])
        jq_runs(found[0], directory)
        if os.path.exists(os.path.join(ROOT, os.environ.get("B", "build"), "bin", "enrich")):
            enrich_runs(directory, home)
    print(f"{number - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
