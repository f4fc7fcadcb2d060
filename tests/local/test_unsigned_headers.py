"""A presigned request on the patched engine carries no `x-amz-` header that was not signed."""

import uuid

import boto3
import pytest
from botocore.config import Config

from infra.local.engine import REGION, ROOT_KEY

from .http import request


@pytest.fixture(scope="module")
def presigned(engine):
    """Makes URLs that sign a tag, or none, and tells what was stored by them."""
    s3 = boto3.client(
        "s3",
        endpoint_url=engine.endpoint,
        region_name=REGION,
        aws_access_key_id=ROOT_KEY,
        aws_secret_access_key=ROOT_KEY,
        # Left to itself boto3 signs URLs as it did before there was version 4.
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    bucket = f"unsigned-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)

    def sign(**options: str) -> tuple[str, str]:
        key = uuid.uuid4().hex
        return key, s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key, **options})

    def stored(key: str) -> bool:
        return key in [found["Key"] for found in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    return sign, stored


@pytest.mark.parametrize("header", ["x-amz-tagging", "X-Amz-Meta-Note", "x-amz-storage-class"])
def test_a_header_that_was_not_signed_is_refused(presigned, header):
    sign, stored = presigned
    key, url = sign()
    reply = request("PUT", url, body=b"bytes", headers={header: "a=b"})
    assert (reply.status, b"HeadersNotSigned" in reply.body) == (403, True)
    assert not stored(key)


@pytest.mark.parametrize(("options", "headers"), [({}, {}), ({}, {"x-note": "a"}), ({"Tagging": "a=b"}, {"x-amz-tagging": "a=b"})])
def test_any_other_and_one_that_was_is_not(presigned, options, headers):
    sign, stored = presigned
    key, url = sign(**options)
    assert request("PUT", url, body=b"bytes", headers=headers).status == 200
    assert stored(key)
