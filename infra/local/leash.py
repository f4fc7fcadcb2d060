"""Runs a command and ends it, with all it started, when our standard input closes.

The other end of that pipe belongs to whoever started us: it closes when they die, even by SIGKILL, when nobody can tidy
up any more. Must never need more than the standard library, nor say anything.
"""

import os
import signal
import subprocess
import sys
import threading


def main() -> None:
    """Ends with the command's own status."""
    # Meant for the whole group; the command decides what they mean and we wait for it. (Ignoring them would be inherited.)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    status = command.wait()
    sys.stdout.flush()
    os._exit(status if status >= 0 else 128 - status)


def _end_with_parent() -> None:
    os.read(0, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)


if __name__ == "__main__":
    main()
