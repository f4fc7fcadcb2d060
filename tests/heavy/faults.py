"""What goes wrong with which request, by a seed: the same part fails the same way at the same try, whatever the threads do.
It must never depend on the time or on the order of requests.
"""

import random
from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """What a network, or S3, may do to the PUT of a part."""

    DROP = "connection closed before the body"
    RESET = "connection reset within the body"
    DELAY = "held for a while"
    UNAVAILABLE = "503 SlowDown"
    EXPIRED = "403 Request has expired"
    LOST = "stored, and the answer lost"


@dataclass(frozen=True)
class Faults:
    """A share of the tries fails, of one part at most `most` in a row."""

    seed: int
    share: float
    kinds: tuple[Fault, ...] = tuple(Fault)
    most: int = 3

    def of(self, part: int, attempt: int) -> tuple[Fault | None, random.Random]:
        """What happens to this try of a part, counted from 0, and where everything else about it is drawn from."""
        dice = random.Random(f"{self.seed}/{part}/{attempt}")
        hit = attempt < self.most and dice.random() < self.share
        return (dice.choice(self.kinds) if hit else None), dice


NONE = Faults(seed=0, share=0)
