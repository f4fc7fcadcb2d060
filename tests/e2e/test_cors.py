"""A page of the configured origin may call the API and put files into the bucket; no other page may."""

import pytest

from .samples import PHOTO
from .web import send

# The template's default.
ORIGIN = "http://localhost:3000"


def preflight(url: str, origin: str, method: str, headers: str):
    asked = {"origin": origin, "access-control-request-method": method, "access-control-request-headers": headers}
    return send("OPTIONS", url, asked)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_page_of_the_origin_may_call_the_api(stack, method):
    reply = preflight(f"{stack.api_url}/v1/uploads", ORIGIN, method, "authorization,content-type,idempotency-key")
    assert reply.status in (200, 204), reply
    assert reply.headers["access-control-allow-origin"] == ORIGIN
    assert method in reply.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in reply.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type", "idempotency-key"} <= allowed


def test_answers_of_the_api_may_be_read_by_the_origin(user):
    reply = user.call("GET", "/v1/limits", headers={"origin": ORIGIN})
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, ORIGIN)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://localhost:3001", "https://localhost:3000", "null"])
def test_a_page_of_another_origin_may_not(stack, user, origin):
    reply = preflight(f"{stack.api_url}/v1/uploads", origin, "POST", "authorization")
    assert reply.headers.get("access-control-allow-origin") not in (origin, "*")
    url = user.grant(PHOTO)["request"]["url"]
    reply = preflight(url, origin, "PUT", "content-type")
    assert reply.headers.get("access-control-allow-origin") not in (origin, "*")


def test_a_page_of_the_origin_may_put_with_exactly_the_granted_headers(user):
    grant = user.grant(PHOTO, checksum=True)
    reply = preflight(grant["request"]["url"], ORIGIN, "PUT", ",".join(grant["request"]["headers"]))
    assert (reply.status, reply.headers["access-control-allow-origin"]) == (200, ORIGIN)
    allowed = {name.strip().lower() for name in reply.headers["access-control-allow-headers"].split(",")}
    assert set(grant["request"]["headers"]) <= allowed
    stored = user.put(grant, PHOTO.content, grant["request"]["headers"] | {"origin": ORIGIN})
    assert (stored.status, stored.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert "etag" in stored.headers["access-control-expose-headers"].lower()


def test_a_page_may_not_ask_for_other_headers(user):
    reply = preflight(user.grant(PHOTO)["request"]["url"], ORIGIN, "PUT", "x-amz-tagging")
    assert reply.status == 403
