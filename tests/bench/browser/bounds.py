"""What was measured of each uploader, and whether ours holds what was promised; never how it is measured or printed."""

import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from tests.bench.browser.contestants import OURS, Contestant, Took


@dataclass(frozen=True)
class Row:
    """All rounds of one uploader."""

    contestant: Contestant
    rounds: list[Took]

    @property
    def ready(self) -> float:
        """Seconds until the file was ready, in a usual round."""
        return statistics.median(took.ready for took in self.rounds)

    @property
    def said(self) -> float:
        """Seconds until the uploader said so, in a usual round."""
        return statistics.median(took.said for took in self.rounds)

    def json(self) -> dict:
        """For machines."""
        return {"name": self.contestant.name, "options": self.contestant.options, "rounds": [asdict(took) for took in self.rounds]}


@dataclass(frozen=True)
class Verdict:
    """A promise, what was measured, and the most it may be."""

    text: str
    bound: float
    measured: float

    @property
    def is_held(self) -> bool:
        """Whether it was kept."""
        return self.measured <= self.bound


def verdicts(rows: list[Row]) -> Iterator[Verdict]:
    """Our time over that of each other: the median over rounds of the ratio within a round, as both had the same neighbours then."""
    (ours,) = [row for row in rows if row.contestant.name == OURS]
    for row in rows:
        if row is not ours:
            ratios = [mine.ready / theirs.ready for mine, theirs in zip(ours.rounds, row.rounds, strict=True)]
            yield Verdict(f"our time until a file is ready over that of {row.contestant.name}", 1.0, statistics.median(ratios))
