"""The command line client as a process, with a home of its own to each run. It must never be given more than a person would give it."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from infra.local.places import ROOT
from infra.local.sorry import Sorry
from tests.bench.upload import measure
from tests.bench.upload.measure import Measured

# What a shell is told of an upload that can be resumed: network or storage gave up, or it was interrupted.
RESUMABLE = (5, 130)


def built(profile: str = "debug") -> Path:
    """The binary as it lies there now."""
    path = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / profile / "valet"
    if not path.is_file():
        raise Sorry(f"{path} is missing; `cargo build --bin valet` makes it.")
    return path


@dataclass(frozen=True)
class Client:
    """A person with a token, and a home where unfinished uploads are remembered."""

    binary: Path
    api_url: str
    token: str
    home: Path
    parallel: int
    part_size: int

    def upload(self, file: Path) -> Measured:
        """`valet upload`, to its end."""
        return self._run(self._upload(file))

    def resume(self) -> Measured:
        """`valet resume`, to its end."""
        return self._run([self.binary, "resume", "--parallel", str(self.parallel), "--quiet"])

    def kill(self, file: Path, after: float) -> float | None:
        """Begins an upload and kills it after as many seconds; when it was killed, or `None` if it was done before."""
        with (self.home / "killed.log").open("ab") as log:
            process = subprocess.Popen(self._upload(file), env=self._environment(), cwd=self.home, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            process.wait(after)
            return None
        except subprocess.TimeoutExpired:
            killed = time.monotonic()
            process.send_signal(signal.SIGKILL)
            process.wait()
            return killed

    def explain(self, run: Measured) -> str:
        """How a run ended and the last it said."""
        said = (self.home / "client.log").read_text(errors="replace").strip().splitlines() + run.output.decode(errors="replace").strip().splitlines()
        return f"the client ended with {run.status}: {' / '.join(said[-3:])[:600] or 'it said nothing'}"

    def _upload(self, file: Path) -> list[str | Path]:
        return [self.binary, "upload", file, "--parallel", str(self.parallel), "--part-size", str(self.part_size), "--quiet"]

    def _run(self, command: list[str | Path]) -> Measured:
        return measure.run(command, env=self._environment(), cwd=self.home, log=self.home / "client.log")

    def _environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "LANG": "C.UTF-8",
            "VALET_API": self.api_url,
            "VALET_TOKEN": self.token,
        }

