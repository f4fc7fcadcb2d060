"""The faults, which of them an operation can have, and what AWS's services say in each. It must never invent an error that a service
does not document for the operation.

Sources: the error tables of S3, DynamoDB, SQS and CloudFront in their API references; for an error inside a 200
<https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html>.
"""

import json
from dataclasses import dataclass
from enum import StrEnum

from tests.faults.operations import CLOUDFRONT, DYNAMODB, S3, Operation

COMPLETE = "CompleteMultipartUpload"
# Longer than the functions wait for an answer: crates/aws/src/connection.rs, and s3_multipart.rs for what S3 may take minutes for.
LATE_SECONDS = 4.6
LATE_COMPLETE_SECONDS = 18.6


class Kind(StrEnum):
    """What goes wrong with one call."""

    # Nothing has happened.
    THROTTLED = "throttled"
    CAPACITY = "out of capacity"
    UNAVAILABLE = "503"
    ERROR = "500"
    CONFLICT = "conflict"
    RESET = "connection reset"
    KILLED = "killed before"
    # It has happened.
    LOST = "done, answer lost"
    FAILED = "done, 500"
    KILLED_AFTER = "done, killed"
    # It is held for longer than anybody waits, and happens then.
    LATE = "late"
    # The answer's body ends before its length, or is not what its status says.
    CUT = "answer cut off"
    ERROR_IN_200 = "500 inside a 200"
    DONE_ERROR_IN_200 = "done, 500 inside a 200"


# The process is gone: there is no second try to fail.
KILLS = {Kind.KILLED, Kind.KILLED_AFTER}
# What the SDK tries again; with all three tries failing the function has to answer for it.
RETRIED = {Kind.THROTTLED, Kind.CAPACITY, Kind.UNAVAILABLE, Kind.ERROR, Kind.CONFLICT, Kind.RESET, Kind.LOST, Kind.FAILED, Kind.LATE, Kind.CUT}


@dataclass(frozen=True)
class Answer:
    """What a service says instead."""

    status: int
    headers: dict[str, str]
    body: bytes


def kinds_of(operation: Operation) -> list[Kind]:
    """The faults that this operation can have."""
    found = [Kind.THROTTLED, Kind.ERROR, Kind.RESET, Kind.KILLED, Kind.KILLED_AFTER, Kind.LATE]
    if operation.service in (S3, CLOUDFRONT):
        found.append(Kind.UNAVAILABLE)
    if operation.service == DYNAMODB:
        found.append(Kind.CAPACITY)
    if operation.name in ("PutItem", "UpdateItem", "TransactWriteItems", COMPLETE):
        found.append(Kind.CONFLICT)
    if operation.has_effect:
        found += [Kind.LOST, Kind.FAILED]
    if operation.name not in ("HeadObject", "DeleteObject", "AbortMultipartUpload", "PutObjectTagging", "PutObject"):
        # The others answer with headers alone.
        found.append(Kind.CUT)
    if operation.name == COMPLETE:
        found += [Kind.ERROR_IN_200, Kind.DONE_ERROR_IN_200]
    return sorted(found)


def late_seconds(operation: Operation) -> float:
    """How long a late one is held."""
    return LATE_COMPLETE_SECONDS if operation.name == COMPLETE else LATE_SECONDS


def answer(kind: Kind, operation: Operation) -> Answer:
    """What the operation's service says."""
    match operation.service:
        case "S3":
            return _xml(*_S3[kind], "<Error><Code>{code}</Code><Message>{message}</Message><RequestId>FAULT</RequestId></Error>")
        case "CloudFront":
            return _xml(*_CLOUDFRONT[kind], '<ErrorResponse xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>FAULT</RequestId></ErrorResponse>')
        case "DynamoDB" if operation.name == "TransactWriteItems" and kind in _REASONS:
            return _cancelled(kind)
        case "DynamoDB":
            return _json("com.amazonaws.dynamodb.v20120810#", *_DYNAMODB[kind], "application/x-amz-json-1.0")
        case "SQS":
            return _json("com.amazonaws.sqs#", *_SQS[kind], "application/x-amz-json-1.0")
    raise AssertionError(operation)


_S3 = {
    Kind.THROTTLED: (503, "SlowDown"),
    Kind.UNAVAILABLE: (503, "ServiceUnavailable"),
    Kind.ERROR: (500, "InternalError"),
    Kind.FAILED: (500, "InternalError"),
    Kind.CONFLICT: (409, "ConditionalRequestConflict"),
    Kind.ERROR_IN_200: (200, "InternalError"),
    Kind.DONE_ERROR_IN_200: (200, "InternalError"),
}
_CLOUDFRONT = {
    Kind.THROTTLED: (400, "Throttling"),
    Kind.UNAVAILABLE: (503, "ServiceUnavailable"),
    Kind.ERROR: (500, "InternalError"),
    Kind.FAILED: (500, "InternalError"),
}
_DYNAMODB = {
    Kind.THROTTLED: (400, "ThrottlingException"),
    Kind.CAPACITY: (400, "ProvisionedThroughputExceededException"),
    Kind.ERROR: (500, "InternalServerError"),
    Kind.FAILED: (500, "InternalServerError"),
    Kind.CONFLICT: (400, "TransactionConflictException"),
}
_SQS = {
    Kind.THROTTLED: (400, "RequestThrottled"),
    Kind.ERROR: (500, "InternalFailure"),
    Kind.FAILED: (500, "InternalFailure"),
}
_REASONS = {
    Kind.THROTTLED: "ThrottlingError",
    Kind.CAPACITY: "ProvisionedThroughputExceeded",
    Kind.CONFLICT: "TransactionConflict",
}
# Looked for in what clients are told: no service's words may reach them.
MESSAGE = "A fault was injected."


def _xml(status: int, code: str, form: str) -> Answer:
    body = '<?xml version="1.0" encoding="UTF-8"?>\n' + form.format(code=code, message=MESSAGE)
    return Answer(status, {"Content-Type": "application/xml"}, body.encode())


def _json(prefix: str, status: int, code: str, content_type: str) -> Answer:
    body = json.dumps({"__type": prefix + code, "message": MESSAGE})
    return Answer(status, {"Content-Type": content_type, "x-amzn-requestid": "FAULT"}, body.encode())


def _cancelled(kind: Kind) -> Answer:
    """A transaction says why in a list, an entry for each of its items."""
    body = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": MESSAGE,
        "CancellationReasons": [{"Code": _REASONS[kind], "Message": MESSAGE}, {"Code": "None"}],
    }
    return Answer(400, {"Content-Type": "application/x-amz-json-1.0", "x-amzn-requestid": "FAULT"}, json.dumps(body).encode())
