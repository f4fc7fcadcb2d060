"""The memory of the functions' processes while they work, and whether it grows. It must never take the first minutes for growth: a process
has to have seen everything once."""

import threading
import time
from dataclasses import dataclass, field
from typing import Self

from infra.local.engine import Engine
from tests.faults import processes

INTERVAL_SECONDS = 2
# A process that lived for less of the run says nothing about growth.
LEAST_SHARE = 0.5
MIB = 1 << 20
# What an allocator may still take after the first half, and what is within the noise.
GROWTH = 1.1
NOISE_BYTES = 3 * MIB


@dataclass
class Life:
    """One process: seconds since the start, and its resident bytes."""

    function: str
    seconds: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)

    @property
    def lasted(self) -> float:
        """How long it was seen."""
        return self.seconds[-1] - self.seconds[0]

    def slope(self) -> float:
        """Bytes a minute over the second half of its life, by least squares."""
        middle = self.seconds[0] + self.lasted / 2
        points = [(at / 60, held) for at, held in zip(self.seconds, self.resident, strict=True) if at >= middle]
        mean_at, mean_held = (sum(values) / len(points) for values in zip(*points, strict=True))
        spread = sum((at - mean_at) ** 2 for at, _ in points)
        return sum((at - mean_at) * (held - mean_held) for at, held in points) / spread if spread else 0.0

    def quarter(self, number: int) -> float:
        """The mean of a quarter of its life, from 0 to 3."""
        begin = self.seconds[0] + self.lasted * number / 4
        values = [held for at, held in zip(self.seconds, self.resident, strict=True) if begin <= at <= begin + self.lasted / 4]
        return sum(values) / len(values)


class Memory:
    """Samples every process of an engine's functions until it is stopped."""

    def __init__(self, engine: Engine, names: dict[str, str]) -> None:
        self._engine = engine
        self._names = {deployed: name for name, deployed in names.items()}
        self.lives: dict[int, Life] = {}
        self._began = time.monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(INTERVAL_SECONDS):
            for process in processes.functions(self._engine):
                if held := process.memory():
                    life = self.lives.setdefault(process.pid, Life(self._names.get(process.function, process.function)))
                    life.seconds.append(time.monotonic() - self._began)
                    life.resident.append(held[0])

    def old(self, seconds: float) -> list[Life]:
        """Those that lived long enough to judge, of a run of so many seconds."""
        return [life for life in self.lives.values() if len(life.seconds) > 8 and life.lasted >= seconds * LEAST_SHARE]

    def grown(self, seconds: float) -> list[str]:
        """Processes whose last quarter holds more than their second."""
        found = []
        for life in self.old(seconds):
            before, after = life.quarter(1), life.quarter(3)
            if after > before * GROWTH + NOISE_BYTES:
                found.append(f"{life.function} grew from {before / MIB:.1f} to {after / MIB:.1f} MiB")
        return found
