"""The functions' processes below an engine: which one is at the other end of a connection, how much memory each holds, and their end.

It reads `/proc`, so it works on Linux alone, and must never signal a process that is not a function of this engine.
"""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infra.local.engine import Engine

PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A running function."""

    pid: int
    function: str

    def kill(self) -> None:
        """Ends it as Lambda does that ran out of memory."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def memory(self) -> tuple[int, int] | None:
        """Resident bytes, and those of them that are its own (anonymous); None once it has ended."""
        try:
            lines = (PROC / str(self.pid) / "status").read_text().splitlines()
        except OSError:
            return None
        found = {name: int(value.split()[0]) << 10 for name, _, value in (line.partition(":") for line in lines) if name in ("VmRSS", "RssAnon")}
        return (found["VmRSS"], found["RssAnon"]) if len(found) == 2 else None


def functions(engine: Engine) -> list[Process]:
    """Every function's processes, those that wait for an event as well."""
    found = []
    for pid in _below(engine.child.process.pid):
        try:
            environment = (PROC / str(pid) / "environ").read_bytes().split(b"\0")
            is_bootstrap = (PROC / str(pid) / "exe").readlink().name.startswith("bootstrap")
        except OSError:
            continue
        named = [entry.partition(b"=")[2].decode() for entry in environment if entry.startswith(b"AWS_LAMBDA_FUNCTION_NAME=")]
        if named and is_bootstrap:
            found.append(Process(pid, named[0]))
    return found


def at_the_other_end(engine: Engine, port: int) -> Process | None:
    """The function whose socket has this local port."""
    inode = _inode(port)
    if inode is None:
        return None
    wanted = f"socket:[{inode}]"
    for process in functions(engine):
        folder = PROC / str(process.pid) / "fd"
        try:
            if any(os.readlink(folder / name) == wanted for name in os.listdir(folder)):
                return process
        except OSError:
            continue
    return None


def _inode(port: int) -> str | None:
    suffix = f":{port:04X}"
    for line in (PROC / "net" / "tcp").read_text().splitlines()[1:]:
        fields = line.split()
        # The established connection, and not a listener of the same number.
        if fields[1].endswith(suffix) and fields[3] == "01":
            return fields[9]
    return None


def _below(root: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                # The name in brackets may hold spaces.
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, left = [], [root]
    while left:
        children = parents.get(left.pop(), [])
        found += children
        left += children
    return found
