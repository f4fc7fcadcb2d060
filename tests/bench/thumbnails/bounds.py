"""What was measured of each input, and whether it holds what was promised; never how it is measured or printed."""

import math
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

LARGE_MEGAPIXELS = 5.9
BASELINE_MEAN, BASELINE_EACH = 2.4, 1.7
PROGRESSIVE_EACH = 10.0
MEMORY_SHARE = 0.25
SET_SHARE = 0.4
OTHER_SHARE = 1.0
SSIM_BEHIND = 0.005
MEMORY_MB = 128.0


@dataclass(frozen=True)
class Outcome:
    """What one contestant made of one input."""

    cpu_ms: list[float]
    peak_mb: float | None = None
    sizes: list[int] = field(default_factory=list)
    ssim: list[float] = field(default_factory=list)

    @property
    def best(self) -> float:
        """What other work on the machine disturbed least."""
        return min(self.cpu_ms)

    @property
    def median(self) -> float:
        """What a round usually took."""
        return statistics.median(self.cpu_ms)


@dataclass(frozen=True)
class Row:
    """One input and every contestant that could read it."""

    name: str
    kind: str
    megapixels: float
    bytes: int
    outcomes: dict[str, Outcome]

    @property
    def is_large(self) -> bool:
        """Whether the bounds for photographs of 6 megapixels and more apply."""
        return self.megapixels >= LARGE_MEGAPIXELS

    def ratio(self, peer: str = "sharp") -> float | None:
        """How many times our CPU time the peer takes."""
        if "ours" not in self.outcomes or peer not in self.outcomes:
            return None
        return self.outcomes[peer].best / self.outcomes["ours"].best

    def median_ratio(self) -> float:
        """The same of the medians."""
        return self.outcomes["sharp"].median / self.outcomes["ours"].median

    def memory_share(self) -> float:
        """Our peak memory as a part of sharp's."""
        return self.outcomes["ours"].peak_mb / self.outcomes["sharp"].peak_mb

    def ssim_lead(self) -> float:
        """How far the least like of our thumbnails is ahead of sharp's."""
        return min(ours - theirs for ours, theirs in zip(self.outcomes["ours"].ssim, self.outcomes["sharp"].ssim, strict=True))


@dataclass(frozen=True)
class Verdict:
    """One bound and how it was met."""

    text: str
    bound: float
    measured: float
    worst: str
    is_held: bool


def geometric_mean(values: Iterable[float]) -> float:
    """The mean of ratios."""
    return math.exp(statistics.fmean(math.log(value) for value in values))


def compared(rows: list[Row], *kinds: str, large: bool = False) -> list[Row]:
    """The rows of these kinds that both we and sharp could make."""
    return [row for row in rows if row.kind in kinds and row.ratio() is not None and (row.is_large or not large)]


def verdicts(small: list[Row], sets: list[Row]) -> Iterator[Verdict]:
    """Every bound that these rows say something about."""
    baseline, progressive = compared(small, "baseline", large=True), compared(small, "progressive", large=True)
    if baseline:
        mean = geometric_mean(row.ratio() for row in baseline)
        yield Verdict("baseline JPEG from 6 MP: sharp's CPU over ours, geometric mean", BASELINE_MEAN, mean, "", mean >= BASELINE_MEAN)
    yield from lowest("baseline JPEG from 6 MP: sharp's CPU over ours, each", BASELINE_EACH, baseline, Row.ratio)
    yield from highest("baseline JPEG from 6 MP: our peak memory over sharp's", MEMORY_SHARE, baseline, Row.memory_share)
    yield from lowest("progressive JPEG: sharp's CPU over ours, each", PROGRESSIVE_EACH, progressive, Row.ratio)
    yield from highest("progressive JPEG: our peak memory over sharp's", MEMORY_SHARE, progressive, Row.memory_share)
    of_jpeg = compared(sets, "baseline", "progressive", large=True)
    if of_jpeg:
        share = 1 / geometric_mean(row.ratio() for row in of_jpeg)
        yield Verdict("1600 + 800 + 200 of a JPEG: our CPU over sharp's, geometric mean", SET_SHARE, share, "", share <= SET_SHARE)
    for kind in ("PNG", "WebP", "GIF"):
        yield from highest(f"{kind}: our CPU over sharp's", OTHER_SHARE, compared(small, kind), lambda row: 1 / row.ratio())
    everything = compared(small, "baseline", "progressive", "PNG", "WebP", "GIF")
    yield from lowest("200 px: our SSIM less sharp's", -SSIM_BEHIND, everything, Row.ssim_lead)
    everything = compared(sets, "baseline", "progressive", "PNG", "WebP", "GIF")
    yield from lowest("1600, 800 and 200 px: our SSIM less sharp's", -SSIM_BEHIND, everything, Row.ssim_lead)
    yield from highest(
        "12 MP: our peak memory, MB", MEMORY_MB, [row for row in small if 11 < row.megapixels < 13 and "ours" in row.outcomes], lambda row: row.outcomes["ours"].peak_mb
    )


def lowest(text: str, bound: float, rows: list[Row], measure: Callable[[Row], float]) -> Iterator[Verdict]:
    """No row may lie below the bound."""
    if rows:
        worst = min(rows, key=measure)
        yield Verdict(text, bound, measure(worst), worst.name, measure(worst) >= bound)


def highest(text: str, bound: float, rows: list[Row], measure: Callable[[Row], float]) -> Iterator[Verdict]:
    """No row may lie above the bound."""
    if rows:
        worst = max(rows, key=measure)
        yield Verdict(text, bound, measure(worst), worst.name, measure(worst) <= bound)
