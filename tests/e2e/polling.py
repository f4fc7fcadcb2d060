"""Waiting for a state that another process brings about. It must never be replaced by a plain sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

# Far beyond what anything takes here, so that a busy machine fails no test.
SECONDS = 30
INTERVAL_SECONDS = 0.05

Found = TypeVar("Found")


def eventually(look: Callable[[], Found], what: str, seconds: float = SECONDS) -> Found:
    """The first truthy thing `look` finds, or a failure that says what was awaited."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} seconds; last seen: {found!r}"
        time.sleep(INTERVAL_SECONDS)
