"""What is done to uploads, and what must hold afterwards. A scenario that does not hold fails; its figures are for people.

It must never look into the client: bytes are counted by the network, results are read from the stores.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.sorry import Sorry
from tests.bench.upload.measure import Measured
from tests.heavy import client, files
from tests.heavy.client import Client
from tests.heavy.faults import NONE, Fault, Faults
from tests.heavy.stack import HeavyStack

MIB = 1 << 20
GIB = 1 << 30
# What may be sent beside the file itself, not counting what a fault cost.
OVERHEAD = 1.05
# The same upload is taken up again at most as often.
RESUMES = 20
# How many kills between two looks at the disk.
EMPTY_EVERY = 10


class Broken(AssertionError):
    """Something that must hold does not."""


@dataclass
class Outcome:
    """One upload as the network and the stores saw it."""

    size: int
    sent: int
    faults: dict[str, int]
    resumes: int
    seconds: float
    cpu_seconds: float
    anonymous: int
    resident: int

    def json(self) -> dict:
        """For machines."""
        return {
            "sizeBytes": self.size,
            "sentBytes": self.sent,
            "sentOverSize": self.sent / self.size,
            "faults": self.faults,
            "resumes": self.resumes,
            "seconds": self.seconds,
            "cpuSeconds": self.cpu_seconds,
            "peakAnonymousBytes": self.anonymous,
            "peakResidentBytes": self.resident,
        }


@dataclass
class Setting:
    """Where scenarios run."""

    stack: HeavyStack
    binary: Path
    folder: Path
    say: Callable[[str], None]
    seed: int = 1
    users: int = field(default=0)

    def person(self, parallel: int, part_size: int) -> Client:
        """Somebody nobody has seen before."""
        self.users += 1
        home = self.folder / f"home-{self.users}"
        home.mkdir(parents=True)
        token = self.stack.token(f"heavy-{self.seed}-{self.users}")
        return Client(self.binary, self.stack.api_url, token, home, parallel, part_size)

    def keys(self) -> set[str]:
        """The objects there are."""
        pages = self.stack.store.s3.get_paginator("list_objects_v2").paginate(Bucket=self.stack.bucket)
        return {item["Key"] for page in pages for item in page.get("Contents", [])}

    def compare(self, file: Path, before: set[str]) -> None:
        """There is one more object, and it is the file, byte by byte."""
        new = self.keys() - before
        if len(new) != 1:
            raise Broken(f"there are {len(new)} new objects and not one")
        stored = self.stack.store.s3.get_object(Bucket=self.stack.bucket, Key=new.pop())["Body"]
        differs = files.difference(file, stored)
        if differs is not None:
            raise Broken(f"what is stored differs from the file at byte {differs}")


def through_a_broken_network(setting: Setting, file: Path, *, share: float, parallel: int, part_size: int, kinds: tuple[Fault, ...] = tuple(Fault)) -> Outcome:
    """An upload over a network that breaks a share of all parts' tries; taken up again for as long as the client says it can be."""
    proxy, size = setting.stack.proxy, file.stat().st_size
    proxy.forget()
    proxy.faults = Faults(setting.seed, share, kinds)
    person, before = setting.person(parallel, part_size), setting.keys()
    began = time.monotonic()
    try:
        runs = [person.upload(file)]
        while runs[-1].status in client.RESUMABLE and len(runs) <= RESUMES:
            # Without a grant there is nothing to resume yet.
            runs.append(person.resume() if _remembers(person) else person.upload(file))
    finally:
        proxy.faults = NONE
    seconds = time.monotonic() - began
    if runs[-1].status != 0:
        raise Broken(person.explain(runs[-1]))
    setting.compare(file, before)
    outcome = _outcome(setting, size, runs, seconds)
    if outcome.sent < size:
        raise Broken(f"{outcome.sent} bytes were counted for a file of {size}: it went another way")
    # What is only late is not sent again.
    costly = sum(count for name, count in outcome.faults.items() if name != Fault.DELAY.value)
    most = OVERHEAD * size + costly * part_size
    if outcome.sent > most:
        raise Broken(f"{outcome.sent} bytes went up for a file of {size}; {most:.0f} are allowed after {costly} faults")
    return outcome


