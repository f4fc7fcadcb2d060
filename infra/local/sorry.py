"""One clear sentence instead of a traceback. It must never hide a mistake of our own: only `Sorry` is caught."""

import sys
from collections.abc import Callable


class Sorry(Exception):
    """Something the person at the keyboard can mend; its text is the whole message."""


def run(command: Callable[[], None]) -> None:
    """Runs a command line: a `Sorry` is printed and ends with 1, Ctrl-C ends with 130, everything else is a bug."""
    try:
        command()
    except Sorry as sorry:
        print(f"valet: {sorry}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # `make try | head` closes our output; the interpreter would complain again while it flushes.
        sys.stderr.close()
        sys.exit(0)
