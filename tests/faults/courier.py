"""Takes what S3 and the sweep tell the queue, and hands it to generate-thumbnails as Lambda's poller would: again after a failure, five
times at most; or, where a test wants it so, twice, late, in another order or never.

The engine's own poller has to be off. It must never lose a message that nobody told it to.
"""

import json
import threading
import time
import uuid
from urllib.parse import unquote_plus

from infra.local.stack import Stack
from tests.faults.invariants import owner_of

THUMBNAILS = "generate-thumbnails"
# The queue's maxReceiveCount.
DELIVERIES = 5
ARRIVING_SECONDS = 20


class Courier:
    """The queue of a stack, in the hands of a test."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._sqs = stack.sqs
        self._lambda = stack.client("lambda")
        self._function = stack.outputs.functions[THUMBNAILS]
        self._held: list[tuple[str, str]] = []
        self._lock = threading.Lock()
        (self._mapping,) = self._lambda.list_event_source_mappings(FunctionName=self._function)["EventSourceMappings"]
        self.is_away(False)

    def is_away(self, is_away: bool) -> None:
        """Whether the engine's own poller does the work meanwhile."""
        self._lambda.update_event_source_mapping(UUID=self._mapping["UUID"], Enabled=is_away)

    def take(self, owner: str, count: int = 1) -> list[str]:
        """So many messages about this owner's uploads, once they have come."""
        deadline = time.monotonic() + ARRIVING_SECONDS
        while True:
            self._collect()
            with self._lock:
                found = [held for held in self._held if held[0] == owner][:count]
                if len(found) == count:
                    for held in found:
                        self._held.remove(held)
                    return [body for _, body in found]
            assert time.monotonic() < deadline, f"{len(found)} of {count} messages came"
            time.sleep(0.02)

    def come(self, owners: set[str]) -> list[str]:
        """Whatever there is by now about these owners' uploads."""
        self._collect()
        with self._lock:
            found = [held for held in self._held if held[0] in owners]
            self._held = [held for held in self._held if held[0] not in owners]
        return [body for _, body in found]

    def take_all(self) -> list[str]:
        """Whatever there is about anybody."""
        self._collect()
        with self._lock:
            found, self._held = self._held, []
        return [body for _, body in found]

    def forget(self, owner: str) -> int:
        """Loses all messages about an owner, and says how many; they may never have been sent."""
        self._collect()
        with self._lock:
            lost = [held for held in self._held if held[0] == owner]
            self._held = [held for held in self._held if held[0] != owner]
        return len(lost)

    def deliver(self, body: str) -> str | None:
        """Hands a message over once; why it has to come again, if it has to."""
        message_id = str(uuid.uuid4())
        record = {
            "messageId": message_id,
            "receiptHandle": message_id,
            "body": body,
            "attributes": {"ApproximateReceiveCount": "1"},
            "messageAttributes": {},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:arrivals",
            "awsRegion": "us-east-1",
        }
        answer = self._lambda.invoke(FunctionName=self._function, Payload=json.dumps({"Records": [record]}))
        said = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            return f"the function failed: {said}"
        failed = [failure["itemIdentifier"] for failure in said["batchItemFailures"]]
        assert failed in ([], [message_id]), said
        return "the message is to come again" if failed else None

    def work_off(self, body: str) -> None:
        """Hands a message over until it is done, as often as the queue would."""
        said = [self.deliver(body)]
        while said[-1] is not None and len(said) < DELIVERIES:
            said.append(self.deliver(body))
        assert said[-1] is None, f"a dead letter: {said}"

    def _collect(self) -> None:
        while True:
            got = self._sqs.receive_message(QueueUrl=self._stack.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=3600).get("Messages", [])
            for message in got:
                self._sqs.delete_message(QueueUrl=self._stack.queue_url, ReceiptHandle=message["ReceiptHandle"])
            with self._lock:
                self._held += [(owner, message["Body"]) for message in got if (owner := _owner(message["Body"])) is not None]
            if not got:
                return


def _owner(body: str) -> str | None:
    """Whose upload a message is about; None for S3's test event."""
    records = json.loads(body).get("Records", [])
    return owner_of(unquote_plus(records[0]["s3"]["object"]["key"])) if records else None
