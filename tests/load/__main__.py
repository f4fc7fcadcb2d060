"""`python -m tests.load`: so many clients in the whole flow at once, for so many minutes, against a stack of its own; then time passes, and
table and bucket are gone through.

Engine, functions and clients share this machine: the figures compare runs, they promise nothing about AWS. It ends with 1 if anything
happened that must not. It must never be pointed at a stack that somebody uses.
"""

import argparse
import os
import random
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

from infra.local import sorry
from infra.local.places import FUNCTIONS, ROOT
from infra.local.stack import Stack
from tests.bench.markdown import table
from tests.e2e.polling import eventually
from tests.e2e.storage import Storage
from tests.faults.invariants import counted, look, violations
from tests.faults.lines import Lines
from tests.faults.passing import Passing
from tests.load.figures import Figures, percentile
from tests.load.memory import MIB, Memory
from tests.load.person import Known, Person

SWEEP_SECONDS = 60
READ_SECONDS = 5
DRAINING_SECONDS = 300


def main() -> None:
    """Runs, reports, and judges."""
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", default="debug", help="of the functions: debug or release")
    options = parser.parse_args()
    folder = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / options.profile
    with Stack(functions={name: _built(folder / name) for name in FUNCTIONS}) as stack:
        sys.exit(0 if _run(stack, options) else 1)


def _built(path: Path) -> Path:
    if not path.is_file():
        raise sorry.Sorry(f"{path} is missing; `make build` makes the debug ones.")
    return path


def _run(stack: Stack, options: argparse.Namespace) -> bool:
    figures, known, lines, storage = Figures(), Known(), Lines(stack), Storage(stack)
    passing = Passing(stack, lambda: eventually(lambda: storage.waiting() == 0, "the queue is worked off", DRAINING_SECONDS))
    load = os.getloadavg()[0]
    seconds = options.minutes * 60
    end = time.monotonic() + seconds
    over = threading.Event()

    def keep_on(number: int) -> None:
        dice = random.Random(f"{options.seed} {number}")
        while time.monotonic() < end:
            Person(stack, figures, known, dice).live()

    def look_after() -> None:
        """What runs beside the clients: the sweep on its schedule, and whoever reads the logs."""
        swept = time.monotonic()
        while not over.wait(READ_SECONDS):
            lines.read()
            if time.monotonic() - swept > SWEEP_SECONDS:
                swept = time.monotonic()
                said = passing.sweep()
                if "errorType" in said or said["failed"] or said["stuck"]:
                    figures.wrong(f"a sweep said {said}")

    _say(f"{options.clients} clients for {options.minutes:g} minutes")
    with Memory(stack.engine, stack.outputs.functions) as memory:
        beside = threading.Thread(target=look_after, daemon=True)
        beside.start()
        began = time.monotonic()
        with ThreadPoolExecutor(options.clients) as pool:
            list(pool.map(keep_on, range(options.clients)))
        lasted = time.monotonic() - began
        over.set()
        beside.join()
    _say("time passes")
    passing.hurry()
    wrong = passing.let_time_pass(known.owners)
    _say("table and bucket are gone through")
    seen = look(stack)
    wrong += violations(stack, seen, at_rest=True)
    wrong += [f"a dead letter: {body}" for body in storage.dead_letters()]
    lines.read_to_the_end()
    wrong += lines.violations(known.secrets) + lines.overcounted(seen) + memory.grown(seconds) + figures.unexpected
    print(_report(figures, memory, lasted, load, counted(seen), seconds, options))
    print("\n" + _said(lines, figures))
    for what, count in sorted(Counter(wrong).items()):
        print(f"WRONG {count} times: {what}")
    return not wrong


def _report(figures: Figures, memory: Memory, lasted: float, load: float, rows: dict[str, int], seconds: float, options: argparse.Namespace) -> str:
    done, uploads = figures.done, figures.done["uploaded"]
    others = ", ".join(f"{count} {what}" for what, count in sorted(done.items()) if what not in ("uploaded",))
    requests = sum(sum(route.answers.values()) for name, route in figures.routes.items() if not name.startswith("from"))
    lines = [
        f"{date.today()}, {os.cpu_count()} cores for engine, functions and clients together, load average {load:.1f} before, {options.profile} functions,",
        f"{options.clients} clients, {lasted / 60:.1f} minutes: {uploads} uploads to their end ({uploads / lasted:.2f} a second, {figures.bytes / lasted / 1e6:.2f} MB a second),",
        f"{requests} requests ({requests / lasted:.1f} a second); {others}. Rows at the end: {', '.join(f'{count} {status}' for status, count in rows.items())}.",
        "",
    ]
    routes = []
    for name, route in sorted(figures.routes.items()):
        times = [f"{percentile(route.milliseconds, share):.0f}" for share in (0.5, 0.9, 0.99)]
        answers = ", ".join(f"{what} × {count}" for what, count in sorted(route.answers.items()))
        routes.append([name, *times, f"{max(route.milliseconds):.0f}", answers])
    lines += [table(["milliseconds", "p50", "p90", "p99", "most", "answers"], routes), ""]
    held = []
    for function in FUNCTIONS:
        lives = [life for life in memory.old(seconds) if life.function == function]
        if lives:
            most = max(max(life.resident) for life in lives)
            second, last = (max(life.quarter(number) for life in lives) for number in (1, 3))
            slope = max(life.slope() for life in lives)
            held.append([function, str(len(lives)), f"{second / MIB:.1f}", f"{last / MIB:.1f}", f"{most / MIB:.1f}", f"{slope / 1024:+.0f}"])
    lines.append(table(["resident MiB, the largest process", "processes", "second quarter", "last quarter", "most", "slope of the second half, KiB a minute"], held))
    return "\n".join(lines)


def _said(lines: Lines, figures: Figures) -> str:
    """What failed and was tried again, and what was said of uploads that took very long."""
    failed = Counter(f"{entry['level']} {entry['error.code']}: {entry.get('error.chain', '')}" for entry in lines.entries if entry["level"] in ("WARN", "ERROR"))
    found = [f"logged {count} times: {what}" for what, count in failed.most_common(20)]
    for upload in figures.slow:
        about = [f"{entry['timestamp']} {entry['message']} {entry.get('outcome') or entry.get('error.chain') or entry.get('http.status')}" for entry in lines.entries if entry.get("upload.id") == upload]
        found.append(f"slow: {upload}: {'; '.join(about)}")
    return "\n".join(found or ["nothing was logged as a warning or an error"])


def _say(what: str) -> None:
    print(f"load: {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sorry.run(main)
