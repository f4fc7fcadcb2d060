"""`make invoke-<function>`: one event for a function under `make watch`. It must never reach a function on AWS."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from infra.local import sorry
from infra.local.places import EVENTS, FUNCTIONS, ROOT, TOOLS, shown
from infra.local.ports import LOOPBACK, is_free
from infra.local.sorry import Sorry


def main() -> None:
    """Prints the function's answer."""
    parser = argparse.ArgumentParser(prog="make invoke-<function>")
    parser.add_argument("function")
    parser.add_argument("event", type=Path)
    parser.add_argument("--lambda-port", type=int, default=9000)
    options = parser.parse_args()
    if options.function not in FUNCTIONS:
        raise Sorry(f"there is no function {options.function}; there are {', '.join(FUNCTIONS)}.")
    if not options.event.is_file():
        there = ", ".join(sorted(shown(path) for path in EVENTS.glob("*.json"))) or "none"
        raise Sorry(f"{options.event} is not a file; the sample events are: {there}.")
    if is_free(options.lambda_port):
        raise Sorry(f"nothing listens on port {options.lambda_port}; start `make watch` in another terminal first.")
    tool = TOOLS / "lambda" / "bin" / "cargo-lambda"
    command = [tool, "lambda", "invoke", options.function, "--data-file", options.event, "--output-format", "json"]
    address = ["--invoke-address", LOOPBACK, "--invoke-port", str(options.lambda_port)]
    # A developer's AWS profile has no business here.
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    sys.exit(subprocess.run([*command, *address], cwd=ROOT, env=kept).returncode)


if __name__ == "__main__":
    sorry.run(main)
