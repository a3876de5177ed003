#!/usr/bin/python3
"""lint.py [--root DIR] [RULE...] - checks the house rules, prints "ok N lint RULE" lines.

Rules are functions of the tree that yield (file, line, message). What is allowed where stands in
the tables at the top, one row each, so that an exception is a visible change of a table. Every rule
is proved by selftest.sh, which breaks it once.
"""
import os
import re
import shutil
import subprocess
import sys

# Directories of lib/ by layer. A file includes headers of its own directory and of lower layers.
LAYERS = {"base": 0, "sys": 1, "run": 2}
TOP = 3  # every other directory of lib/
SHARED = {"gateway", "contact"}  # directories of the top layer that the others of it may include

# Headers without a .c of their own name, and the directory they belong to.
HEADER_HOME = {
    "driver": "gateway",
    "provider": "gateway",
    "scan": "base",
    "rows": "contact",
}

# A header of a foreign library, and the only files that may include it.
FOREIGN = {
    "jq.h": ["lib/sys/jq.c"],
    "jv.h": ["lib/sys/jq.c"],
    "csv.h": ["lib/sys/csv.c"],
    "curl/curl.h": ["lib/sys/http.c", "lib/sys/smtp.c", "lib/sys/imap.c"],
    "openssl/err.h": ["lib/sys/tls.c"],
    "openssl/ssl.h": ["lib/sys/tls.c"],
    "openssl/x509_vfy.h": ["lib/sys/tls.c"],
    "sqlite3.h": ["lib/sys/db.c"],
    "ares.h": ["lib/sys/dns.c"],
    "idn2.h": ["lib/sys/idn.c"],
    "libpsl.h": ["lib/sys/psl.c"],
    "uchardet/uchardet.h": ["lib/sys/charset.c"],
    "iconv.h": ["lib/sys/charset.c"],
    "xxhash.h": ["lib/sys/hash.c"],
    "unicase.h": ["lib/sys/fold.c"],
    "uninorm.h": ["lib/sys/fold.c"],
    "unistr.h": ["lib/sys/fold.c"],
    "uniwidth.h": ["lib/sys/width.c"],
    "unistring/version.h": ["lib/sys/fold.c"],
    "zlib.h": ["lib/sys/crc.c"],
    "sanitizer/asan_interface.h": ["lib/base/mem.c"],
    "sanitizer/lsan_interface.h": ["lib/base/mem.c"],
    "spawn.h": ["lib/sys/child.c"],
    "sys/wait.h": ["lib/sys/child.c"],
    "dlfcn.h": ["lib/sys/charset.c"],
    "emmintrin.h": ["lib/base/json_scan.c", "lib/sys/csv.c"],
    "arm_neon.h": ["lib/base/json_scan.c", "lib/sys/csv.c"],
}
# The C library and the kernel's own, free for all.
LIBC = set("""
assert.h ctype.h errno.h float.h inttypes.h limits.h locale.h math.h setjmp.h signal.h stdalign.h
stdarg.h stdatomic.h stdbool.h stddef.h stdint.h stdio.h stdio_ext.h stdlib.h stdnoreturn.h string.h
strings.h time.h wchar.h dirent.h fcntl.h fnmatch.h getopt.h langinfo.h poll.h pthread.h pwd.h
sched.h termios.h unistd.h sys/file.h sys/ioctl.h sys/mman.h sys/resource.h sys/stat.h sys/time.h
sys/types.h sys/uio.h sys/un.h sys/socket.h sys/prctl.h netinet/in.h arpa/inet.h arpa/nameser.h
netdb.h endian.h sys/random.h gnu/libc-version.h
""".split())

# Calls that end the process, and where they may stand.
EXITS = {
    "exit": ["lib/run/run.c"],
    "_exit": ["lib/base/mem.c", "lib/sys/child.c", "lib/run/run.c", "lib/run/signals.c"],
    "_Exit": [],
    "quick_exit": [],
    "abort": ["lib/gateway/provider.c"],
}
BANNED = """strcpy stpcpy strcat strncat strncpy sprintf vsprintf strtok gets gmtime localtime ctime
asctime system popen atoi atol atoll atof alloca tmpnam mktemp rand srand signal setjmp longjmp
bcopy bzero usleep""".split()

