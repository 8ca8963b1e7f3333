"""Runs a program on a terminal of its own, waits for a word, then types a key or hangs up: terminal.py WORD KEY PROGRAM..."""
import os, pty, sys

word, key, *command = sys.argv[1:]
pid, terminal = pty.fork()
if pid == 0:
    os.execv(command[0], command)
seen = b""
while word.encode() not in seen:
    seen += os.read(terminal, 1024)
if key == "hangup":
    os.close(terminal)
else:
    os.write(terminal, bytes([int(key)]))
    try:
        while part := os.read(terminal, 1024):
            seen += part
    except OSError:
        pass
_, status = os.waitpid(pid, 0)
print(seen.decode(errors="replace"), "status", status)
