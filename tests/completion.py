#!/usr/bin/python3
"""completion.py SHELL PREFIX COMMAND TYPED WANTED - types a tab into an interactive shell.

The shell loads completion as an installation below PREFIX offers it. Status 0 if after COMMAND, the
text TYPED and one tab the shell's line holds WANTED; otherwise what it showed is printed.
"""
import os
import pty
import re
import select
import signal
import sys
import time

PATIENCE_S = 20
SETUP = {
    "bash": ". {prefix}/share/bash-completion/completions/{command}",
    "zsh": "fpath=({prefix}/share/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D",
}
SHELL = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}


def read_until(fd, wanted):
    seen, end = "", time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if not select.select([fd], [], [], 0.1)[0]:
            continue
        try:
            seen += os.read(fd, 65536).decode(errors="replace")
        except OSError:
            break
        # Without the terminal's sequences, and with backspaces done.
        plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
        while "\b" in plain:
            plain = re.sub(r"[^\x08]?\x08", "", plain, count=1)
        if wanted in plain:
            return True
    print(repr(seen))
    return False


def main():
    shell, prefix, command, typed, wanted = sys.argv[1:]
    pid, fd = pty.fork()
    if pid == 0:
        env = dict(os.environ, TERM="xterm", PS1="$ ", INPUTRC="/dev/null")
        os.execvpe(SHELL[shell][0], SHELL[shell], env)
    setup = SETUP[shell].format(prefix=prefix, command=command)
    os.write(fd, f"{setup}; echo rea''dy\n".encode())
    good = read_until(fd, "ready")
    if good:
        os.write(fd, f"{command} {typed}\t".encode())
        good = read_until(fd, f"{command} {wanted}")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return 0 if good else 1


sys.exit(main())
