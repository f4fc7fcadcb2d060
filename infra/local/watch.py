"""`make watch`: the functions under `cargo lambda watch`, rebuilt when a file changes, against the local S3 and table.

They run as the engine's root user: what their roles may do is seen under `make dev` alone. It must never listen beyond
127.0.0.1, which is not cargo lambda's default.
"""

import argparse
import os
import shutil
import time
from contextlib import ExitStack

from infra.local import outputs, sorry
from infra.local.build import build
from infra.local.child import Child
from infra.local.dev import PORT, PORTS, stop_on_signals
from infra.local.engine import REGION, ROOT_KEY
from infra.local.outputs import Outputs
from infra.local.places import OUTPUTS, ROOT, RUN, TOOLS
from infra.local.ports import LOOPBACK, is_free, require_free
from infra.local.stack import Stack

LAMBDA_PORT = 9000
POLL_SECONDS = 0.2


def main() -> None:
    """Runs until a signal says stop."""
    parser = argparse.ArgumentParser(prog="make watch")
    parser.add_argument("--port", type=int, default=PORT, help="the engine's first port, if none runs yet")
    parser.add_argument("--lambda-port", type=int, default=LAMBDA_PORT)
    options = parser.parse_args()
    stop_on_signals()
    require_free([options.lambda_port])
    running = outputs.running()
    ports = [options.port + offset for offset in range(PORTS)]
    if running is None:
        require_free(ports)
    # Also when a stack runs already: it fetches what --offline below will not.
    functions = build()
    with ExitStack() as stop:
        if running is None:
            shutil.rmtree(RUN, ignore_errors=True)
            running = stop.enter_context(Stack(state=RUN, ports=ports, functions=functions, roomy=False)).outputs
            stop.callback(OUTPUTS.unlink, missing_ok=True)
            running.write()
        try:
            _watch(running, options.lambda_port, stop)
        except KeyboardInterrupt:
            print("\nStopped.", flush=True)


def _watch(running: Outputs, port: int, stop: ExitStack) -> None:
    command = [TOOLS / "lambda" / "bin" / "cargo-lambda", "lambda", "watch", "--offline"]
    command += ["--invoke-address", LOOPBACK, "--invoke-port", str(port)]
    child = Child("cargo lambda watch", command, env=environment(running), cwd=ROOT, log=None)
    stop.callback(child.stop)
    child.wait_until(lambda: not is_free(port))
    print(
        f"""
The functions are compiled and started by their first event. In another terminal:

  make invoke-issue-upload
  make invoke-generate-thumbnails EVENT=events/s3-put.json

Lambda API  http://{LOOPBACK}:{port}
S3          {running.endpoint}/{running.bucket}
""",
        flush=True,
    )
    while child.process.poll() is None:
        time.sleep(POLL_SECONDS)
    raise sorry.Sorry("cargo lambda watch ended by itself; it says why above.")


def environment(running: Outputs) -> dict[str, str]:
    """What the functions find in their environment. One for all: no name means two things in two functions."""
    ours = {name: value for variables in running.environment.values() for name, value in variables.items()}
    own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return own | ours | {
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": ROOT_KEY,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        "AWS_ENDPOINT_URL": running.endpoint,
    }


if __name__ == "__main__":
    sorry.run(main)
