"""What a run of the load measures: how long each route takes, what it answers, and what it should not have answered."""

import math
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field


@dataclass
class Route:
    """One route, or one kind of request to storage or the CDN."""

    milliseconds: list[float] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)


class Figures:
    """Collects from many threads."""

    def __init__(self) -> None:
        self.routes: dict[str, Route] = defaultdict(Route)
        self.done: Counter[str] = Counter()
        self.bytes = 0
        self.unexpected: list[str] = []
        # Uploads that took very long, to be explained by the log.
        self.slow: list[str] = []
        self._lock = threading.Lock()

    def answered(self, route: str, seconds: float, what: str) -> None:
        """One answer."""
        with self._lock:
            self.routes[route].milliseconds.append(seconds * 1000)
            self.routes[route].answers[what] += 1

    def count(self, what: str, size: int = 0) -> None:
        """Something that was done to its end."""
        with self._lock:
            self.done[what] += 1
            self.bytes += size

    def wrong(self, what: str) -> None:
        """Something that must not happen."""
        with self._lock:
            self.unexpected.append(what)


def percentile(values: list[float], share: float) -> float:
    """The smallest value that this share of all does not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]
