"""`make dev`: builds, starts and deploys everything, then shows the functions' logs until Ctrl-C.

It must never leave a process behind, however it ends.
"""

import argparse
import shutil
import signal
import time
from types import FrameType

from infra.local import outputs, sorry
from infra.local.build import build
from infra.local.issuer import SUBJECT
from infra.local.places import OUTPUTS, ROOT, RUN, shown
from infra.local.ports import require_free
from infra.local.stack import Stack

PORT = 4566
PORTS = 5
LOG_SECONDS = 0.5
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main() -> None:
    """Runs until a signal says stop."""
    parser = argparse.ArgumentParser(prog="make dev")
    parser.add_argument("--port", type=int, default=PORT, help="the first of five ports: AWS, API, CDN, issuer, page")
    port = parser.parse_args().port
    stop_on_signals()
    ports = [port + offset for offset in range(PORTS)]
    # Before the build: nobody wants to hear of a busy port after three minutes of compiling.
    require_free(ports)
    if (other := outputs.running()) is not None:
        raise sorry.Sorry(f"`make dev` already runs in this checkout (process {other.pid}); stop it with Ctrl-C first.")
    functions = build()
    began = time.monotonic()
    shutil.rmtree(RUN, ignore_errors=True)
    try:
        with Stack(state=RUN, ports=ports, functions=functions, roomy=False) as stack:
            stack.outputs.write()
            _welcome(stack, time.monotonic() - began)
            while True:
                for name, line in stack.new_logs():
                    print(f"{name:>19} | {line}", flush=True)
                time.sleep(LOG_SECONDS)
    except KeyboardInterrupt:
        # How it is meant to end.
        print("\nStopped.", flush=True)
    finally:
        OUTPUTS.unlink(missing_ok=True)


def _welcome(stack: Stack, seconds: float) -> None:
    token = stack.token(SUBJECT)
    print(
        f"""
Valet runs on this machine; deployed in {seconds:.1f} s. Open this address and drop a photo on it:

  Page     {stack.page_url}

  API      {stack.api_url}
  CDN      {stack.cdn_url}
  S3       {stack.endpoint}/{stack.bucket}
  Engine's log: {shown(RUN / "engine.log")}

A bearer token for "{SUBJECT}", good for 12 hours (`make token SUB=alice` makes others):

export TOKEN={token}

  curl -H "Authorization: Bearer $TOKEN" {stack.api_url}/v1/limits
  make try FILE=photo.jpg        in another terminal in {ROOT}

The functions' logs follow. Ctrl-C stops everything.
""",
        flush=True,
    )


def stop_on_signals() -> None:
    """Makes each of the signals that end a program raise KeyboardInterrupt, once."""
    for number in STOPS:
        signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    # Only the first one counts: an impatient second Ctrl-C must not interrupt the stopping.
    for each in STOPS:
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sorry.run(main)
