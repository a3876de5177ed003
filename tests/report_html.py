"""The HTML of report in a real browser: nothing said on the console, nothing of a name becomes markup,
nothing fetched, and it fits a phone.

    ROOT=. B=build T=/tmp/empty python3 tests/report_html.py
"""
import glob
import html.parser
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers"))
from sim_client import B, ROOT, WRAP, done, ok, path  # noqa: E402

REPORT = WRAP + [os.path.join(B, "bin", "report"), "--now", "2026-01-31T10:00:00Z", "-q", "-f", "html"]
NIGHT = sorted(glob.glob(os.path.join(ROOT, "examples/nightly/*.ndjson")))
HOSTILE = os.path.join(ROOT, "tests/golden/report/hostile-text/in.ndjson")
BROWSER = [shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
           "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
           "--disable-dev-shm-usage", "--enable-logging=stderr", "--v=0", "--timeout=20000"]
# Elements the layout makes itself.
OURS = set("""html head meta title style body header h1 h2 p main dl div dt dd section ul li svg desc g text
path table caption thead tbody tr th td small bdi i em footer""".split())


def make(name, files, *args):
    page = path(name)
    with open(page, "wb") as f:
        subprocess.run(REPORT + list(args) + files, stdout=f, check=False)
    return page


def browse(page, *args):
    """What the browser prints, and what its pages said on the console."""
    p = subprocess.run(BROWSER + ["--user-data-dir=" + path("browser"), *args, page if "://" in page else "file://" + page],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    said = [l for l in p.stderr.decode("utf-8", "replace").split("\n") if "CONSOLE" in l]
    return p.stdout.decode("utf-8", "replace"), said


class Elements(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen, self.attributes, self.charts, self.words = {}, set(), [], set()

    def handle_starttag(self, tag, attributes):
        self.seen[tag] = self.seen.get(tag, 0) + 1
        self.attributes |= {name for name, _ in attributes}
        self.words |= {(name, value) for name, value in attributes}
        if tag == "svg" and ("class", "chart") in attributes:
            self.charts.append(dict(attributes))

    handle_startendtag = handle_starttag


def parse(text):
    e = Elements()
    e.feed(text)
    return e


def check_page(name, page):
    with open(page, encoding="utf-8") as f:
        source = f.read()
    shown, said = browse(page, "--dump-dom")
    dom = parse(shown)
    ok("%s: the browser reads it" % name, "Campaign report" in shown)
    ok("%s: nothing on the console" % name, not said, said[:3])
    foreign = set(dom.seen) - OURS
    ok("%s: no element but ours" % name, not foreign, foreign)
    handlers = [a for a in dom.attributes if a.startswith("on") or a in ("src", "href", "srcdoc", "action")]
    ok("%s: no script, no link, nothing to fetch" % name, not handlers and "url(" not in source and "@import" not in source, handlers)
    charts = [c for c in dom.charts if c.get("role") != "img" or not c.get("aria-labelledby")]
    ok("%s: each of %d charts is an image with a name" % (name, len(dom.charts)), not charts, charts)
    ids = {v for n, v in dom.words if n == "id"}
    named = {i for c in dom.charts for i in c["aria-labelledby"].split()}
    ok("%s: title and description are there" % name, named == ids and dom.seen.get("desc", 0) == len(dom.charts), (named, ids))
    return shown, source


def measured(name, page, width, asked):
    """A number that a script asks of the page at that width: from another page around it, for it has none itself."""
    around = path(name + ".html")
    with open(around, "w") as f:
        f.write('<body style="margin:0"><iframe src="%s" style="width:%dpx;height:800px;border:0" id="i"></iframe>'
                '<p id="w"></p><script>onload = () => { const d = document.getElementById("i").contentDocument;'
                'document.getElementById("w").textContent = "it is " + (%s);}</script>'
                % (os.path.basename(page), width, asked))
    shown, _ = browse("file://" + around, "--dump-dom", "--allow-file-access-from-files")
    it = re.search(r'id="w">it is (\d+)', shown)
    return int(it.group(1)) if it else None


def check_phone(name, page):
    width = measured(name, page, 390, "d.documentElement.scrollWidth")
    ok("%s: no wider than a phone of 390" % name, width is not None and width <= 390, width)


def check_desk(name, page):
    hidden = measured(name + " desk", page, 1100,
                      'Math.max(...[...d.querySelectorAll(".scroll")].map(s => s.scrollWidth - s.clientWidth))')
    ok("%s: no column is cut off at 1100" % name, hidden == 0, hidden)


def picture(page, *args):
    shot = path("shot.png")
    if os.path.exists(shot):
        os.remove(shot)
    browse(page, "--screenshot=" + shot, "--window-size=1000,900", "--hide-scrollbars", *args)
    with open(shot, "rb") as f:
        return f.read()


def main():
    if not shutil.which("chromium"):
        print("ok 1 report_html # skip no chromium")
        return
    with open(path("loud.html"), "w") as f:
        f.write("<script>console.error('heard')</script><b onclick=x>x</b>")
    shown, said = browse(path("loud.html"), "--dump-dom")
    loud = parse(shown)
    ok("the browser would tell of errors and markup", any("heard" in l for l in said) and "b" not in OURS
       and {"script", "b"} <= set(loud.seen) and "onclick" in loud.attributes, said)
    night = make("night.html", NIGHT, "--compare", "spring-webinar,autumn-upgrade")
    shown, source = check_page("worked example", night)
    ok("worked example: four charts", shown.count('class="chart"') == 4, shown.count('class="chart"'))
    ok("worked example: light and dark differ",
       picture(night) != picture(night, "--blink-settings=preferredColorScheme=0"))
    ok("worked example: for paper, for dark and for phones",
       all(m in source for m in ("@media print", "prefers-color-scheme:dark", "(max-width:720px)", 'name="viewport"')))
    check_phone("worked example", night)
    check_desk("worked example", night)
    hostile = make("hostile.html", [HOSTILE])
    shown, source = check_page("hostile names", hostile)
    ok("hostile names: they are shown as text", "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
       and '"&gt;&lt;svg onload=alert(3)&gt;' in shown)
    ok("hostile names: no control character, no turned text",
       not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", source))
    check_phone("hostile names", hostile)
    check_page("no records", make("empty.html", ["/dev/null"]))
    done()


main()
