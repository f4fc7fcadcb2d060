"""What was measured of each tool, and whether it holds what was promised; never how it is measured or printed."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from tests.bench.upload.contestants import OURS
from tests.bench.upload.measure import Measured

# Our CPU time for a byte over theirs.
CPU_SHARES = {"boto3": 0.25, "aws s3 cp": 0.2}
ANONYMOUS = 64 << 20


@dataclass(frozen=True)
class Row:
    """All rounds of one tool with one file on one server."""

    server: str
    size: int
    tool: str
    checksums: str
    is_held: bool
    # Over HTTPS two fifths of what we spend is encryption, which every tool pays: CPU time is not held there, speed and memory are.
    is_over_tls: bool
    runs: list[Measured]

    @property
    def wall(self) -> float:
        """The fastest round, in seconds: what other work on the machine disturbed least."""
        return min(run.wall_seconds for run in self.runs)

    @property
    def median_wall(self) -> float:
        """What a round usually took."""
        return statistics.median(run.wall_seconds for run in self.runs)

    @property
    def rate(self) -> float:
        """GB (10^9 bytes) a second in the fastest round."""
        return self.size / 1e9 / self.wall

    @property
    def cpu(self) -> float:
        """CPU seconds a GB in the best round."""
        return min(run.cpu_seconds for run in self.runs) / (self.size / 1e9)

    @property
    def median_cpu(self) -> float:
        """CPU seconds a GB, usually."""
        return statistics.median(run.cpu_seconds for run in self.runs) / (self.size / 1e9)

    @property
    def anonymous(self) -> int:
        """The most anonymous memory in any round, in bytes."""
        return max(run.anonymous for run in self.runs)

    @property
    def resident(self) -> int:
        """The most resident memory in any round, in bytes."""
        return max(run.resident for run in self.runs)

    def json(self) -> dict:
        """For machines."""
        return {
            "server": self.server,
            "size": self.size,
            "tool": self.tool,
            "checksums": self.checksums,
            "wallSeconds": [run.wall_seconds for run in self.runs],
            "cpuSeconds": [run.cpu_seconds for run in self.runs],
            "gbPerSecond": self.rate,
            "cpuSecondsPerGb": self.cpu,
            "peakAnonymousBytes": self.anonymous,
            "peakResidentBytes": self.resident,
        }


@dataclass(frozen=True)
class Verdict:
    """A promise, what was measured, and the most it may be."""

    text: str
    bound: float
    measured: float
    at: str

    @property
    def is_held(self) -> bool:
        """Whether it was kept."""
        return self.measured <= self.bound


def verdicts(rows: list[Row]) -> Iterator[Verdict]:
    """The worst case of each promise."""
    ours = {(row.server, row.size): row for row in rows if row.tool == OURS}
    pairs = [(row, ours[row.server, row.size]) for row in rows if row.is_held and row.tool != OURS and (row.server, row.size) in ours]
    plain = [(row, mine) for row, mine in pairs if not row.is_over_tls]
    for tool, share in CPU_SHARES.items():
        what = f"our CPU time a byte over that of {tool}, over plain HTTP"
        yield from _worst(what, share, [(mine.cpu / row.cpu, row) for row, mine in plain if row.tool == tool])
    for tool in dict.fromkeys(row.tool for row, _ in pairs):
        yield from _worst(f"our time over that of {tool}", 1.0, [(mine.wall / row.wall, row) for row, mine in pairs if row.tool == tool])
    yield from _worst("our anonymous memory, MiB", ANONYMOUS / 2**20, [(row.anonymous / 2**20, row) for row in ours.values()])


def _worst(text: str, bound: float, found: list[tuple[float, Row]]) -> Iterator[Verdict]:
    if found:
        measured, row = max(found, key=lambda pair: pair[0])
        yield Verdict(text, bound, measured, f"{row.size / 2**30:g} GiB, {row.server}")