FILE_LINES = 500
FUNCTION_LINES = 70
# Spelt in halves so that this file does not find itself.
OPEN_ENDS = ["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]


class Tree:
    def __init__(self, root):
        self.root = root
        self._code = {}
        self._modules = None

    def modules(self):
        """The directory of lib/ each module's .c stands in, by the module's name."""
        if self._modules is None:
            names = self.files(".c", under=("lib",))
            self._modules = {os.path.basename(n)[:-2]: n.split("/")[1] for n in names}
        return self._modules

    def files(self, *ends, under=("",)):
        found = []
        for top in under:
            for path, dirs, names in os.walk(os.path.join(self.root, top)):
                dirs[:] = sorted(d for d in dirs if d == ".ci" or not d.startswith((".", "build")))
                for name in sorted(names):
                    if name.endswith(ends) or (not ends and name):
                        found.append(os.path.relpath(os.path.join(path, name), self.root))
        return found

    def sources(self):
        return self.files(".c", ".h", under=("lib", "include", "cmd"))

    def all_c(self):
        return self.sources() + self.files(".c", ".h", under=("tests",))

    def read(self, name):
        with open(os.path.join(self.root, name), encoding="utf-8", errors="replace") as f:
            return f.read()

    def lines(self, name):
        return self.read(name).split("\n")

    def code(self, name):
        """The lines of a C file with comments and the insides of literals blanked."""
        if name not in self._code:
            self._code[name] = blank(self.read(name)).split("\n")
        return self._code[name]

    def has(self, name):
        return os.path.exists(os.path.join(self.root, name))

    def run(self, *argv):
        p = subprocess.run(argv, cwd=self.root, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, errors="replace")
        return p.returncode, p.stdout


def blank(text):
    token = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)

    def replace(m):
        t = m.group(0)
        if t[0] in "\"'":
            return t[0] + " " * (len(t) - 2) + t[0]
        return re.sub(r"[^\n]", " ", t)

    # An #include's file name is no literal to be blanked.
    parts = re.split(r"(^[ \t]*#[ \t]*include[^\n]*)", text, flags=re.M)
    return "".join(p if i % 2 else token.sub(replace, p) for i, p in enumerate(parts))


def includes(tree, name):
    for number, line in enumerate(tree.code(name), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if m:
            yield number, m.group(1) == "<", m.group(2)


def home_of_header(tree, header):
    """The directory of lib/ a public header belongs to, or None."""
    module = header[len("leadpipe/"):-len(".h")]
    return tree.modules().get(module) or HEADER_HOME.get(module)


def rule_layers(tree):
    """A module includes only its own layer and lower ones; the top layer not each other."""
    for name in tree.sources():
        if name.startswith("cmd/"):
            continue
        own = home_of_header(tree, name[len("include/"):]) if name.startswith("include/") \
            else name.split("/")[1]
        if own is None:
            yield name, 1, "belongs to no directory of lib/ (a .c of its name, or HEADER_HOME)"
            continue
        for number, angle, header in includes(tree, name):
            if angle:
                continue
            if not header.startswith("leadpipe/"):
                if not tree.has(os.path.join(os.path.dirname(name), header)):
                    yield name, number, f"includes {header}, which is not in its own directory"
                continue
            other = home_of_header(tree, header)
            if other is None:
                yield name, number, f"includes {header}, which belongs to no directory of lib/"
                continue
            mine, its = LAYERS.get(own, TOP), LAYERS.get(other, TOP)
            if its > mine:
                yield name, number, f"{own} (layer {mine}) includes {header} of {other} (layer {its})"
            elif mine == its == TOP and own != other and other not in SHARED:
                yield name, number, f"{own} includes {header} of {other}; only " \
                    + " and ".join(sorted(SHARED)) + " are shared in the top layer"


def rule_programs(tree):
    """main stands only in cmd/ (and in tests); a program includes nothing but headers."""
    for name in tree.sources():
        for number, line in enumerate(tree.code(name), 1):
            if not name.startswith("cmd/") and re.match(r"(int\s+)?main\s*\(", line):
                yield name, number, "main outside cmd/"
        for number, angle, header in includes(tree, name):
            if header.endswith(".c"):
                yield name, number, f"includes {header}"


def rule_foreign(tree):
    """A foreign library's header is included by the files of its row only."""
    for name in tree.sources():
        for number, angle, header in includes(tree, name):
            if not angle or header in LIBC:
                continue
            allowed = FOREIGN.get(header)
            if allowed is None:
                yield name, number, f"includes <{header}>, which is in no table of lint.py"
            elif name not in allowed:
                yield name, number, f"includes <{header}>; only {', '.join(allowed)} may"


def calls(tree, names):
    call = re.compile(r"(?<![\w.>])(" + "|".join(map(re.escape, names)) + r")\s*\(")
    for name in tree.sources():
        for number, line in enumerate(tree.code(name), 1):
            for m in call.finditer(line):
                yield name, number, m.group(1)


def rule_exit(tree):
    """The process ends in one place."""
    for name, number, function in calls(tree, EXITS):
        if name not in EXITS[function]:
            yield name, number, f"{function} may stand only in: {', '.join(EXITS[function]) or 'no file'}"


def rule_banned(tree):
    """Functions that overflow, hide state or start shells."""
    for name, number, function in calls(tree, BANNED):
        yield name, number, f"{function} is banned"


def rule_headers(tree):
    """Every public header compiles alone, and twice."""
    for name in tree.files(".h", under=("include",)):
        text = f'#include "{name[len("include/"):]}"\n' * 2
        p = subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-Iinclude", "-Wall", "-Wextra", "-Werror",
                            "-fsyntax-only", "-x", "c", "-"], cwd=tree.root, input=text,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if p.returncode:
            yield name, 1, "does not compile alone: " + first_line(p.stdout)


def first_line(text):
    return next((l for l in text.split("\n") if "error" in l), text.split("\n")[0])


