#!/usr/bin/python3
"""examples.py man|readme FILE... - runs the examples of manual pages or of the README.

man: every `.Bd -literal` block of a section EXAMPLES that begins with "$ ". A line "$ COMMAND" is
run (a command that ends in a backslash goes on in the next line); the lines up to the next "$ " are
what it must print on standard output, exactly; without such lines any output will do. A comment
line `.\\" not run: WHY` right before the block leaves it out.

readme: every ```sh block after a line `<!-- test -->`; a ```text block right after it is what it
must print. Blocks share one directory and run in order.

In both, commands run under bash -o pipefail; the directory is a fresh one holding the files of
examples/ (also as ./examples), and the built programs come first on PATH. Exit status 1 (something
was rejected) is no failure, others are.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ESCAPES = {r"\e": "\\", r"\-": "-", r"\(dq": '"', r"\(aq": "'", r"\(bs": "\\", r"\&": "", r"\ ": " "}


def unescape(line):
    return re.sub(r"\\(\(..|.)", lambda m: ESCAPES.get(m.group(0), m.group(0)), line)


def man_blocks(text):
    """(line, lines of the block) of what is to be run."""
    section, block, start, left_out = "", None, 0, False
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(".Sh "):
            section = line[4:].strip()
        elif line.startswith(".Bd") and "-literal" in line and section == "EXAMPLES":
            block, start = [], number + 1
        elif line.startswith(".Ed") and block is not None:
            if block and block[0].startswith("$ ") and not left_out:
                yield start, block
            block, left_out = None, False
        elif line.startswith('.\\" not run:'):
            left_out = True
        elif block is not None and not line.startswith(".\\\""):
            block.append(unescape(line))


def man_examples(text):
    """(line, command, expected or None)"""
    for start, block in man_blocks(text):
        at = 0
        while at < len(block):
            line, command = start + at, block[at][2:]
            at += 1
            while command.endswith("\\") and at < len(block):
                command += "\n" + block[at]
                at += 1
            said = []
            while at < len(block) and not block[at].startswith("$ "):
                said.append(block[at])
                at += 1
            yield line, command, "\n".join(said) + "\n" if said else None


def readme_examples(text):
    pattern = re.compile(r"^<!-- test -->\n+```sh\n(.*?)^```\n(?:\n*```text\n(.*?)^```\n)?", re.M | re.S)
    for m in pattern.finditer(text):
        yield text.count("\n", 0, m.start(1)) + 1, m.group(1), m.group(2)


def fresh_directory():
    top = tempfile.mkdtemp()
    work = os.path.join(top, "examples")
    shutil.copytree(os.path.join(ROOT, "examples"), work)
    os.symlink(".", os.path.join(work, "examples"))
    return top, work


def run(command, work, top):
    env = dict(os.environ, HOME=top, XDG_CONFIG_HOME=top + "/config", XDG_STATE_HOME=top + "/state",
               LC_ALL="C.UTF-8", TZ="UTC")
    if not os.environ.get("TEST_WRAP"):
        build = os.environ.get("B", "build")
        env["PATH"] = os.path.join(ROOT, build, "bin") + ":" + os.environ["PATH"]
    try:
        p = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=work, env=env, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    except subprocess.TimeoutExpired:
        return 124, "", "no end within 120 s"
    return p.returncode, p.stdout.decode("utf-8", "replace"), p.stderr.decode("utf-8", "replace")


def main(argv):
    if len(argv) < 2 or argv[0] not in ("man", "readme"):
        print(__doc__, file=sys.stderr)
        return 2
    find = man_examples if argv[0] == "man" else readme_examples
    number = failed = 0
    for name in argv[1:]:
        with open(name, encoding="utf-8") as f:
            text = f.read()
        top, work = fresh_directory()
        for line, command, expected in find(text):
            number += 1
            status, out, err = run(command, work, top)
            good = status in (0, 1) and expected in (None, out)
            failed += not good
            short = " ".join(command.split())[:60]
            print(f"{'ok' if good else 'not ok'} {number} {os.path.basename(name)}:{line}: {short}")
            if not good:
                print(f"# exit status {status}")
                for label, said in (("expected", expected or ""), ("out", out), ("err", err)):
                    for said_line in said.split("\n")[:30]:
                        if said_line:
                            print(f"# {label}: {said_line}")
        shutil.rmtree(top)
    print(f"{number - failed} passed, {failed} failed")
    return 1 if failed or not number else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
