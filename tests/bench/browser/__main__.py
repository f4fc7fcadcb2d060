"""`make bench-browser`: a file of 30 MB in Chromium, by uploader.js and by Uppy 5, on the same stack behind the same line of 60 ms.

It must never compare two runs with each other: the uploaders take turns within each round, each in a page and a context of its own.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import sync_playwright

from infra.local import sorry
from infra.local.places import ROOT
from infra.local.sorry import Sorry
from infra.local.stack import Stack
from tests.bench.browser import contestants, tables
from tests.bench.browser.bounds import Row, verdicts
from tests.bench.browser.contestants import CONTESTANTS, Contestant, Took
from tests.bench.browser.delay import Delay
from tests.browser.conftest import find_chromium
from tests.browser.site import Site
from tests.heavy import files

DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
SIZE = 30_000_000


def measured(options: argparse.Namespace, chromium: str) -> tuple[list[Row], str]:
    """Every row, and the browser's version."""
    with ExitStack() as running:
        site = running.enter_context(Site())
        contestants.serve(site)
        stack = running.enter_context(Stack(parameters={"CorsOrigin": site.origin}))
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="valet-bench-")))
        film = files.make_random(folder / "film.mp4", options.size)
        # Signed URLs keep the addresses they were made with: the browser is told another way there.
        ways = []
        for url in (stack.api_url, stack.endpoint):
            port = urlsplit(url).port
            delay = running.enter_context(Delay(port, options.latency / 1000))
            ways.append(f"MAP 127.0.0.1:{port} 127.0.0.1:{delay.port}")
        playwright = running.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=chromium, args=[f"--host-resolver-rules={', '.join(ways)}"])
        running.callback(browser.close)
        
        def run(one: Contestant) -> Took:
            return contestants.upload(browser, site, one, film, stack.api_url, stack.token(sub=str(uuid.uuid4())))

        return race(run, options.rounds), browser.version


def race(run: Callable[[Contestant], Took], rounds: int) -> list[Row]:
    """All rounds, after one that warms the functions; who begins changes each time."""
    found: dict[str, list[Took]] = {one.name: [] for one in CONTESTANTS}
    for number in range(-1, rounds):
        first = number % len(CONTESTANTS)
        for one in CONTESTANTS[first:] + CONTESTANTS[:first]:
            took = run(one)
            if number >= 0:
                found[one.name].append(took)
            say(f"round {number + 1}, {one.name}: {took.ready:.2f} s{' (to warm up)' if number < 0 else ''}")
    return [Row(one, found[one.name]) for one in CONTESTANTS]


def machine(options: argparse.Namespace, load: float, version: str) -> str:
    """When, where and with what."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").is_file() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    return (
        f"{date.today()}, {os.cpu_count()} cores ({model}), load average {load:.1f} before; Chromium {version}; {options.size / 1e6:g} MB, "
        f"{options.latency} ms a round trip to the API and to S3, {options.rounds} rounds."
    )


def say(text: str) -> None:
    """Tells on standard error what goes on."""
    print(f"valet: {text}", file=sys.stderr, flush=True)


def main() -> None:
    """Measures, prints, and with `--check` ends with 1 if a bound is missed."""
    parser = argparse.ArgumentParser(prog="make bench-browser")
    parser.add_argument("--rounds", type=int, default=9, help="measured rounds (9)")
    parser.add_argument("--latency", type=int, default=60, metavar="MS", help="added to every request (60)")
    parser.add_argument("--size", type=int, default=SIZE, metavar="BYTES", help="of the file (30,000,000)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/PERFORMANCE.md")
    parser.add_argument("--check", action="store_true", help="end with 1 if a bound is missed")
    options = parser.parse_args()
    if options.rounds < 1:
        raise Sorry("at least one round is needed.")
    load = os.getloadavg()[0]
    rows, version = measured(options, find_chromium("bench-browser"))
    found = list(verdicts(rows))
    when = machine(options, load, version)
    text = "\n\n".join([when, tables.bounds(found), tables.rows(rows)])
    print(json.dumps({"machine": when, "rows": [row.json() for row in rows]}, indent=1) if options.json else text)
    if options.write:
        tables.write(DOCUMENT, text)
    missed = [verdict for verdict in found if not verdict.is_held]
    if options.check and missed:
        raise Sorry("missed: " + "; ".join(f"{one.text}: {one.measured:.3g}, bound {one.bound:g}" for one in missed))


if __name__ == "__main__":
    sorry.run(main)
