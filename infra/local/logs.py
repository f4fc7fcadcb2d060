"""Reads the functions' log lines from the engine. It must never print the bytes of a log line that could drive a terminal."""

import time
from collections import Counter
from collections.abc import Iterator

from infra.local.engine import Engine

INTERVAL_SECONDS = 0.5
# Two invocations that end at once may be written in either order.
OVERLAP_MILLISECONDS = 5000
# The engine answers with at most this many events and no token for the rest.
PAGE = 10_000
LAMBDAS_OWN = ("START RequestId", "END RequestId", "REPORT RequestId")


class Logs:
    """The log lines of a stack's functions, each one once."""

    def __init__(self, engine: Engine, functions: dict[str, str]) -> None:
        self.client = engine.client("logs")
        lambdas = engine.client("lambda")
        self.groups = {
            name: lambdas.get_function_configuration(FunctionName=deployed).get("LoggingConfig", {}).get("LogGroup")
            or f"/aws/lambda/{deployed}"
            for name, deployed in functions.items()
        }
        self.since = dict.fromkeys(self.groups.values(), 0)
        # How many lines of each stream were seen. The engine makes a stream an invocation and fills it at its end.
        self.seen: Counter[str] = Counter()

    def new(self) -> list[tuple[str, str]]:
        """Function and line of what was logged since the last call, oldest first. Lambda's own lines are left out."""
        lines = []
        for name, group in self.groups.items():
            for event in self._unseen(group):
                if not event["message"].startswith(LAMBDAS_OWN):
                    lines.append((event["timestamp"], name, event["message"].rstrip("\n")))
        return [(name, printable(line)) for _, name, line in sorted(lines, key=lambda line: line[0])]

    def events(self) -> Iterator[tuple[str, str]]:
        """Stream and line of the same, function by function: a stream's lines in the order they were written in."""
        for group in self.groups.values():
            for event in self._unseen(group):
                if not event["message"].startswith(LAMBDAS_OWN):
                    yield event["logStreamName"], event["message"].rstrip("\n")

    def follow(self) -> Iterator[tuple[str, str]]:
        """Lines as they come, for ever."""
        while True:
            yield from self.new()
            time.sleep(INTERVAL_SECONDS)

    def _unseen(self, group: str) -> Iterator[dict]:
        while True:
            start = max(0, self.since[group] - OVERLAP_MILLISECONDS)
            try:
                page = self.client.filter_log_events(logGroupName=group, startTime=start)["events"]
            except self.client.exceptions.ResourceNotFoundException:
                # The group appears with its first line.
                return
            place = Counter()
            for event in page:
                stream = event["logStreamName"]
                place[stream] += 1
                if place[stream] > self.seen[stream]:
                    self.seen[stream] += 1
                    yield event
            before, self.since[group] = self.since[group], page[-1]["timestamp"] if page else self.since[group]
            if len(page) < PAGE or self.since[group] == before:
                return


def printable(line: str) -> str:
    """A line that cannot move the cursor."""
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in line)
