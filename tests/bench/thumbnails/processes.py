"""The processes that make thumbnails side by side, measured from outside by the kernel's process clock.

A command is a line of words separated by tabs and is answered with one that begins with `ok` or `error`: `read FILE`,
`make VARIANTS [WAY]`, `write FOLDER`; ours also knows `arrive VARIANTS`. It must never know what a thumbnail is.
"""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

QUIET_SECONDS = 0.0005
PATIENCE_SECONDS = 0.1


class Refused(Exception):
    """The process answered `error`."""


@dataclass(frozen=True)
class Contestant:
    """Somebody who makes thumbnails: how it is started and which way it makes them."""

    name: str
    command: tuple[str, ...]
    way: str = ""


class Process:
    """A running contestant."""

    def __init__(self, contestant: Contestant) -> None:
        self.contestant = contestant
        self._process = subprocess.Popen(contestant.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        self._process.wait(timeout=10)
        self._process.stdout.close()

    def ask(self, *words: str | Path) -> str:
        """The answer to a command."""
        self._process.stdin.write("\t".join(map(str, words)) + "\n")
        answer = self._process.stdout.readline()
        verdict, _, rest = answer.rstrip("\n").partition("\t")
        if verdict != "ok":
            raise Refused(rest or f"{self.contestant.name} ended with {self._process.wait(timeout=10)}")
        return rest

    def make(self, variants: str) -> float:
        """Makes the thumbnails of the file that was read last; the CPU time it took in milliseconds."""
        before = self._settled_ns()
        self.ask("make", variants, self.contestant.way)
        return (self._settled_ns() - before) / 1e6

    def peak_mb(self) -> float:
        """The most memory it has had resident, in MB of 10^6 bytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6

    def _settled_ns(self) -> int:
        """The CPU time of all its threads so far, once none of them adds to it (a garbage collector may)."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        now = self._cpu_ns()
        while time.monotonic() < deadline:
            time.sleep(QUIET_SECONDS)
            before, now = now, self._cpu_ns()
            if before == now:
                break
        return now

    def _cpu_ns(self) -> int:
        """What clock_getcpuclockid(3) would read: user and system time of every thread there was."""
        return time.clock_gettime_ns((~self._process.pid << 3) | 2)
