"""A stack whose functions reach AWS past the proxy, whose queue is in a test's hands, and whose time passes when a test says so.

Nobody else may use it: sweeps are in a hurry, and take what was begun a moment ago for left behind.
"""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self

from infra.local.ports import LOOPBACK, free_ports
from infra.local.stack import Stack
from tests.e2e.storage import Storage
from tests.e2e.user import Secrets, User
from tests.faults import processes
from tests.faults.client import Client
from tests.faults.courier import Courier
from tests.faults.invariants import Seen, look, violations
from tests.faults.lines import Lines
from tests.faults.passing import AT_ONCE, HOUR, Passing
from tests.faults.proxy import Proxy


class World:
    """Everything a case needs."""

    def __enter__(self) -> Self:
        with ExitStack() as started:
            ports = free_ports(5)
            self.proxy = started.enter_context(Proxy(ports[0], lambda port: processes.at_the_other_end(self.stack.engine, port)))
            self.stack = started.enter_context(Stack(ports=ports, functions_endpoint=self.proxy.url))
            self.storage = Storage(self.stack)
            self.secrets = Secrets()
            self.owners: set[str] = set()
            self.lines = Lines(self.stack)
            self.courier = Courier(self.stack)
            self.passing = Passing(self.stack, self.deliver_all)
            self.passing.hurry()
            self._stop = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()

    def client(self, kind: type[User] = Client) -> User:
        """A user nobody has seen before, whose calls are counted: one with patience, or of another kind."""
        sub = f"{uuid.uuid4()}@example.com"
        client = kind(self.stack.api_url, self.stack.token(sub=sub), sub, self.secrets)
        self.proxy.watch(client.owner)
        self.owners.add(client.owner)
        return client

    def sweep(self) -> dict:
        """What one run says: its numbers, or its error under `errorType`."""
        return self.passing.sweep()

    def deliver_all(self) -> None:
        """Works off every message there is."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.courier.work_off, self.courier.take_all()))

    def set_back(self, owner: str, milliseconds: int) -> None:
        """Makes all times of an owner's uploads lie further back."""
        self.passing.set_back(owner, milliseconds)

    def at_rest(self) -> tuple[Seen, list[str]]:
        """All that there is after days have gone by, and what is wrong with it."""
        found = self.passing.let_time_pass(self.owners)
        seen = look(self.stack)
        found += violations(self.stack, seen, at_rest=True)
        for (owner, upload_id), row in seen.rows.items():
            if row["status"] == "ready" and row["thumbnails"].get("reason") == "gave_up":
                found.append(f"{owner}/{upload_id}: its thumbnails were given up, and every event was delivered")
        return seen, found


__all__ = ["HOUR", "World"]
