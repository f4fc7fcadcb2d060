"""A server process and everything it starts, which end together. It must never outlive whoever started it."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from infra.local.places import shown
from infra.local.sorry import Sorry

STARTING_SECONDS = 60
STOPPING_SECONDS = 5


class Child:
    """A process in its own group: Ctrl-C in the terminal does not reach it, `stop` reaches all of it.

    Its standard input is a pipe nobody writes to. A child that reads it learns of our death, even by SIGKILL.
    """

    def __init__(self, name: str, command: list[str | Path], *, env: dict[str, str], log: Path, cwd: Path) -> None:
        self.name = name
        self.log = log
        self.stopped = False
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            try:
                self.process = subprocess.Popen(
                    [str(part) for part in command],
                    env=env,
                    cwd=cwd,
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise Sorry(f"{name} could not be started: {error}.") from error

    def wait_until(self, ready: Callable[[], bool], seconds: float = STARTING_SECONDS) -> None:
        """Returns once `ready` says so; a process that ends before, or takes too long, is a `Sorry`."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise Sorry(f"{self.name} ended while it was starting: {self.last_words()} (all of it: {shown(self.log)}).")
            if time.monotonic() > deadline:
                raise Sorry(f"{self.name} was not ready after {seconds:g} seconds; see {shown(self.log)}.")
            # The interval of a poll with a deadline, not a wait for a state.
            time.sleep(0.05)

    def last_words(self) -> str:
        """The last line of the log, which is where a dying process says why."""
        lines = [line.strip() for line in self.log.read_text(errors="replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else "it said nothing"

    def stop(self) -> None:
        """Ends the process and its group. Safe to call twice."""
        if self.stopped:
            return
        self.stopped = True
        if self.process.stdin and not self.process.stdin.closed:
            self.process.stdin.close()
        self._signal(signal.SIGTERM)
        try:
            self.process.wait(STOPPING_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        # What the process started and left behind is still in its group.
        self._signal(signal.SIGKILL)
        self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass
