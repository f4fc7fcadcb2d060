"""A make target that runs until it is stopped, as a terminal would start it."""

import os
import random
import signal
import subprocess
import threading
from pathlib import Path

from infra.local.places import ROOT
from infra.local.ports import is_free

from .processes import alive, descendants, eventually


class Terminal:
    """`make` in a session of its own, whose foreground group gets the signals of a keyboard."""

    def __init__(self, arguments: list[str], *, until: str, state: Path, ports: list[int], env: dict[str, str]) -> None:
        self.state = state
        self.ports = ports
        self.process = subprocess.Popen(
            ["make", "--no-print-directory", *arguments],
            cwd=ROOT,
            env=os.environ | {"VALET_STATE": str(state)} | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self.until = until
        self.ready = threading.Event()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append(line)
            if self.until in line:
                self.ready.set()
        # It will say no more; whoever waits finds it ended.
        self.ready.set()

    @property
    def words(self) -> str:
        """Everything it said so far."""
        return "".join(self.lines)

    def wait_until_ready(self, seconds: float) -> None:
        """Returns once it said what it says last."""
        assert self.ready.wait(seconds) and any(self.until in line for line in self.lines), self.words

    def press(self, number: signal.Signals) -> None:
        """Sends a signal to make and our Python, not to the engine, which has a group of its own."""
        os.killpg(self.process.pid, number)

    def processes(self) -> dict[int, str]:
        """Every process there is now, with its command line."""
        return descendants(self.process.pid) | {self.process.pid: "make"}

    def leaves_nothing(self, processes: dict[int, str]) -> None:
        """Asserts that they all ended and that the ports are free again."""
        self.process.wait(15)
        assert eventually(lambda: not any(alive(pid) for pid in processes)), {
            pid: command for pid, command in processes.items() if alive(pid)
        }
        # What a process held is given back a moment after it has ended.
        assert eventually(lambda: all(map(is_free, self.ports))), [port for port in self.ports if not is_free(port)]
        assert "Traceback" not in self.words

    def kill(self) -> None:
        """Leaves nothing behind for the next test, whatever happened in this one."""
        for pid in self.processes():
            if alive(pid):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()


def free_ports_in_a_row(count: int = 5) -> list[int]:
    """Neighbouring ports that are free; the first is what PORT= wants."""
    starts = (random.randrange(20000, 30000) for _ in range(1000))
    rows = ([start + offset for offset in range(count)] for start in starts)
    return next(row for row in rows if all(map(is_free, row)))
