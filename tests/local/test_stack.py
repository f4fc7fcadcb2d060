"""A Stack deploys the real template around any binaries: here around one that tells what reaches it."""

import json
from pathlib import Path

import pytest

from infra.local.issuer import CLIENT
from infra.local.places import FUNCTIONS
from infra.local.stack import Stack

from .http import request
from .processes import eventually


@pytest.fixture(scope="module")
def stack(echo):
    with Stack(functions=dict.fromkeys(FUNCTIONS, echo)) as running:
        yield running


def call(stack, method, path, headers=None, **token):
    authorization = {"Authorization": f"Bearer {stack.token(**token)}"}
    return request(method, stack.api_url + path, headers=authorization | (headers or {}))


def test_a_call_reaches_its_function_with_the_callers_claims(stack):
    reply = call(stack, "GET", "/v1/uploads/%41b?x=1", sub="alice")
    assert reply.status == 200
    event = json.loads(reply.body)["event"]
    assert event["routeKey"] == "GET /v1/uploads/{id}"
    assert event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"] == "alice"
    assert event["rawQueryString"] == "x=1"


@pytest.mark.parametrize(
    ("method", "path", "function"),
    [
        ("POST", "/v1/uploads", "IssueUpload"),
        ("GET", "/v1/uploads/1", "IssueUpload"),
        ("POST", "/v1/uploads/1/url", "IssueUpload"),
        ("GET", "/v1/limits", "IssueUpload"),
        ("GET", "/v1/usage", "IssueUpload"),
        ("POST", "/v1/uploads/1/confirm", "ConfirmUpload"),
        ("DELETE", "/v1/uploads/1", "ConfirmUpload"),
        ("GET", "/v1/files", "ManageFiles"),
        ("GET", "/v1/files/1", "ManageFiles"),
        ("DELETE", "/v1/files/1", "ManageFiles"),
    ],
)
def test_each_route_leads_to_its_function(stack, method, path, function):
    seen = json.loads(call(stack, method, path).body)["environment"]
    assert f"-{function}Function-" in seen["AWS_LAMBDA_FUNCTION_NAME"]


@pytest.mark.parametrize("path", ["/", "/config.json", "/deep/below"])
def test_the_page_is_at_a_door_of_its_own_and_asks_for_no_token(stack, path):
    reply = request("GET", stack.page_url + path)
    seen = json.loads(reply.body)
    assert "-ServePageFunction-" in seen["environment"]["AWS_LAMBDA_FUNCTION_NAME"]
    assert seen["event"]["rawPath"] == path


def test_the_page_is_told_the_addresses_of_this_machine(stack):
    told = stack.outputs.environment["serve-page"]
    assert (told["API_BASE_URL"], told["CDN_URL"], told["ISSUER"], told["CLIENT_ID"]) == (stack.api_url, stack.cdn_url, stack.issuer.url, CLIENT)


def test_the_pages_origin_may_call_the_api_too(stack):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization", "Origin": stack.page_url}
    assert request("OPTIONS", stack.api_url + "/v1/uploads", headers=asked).headers["access-control-allow-origin"] == stack.page_url


def test_bad_tokens_do_not_reach_a_function(stack):
    other = stack.issuer.__class__(stack.issuer.state / "other")
    try:
        assert request("GET", stack.api_url + "/v1/limits").status == 401
        assert call(stack, "GET", "/v1/limits", lifetime=-60).status == 401
        assert call(stack, "GET", "/v1/limits", audience="someone-else").status == 401
        assert call(stack, "GET", "/v1/limits", key=other.key).status == 401
        assert call(stack, "GET", "/v1/limits", issuer=other.url).status == 401
        assert call(stack, "GET", "/v1/limits", scope="something/else").status == 403
        assert call(stack, "GET", "/v1/limits", scope=None).status == 403
    finally:
        other.server.server_close()


def test_a_function_finds_the_engine_and_its_own_role_and_nothing_of_the_developers(stack):
    seen = json.loads(call(stack, "GET", "/v1/limits").body)["environment"]
    assert seen["AWS_ENDPOINT_URL"] == stack.endpoint
    assert seen["CDN_URL"] == stack.cdn_url
    assert seen["AWS_ACCESS_KEY_ID"].startswith("ASIA")
    assert "AWS_PROFILE" not in seen and "AWS_CA_BUNDLE" not in seen
    assert seen["HOME"] != str(Path.home())


def test_the_functions_lines_are_readable_once_each(stack):
    call(stack, "GET", "/v1/limits?marker=first")
    call(stack, "GET", "/v1/limits?marker=second")
    assert eventually(lambda: sum("marker=" in line for line in stack.logs()) >= 2)
    for marker in ("marker=first", "marker=second"):
        (line,) = [line for line in stack.logs() if marker in line]
        assert json.loads(line)["event"]["rawPath"] == "/v1/limits"


def test_an_object_under_uploads_becomes_an_event_and_a_thumbnail_does_not(stack):
    stack.s3.put_object(Bucket=stack.bucket, Key="thumbnails/none.jpg", Body=b"bytes")
    stack.s3.put_object(Bucket=stack.bucket, Key="uploads/odd key+1.jpg", Body=b"bytes")
    assert eventually(lambda: any("uploads/odd+key%2B1.jpg" in line for line in stack.logs()), 30)
    assert not any("thumbnails/none.jpg" in line for line in stack.logs())


def test_the_cdns_port_serves_by_the_bucket_policy_alone(stack):
    key = "uploads/cdn.jpg"
    stack.s3.put_object(Bucket=stack.bucket, Key=key, Body=b"bytes", ContentType="image/jpeg")
    assert request("GET", f"{stack.cdn_url}/{key}").status == 403
    stack.s3.put_object_tagging(Bucket=stack.bucket, Key=key, Tagging={"TagSet": [{"Key": "verified", "Value": "true"}]})
    reply = request("GET", f"{stack.cdn_url}/{key}")
    assert (reply.status, reply.body) == (200, b"bytes")
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_the_cdns_port_redirects_what_came_in_plain(stack):
    reply = request("GET", f"{stack.cdn_url}/uploads/x.jpg", headers={"X-Forwarded-Proto": "http"})
    assert reply.status in (301, 307, 308)
    assert reply.headers["location"].startswith("https://")


@pytest.mark.parametrize("name", ["cors.jpg", "cors.pdf"])
def test_the_cdn_lets_a_page_of_any_origin_read_a_file(stack, name):
    stack.s3.put_object(Bucket=stack.bucket, Key=f"uploads/{name}", Body=b"0123456789", IfNoneMatch="*", Tagging="verified=true")
    reply = request("GET", f"{stack.cdn_url}/uploads/{name}", headers={"Origin": "https://app.example.com", "Range": "bytes=2-4"})
    assert (reply.status, reply.body, reply.headers["content-range"]) == (206, b"234", "bytes 2-4/10")
    assert reply.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in reply.headers
    exposed = {header.strip().lower() for header in reply.headers["access-control-expose-headers"].split(",")}
    assert exposed == {"etag", "content-range", "accept-ranges", "content-length"}


def test_a_preflight_is_answered_for_the_one_origin(stack):
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    ours = request("OPTIONS", stack.api_url + "/v1/uploads", headers=asked | {"Origin": "http://localhost:3000"})
    assert ours.headers["access-control-allow-origin"] == "http://localhost:3000"
    other = request("OPTIONS", stack.api_url + "/v1/uploads", headers=asked | {"Origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
