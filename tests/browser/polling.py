"""Waiting for a state outside the page. It must never block: Playwright answers intercepted requests only while it is called."""

import time
from collections.abc import Callable
from typing import TypeVar

from playwright.sync_api import Page

# Far beyond what anything takes here, so that a busy machine fails no test.
SECONDS = 60
INTERVAL_MS = 50

Found = TypeVar("Found")


def eventually(page: Page, look: Callable[[], Found], what: str, seconds: float = SECONDS) -> Found:
    """The first truthy thing `look` finds, or a failure that says what was awaited."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} seconds; last seen: {found!r}"
        page.wait_for_timeout(INTERVAL_MS)
    return found
