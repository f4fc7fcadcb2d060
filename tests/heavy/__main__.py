"""`make heavy`: uploads as large as the disk allows, over a network that breaks, killed at random moments, and abandoned by the hundred.

Everything is checked, and the first thing that does not hold ends it. It must never run as part of `make test`: it takes an hour
and most of the disk.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from infra.local import sorry
from infra.local.places import STATE
from infra.local.sorry import Sorry
from tests.bench.markdown import table
from tests.heavy import client, files, grants, scenarios
from tests.heavy.scenarios import GIB, MIB, Broken, Setting
from tests.heavy.stack import HeavyStack, remove

WORK = STATE / "heavy"
PARALLEL = 8
PART_SIZE = 16 * MIB
# Many small parts: more to kill and to break in the same time.
SMALL_PART_SIZE = 5 * MIB


@contextmanager
def setting(options: argparse.Namespace, **how: object) -> Iterator[Setting]:
    """A stack of its own, and an empty folder."""
    remove(WORK / "run")
    with HeavyStack(WORK / "run", **how) as stack:
        yield Setting(stack, options.valet, WORK / "run", say, options.seed)
    remove(WORK / "run")


def large(options: argparse.Namespace, *, is_sparse: bool) -> tuple[str, dict]:
    """The largest file there is room for, with a fault in every fiftieth part."""
    size = scenarios.size_that_fits(WORK, int(options.size * GIB), is_sparse=is_sparse)
    kind = "sparse" if is_sparse else "random"
    if size < options.size * GIB:
        say(f"a {kind} file of {options.size:g} GiB does not fit with its object; {size / GIB:g} GiB do")
    with setting(options) as here:
        file = (files.make_sparse if is_sparse else files.make_random)(here.folder / f"{kind}.mp4", size, options.seed)
        say(f"uploading a {kind} file of {size / GIB:g} GiB")
        outcome = scenarios.through_a_broken_network(here, file, share=0.02, parallel=PARALLEL, part_size=PART_SIZE)
    return f"{size / GIB:g} GiB, {kind}, 2 % of the tries fail", outcome.json()


def faults(options: argparse.Namespace) -> tuple[str, dict]:
    """A quarter of all tries fails."""
    with setting(options) as here:
        file = files.make_random(here.folder / "faults.mp4", 2 * GIB, options.seed)
        say("uploading 2 GiB while a quarter of the tries fails")
        outcome = scenarios.through_a_broken_network(here, file, share=0.25, parallel=PARALLEL, part_size=SMALL_PART_SIZE)
    return "2 GiB, random, 25 % of the tries fail", outcome.json()


def kills(options: argparse.Namespace) -> tuple[str, dict]:
    """An upload killed and resumed, again and again."""
    with setting(options, bytes_per_second=80e6) as here:
        file = files.make_random(here.folder / "kills.mp4", 128 * MIB, options.seed)
        say(f"killing uploads {options.kills} times")
        done = scenarios.killed_and_resumed(here, file, kills=options.kills, parallel=4, part_size=SMALL_PART_SIZE)
    return f"{options.kills} kills", done.json()


def abandoned(options: argparse.Namespace) -> tuple[str, dict]:
    """Grants left behind."""
    with setting(options, settings=grants.SHORT) as here:
        say(f"asking for {options.grants} grants")
        swept = grants.abandon_and_sweep(here, options.grants, is_patient=True)
    return f"{options.grants} grants", swept.json()


SCENARIOS = {
    "kills": kills,
    "faults": faults,
    "grants": abandoned,
    "sparse": lambda options: large(options, is_sparse=True),
    "random": lambda options: large(options, is_sparse=False),
}


def report(results: dict[str, dict]) -> str:
    """For people."""
    parts = []
    uploads = {name: found for name, found in results.items() if "sentBytes" in found}
    if uploads:
        header = ["upload", "seconds", "MB/s", "sent / size", "faults", "resumed", "CPU s per GB", "anonymous MiB"]
        lines = [
            [
                name,
                f"{found['seconds']:.0f}",
                f"{found['sizeBytes'] / 1e6 / found['seconds']:.0f}",
                f"{found['sentOverSize']:.4f}",
                str(sum(found["faults"].values())),
                str(found["resumes"]),
                f"{found['cpuSeconds'] / found['sizeBytes'] * 1e9:.2f}",
                f"{found['peakAnonymousBytes'] / MIB:.0f}",
            ]
            for name, found in uploads.items()
        ]
        parts.append(table(header, lines))
    for name, found in results.items():
        if name not in uploads:
            shown = {what: f"{value:.1f}" if isinstance(value, float) else str(value) for what, value in found.items()}
            parts.append(table([name, ""], ([what, value] for what, value in shown.items())))
    return "\n\n".join(parts)


def say(text: str) -> None:
    """Tells on standard error what goes on."""
    print(f"valet: {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Runs what is named, or all of it, and ends with 1 at the first thing that does not hold."""
    parser = argparse.ArgumentParser(prog="make heavy")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO", help=f"{', '.join(SCENARIOS)}; all of them unless named")
    parser.add_argument("--size", type=float, default=30, metavar="GIB", help="of the large files in GiB, as far as there is room (30)")
    parser.add_argument("--kills", type=int, default=100, help="how often an upload is killed (100)")
    parser.add_argument("--grants", type=int, default=1000, help="how many grants are asked for (1000)")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (1)")
    parser.add_argument("--valet", type=Path, help="the binary (target/release/valet)")
    parser.add_argument("--json", type=Path, default=WORK / "results.json", metavar="FILE", help="where figures go (.valet/heavy/results.json)")
    options = parser.parse_args()
    if sys.platform != "linux":
        raise Sorry("it reads Linux's /proc and runs nowhere else.")
    if unknown := set(options.scenarios) - set(SCENARIOS):
        raise Sorry(f"there is no scenario named {', '.join(sorted(unknown))}; there are {', '.join(SCENARIOS)}.")
    options.valet = options.valet or client.built("release")
    WORK.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict] = {}
    began, load = time.monotonic(), os.getloadavg()[0]
    for name in options.scenarios or SCENARIOS:
        try:
            title, found = SCENARIOS[name](options)
        except Broken as broken:
            raise Sorry(f"{name} does not hold: {broken}. What is left lies in {WORK / 'run'}.") from None
        results[title] = found
        options.json.write_text(json.dumps({"date": str(date.today()), "cores": os.cpu_count(), "load": load, "results": results}, indent=1) + "\n")
    print(report(results))
    say(f"all of it holds; {time.monotonic() - began:.0f} s, figures in {options.json}")


if __name__ == "__main__":
    sorry.run(main)
