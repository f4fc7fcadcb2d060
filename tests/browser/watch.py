"""What a page says behind its user's back: errors in the console, exceptions, requests that failed. Nothing of it may go unseen."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, WebError


@dataclass
class Watch:
    """Everything the pages of one context have said and asked for since it was opened."""

    problems: list[str] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    _expected: list[re.Pattern[str]] = field(default_factory=list)

    def attach(self, context: BrowserContext) -> None:
        """Listens to all pages of the context, also those it opens later."""
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._asked)
        context.on("requestfailed", self._failed)

    def expects(self, *patterns: str) -> None:
        """Problems that match one of these regular expressions are what the test is about."""
        self._expected += [re.compile(pattern) for pattern in patterns]

    def unexpected(self) -> list[str]:
        """What the test did not ask for."""
        return [problem for problem in self.problems if not any(pattern.search(problem) for pattern in self._expected)]

    def sent(self, method: str, part_of_url: str = "") -> list[Request]:
        """Requests of this method so far, preflights not counted."""
        return [request for request in self.requests if request.method == method and part_of_url in request.url]

    @contextmanager
    def during(self, method: str, part_of_url: str = "") -> Iterator[list[Request]]:
        """The requests of this method made inside the block; complete only after it."""
        before = len(self.sent(method, part_of_url))
        found: list[Request] = []
        yield found
        found += self.sent(method, part_of_url)[before:]

    def _asked(self, request: Request) -> None:
        self.requests.append(request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console {message.type}: {message.text} [{_bare(message.location.get('url', ''))}]")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"exception: {error.error}")

    def _failed(self, request: Request) -> None:
        self.problems.append(f"request failed: {request.method} {_bare(request.url)}: {request.failure}")


def part_number(request: Request) -> int:
    """The number of the part a request to S3 carries; 0 for a whole file."""
    found = re.search(r"[?&]partNumber=(\d+)", request.url)
    return int(found[1]) if found else 0


def opened(page: Page, url: str) -> Page:
    """The page after it has loaded an address."""
    answer = page.goto(url)
    assert answer is not None and answer.ok, f"{url} answered {answer and answer.status}"
    return page


def _bare(url: str) -> str:
    """Without the query, which may be a signature."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}" if parts.scheme in ("http", "https") else url[:40]
