"""Runs make targets one after another and says at the end how long each took. It must never hide a failure among successes.

A failed part does not stop the next ones: one run shows all there is to mend.
"""

import os
import subprocess
import sys
import time


def main(parts: list[str]) -> int:
    """Non-zero if a part failed."""
    results = []
    for part in parts:
        print(f"\n=== make {part}", flush=True)
        began = time.monotonic()
        try:
            passed = subprocess.run([os.environ.get("MAKE", "make"), "--no-print-directory", part], stdin=subprocess.DEVNULL).returncode == 0
        except KeyboardInterrupt:
            return 130
        results.append((part, passed, time.monotonic() - began))
    print("\n=== Summary")
    for part, passed, seconds in results:
        print(f"{part:<18} {'passed' if passed else 'FAILED'} {seconds:8.1f} s")
    failed = sum(not passed for _, passed, _ in results)
    print(f"{len(results) - failed} parts passed, {failed} failed in {sum(seconds for *_, seconds in results):.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
