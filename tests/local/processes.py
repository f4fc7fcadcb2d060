"""Looks at processes from outside, as `ps` sees them."""

import os
import subprocess
import time
from collections.abc import Callable


def descendants(pid: int) -> dict[int, str]:
    """Every living process that `pid` started, directly or not, with its command line."""
    listed = subprocess.run(["ps", "-A", "-ww", "-o", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in listed.splitlines()]
    children: dict[int, list[tuple[int, str]]] = {}
    for child, parent, state, *command in rows:
        if not state.startswith("Z"):
            children.setdefault(int(parent), []).append((int(child), " ".join(command)))
    found: dict[int, str] = {}
    waiting = [pid]
    while waiting:
        for child, command in children.get(waiting.pop(), []):
            found[child] = command
            waiting.append(child)
    return found


def alive(pid: int) -> bool:
    """Whether a process exists and is more than a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True).stdout.strip()
    return bool(state) and not state.startswith("Z")


def eventually(what: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether something becomes true before a deadline."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
