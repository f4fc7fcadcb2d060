"""The API's, the CDN's and the page's port lead where they are told, and loopback counts as TLS unless a request says otherwise."""

import json
import uuid

import pytest
from botocore.exceptions import ClientError

from infra.local.engine import Engine
from infra.local.places import PAGE_FOLDERS

from .http import request


def test_closed_doors_say_so(tmp_path):
    with Engine(tmp_path) as fresh:
        for url in (fresh.api_url, fresh.cdn_url, fresh.page_url):
            reply = request("GET", url + "/v1/limits")
            assert (reply.status, reply.body) == (503, b"The stack is not deployed yet.\n")


def test_the_api_door_leads_to_the_api_even_where_the_engine_has_paths_of_its_own(engine):
    api = engine.client("apigatewayv2").create_api(Name="doors", ProtocolType="HTTP")["ApiId"]
    engine.client("apigatewayv2").create_stage(ApiId=api, StageName="$default", AutoDeploy=True)
    engine.open_doors(api, "none.cloudfront.net")
    # The engine's own answer would be 200 with a list of its services.
    assert request("GET", engine.api_url + "/health").status == 404
    assert request("GET", engine.endpoint + "/health").status == 200


def test_the_pages_door_says_that_there_is_no_page(engine):
    engine.open_doors("none", "none.cloudfront.net")
    reply = request("GET", engine.page_url + "/")
    assert (reply.status, reply.body) == (404, b"The stack has no page; it was deployed with Page=false.\n")


def test_the_apis_reference_lies_beside_the_page(engine):
    for path, folder in PAGE_FOLDERS.items():
        # Whether it has been made or not: a stack's own page knows none of these paths.
        reply = request("GET", engine.page_url + path)
        assert reply.status == (200 if folder.exists() else 404)
        assert folder.exists() or b"make help" in reply.body
    assert request("GET", engine.api_url + "/api-docs/").status != 200


@pytest.fixture(scope="module")
def tls_only(engine):
    bucket = f"tls-{uuid.uuid4().hex[:12]}"
    s3 = engine.client("s3")
    s3.create_bucket(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="public.txt", Body=b"bytes")
    everyone = {"Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    plain = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    policy = {"Version": "2012-10-17", "Statement": [everyone | {"Effect": "Allow"}, everyone | plain | {"Effect": "Deny"}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    return bucket


def test_loopback_counts_as_tls(engine, tls_only):
    assert request("GET", f"{engine.endpoint}/{tls_only}/public.txt").status == 200


def test_a_request_that_says_it_came_in_plain_is_refused(engine, tls_only):
    plain = {"X-Forwarded-Proto": "http"}
    assert request("GET", f"{engine.endpoint}/{tls_only}/public.txt", headers=plain).status == 403


def test_credentials_are_checked(engine):
    import boto3

    stranger = boto3.client(
        "s3",
        endpoint_url=engine.endpoint,
        region_name="us-east-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="nothing",
    )
    with pytest.raises(ClientError) as refused:
        stranger.list_buckets()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
