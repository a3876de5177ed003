#!/usr/bin/python3
"""options_in_pages.py BIN MAN CONFIG.C - every long option of --help stands in the program's page or,
for those that all programs have, in leadpipe(7), and a page names no option that the program does not
know; every key of the tables in CONFIG.C stands in leadpipe-config(5)."""
import os
import re
import subprocess
import sys


def options_of(program):
    p = subprocess.run([program, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    # An option stands at the beginning of its line, after its short form if it has one.
    return set(re.findall(r"^\s+(?:-\w, +)?--([a-z][a-z0-9-]*)", p.stdout, re.M)) | {"help", "version"}


def options_in(page):
    try:
        with open(page, encoding="utf-8") as f:
            text = f.read().replace("\\-", "-")
    except OSError:
        return set()
    items = [line for line in text.split("\n") if line.startswith((".It Fl", ".It Xo"))]
    return {o for line in items for o in re.findall(r"(?: -|Fl Fl )([a-z][a-z0-9-]+)", line)}


def keys_missing(page, source):
    with open(source, encoding="utf-8") as f:
        known = set(re.findall(r'\{"(\w+)", LP_SHAPE_', f.read()))
    with open(page, encoding="utf-8") as f:
        items = re.findall(r"^\.It Va (.*)", f.read(), re.M)
    return known - set(re.findall(r"\w+", " ".join(items)))


def main(argv):
    bin_dir, man, source = argv
    shared = options_in(os.path.join(man, "leadpipe.7"))
    number = failed = 0
    for name in sorted(os.listdir(bin_dir)) if os.path.isdir(bin_dir) else []:
        known, told = options_of(os.path.join(bin_dir, name)), options_in(os.path.join(man, name + ".1"))
        for label, odd in (("every option is in its page", known - told - shared),
                           ("its page names no other option", told - known)):
            number += 1
            failed += bool(odd)
            print(f"{'not ok' if odd else 'ok'} {number} {name}: {label}")
            if odd:
                print("# " + " ".join("--" + o for o in sorted(odd)))
    odd = keys_missing(os.path.join(man, "leadpipe-config.5"), source)
    number += 1
    failed += bool(odd)
    print(f"{'not ok' if odd else 'ok'} {number} leadpipe-config.5: every key of the tables is there")
    if odd:
        print("# " + " ".join(sorted(odd)))
    print(f"{number - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