def rule_template(tree):
    """The head of a public header says who owns, in what units, which errors."""
    for name in tree.files(".h", under=("include",)):
        head = tree.read(name).split("*/")[0]
        for word in ("Owns", "Units", "Errors"):
            if not re.search(rf"^ \* {word}: \S", head, re.M):
                yield name, 1, f"its head has no line `{word}:`"


def rule_open_ends(tree):
    """An open matter goes into the issue's note, not into the tree."""
    word = re.compile(r"\b(" + "|".join(OPEN_ENDS) + r")\b")
    for name in tree.files():
        if name == "LICENSE" or name.startswith("examples/") or not is_text(tree, name):
            continue
        for number, line in enumerate(tree.lines(name), 1):
            m = word.search(line)
            if m:
                yield name, number, m.group(1)


def is_text(tree, name):
    with open(os.path.join(tree.root, name), "rb") as f:
        return b"\0" not in f.read(4096)


def rule_format(tree):
    """clang-format has nothing to change."""
    if not shutil.which("clang-format"):
        raise Skip("no clang-format")
    names = tree.all_c()
    if names:
        status, out = tree.run("clang-format", "--dry-run", "--Werror", *names)
        first = {}
        for m in re.finditer(r"^([^:\n]+):(\d+):\d+: error", out, re.M):
            first.setdefault(m.group(1), int(m.group(2)))
        for name, line in first.items():
            yield name, line, f"not formatted; clang-format -i {name}"
        if status and not out:
            yield ".clang-format", 1, f"clang-format ended with status {status}"


def rule_manual(tree):
    """mandoc finds nothing to warn of; every program has a page, and its line in leadpipe.7."""
    if not shutil.which("mandoc"):
        raise Skip("no mandoc")
    pages = [n for n in tree.files(under=("man",)) if re.search(r"\.[157]$", n)]
    if pages:
        status, out = tree.run("mandoc", "-Tlint", "-W", "warning", *pages)
        for m in re.finditer(r"^mandoc: ([^:\n]+):(\d+):\d+: (.*)", out, re.M):
            yield m.group(1), int(m.group(2)), m.group(3)
    front = tree.read("man/leadpipe.7") if tree.has("man/leadpipe.7") else ""
    for name in tree.files(".c", under=("cmd",)):
        program = os.path.basename(name)[:-2]
        if f"man/{program}.1" not in pages:
            yield name, 1, f"has no page man/{program}.1"
        if not re.search(rf"^\.(It )?Xr {re.escape(program)} 1", front, re.M):
            yield "man/leadpipe.7", 1, f"does not name {program}"


def rule_lengths(tree):
    """A file can be held in the head, a function fits a screen."""
    for name in tree.files(".c", ".h", ".jq", ".sh", ".py"):
        n = len(tree.lines(name)) - 1
        if n > FILE_LINES:
            yield name, n, f"{n} lines, at most {FILE_LINES}"
    for name in tree.all_c():
        for first, last in functions(tree.code(name)):
            if last - first + 1 > FUNCTION_LINES:
                yield name, first, f"a function of {last - first + 1} lines, at most {FUNCTION_LINES}"


def functions(code):
    """(first, last) line of every function: from its name's line to the brace in column 0."""
    first, signature = 0, 0
    for number, line in enumerate(code, 1):
        if re.match(r"[A-Za-z_]", line) and "(" in line and not first:
            signature = number
        if line.startswith("{") and signature:
            first = signature
        elif line.startswith("}"):
            if first:
                yield first, number
            first = signature = 0


def rule_scripts(tree):
    """Shell and Python scripts parse; a script that needs bash says so."""
    for name in tree.files(".sh") + [n for n in (".ci/run",) if tree.has(n)]:
        head = tree.lines(name)[0]
        if not head.startswith("#!"):
            yield name, 1, "no #! line"
            continue
        shell = "bash" if "bash" in head else "dash" if shutil.which("dash") else "sh"
        status, out = tree.run(shell, "-n", name)
        if status:
            yield name, 1, out.strip().split("\n")[0]
    for name in tree.files(".py"):
        try:
            compile(tree.read(name), name, "exec")
        except SyntaxError as e:
            yield name, e.lineno or 1, str(e.msg)


class Skip(Exception):
    pass


def main(argv):
    root = os.getcwd()
    if argv[:1] == ["--root"]:
        root, argv = argv[1], argv[2:]
    rules = {n[len("rule_"):]: f for n, f in globals().items() if n.startswith("rule_")}
    unknown = [n for n in argv if n not in rules]
    if unknown:
        print(f"lint.py: no rule {unknown[0]}; there are: {' '.join(rules)}", file=sys.stderr)
        return 2
    tree, passed, failed = Tree(root), 0, 0
    for number, name in enumerate(argv or rules, 1):
        try:
            found = list(rules[name](tree))
        except Skip as why:
            print(f"ok {number} lint {name} # skip {why}")
            continue
        passed, failed = passed + (not found), failed + bool(found)
        print(f"{'not ok' if found else 'ok'} {number} lint {name}")
        for file, line, message in found:
            print(f"{file}:{line}: {message}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
