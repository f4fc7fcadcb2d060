"""One stack for the run, and the client's binary with a state folder of its own for each test."""

import json
import os
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.local.places import ROOT
from infra.local.stack import Stack

# The least the template takes: the probe waits until a URL has ended.
URL_LIFETIME_SECONDS = 60


@pytest.fixture(scope="session")
def stack():
    with Stack(parameters={"UrlLifetimeSeconds": str(URL_LIFETIME_SECONDS)}) as running:
        yield running


@pytest.fixture(scope="session")
def binary() -> Path:
    """`valet`, as `cargo build -p valet-cli` makes it."""
    # Its target may be another one than the functions'.
    folder = os.environ.get("VALET_CLI_TARGET_DIR") or os.environ.get("CARGO_TARGET_DIR", ROOT / "target")
    path = ROOT / folder / "debug" / "valet"
    assert path.is_file(), f"{path} is missing; `cargo build -p valet-cli` makes it"
    return path


@dataclass
class Ended:
    """A run of the client that is over."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict]:
        """What `--json` printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class Valet:
    """The client as one user, at a place of its own."""

    binary: Path
    api: str
    token: str
    state: Path
    extra: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str | Path, **options: object) -> subprocess.Popen:
        """Begins a run."""
        environment = {"VALET_API": self.api, "VALET_TOKEN": self.token, "XDG_STATE_HOME": str(self.state)} | self.extra
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen([self.binary, *map(str, arguments)], env=environment, **(pipes | options))

    def run(self, *arguments: str | Path, **options: object) -> Ended:
        """A whole run."""
        process = self.start(*arguments, **options)
        out, err = process.communicate(timeout=300)
        # Whatever is printed, it is neither a token nor a signed URL.
        for secret in (self.token, "X-Amz-Signature", "X-Amz-Credential"):
            assert secret not in out + err
        return Ended(process.returncode, out, err)

    def tickets(self) -> list[Path]:
        """What is remembered of uploads that did not end."""
        return sorted((self.state / "valet").glob("*.json"))


@pytest.fixture(scope="session")
def new_valet(stack, binary, tmp_path_factory):
    """Makes users nobody has seen before."""

    def make() -> Valet:
        token = stack.token(sub=f"{uuid.uuid4()}@example.com")
        return Valet(binary, stack.api_url, token, tmp_path_factory.mktemp("state"))

    return make


@pytest.fixture
def valet(new_valet) -> Valet:
    return new_valet()
