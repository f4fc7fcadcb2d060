"""The proxy knows every call by its operation, and does to it what it is told and nothing else; and what fails looks as it does on AWS."""

import json

import pytest

from tests.e2e.samples import PHOTO
from tests.faults import kinds
from tests.faults.kinds import Kind
from tests.faults.operations import CLOUDFRONT, DYNAMODB, S3, SQS, Operation, recognised

KEY = "/bucket/uploads/0123456789abcdef0123456789abcdef/01936f2e-8b5a-7c3d-9e4f-0123456789ab.jpg"
REQUESTS = [
    ("GET", f"{KEY}?x-id=GetObject", S3, "GetObject"),
    ("GET", f"{KEY}?tagging&versionId=v", S3, "GetObjectTagging"),
    ("HEAD", f"{KEY}?versionId=v", S3, "HeadObject"),
    ("PUT", f"{KEY}?x-id=PutObject", S3, "PutObject"),
    ("PUT", f"{KEY}?tagging&versionId=v", S3, "PutObjectTagging"),
    ("DELETE", f"{KEY}?versionId=v", S3, "DeleteObject"),
    ("POST", f"{KEY}?uploads", S3, "CreateMultipartUpload"),
    ("GET", f"{KEY}?uploadId=u", S3, "ListParts"),
    ("POST", f"{KEY}?uploadId=u", S3, "CompleteMultipartUpload"),
    ("DELETE", f"{KEY}?uploadId=u", S3, "AbortMultipartUpload"),
    ("GET", "/bucket?uploads&max-uploads=1000", S3, "ListMultipartUploads"),
    ("GET", "/bucket?versions&prefix=uploads%2F", S3, "ListObjectVersions"),
    ("GET", "/bucket/?versions", S3, "ListObjectVersions"),
    ("POST", "/2020-05-31/distribution/E1/invalidation", CLOUDFRONT, "CreateInvalidation"),
]


@pytest.mark.parametrize(("method", "target", "service", "name"), REQUESTS)
def test_a_request_of_s3_or_cloudfront_is_known_by_method_and_path(method, target, service, name):
    assert recognised(method, target, {}) == Operation(service, name)


@pytest.mark.parametrize(("target", "expected"), [("DynamoDB_20120810.UpdateItem", (DYNAMODB, "UpdateItem")), ("AmazonSQS.SendMessage", (SQS, "SendMessage"))])
def test_others_are_known_by_their_target(target, expected):
    assert recognised("POST", "/", {"x-amz-target": target}) == Operation(*expected)


def test_what_a_presigned_url_carries_is_the_clients_and_passes():
    assert recognised("PUT", f"{KEY}?X-Amz-Signature=s", {}) is None
    assert recognised("PUT", f"{KEY}?partNumber=1&uploadId=u&X-Amz-Signature=s", {}) is None


def test_every_fault_of_every_operation_can_be_told():
    of_dynamodb = ("PutItem", "GetItem", "UpdateItem", "Query", "TransactWriteItems")
    operations = {Operation(service, name) for _, _, service, name in REQUESTS} | {Operation(DYNAMODB, name) for name in of_dynamodb}
    for operation in operations | {Operation(SQS, "SendMessage")}:
        for kind in kinds.kinds_of(operation):
            if kind in {Kind.RESET, Kind.LOST, Kind.LATE, Kind.CUT} | kinds.KILLS:
                continue
            said = kinds.answer(kind, operation)
            assert kinds.MESSAGE.encode() in said.body
            assert (said.status == 200) == (kind in (Kind.ERROR_IN_200, Kind.DONE_ERROR_IN_200))


def test_a_cancelled_transaction_says_why_for_each_of_its_items():
    said = json.loads(kinds.answer(Kind.CONFLICT, Operation(DYNAMODB, "TransactWriteItems")).body)
    assert [reason["Code"] for reason in said["CancellationReasons"]] == ["TransactionConflict", "None"]


def test_the_client_puts_past_the_proxy_to_a_host_that_was_signed(world):
    """Its URL leads to the proxy, and the engine still finds the signature good: the Host goes on as it came."""
    client = world.client()
    grant = client.grant(PHOTO)
    assert grant["request"]["url"].startswith(world.proxy.url)
    assert client.put(grant, PHOTO.content).status == 200
    assert [call.operation.name for call in world.proxy.of(client.owner)] == ["TransactWriteItems"]
    world.courier.take(client.owner)