@dataclass
class Kills:
    """What came of an upload killed again and again."""

    killed: int
    finished_before: int
    begun_anew: int
    # Killed when S3 had all parts already: it forgets them while it puts them together, and the client may send some in vain.
    while_confirming: int
    # Parts that were under way when the client was killed, and sent again.
    parts_again: int
    # Bytes sent beyond the files' own sizes, at most for one kill.
    most_extra: int
    anonymous: int
    seconds: float

    def json(self) -> dict:
        """For machines."""
        return {
            "killed": self.killed,
            "finishedBefore": self.finished_before,
            "begunAnew": self.begun_anew,
            "whileConfirming": self.while_confirming,
            "partsSentAgain": self.parts_again,
            "mostExtraBytes": self.most_extra,
            "peakAnonymousBytes": self.anonymous,
            "seconds": self.seconds,
        }


def killed_and_resumed(setting: Setting, file: Path, *, kills: int, parallel: int, part_size: int) -> Kills:
    """Uploads killed at random moments, each resumed once: what storage had is not sent again, and what arrives is the file."""
    proxy, size, began = setting.stack.proxy, file.stat().st_size, time.monotonic()
    person, before = setting.person(parallel, part_size), setting.keys()
    whole = person.upload(file)
    if whole.status != 0:
        raise Broken(person.explain(whole))
    setting.compare(file, before)
    parts = range(1, -(-size // part_size) + 1)
    done = Kills(0, 0, 0, 0, 0, 0, whole.anonymous, 0)
    dice = random.Random(f"kills/{setting.seed}")
    while done.killed < kills:
        if (done.killed + done.finished_before) % EMPTY_EVERY == 0:
            setting.stack.store.empty_bucket(setting.stack.bucket)
        person, before = setting.person(parallel, part_size), setting.keys()
        proxy.forget()
        killed_at = person.kill(file, dice.uniform(0, whole.wall_seconds))
        if killed_at is None:
            done.finished_before += 1
            setting.compare(file, before)
            continue
        done.killed += 1
        # It is told by what the client remembers, as the person at the keyboard is.
        run = person.resume() if _remembers(person) else None
        if run is None:
            done.begun_anew += 1
            run = person.upload(file)
        if run.status != 0:
            raise Broken(f"kill {done.killed}: {person.explain(run)}")
        setting.compare(file, before)
        again = [(a, b) for a in proxy.attempts for b in proxy.attempts if a.path == b.path and a.part == b.part and a.began < b.began]
        twice = sorted({a.part for a, b in again if a.stored is not None and a.stored < killed_at < b.began})
        stored = {attempt.part for attempt in proxy.attempts if attempt.stored is not None and attempt.stored < killed_at}
        is_whole = stored.issuperset(parts)
        done.while_confirming += is_whole
        if twice and not is_whole:
            raise Broken(f"kill {done.killed}: parts {twice} were stored before it and sent again after it")
        done.parts_again += len({a.part for a, _ in again})
        extra = proxy.received - size
        if extra < 0:
            raise Broken(f"kill {done.killed}: {proxy.received} bytes were counted for a file of {size}: it went another way")
        if extra > parallel * part_size:
            raise Broken(f"kill {done.killed}: {extra} bytes were sent twice; {parallel} parts were under way")
        done.most_extra = max(done.most_extra, extra)
        done.anonymous = max(done.anonymous, run.anonymous)
        if done.killed % 10 == 0:
            setting.say(f"killed {done.killed} times")
    done.seconds = time.monotonic() - began
    return done


def size_that_fits(folder: Path, wanted: int, *, is_sparse: bool, spare: int = 6 * GIB) -> int:
    """As large as the disk allows, up to what is wanted: the object takes its size, and so does a file without holes."""
    most = (files.free(folder) - spare) // (1 if is_sparse else 2) // GIB * GIB
    if most < GIB:
        raise Sorry(f"{folder} has {files.free(folder) / GIB:.0f} GiB free, too little for a large file.")
    return min(wanted, most)


def _remembers(person: Client) -> bool:
    return any(path.is_file() for path in (person.home / "state").rglob("*.json"))


def _outcome(setting: Setting, size: int, runs: list[Measured], seconds: float) -> Outcome:
    proxy = setting.stack.proxy
    return Outcome(
        size=size,
        sent=proxy.received,
        faults=proxy.faults_made,
        resumes=len(runs) - 1,
        seconds=seconds,
        cpu_seconds=sum(run.cpu_seconds for run in runs),
        anonymous=max(run.anonymous for run in runs),
        resident=max(run.resident for run in runs),
    )
