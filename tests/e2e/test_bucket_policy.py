"""The bucket refuses whoever goes past the API: even somebody who may do everything to S3 in this account.

Asked as an IAM user, for the engine holds its root user above every bucket policy, which AWS does not.
"""

import datetime
import json
import uuid

import boto3
import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError

from .samples import PHOTO
from .web import send

GRANTED_SECONDS = 900


@pytest.fixture(scope="module")
def administrator(stack):
    """An S3 client that IAM allows everything."""
    iam, name = stack.client("iam"), f"administrator-{uuid.uuid4().hex[:12]}"
    iam.create_user(UserName=name)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName=name, PolicyName="everything", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return boto3.client(
        "s3",
        endpoint_url=stack.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def ready(user) -> str:
    """The key of a ready file."""
    grant = user.upload(PHOTO)
    assert user.settled(grant)["status"] == "ready"
    return f"uploads/{user.owner}/{grant['id']}.jpg"


def refused(call, **parameters) -> bool:
    """Whether S3 answers 403 because of the bucket policy."""
    try:
        call(**parameters)
    except ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 403, error
        assert "explicit deny in a resource-based policy" in str(error)
        return True
    return False


def test_a_signed_read_is_refused_and_any_other_is_not(administrator, stack, ready):
    """Files leave through CloudFront; a signed URL is for putting one in."""
    parameters = {"Bucket": stack.bucket, "Key": ready}
    assert send("GET", administrator.generate_presigned_url("get_object", parameters)).status == 403
    assert send("HEAD", administrator.generate_presigned_url("head_object", parameters)).status == 403
    assert administrator.get_object(**parameters)["Body"].read() == PHOTO.content


def test_a_write_without_the_precondition_is_refused(administrator, stack, user, ready):
    for key in (ready, f"uploads/{user.owner}/new.jpg"):
        assert refused(administrator.put_object, Bucket=stack.bucket, Key=key, Body=b"x")
    source = {"Bucket": stack.bucket, "Key": ready}
    assert refused(administrator.copy_object, Bucket=stack.bucket, Key=f"uploads/{user.owner}/copy.jpg", CopySource=source)
    assert administrator.get_object(Bucket=stack.bucket, Key=ready)["Body"].read() == PHOTO.content
    new = {"Bucket": stack.bucket, "Key": f"uploads/{user.owner}/new.jpg", "Body": b"x"}
    assert not refused(administrator.put_object, **new, IfNoneMatch="*")


def test_a_signed_write_without_the_precondition_is_refused(administrator, stack, user):
    parameters = {"Bucket": stack.bucket, "Key": f"uploads/{user.owner}/signed.jpg"}
    url = administrator.generate_presigned_url("put_object", parameters)
    assert send("PUT", url, {}, b"x").status == 403
    url = administrator.generate_presigned_url("put_object", parameters | {"IfNoneMatch": "*"})
    assert send("PUT", url, {"if-none-match": "*"}, b"x").status == 200


@pytest.mark.parametrize(("age", "status"), [(GRANTED_SECONDS - 60, 200), (GRANTED_SECONDS + 60, 403)])
def test_a_url_dies_after_the_longest_lifetime_however_long_it_was_signed_for(
    administrator, stack, user, monkeypatch, age, status
):
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=age)
    url = f"{stack.endpoint}/{stack.bucket}/uploads/{user.owner}/{age}.jpg"
    request = AWSRequest("PUT", url, headers={"if-none-match": "*"})
    with monkeypatch.context() as patched:
        # By botocore's own signer, whose clock can be set; a client may take that of the AWS runtime.
        patched.setattr(botocore.auth, "get_current_datetime", lambda *_, **__: then.replace(tzinfo=None))
        credentials = administrator._request_signer._credentials
        botocore.auth.S3SigV4QueryAuth(credentials, "s3", "us-east-1", expires=7 * 24 * 3600).add_auth(request)
    url = request.url
    assert then.strftime("%Y%m%dT%H%M") in url
    assert send("PUT", url, {"if-none-match": "*"}, b"x").status == status


def test_nothing_is_done_without_tls(administrator, stack, ready):
    def plain(request, **_):
        request.headers.add_header("X-Forwarded-Proto", "http")

    assert not refused(administrator.get_object, Bucket=stack.bucket, Key=ready)
    administrator.meta.events.register("before-sign.s3", plain)
    try:
        assert refused(administrator.get_object, Bucket=stack.bucket, Key=ready)
        assert refused(administrator.list_objects_v2, Bucket=stack.bucket)
        assert refused(administrator.delete_object, Bucket=stack.bucket, Key=ready)
    finally:
        administrator.meta.events.unregister("before-sign.s3", plain)


def test_a_put_over_plain_http_is_refused(user):
    grant = user.grant(PHOTO)
    headers = grant["request"]["headers"] | {"x-forwarded-proto": "http"}
    assert user.put(grant, PHOTO.content, headers).status == 403
    assert user.put(grant, PHOTO.content).status == 200


@pytest.mark.parametrize("grantee", ["public-read", "authenticated-read"])
def test_no_object_is_made_public(administrator, stack, user, grantee):
    key = f"uploads/{user.owner}/public.jpg"
    with pytest.raises(ClientError):
        administrator.put_object(Bucket=stack.bucket, Key=key, Body=b"x", IfNoneMatch="*", ACL=grantee)
    assert send("GET", f"{stack.endpoint}/{stack.bucket}/{key}").status in (403, 404)
