"""The logs of the whole run: a line an invocation, and nothing in them that is anybody's secret. Runs last."""

import json
from collections import defaultdict
from dataclasses import dataclass

import pytest

from .samples import PHOTO
from .user import wanted

# What a signed URL, and nothing else, contains.
SIGNED = ("X-Amz-Signature", "X-Amz-Security-Token", "X-Amz-Credential", "X-Amz-Algorithm")
HTTP_FIELDS = {"request_id", "http.method", "http.route", "http.status", "duration_ms", "cold_start"}
PLATFORM = ("START RequestId: ", "END RequestId: ", "REPORT RequestId: ")


@dataclass(frozen=True)
class Invocation:
    """What one call of a function wrote."""

    function: str
    request_id: str
    lines: tuple[str, ...]

    @property
    def entries(self) -> list[dict]:
        """Its lines, each of them an object."""
        found = [json.loads(line) for line in self.lines]
        assert all(isinstance(entry, dict) for entry in found), self
        return found


@pytest.fixture(scope="module")
def forged(new_user) -> str:
    """A file name that would be a log line of its own, uploaded so that there is something to be found."""
    user = new_user()
    name = 'holiday\n{"level":"ERROR","fields":{"message":"forged"}}\r\nsecret.jpg'
    grant = user.issue(wanted(PHOTO.content, PHOTO.content_type, PHOTO.extension) | {"filename": name}).json()
    assert user.put(grant, PHOTO.content).status == 200
    assert user.confirm(grant).status == 200
    user.settled(grant)
    return name


@pytest.fixture(scope="module")
def invocations(stack, forged) -> list[Invocation]:
    found = []
    logs, lambdas = stack.client("logs"), stack.client("lambda")
    for function, deployed in stack.outputs.functions.items():
        group = lambdas.get_function_configuration(FunctionName=deployed)["LoggingConfig"]["LogGroup"]
        streams = defaultdict(list)
        for event in logs.filter_log_events(logGroupName=group)["events"]:
            streams[event["logStreamName"]].append(event["message"])
        for messages in streams.values():
            found += split(function, messages)
    return found


def split(function: str, messages: list[str]) -> list[Invocation]:
    """The messages between each START and END; whatever stands outside of them belongs to no invocation."""
    found, lines, request_id = [], None, None
    for message in messages:
        if message.startswith(PLATFORM[0]):
            lines, request_id = [], message.split()[2]
        elif message.startswith(PLATFORM[1]):
            found.append(Invocation(function, request_id, tuple(lines)))
            lines = None
        elif not message.startswith(PLATFORM[2]):
            assert lines is not None, f"a line outside of any invocation: {message}"
            lines.append(message)
    return found


def test_every_function_has_been_called(invocations, stack):
    assert {invocation.function for invocation in invocations} == set(stack.outputs.functions)


def test_every_request_wrote_one_line_of_json_and_every_arrival_one(invocations):
    """A message of the queue holds one arrival as S3 writes it; one of the tests puts two into one."""
    for invocation in invocations:
        if len(invocation.lines) == 1:
            continue
        assert invocation.function == "generate-thumbnails" and invocation.lines, invocation
        arrived = [entry.get("upload.id") for entry in invocation.entries]
        assert None not in arrived and len(set(arrived)) == len(arrived), invocation


def test_every_line_says_what_happened_and_how_long_it_took(invocations):
    for invocation in invocations:
        for entry in invocation.entries:
            assert {"timestamp", "level", "message", "request_id", "duration_ms", "cold_start"} <= set(entry), entry
            assert entry["request_id"] == invocation.request_id
            assert entry["duration_ms"] >= 0
            assert isinstance(entry["cold_start"], bool)
            if invocation.function != "generate-thumbnails":
                assert HTTP_FIELDS <= set(entry), entry


def test_a_process_says_once_that_it_started_cold(invocations, stack):
    """So there are fewer cold starts than calls, unless there was one call only."""
    for function in stack.outputs.functions:
        said = [entry["cold_start"] for entry in entries(invocations, function)]
        assert 1 <= sum(said) < len(said) or said == [True], (function, said)


def test_a_file_can_be_followed_by_its_id(invocations):
    issued = {entry["upload.id"] for entry in entries(invocations, "issue-upload") if entry["http.status"] == 201}
    confirmed = {entry["upload.id"] for entry in entries(invocations, "confirm-upload") if entry["http.status"] == 200}
    made = {entry.get("upload.id") for entry in entries(invocations, "generate-thumbnails")}
    assert issued & confirmed & made


def test_refusals_are_no_errors(invocations):
    for entry in entries(invocations, "issue-upload") + entries(invocations, "confirm-upload"):
        assert entry["http.status"] < 500, entry
        assert entry["level"] == "INFO", entry
        if entry["http.status"] >= 400:
            assert entry["error.code"], entry


def test_no_line_holds_a_signature_a_token_a_subject_or_a_files_name(invocations, secrets, forged):
    assert {forged} < secrets.texts
    # As it is, and in both ways JSON may write it.
    spelled = [(text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]) for text in secrets.texts]
    for invocation in invocations:
        written = "\n".join(invocation.lines)
        for text in SIGNED:
            assert text.lower() not in written.lower(), invocation
        assert not [ways[0] for ways in spelled if any(way in written for way in ways)], invocation
        assert "forged" not in written


def test_nothing_panicked(invocations):
    for invocation in invocations:
        assert not [line for line in invocation.lines if "panicked" in line or "RUST_BACKTRACE" in line], invocation


def entries(invocations: list[Invocation], function: str) -> list[dict]:
    return [entry for invocation in invocations if invocation.function == function for entry in invocation.entries]
