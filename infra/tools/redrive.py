"""Works arrivals off again: shows what lies in the dead-letter queue, moves it back, or tells the queue of an object anew.

It must never lose a message: one is taken out of the dead-letter queue after the queue has it again. Should it end between
the two, the arrival is worked off twice, which changes nothing.

    redrive.py valet-prod show              what lies there: object, failures, first seen
    redrive.py valet-prod move              all of it back into the queue
    redrive.py valet-prod tell KEY …        as S3 does when an object arrives, for objects that S3 spoke of in vain
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import quote

import boto3

AT_ONCE = 10
# Long enough to move a batch, short enough that a message looked at is back before anyone misses it.
HIDDEN_SECONDS = 30


class Stack:
    """The queues and the bucket of a deployed stack."""

    def __init__(self, name: str, endpoint: str | None = None) -> None:
        def client(service: str):
            return boto3.client(service, endpoint_url=endpoint)

        described = client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
        outputs = {output["OutputKey"]: output["OutputValue"] for output in described["Outputs"]}
        self.sqs, self.s3 = client("sqs"), client("s3")
        self.queue = outputs["ThumbnailQueueUrl"]
        self.dead_letters = outputs["ThumbnailDeadLetterQueueUrl"]
        self.bucket = outputs["BucketName"]


def show(stack: Stack) -> Iterator[str]:
    """A line for each message in the dead-letter queue. After the last one all of them can be received again."""
    shown = []
    try:
        for message in _all(stack):
            shown.append(message)
            seen = datetime.fromtimestamp(int(message["Attributes"]["SentTimestamp"]) / 1000, UTC)
            yield f"{seen:%Y-%m-%d %H:%M:%S}Z  {', '.join(_keys(message['Body'])) or 'no object; neither an event of S3 nor a verdict'}"
    finally:
        # A `move` right after would not find what stays hidden. An entry that fails is one whose time was over: it is back by itself.
        for start in range(0, len(shown), AT_ONCE):
            batch = enumerate(shown[start : start + AT_ONCE])
            entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0} for at, message in batch]
            stack.sqs.change_message_visibility_batch(QueueUrl=stack.dead_letters, Entries=entries)


def move(stack: Stack) -> int:
    """Puts every message back into the queue; how many."""
    moved = 0
    for message in _all(stack):
        stack.sqs.send_message(QueueUrl=stack.queue, MessageBody=message["Body"])
        stack.sqs.delete_message(QueueUrl=stack.dead_letters, ReceiptHandle=message["ReceiptHandle"])
        moved += 1
    return moved


def tell(stack: Stack, key: str) -> None:
    """Sends the event that S3 sends when this object arrives."""
    head = stack.s3.head_object(Bucket=stack.bucket, Key=key)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    described = {"key": quote(key, safe="/"), "size": head["ContentLength"], "eTag": head["ETag"].strip('"')}
    if "VersionId" in head:
        described["versionId"] = head["VersionId"]
    record = {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventTime": now,
        "eventName": "ObjectCreated:Put",
        "userIdentity": {},
        "requestParameters": {},
        "responseElements": {},
        "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": stack.bucket}, "object": described},
    }
    stack.sqs.send_message(QueueUrl=stack.queue, MessageBody=json.dumps({"Records": [record]}))


def _all(stack: Stack) -> Iterator[dict]:
    """Every message that lies there now, once; what fails again meanwhile waits for the next time."""
    seen: set[str] = set()
    deadline = time.monotonic() + HIDDEN_SECONDS
    while time.monotonic() < deadline:
        received = stack.sqs.receive_message(
            QueueUrl=stack.dead_letters,
            MaxNumberOfMessages=AT_ONCE,
            VisibilityTimeout=HIDDEN_SECONDS,
            WaitTimeSeconds=1,
            AttributeNames=["SentTimestamp"],
        ).get("Messages", [])
        new = [message for message in received if message["MessageId"] not in seen]
        if not new:
            return
        deadline = time.monotonic() + HIDDEN_SECONDS
        for message in new:
            seen.add(message["MessageId"])
            yield message


def _keys(body: str) -> list[str]:
    """The objects that an event of S3 or a verdict of the malware scanner tells of."""
    try:
        event = json.loads(body)
        if "Records" in event:
            return [record["s3"]["object"]["key"] for record in event["Records"]]
        return [event["detail"]["s3ObjectDetails"]["objectKey"]]
    except (ValueError, KeyError, TypeError):
        return []


def main() -> int:
    parser = argparse.ArgumentParser(description="Work arrivals off again.")
    parser.add_argument("stack", help="name of the deployed stack; `valet` on the local engine")
    parser.add_argument("what", choices=("show", "move", "tell"))
    parser.add_argument("keys", nargs="*", metavar="KEY", help="with tell: uploads/…")
    parser.add_argument("--endpoint-url", help="http://127.0.0.1:4566 for `make dev`")
    given = parser.parse_args()
    if (given.what == "tell") != bool(given.keys):
        parser.error("tell wants keys, and nothing else does")
    stack = Stack(given.stack, given.endpoint_url)
    match given.what:
        case "show":
            for line in show(stack):
                print(line)
        case "move":
            print(f"{move(stack)} moved")
        case "tell":
            for key in given.keys:
                tell(stack, key)
                print(f"told of {key}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
