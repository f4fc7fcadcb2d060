"""Time that passes: the times in the rows are set back, and the sweep runs as it would have in between. What lies in the bucket cannot be
made older, so a sweep that is in a hurry takes all of it for old.

Nobody may upload meanwhile: what was begun a moment ago would be taken for left behind.
"""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from infra.local.stack import Stack

SWEEP = "sweep-uploads"
HOUR = 3_600_000
# What the function may take, and its answer.
RUN_SECONDS = 310
# Each run may ask again, or come upon what the run before has left.
RUNS = 8
FAILING = 3
# Also the most connections boto3 keeps.
AT_ONCE = 8
TIMES = ("created_at", "expires_at", "due_at", "confirmed_at")
# Grants end and what has arrived is settled, thumbnails are asked for again, grants for parts end, and what came in vain is looked at a last time.
STEPS = (HOUR, HOUR, 4 * 24 * HOUR, HOUR, 2 * 24 * HOUR)


class Passing:
    """The sweep of a stack, and its clock. `deliver` returns once every message that the queue holds is worked off."""

    def __init__(self, stack: Stack, deliver: Callable[[], None]) -> None:
        self._stack = stack
        self._deliver = deliver
        self._lambda = stack.engine.client("lambda", read_timeout=RUN_SECONDS)
        self._dynamodb = stack.dynamodb

    def hurry(self, walk_pages: int = 50) -> None:
        """From now on nothing is too young for the sweep, and it goes through so many thousand keys of a bucket at once."""
        function = self._stack.outputs.functions[SWEEP]
        hurried = {"OBJECT_AGE_SECONDS": "0", "MULTIPART_AGE_SECONDS": "0", "WALK_PAGES": str(walk_pages)}
        variables = self._stack.outputs.environment[SWEEP] | hurried
        self._lambda.update_function_configuration(FunctionName=function, Environment={"Variables": variables})

    def sweep(self) -> dict:
        """What one run says: its numbers, or its error under `errorType`."""
        answer = self._lambda.invoke(FunctionName=self._stack.outputs.functions[SWEEP], Payload=b"{}")
        return json.loads(answer["Payload"].read())

    def sweep_until_quiet(self) -> list[str]:
        """Sweeps, and has worked off what it tells of, until there is nothing left to do; what goes wrong. On a busy machine a run may fail, and
        the next one goes on."""
        failed = 0
        for _ in range(RUNS):
            said = self.sweep()
            if said.get("mended"):
                return [f"{said['mended']} owners' counters were wrong"]
            if "errorType" in said or said["failed"] or said["truncated"]:
                failed += 1
                if failed == FAILING:
                    return [f"sweeps that nobody disturbs say {said}"]
                continue
            self._deliver()
            if not {name for name, number in said.items() if number} - {"walked", "foreign"}:
                return []
        return [f"the sweep does not come to rest: {said}"]

    def set_back(self, owner: str, milliseconds: int) -> None:
        """Makes all times of an owner's uploads that are not finished lie further back."""
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._stack.table,
            ConsistentRead=True,
            KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
            ExpressionAttributeValues={":pk": {"S": f"OWNER#{owner}"}, ":sk": {"S": "UPLOAD#"}},
        )
        for page in pages:
            for item in page["Items"]:
                self._shift(item, milliseconds)

    def let_time_pass(self, owners: set[str], steps: tuple[int, ...] = STEPS) -> list[str]:
        """Days go by in such steps, with their events and their sweeps; what went wrong. The walk through the bucket comes once, at the end: it asks for the
        row of everything that lies there."""
        self._deliver()
        found = []
        self.hurry(walk_pages=0)
        for step in steps:
            pages = self._dynamodb.get_paginator("scan").paginate(TableName=self._stack.table, ConsistentRead=True)
            items = [item for page in pages for item in page["Items"] if item["pk"]["S"].removeprefix("OWNER#") in owners]
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda item, by=step: self._shift(item, by), items))
            found += self.sweep_until_quiet()
        self.hurry()
        found += self.sweep_until_quiet()
        self.hurry(walk_pages=0)
        return found

    def _shift(self, item: dict, milliseconds: int) -> None:
        if "due_at" not in item:
            # Nothing looks at its times any more.
            return
        times = [name for name in TIMES if name in item]
        try:
            self._dynamodb.update_item(
                TableName=self._stack.table,
                Key={name: item[name] for name in ("pk", "sk")},
                ConditionExpression=" AND ".join(f"attribute_exists({name})" for name in times),
                UpdateExpression="SET " + ", ".join(f"{name} = {name} - :by" for name in times),
                ExpressionAttributeValues={":by": {"N": str(milliseconds)}},
            )
        except self._dynamodb.exceptions.ConditionalCheckFailedException:
            # A function that was still at it has moved it since it was read: the next step reads it anew.
            return
