"""A stack whose functions reach AWS past the proxy, whose queue is in a test's hands, and whose time passes when a test says so.

Nobody else may use it: sweeps are in a hurry, and take what was begun a moment ago for left behind.
"""

import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self

from infra.local.ports import LOOPBACK, free_ports
from infra.local.stack import Stack
from tests.e2e.storage import Storage
from tests.e2e.user import Secrets
from tests.faults import processes
from tests.faults.client import Client
from tests.faults.courier import Courier
from tests.faults.invariants import Seen, look, violations
from tests.faults.lines import Lines
from tests.faults.proxy import Proxy

SWEEP = "sweep-uploads"
HOUR = 3_600_000
# Each run may ask again, or come upon what the run before has left.
RUNS = 8
# Also the most connections boto3 keeps.
AT_ONCE = 8
TIMES = ("created_at", "expires_at", "due_at", "confirmed_at")
# First thumbnails are asked for again, then grants end, then what arrived in vain is looked at a last time.
STEPS = (HOUR, 4 * 24 * HOUR, HOUR, 2 * 24 * HOUR)


class World:
    """Everything a case needs."""

    def __enter__(self) -> Self:
        with ExitStack() as started:
            ports = free_ports(4)
            self.proxy = started.enter_context(Proxy(ports[0], self._kill))
            self.stack = started.enter_context(Stack(ports=ports, functions_endpoint=self.proxy.url))
            self.storage = Storage(self.stack)
            self.secrets = Secrets()
            self.lines = Lines(self.stack)
            self.courier = Courier(self.stack)
            self.lambdas = self.stack.client("lambda")
            function = self.stack.outputs.functions[SWEEP]
            hurried = self.stack.outputs.environment[SWEEP] | {"OBJECT_AGE_SECONDS": "0", "MULTIPART_AGE_SECONDS": "0"}
            self.lambdas.update_function_configuration(FunctionName=function, Environment={"Variables": hurried})
            self._stop = started.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.close()

    def client(self) -> Client:
        """A user nobody has seen before, whose calls are counted."""
        sub = f"{uuid.uuid4()}@example.com"
        client = Client(self.stack.api_url, self.stack.token(sub=sub), sub, self.secrets)
        self.proxy.watch(client.owner)
        return client

    def sweep(self) -> dict:
        """What one run says: its numbers, or its error under `errorType`."""
        answer = self.lambdas.invoke(FunctionName=self.stack.outputs.functions[SWEEP], Payload=b"{}")
        return json.loads(answer["Payload"].read())

    def sweep_until_quiet(self) -> list[str]:
        """Sweeps, and works off what it tells of, until there is nothing left to do; what goes wrong without a fault."""
        for _ in range(RUNS):
            said = self.sweep()
            if "errorType" in said or said["failed"] or said["stuck"] or said["truncated"]:
                return [f"a sweep nobody disturbs says {said}"]
            self.deliver_all()
            if not {name for name, number in said.items() if number} - {"walked"}:
                return []
        return [f"the sweep does not come to rest: {said}"]

    def deliver_all(self) -> None:
        """Works off every message there is."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self.courier.work_off, self.courier.take_all()))

    def set_back(self, owner: str, milliseconds: int) -> None:
        """Makes all times of an owner's uploads lie further back."""
        found = self.storage.dynamodb.query(
            TableName=self.storage.table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": f"OWNER#{owner}"}, ":sk": {"S": "UPLOAD#"}},
        )
        for item in found["Items"]:
            self.storage.dynamodb.update_item(
                TableName=self.storage.table,
                Key={name: item[name] for name in ("pk", "sk")},
                UpdateExpression="SET " + ", ".join(f"{name} = {name} - :by" for name in TIMES if name in item),
                ExpressionAttributeValues={":by": {"N": str(milliseconds)}},
            )

    def let_time_pass(self, owners: set[str]) -> list[str]:
        """Days go by, with their events and their sweeps; what went wrong."""
        self.deliver_all()
        found = []
        for step in STEPS:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda owner: self.set_back(owner, step), owners))
            found += self.sweep_until_quiet()
        return found

    def at_rest(self, owners: set[str]) -> tuple[Seen, list[str]]:
        """What these owners have after that, and what is wrong with it."""
        found = self.let_time_pass(owners)
        seen = look(self.stack).of(owners)
        found += violations(self.stack, seen, at_rest=True)
        for (owner, upload_id), row in seen.rows.items():
            if row["status"] == "ready" and row["thumbnails"].get("reason") == "gave_up":
                found.append(f"{owner}/{upload_id}: its thumbnails were given up, and every event was delivered")
        return seen, found

    def _kill(self, port: int) -> bool:
        process = processes.at_the_other_end(self.stack.engine, port)
        if process is not None:
            process.kill()
        return process is not None
