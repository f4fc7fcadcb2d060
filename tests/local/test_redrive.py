"""What failed is worked off again by the script of the runbook, on the engine as on AWS."""

import json
import os
import subprocess
import sys

import pytest

from infra.local.engine import REGION, ROOT_KEY
from infra.local.places import FUNCTIONS, ROOT
from infra.local.stack import Stack

from .processes import eventually

KEY = "uploads/2bd806c97f0e00af1a1fc3328fa763a9/01936f2e-8b5a-7c3d-9e4f-0123456789ab.jpg"


@pytest.fixture(scope="module")
def stack(echo):
    with Stack(functions=dict.fromkeys(FUNCTIONS, echo)) as running:
        yield running


def redrive(stack, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, ROOT / "infra" / "tools" / "redrive.py", "valet", *arguments, "--endpoint-url", stack.endpoint]
    account = {"AWS_ACCESS_KEY_ID": ROOT_KEY, "AWS_SECRET_ACCESS_KEY": ROOT_KEY, "AWS_DEFAULT_REGION": REGION}
    return subprocess.run(command, env=os.environ | account, capture_output=True, text=True, timeout=60)


def dead(stack, body: str) -> None:
    stack.sqs.send_message(QueueUrl=stack.dead_letter_queue_url, MessageBody=body)


def waiting(stack) -> int:
    counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = stack.sqs.get_queue_attributes(QueueUrl=stack.dead_letter_queue_url, AttributeNames=counts)["Attributes"]
    return sum(int(count) for count in found.values())


def test_dead_letters_are_shown_and_moved_back_once_each(stack):
    bodies = [json.dumps({"Records": [{"s3": {"object": {"key": f"uploads/{number}"}}}]}) for number in range(23)]
    for body in [*bodies, "not an event"]:
        dead(stack, body)
    done = redrive(stack, "move")
    assert (done.stdout, done.stderr) == ("24 moved\n", "")
    assert waiting(stack) == 0

    def told() -> list[str]:
        return [line for line in stack.logs() if "uploads/" in line or "not an event" in line]

    assert eventually(lambda: len(told()) == 24, 30)
    assert redrive(stack, "move").stdout == "0 moved\n"


def test_showing_takes_nothing_out(stack):
    dead(stack, json.dumps({"Records": [{"s3": {"object": {"key": KEY}}}]}))
    dead(stack, "not an event")
    verdict = (ROOT / "events" / "scan-threats.json").read_text()
    dead(stack, verdict)
    shown = redrive(stack, "show").stdout.splitlines()
    scanned = json.loads(verdict)["detail"]["s3ObjectDetails"]["objectKey"]
    assert sorted(line.split("Z  ")[1] for line in shown) == sorted(["no object; neither an event of S3 nor a verdict", KEY, scanned])
    assert waiting(stack) == 3


def test_an_object_is_told_of_as_s3_does(stack):
    stack.s3.put_object(Bucket=stack.bucket, Key=KEY, Body=b"bytes")

    def told() -> list[str]:
        return [line for line in stack.logs() if KEY in line]

    assert eventually(lambda: len(told()) == 1, 30)
    assert redrive(stack, "tell", KEY).stdout == f"told of {KEY}\n"
    assert eventually(lambda: len(told()) == 2, 30)
    first, again = (json.loads(json.loads(line)["event"]["Records"][0]["body"])["Records"][0] for line in told())
    assert (again["eventName"], again["s3"]["object"]["versionId"]) == (first["eventName"], first["s3"]["object"]["versionId"])


def test_a_missing_object_is_not_told_of(stack):
    assert redrive(stack, "tell", "uploads/nothing.jpg").returncode != 0


def test_keys_belong_to_tell_alone(stack):
    assert redrive(stack, "move", KEY).returncode == 2
    assert redrive(stack, "tell").returncode == 2


def test_what_was_shown_can_be_moved_right_after(stack):
    count = waiting(stack)
    dead(stack, json.dumps({"Records": [{"s3": {"object": {"key": KEY}}}]}))
    assert len(redrive(stack, "show").stdout.splitlines()) == count + 1
    assert redrive(stack, "move").stdout == f"{count + 1} moved\n"
