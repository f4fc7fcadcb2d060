"""Runs make targets one after another and says at the end how long each took, and of what CPU. It must never hide a failure among
successes.

A failed part does not stop the next ones: one run shows all there is to mend. A part that had to leave out what it is for says so
in the file VALET_SKIPPED names, one line each, and is not counted among those that passed.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path


def main(parts: list[str]) -> int:
    """Non-zero if a part failed."""
    results = []
    reasons = []
    with tempfile.NamedTemporaryFile("r", prefix="valet-skipped-") as skipped:
        environment = os.environ | {"VALET_SKIPPED": skipped.name}
        for part in parts:
            print(f"\n=== make {part}", flush=True)
            began, used = time.monotonic(), cpu_seconds()
            make = [os.environ.get("MAKE", "make"), "--no-print-directory", part]
            try:
                passed = subprocess.run(make, env=environment, stdin=subprocess.DEVNULL).returncode == 0
            except KeyboardInterrupt:
                return 130
            said = Path(skipped.name).read_text().splitlines()[len(reasons) :]
            reasons += said
            results.append((part, "FAILED" if not passed else "SKIPPED" if said else "passed", time.monotonic() - began, cpu_seconds() - used))
    print("\n=== Summary")
    for part, outcome, seconds, cpu in results:
        print(f"{part:<18} {outcome:<7} {seconds:7.1f} s {cpu:7.1f} s CPU")
    for reason in reasons:
        print(f"!!! {reason}")
    count = Counter(outcome for _, outcome, *_ in results)
    skips = f", {count['SKIPPED']} skipped" if count["SKIPPED"] else ""
    print(f"{count['passed']} parts passed, {count['FAILED']} failed{skips} in {sum(seconds for _, _, seconds, _ in results):.0f} s")
    return 1 if count["FAILED"] else 0


def cpu_seconds() -> float:
    """What the children that have ended have used, and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
