"""What a program costs, seen from outside: wall time, the CPU time of all it started, and memory. It must never touch what it measures."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

LOOK_SECONDS = 0.01


@dataclass(frozen=True)
class Measured:
    """One run. CPU time is user and system time, memory the most that was seen, in bytes."""

    status: int
    wall_seconds: float
    cpu_seconds: float
    # What nothing but the program can give back: not the pages of files it has mapped.
    anonymous: int
    resident: int
    output: bytes


class Memory:
    """Looks at a process and all it has started, again and again, until it ends or this does.

    The kernel keeps a high-water mark of resident memory, and none of its anonymous part: that one is sampled. rusage is of no
    use for either, as its mark is carried over from whoever forked.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._marks: dict[int, int] = {}
        self.anonymous = 0

    @property
    def resident(self) -> int:
        """The high-water mark, of all processes together."""
        return sum(self._marks.values())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            anonymous = 0
            for pid in _tree(self._pid):
                found = _status(pid)
                anonymous += found.get("RssAnon", 0)
                self._marks[pid] = max(self._marks.get(pid, 0), found.get("VmHWM", 0))
            self.anonymous = max(self.anonymous, anonymous)


def run(command: list[str | Path], *, env: dict[str, str], cwd: Path, log: Path, started: Callable[[int], None] = lambda pid: None) -> Measured:
    """Runs a program to its end. Its errors go to the log, its output is part of the answer; `started` is told its pid."""
    with log.open("wb") as errors, (cwd / f"{log.name}.out").open("w+b") as output:
        began = time.perf_counter()
        process = subprocess.Popen(command, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=errors, close_fds=False)
        try:
            with Memory(process.pid) as memory:
                started(process.pid)
                _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.send_signal(signal.SIGKILL)
            process.wait()
            raise
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return Measured(process.returncode, wall, used.ru_utime + used.ru_stime, memory.anonymous, memory.resident, output.read())


def _tree(pid: int) -> list[int]:
    found, seen = [pid], 0
    while seen < len(found):
        for task in Path(f"/proc/{found[seen]}/task").glob("*/children"):
            try:
                found += [int(child) for child in task.read_text().split()]
            except OSError:
                continue
        seen += 1
    return found


def _status(pid: int) -> dict[str, int]:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        # It has ended in the meantime.
        return {}
    pairs = (line.split() for line in lines if line.endswith(" kB"))
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in pairs}
