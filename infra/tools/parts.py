"""Runs make targets and says at the end how long each took, and of what CPU. It must never hide a failure among successes.

    parts.py fmt clippy --beside test-e2e test-local

One after the other, and those behind `--beside` then as many at a time as there are processors: they wait for stacks more than they
compute. A failed part does not stop the next ones: one run shows all there is to mend. A part that had to leave out what it is for says so
in the file VALET_SKIPPED names, one line each, and is not counted among those that passed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

PRINTING = threading.Lock()


@dataclass(frozen=True)
class Result:
    """What became of a part."""

    part: str
    outcome: str
    seconds: float
    cpu_seconds: float
    reasons: list[str]


def main(arguments: list[str]) -> int:
    """Non-zero if a part failed."""
    parser = argparse.ArgumentParser(prog="parts.py")
    parser.add_argument("parts", nargs="*", help="run one after the other")
    parser.add_argument("--beside", nargs="*", default=[], help="run beside each other after those; put the longest first")
    parser.add_argument("--lanes", type=int, default=os.cpu_count() or 1, help="how many at a time (as many as processors)")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    try:
        results = [run(part) for part in options.parts]
        with ThreadPoolExecutor(max(options.lanes, 1)) as lanes:
            try:
                results += lanes.map(run_aside, options.beside)
            except KeyboardInterrupt:
                # Those that run were interrupted too; those that wait need not begin.
                lanes.shutdown(wait=False, cancel_futures=True)
                raise
    except KeyboardInterrupt:
        return 130
    print("\n=== Summary")
    for result in results:
        print(f"{result.part:<18} {result.outcome:<7} {result.seconds:7.1f} s {result.cpu_seconds:7.1f} s CPU")
    for reason in (reason for result in results for reason in result.reasons):
        print(f"!!! {reason}")
    count = Counter(result.outcome for result in results)
    skips = f", {count['SKIPPED']} skipped" if count["SKIPPED"] else ""
    print(f"{count['passed']} parts passed, {count['FAILED']} failed{skips} in {time.monotonic() - began:.0f} s")
    return 1 if count["FAILED"] else 0


def run(part: str) -> Result:
    """Runs a part and shows what it says as it says it."""
    print(f"\n=== make {part}", flush=True)
    return outcome_of(part, None)


def run_aside(part: str) -> Result:
    """Runs a part and shows what it has said once it has ended."""
    with PRINTING:
        print(f"\n=== make {part} begins", flush=True)
    with tempfile.TemporaryFile() as said:
        result = outcome_of(part, said)
        said.seek(0)
        with PRINTING:
            print(f"\n=== make {part}", flush=True)
            sys.stdout.buffer.write(said.read())
            sys.stdout.flush()
    return result


def outcome_of(part: str, output) -> Result:
    """Runs a part to its end, its output into a file if there is one."""
    with tempfile.NamedTemporaryFile("r", prefix="valet-skipped-") as skipped:
        make = [os.environ.get("MAKE", "make"), "--no-print-directory", part]
        streams = {} if output is None else {"stdout": output, "stderr": subprocess.STDOUT}
        began = time.monotonic()
        process = subprocess.Popen(make, env=os.environ | {"VALET_SKIPPED": skipped.name}, stdin=subprocess.DEVNULL, **streams)
        # Tells what this child and its own have used, where the sum over all children would mix those that run beside each other.
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        reasons = Path(skipped.name).read_text().splitlines()
    outcome = "FAILED" if process.returncode != 0 else "SKIPPED" if reasons else "passed"
    return Result(part, outcome, seconds, used.ru_utime + used.ru_stime, reasons)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
