"""Bucket policies on the patched engine see a write's precondition and how old and of what kind a signature is."""

import json
import uuid
from datetime import UTC, datetime

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local.condition_keys import keys, of_form

from .http import request

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def user(engine):
    """S3 as somebody who is not root and may do everything, and a bucket with Valet's denials."""
    iam, s3 = engine.client("iam"), engine.client("s3")
    name = f"user-{uuid.uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    s3.create_bucket(Bucket=name)
    deny = {"Effect": "Deny", "Principal": "*"}
    objects = f"arn:aws:s3:::{name}/*"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            deny | {"Action": "s3:PutObject", "Resource": objects, "Condition": {"Null": {"s3:if-none-match": "true"}, "Bool": {"s3:ObjectCreationOperation": "true"}}},
            deny
            | {
                "Action": "s3:GetObject",
                "Resource": objects,
                "Condition": {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}},
            },
            deny
            | {
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{name}/old/*",
                # A signature is never younger than nothing: stands for an age nobody wants to wait for.
                "Condition": {"NumericGreaterThanEquals": {"s3:signatureAge": "-60000"}},
            },
        ],
    }
    s3.put_bucket_policy(Bucket=name, Policy=json.dumps(policy))
    client = boto3.client(
        "s3",
        endpoint_url=engine.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
    )
    return client, name


def presigned_put(client, bucket, key, **more):
    return client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": key} | more)


def test_a_signed_url_with_the_precondition_is_let_through_once(user):
    client, bucket = user
    url = presigned_put(client, bucket, "once.jpg", IfNoneMatch="*")
    assert request("PUT", url, b"bytes", {"If-None-Match": "*"}).status == 200
    assert request("PUT", url, b"bytes", {"If-None-Match": "*"}).status == 412


def test_a_signed_url_without_the_precondition_is_denied(user):
    client, bucket = user
    reply = request("PUT", presigned_put(client, bucket, "twice.jpg"), b"bytes")
    assert reply.status == 403
    assert b"explicit deny" in reply.body


def test_a_write_by_the_sdk_is_denied_without_the_precondition_and_let_through_with_it(user):
    client, bucket = user
    with pytest.raises(ClientError, match="explicit deny"):
        client.put_object(Bucket=bucket, Key="sdk.jpg", Body=b"bytes")
    client.put_object(Bucket=bucket, Key="sdk.jpg", Body=b"bytes", IfNoneMatch="*")


def test_parts_need_no_precondition_but_to_be_put_together(user):
    client, bucket = user
    begun = {"Bucket": bucket, "Key": "parts.mp4"}
    begun["UploadId"] = client.create_multipart_upload(**begun)["UploadId"]
    etag = client.upload_part(**begun, PartNumber=1, Body=b"bytes")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    with pytest.raises(ClientError, match="explicit deny"):
        client.complete_multipart_upload(**begun, MultipartUpload=parts)
    client.complete_multipart_upload(**begun, MultipartUpload=parts, IfNoneMatch="*")


def test_a_signed_read_is_denied_and_a_read_by_the_sdk_is_not(user):
    client, bucket = user
    client.put_object(Bucket=bucket, Key="read.jpg", Body=b"bytes", IfNoneMatch="*")
    url = client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "read.jpg"})
    assert request("GET", url).status == 403
    assert client.get_object(Bucket=bucket, Key="read.jpg")["Body"].read() == b"bytes"


def test_the_age_of_a_signature_reaches_the_policy(user):
    client, bucket = user
    url = presigned_put(client, bucket, "old/a.jpg", IfNoneMatch="*")
    assert request("PUT", url, b"bytes", {"If-None-Match": "*"}).status == 403


def test_a_form_is_a_write_without_the_precondition(user):
    client, bucket = user
    form = client.generate_presigned_post(bucket, "form.jpg")
    boundary = "form-7f3a"
    fields = form["fields"] | {"file": "bytes"}
    parts = (f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    body = ("".join(parts) + f"--{boundary}--\r\n").encode()
    reply = request("POST", form["url"], body, {"Content-Type": f"multipart/form-data; boundary={boundary}"})
    assert reply.status == 403, reply
    with pytest.raises(ClientError):
        client.head_object(Bucket=bucket, Key="form.jpg")


def test_a_form_says_what_it_is_and_how_old():
    fields = {"x-amz-date": "20260101T115959Z"}
    kind = {"s3:authtype": "POST", "s3:signatureage": "1000"}
    assert of_form("s3:PutObject", fields, NOW) == kind | {"s3:objectcreationoperation": "true"}
    assert of_form("s3:PutObjectTagging", fields, NOW) == kind
    assert of_form("s3:PutObject", {}, NOW) == {"s3:authtype": "POST", "s3:objectcreationoperation": "true"}


def test_age_is_counted_in_milliseconds_from_the_signing():
    signed = {"X-Amz-Signature": ["0"], "X-Amz-Date": ["20260101T114459Z"]}
    assert keys("s3:GetObject", signed, {}, NOW) == {"s3:authtype": "REST-QUERY-STRING", "s3:signatureage": "901000"}
    header = {"authorization": "AWS4-HMAC-SHA256 …", "x-amz-date": "20260101T120000Z"}
    assert keys("s3:GetObject", {}, header, NOW) == {"s3:authtype": "REST-HEADER", "s3:signatureage": "0"}


def test_a_reads_precondition_is_not_a_writes():
    assert keys("s3:GetObject", {}, {"if-none-match": "*"}, NOW) == {}


def test_an_unsigned_request_has_no_age():
    assert keys("s3:GetObject", {}, {}, NOW) == {}


def test_a_date_that_is_none_has_no_age():
    forged = {"X-Amz-Signature": ["0"], "X-Amz-Date": ["yesterday"]}
    assert keys("s3:GetObject", forged, {}, NOW) == {"s3:authtype": "REST-QUERY-STRING"}
