"""A server process and everything it starts, which end together. It must never outlive whoever started it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from infra.local.sorry import Sorry

STARTING_SECONDS = 60
STOPPING_SECONDS = 5
LEASH = Path(__file__).with_name("leash.py")


class Child:
    """A process in its own group: Ctrl-C in the terminal does not reach it, `stop` reaches all of it.

    Output goes to the log, or to our own output when there is none. A child whose state is worth nothing is given no
    patience and killed at once.
    """

    def __init__(
        self,
        name: str,
        command: list[str | Path],
        *,
        env: dict[str, str],
        cwd: Path,
        log: Path | None,
        patience: float = STOPPING_SECONDS,
    ) -> None:
        self.name = name
        self.patience = patience
        self.log = log
        self.stopped = False
        if not os.access(command[0], os.X_OK):
            raise Sorry(f"{name} could not be started: {command[0]} is missing; `make tools` installs it.")
        with _output(log) as output:
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", LEASH, *map(str, command)],
                env=env,
                cwd=cwd,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
            )

    def wait_until(self, ready: Callable[[], bool], seconds: float = STARTING_SECONDS) -> None:
        """Returns once `ready` says so; a process that ends before, or takes too long, is a `Sorry`."""
        deadline = time.monotonic() + seconds
        while not ready():
            if self.process.poll() is not None:
                raise Sorry(f"{self.name} ended while it was starting: {self.last_words()}.")
            if time.monotonic() > deadline:
                raise Sorry(f"{self.name} was not ready after {seconds:g} seconds; its last words: {self.last_words()}.")
            # The interval of a poll with a deadline, not a wait for a state.
            time.sleep(0.05)

    def last_words(self) -> str:
        """The last line of the log, which is where a dying process says why."""
        text = self.log.read_text(errors="replace") if self.log else "it speaks above"
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        return lines[-1][:300].rstrip(".") if lines else "it said nothing"

    def stop(self) -> None:
        """Ends the process and its group. Safe to call twice."""
        if self.stopped:
            return
        self.stopped = True
        if self.patience:
            self._signal(signal.SIGTERM)
            try:
                self.process.wait(self.patience)
            except subprocess.TimeoutExpired:
                pass
        # What the process started and left behind is still in its group.
        self._signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdin.close()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass


def _output(log: Path | None) -> AbstractContextManager[IO[bytes] | None]:
    if log is None:
        return nullcontext()
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("wb")
