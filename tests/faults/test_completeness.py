"""The matrix is made of recorded calls: nothing that a function may call stayed out of it, and no route. Holds of whole runs only."""

import re

import pytest

from tests.template.assertions.permissions import MAY
from tests.template.stack import expanded

# What a permission allows that is called otherwise, or more than that.
ALLOWS = {
    "ListBucketVersions": {"ListObjectVersions"},
    "ListBucketMultipartUploads": {"ListMultipartUploads"},
    "ListMultipartUploadParts": {"ListParts"},
    "PutObject": {"PutObject", "CreateMultipartUpload", "CompleteMultipartUpload"},
    "PutItem": {"PutItem", "TransactWriteItems"},
    "UpdateItem": {"UpdateItem", "TransactWriteItems"},
    "GetObjectVersionTagging": {"GetObjectTagging"},
}
# Those that are asked for beside another, and those of the queue's poller, which is Lambda's own.
NO_CALLS = {
    "ListBucket",
    "GetObjectVersion",
    "PutObjectVersionTagging",
    "DeleteObjectVersion",
    "ReceiveMessage",
    "DeleteMessage",
    "GetQueueAttributes",
}
# It answers by itself.
NO_AWS = {"GET /v1/limits"}
SESSION = "/uppy/{session}"


def _actions(function: str) -> set[str]:
    actions = {action for _, actions, _ in MAY[function] for action in actions.split()}
    return {name for service, _, name in (action.partition(":") for action in actions) if service not in ("logs", "xray")}


def _missing(function: str, called: set[str]) -> set[str]:
    return {action for action in _actions(function) if not ALLOWS.get(action, {action}) & called}


def test_every_operation_that_a_role_allows_was_tried(tried):
    called = {str(run.fault.operation) for run in tried.runs if run.fault}
    assert set().union(*(_missing(function, called) for function in MAY)) == NO_CALLS


@pytest.mark.parametrize("function", MAY)
def test_every_function_made_every_call_that_its_role_allows(world, tried, function):
    name = world.stack.outputs.functions[function]
    called = {str(operation) for run in tried.runs for caller, operation in run.calls if caller == name}
    assert _missing(function, called) <= NO_CALLS


def test_every_route_was_tried(tried):
    """Under a session's address are the same routes once more, and what they differ by is a use case of its own."""
    answers = {answer.split(": ")[0].split("?")[0] for run in tried.runs for answer in run.client.seen.answers}
    assert all(f"{route.replace(SESSION, '')}" in expanded().routes() for route in expanded().routes() if SESSION in route)
    wanted = {route for route in expanded().routes() if SESSION not in route and not route.startswith("OPTIONS ")} - NO_AWS
    patterns = {route: re.compile(re.sub(r"\{\w+\}", "[^/]+", route)) for route in wanted}
    assert [route for route, pattern in patterns.items() if not any(pattern.fullmatch(answer) for answer in answers)] == []
