"""The words of a grant on another server than the engine: SeaweedFS, which checks what it is sent by code of its own.

It has no functions, so what is signed here is signed by botocore, with the very headers that a grant has; `conformance` shows that ours
are taken there.
"""

import itertools
import uuid
from pathlib import Path

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.seaweed import REGION, SeaweedFS
from tests.e2e.samples import PHOTO
from tests.e2e.web import Reply, send

from .test_signed import ADDED

BUCKET = "valet-threats"
GRANTED = {"content-type": "image/jpeg", "cache-control": "public, max-age=31536000, immutable", "if-none-match": "*"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with SeaweedFS(Path(tmp_path_factory.mktemp("seaweed"))) as running:
        running.client().create_bucket(Bucket=BUCKET)
        running.client().put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield running


class Grant:
    """A PUT that is signed as ours are: length, type, Cache-Control and precondition."""

    def __init__(self, server: SeaweedFS) -> None:
        self.server = server
        self.key = f"uploads/{'0' * 32}/{uuid.uuid4()}.jpg"
        self.url = self.signed(GRANTED | {"content-length": str(len(PHOTO.content))})

    def signed(self, headers: dict[str, str]) -> str:
        request = AWSRequest("PUT", f"{self.server.endpoint}/{BUCKET}/{self.key}", headers=headers)
        credentials = Credentials(self.server.access_key, self.server.secret_key)
        botocore.auth.S3SigV4QueryAuth(credentials, "s3", REGION, expires=900).add_auth(request)
        assert request.url is not None and "content-length" in request.url
        return request.url

    def put(self, headers: dict[str, str] | None = None, content: bytes = PHOTO.content, url: str | None = None) -> Reply:
        return send("PUT", url or self.url, GRANTED | (headers or {}), content)

    def versions(self) -> list[dict]:
        return self.server.client().list_object_versions(Bucket=BUCKET, Prefix=self.key).get("Versions", [])


@pytest.fixture
def grant(server) -> Grant:
    return Grant(server)


def test_as_granted_it_is_taken_once(grant):
    assert grant.put().status == 200
    assert grant.put().status == 412
    assert len(grant.versions()) == 1


@pytest.mark.parametrize("content", [b"", PHOTO.content[:-1], PHOTO.content + b"x"], ids=["nothing", "less", "more"])
def test_another_length_is_refused(grant, content):
    assert grant.put(content=content).status == 403
    assert grant.versions() == []


@pytest.mark.parametrize("name", GRANTED)
def test_a_granted_header_that_is_changed_or_left_out_is_refused(grant, name):
    assert grant.put({name: "text/html"}).status == 403
    rest = {other: value for other, value in GRANTED.items() if other != name}
    assert send("PUT", grant.url, rest, PHOTO.content).status == 403
    assert grant.versions() == []


@pytest.mark.parametrize("added", ADDED)
def test_what_a_client_adds_is_refused_or_leaves_a_grants_object(grant, server, added):
    """None makes the object public, or its bytes others; what is stored beside them is compared on arrival."""
    stored = grant.put(ADDED[added])
    if stored.status >= 300:
        assert grant.versions() == []
        return
    head = server.client().head_object(Bucket=BUCKET, Key=grant.key)
    assert (head["ContentType"], head["CacheControl"], head["ContentLength"]) == (*list(GRANTED.values())[:2], len(PHOTO.content))
    assert send("GET", f"{server.endpoint}/{BUCKET}/{grant.key}").status == 403


def test_the_url_is_good_for_no_other_method_key_or_query(grant, server):
    for method, query in itertools.product(("GET", "HEAD", "DELETE", "POST"), ("", "&acl", "&tagging", "&uploads")):
        assert send(method, grant.url + query, GRANTED, b"<x/>" if method == "POST" else None).status >= 400, (method, query)
    for changed in (
        grant.url.replace(".jpg", ".html"),
        grant.url.replace("/uploads/", "/thumbnails/"),
        grant.url.replace("/uploads/", "/uploads/../thumbnails/"),
        grant.url.replace("Expires=900", "Expires=604800"),
        grant.url.replace("content-length%3B", ""),
        grant.url.split("?")[0],
        grant.url + "&acl",
        grant.url + "&tagging",
    ):
        assert changed != grant.url and grant.put(url=changed).status >= 400, changed
    assert server.client().list_object_versions(Bucket=BUCKET, Prefix="thumbnails/").get("Versions", []) == []
    assert grant.versions() == []
