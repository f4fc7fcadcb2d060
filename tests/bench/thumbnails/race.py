"""Runs every contestant over every input, one after the other in turns, so that what else the machine does hits all alike.

It must never keep a result of one round for another: a process that refuses an input is asked again.
"""

import contextlib
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from tests.bench.thumbnails import likeness
from tests.bench.thumbnails.bounds import Outcome, Row
from tests.bench.thumbnails.processes import Contestant, Process, Refused


@dataclass
class Laps:
    """What the rounds gave: CPU times and the folder of the thumbnails, by input and contestant."""

    cpu_ms: dict[tuple[Path, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    made: dict[tuple[Path, str], Path] = field(default_factory=dict)
    refused: dict[tuple[Path, str], str] = field(default_factory=dict)


def run(paths: list[Path], contestants: list[Contestant], variants: str, rounds: int, folder: Path, say: Callable[[str], None]) -> Laps:
    """One warm-up round, whose thumbnails are kept, then the rounds that count."""
    laps = Laps()
    with contextlib.ExitStack() as running:
        processes = [running.enter_context(Process(contestant)) for contestant in contestants]
        for round in range(rounds + 1):
            say(f"round {round} of {rounds}")
            for index, path in enumerate(paths):
                # Nobody is always the first to touch the caches.
                shift = (round + index) % len(processes)
                for process in processes[shift:] + processes[:shift]:
                    _lap(laps, process, path, variants, folder if round == 0 else None)
    return laps


def _lap(laps: Laps, process: Process, path: Path, variants: str, folder: Path | None) -> None:
    key = path, process.contestant.name
    if key in laps.refused:
        return
    try:
        process.ask("read", path.absolute())
        cpu_ms = process.make(variants)
        if folder is None:
            laps.cpu_ms[key].append(cpu_ms)
            return
        laps.made[key] = folder / process.contestant.name / path.name
        laps.made[key].mkdir(parents=True, exist_ok=True)
        process.ask("write", laps.made[key])
    except Refused as refused:
        laps.refused[key] = str(refused)


def peak_mb(contestant: Contestant, path: Path, variants: str) -> float | None:
    """The peak memory of a fresh process that makes this one input."""
    with Process(contestant) as process:
        try:
            process.ask("read", path.absolute())
            process.make(variants)
        except Refused:
            return None
        return process.peak_mb()


def idle_mb(contestant: Contestant) -> float:
    """The peak memory of a fresh process that has read an empty file."""
    with Process(contestant) as process, tempfile.NamedTemporaryFile() as empty:
        process.ask("read", empty.name)
        return process.peak_mb()


def rows(paths: list[Path], laps: Laps, names: dict[str, tuple[str, ...]], variants: str, peaks: dict[tuple[Path, str], float]) -> list[Row]:
    """A row for each input. Where a contestant ran in several settings, the one that was best on that input counts."""
    found = []
    for path in paths:
        outcomes = {}
        for name, settings in names.items():
            ran = [setting for setting in settings if laps.cpu_ms.get((path, setting))]
            if ran:
                best = min(ran, key=lambda setting: min(laps.cpu_ms[path, setting]))
                outcomes[name] = _outcome(laps, path, best, variants, peaks.get((path, name)))
        kind, megapixels = described(path)
        found.append(Row(path.name, kind, megapixels, path.stat().st_size, outcomes))
    return found


def _outcome(laps: Laps, path: Path, setting: str, variants: str, peak: float | None) -> Outcome:
    sizes, ssim = [], []
    for variant in variants.split(","):
        made = laps.made[path, setting] / f"{variant.split(':')[0]}.jpg"
        sizes.append(made.stat().st_size)
        with Image.open(made) as image:
            ssim.append(likeness.ssim(image, likeness.reference(path, image.size)))
    return Outcome(laps.cpu_ms[path, setting], peak, sizes, ssim)


def described(path: Path) -> tuple[str, float]:
    """The class of an input and its megapixels, by its header."""
    with Image.open(path) as image:
        kind = {"JPEG": "progressive" if image.info.get("progressive") else "baseline", "MPO": "baseline", "WEBP": "WebP"}.get(image.format, image.format)
        return kind, image.width * image.height / 1e6
