"""What a running stack says about itself, in `.valet/outputs.json`. It must never hold a token or a key."""

import json
import os
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

from infra.local.places import OUTPUTS
from infra.local.ports import is_free
from infra.local.sorry import Sorry


@dataclass(frozen=True)
class Outputs:
    """The addresses and names of one deployed stack."""

    # Empty if the stack has no page.
    page_url: str
    api_url: str
    cdn_url: str
    # The distribution's own domain, for whoever speaks to the engine's port with a Host header.
    cdn_domain: str
    endpoint: str
    issuer: str
    bucket: str
    table: str
    queue_url: str
    dead_letter_queue_url: str
    # Logical name of each function (`issue-upload`) to the name it was deployed under.
    functions: dict[str, str]
    # Environment variables the template gives each function.
    environment: dict[str, dict[str, str]]
    # The process that keeps it all running; the file outlives a killed one.
    pid: int

    def write(self, path: Path = OUTPUTS) -> None:
        """Replaces the file in one step: a reader sees all of it or none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        staging = path.with_suffix(".tmp")
        staging.write_text(json.dumps(asdict(self), indent=2) + "\n")
        staging.replace(path)


def running(path: Path = OUTPUTS) -> Outputs | None:
    """The stack `make dev` is running, if it is."""
    try:
        found = json.loads(path.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    if set(found) != {field.name for field in fields(Outputs)} or not _alive(found["pid"]):
        return None
    stack = Outputs(**found)
    # The number of a dead process may be another's by now; the port tells.
    return None if is_free(urlsplit(stack.endpoint).port) else stack


def read(path: Path = OUTPUTS) -> Outputs:
    """The stack `make dev` is running, or a sentence that it is not."""
    found = running(path)
    if found is None:
        raise Sorry("nothing is running here; start `make dev` in another terminal first.")
    return found


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
