"""A signed URL is good for one PUT of exactly what was granted."""

import pytest

from . import expect
from .samples import PHOTO, PNG
from .web import send


def changed(grant: dict, **headers: str | None) -> dict[str, str]:
    """The granted headers with some replaced, added, or, as None, left out."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {name: value for name, value in (grant["request"]["headers"] | named).items() if value is not None}


@pytest.fixture
def grant(user) -> dict:
    return user.grant(PHOTO, checksum=True)


@pytest.fixture
def nothing_stored(user, storage, grant):
    """Whatever the test tried, nothing lies in the bucket and the grant still stands."""
    yield
    assert storage.versions(f"uploads/{user.owner}") == []
    assert user.read(grant).json()["status"] == "pending"


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "image/png", "image/jpeg, text/html", "image/jpeg;x=y"])
def test_another_content_type_is_refused(user, grant, nothing_stored, content_type):
    assert user.put(grant, PHOTO.content, changed(grant, content_type=content_type)).status == 403


@pytest.mark.parametrize("content", [PHOTO.content + b"\n", PHOTO.content[:-1], b""], ids=["longer", "shorter", "empty"])
def test_a_body_of_another_size_is_refused(user, grant, nothing_stored, content):
    assert user.put(grant, content).status == 403


@pytest.mark.parametrize("content", [PHOTO.content + b"\n", PHOTO.content[:-1]], ids=["longer", "shorter"])
def test_a_body_of_another_size_is_refused_without_a_checksum_too(user, storage, content):
    grant = user.grant(PHOTO)
    assert user.put(grant, content).status == 403
    assert storage.versions(f"uploads/{user.owner}") == []


@pytest.mark.parametrize("header", ["content_type", "if_none_match", "cache_control", "x_amz_checksum_sha256"])
def test_a_granted_header_left_out_is_refused(user, grant, nothing_stored, header):
    assert user.put(grant, PHOTO.content, changed(grant, **{header: None})).status == 403


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("if_none_match", '"etag"'),
        ("cache_control", "no-store"),
        ("x_amz_checksum_sha256", "d693i1Gr1KPFHF3dlyBKnDrmFOvMt1pgbDtoZa7WdE4="),
    ],
)
def test_a_granted_header_changed_is_refused(user, grant, nothing_stored, header, value):
    assert user.put(grant, PHOTO.content, changed(grant, **{header: value})).status == 403


def test_other_bytes_of_the_same_size_are_refused_by_their_checksum(user, storage, grant):
    other = bytes(reversed(PHOTO.content))
    refused = user.put(grant, other)
    assert (refused.status, b"<Code>" in refused.body) == (400, True), refused
    assert storage.versions(f"uploads/{user.owner}") == []
    expect.problem(user.confirm(grant), 409, "not_uploaded")
    # The URL was not used up by the attempt.
    assert user.put(grant, PHOTO.content).status == 200
    assert user.confirm(grant).status == 200


def test_a_second_put_is_refused_and_the_first_file_stays(user, storage, grant):
    assert user.put(grant, PHOTO.content).status == 200
    for _ in range(2):
        assert user.put(grant, PHOTO.content).status == 412
    file = user.confirm(grant)
    assert file.status == 200
    assert user.put(grant, PHOTO.content).status == 412
    # What a client does whose first answer was lost: it confirms.
    assert user.confirm(grant).status == 200
    assert storage.content(f"uploads/{user.owner}/{grant['id']}.jpg") == PHOTO.content
    assert len(storage.versions(f"uploads/{user.owner}")) == 1


def test_a_second_put_is_refused_for_a_url_signed_again(user, storage, grant):
    again = user.resign(grant).json()
    assert user.put(again, PHOTO.content).status == 200
    assert user.put(grant, PHOTO.content).status == 412
    assert len(storage.versions(f"uploads/{user.owner}")) == 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
def test_the_url_is_good_for_nothing_but_a_put(user, storage, method):
    grant = user.upload(PHOTO)
    user.settled(grant)
    assert send(method, grant["request"]["url"], grant["request"]["headers"]).status == 403
    assert storage.content(f"uploads/{user.owner}/{grant['id']}.jpg") == PHOTO.content


def other_key(url: str) -> str:
    return url.replace(".jpg?", ".png?")


def up_and_away(url: str) -> str:
    return url.replace("/uploads/", "/uploads/../uploads/")


def encoded_up(url: str) -> str:
    return url.replace("/uploads/", "/uploads/%2e%2e/thumbnails/")


def to_thumbnails(url: str) -> str:
    return url.replace("/uploads/", "/thumbnails/")


def longer(url: str) -> str:
    return url.replace("X-Amz-Expires=900", "X-Amz-Expires=604800")


def fewer_headers(url: str) -> str:
    return url.replace("%3Bif-none-match", "")


def unsigned(url: str) -> str:
    return url.split("?")[0]


def with_acl(url: str) -> str:
    return url.replace("?", "?acl&", 1)


def other_signature(url: str) -> str:
    return url.replace("X-Amz-Signature=", "X-Amz-Signature=00")


CHANGES = [other_key, up_and_away, encoded_up, to_thumbnails, longer, fewer_headers, unsigned, with_acl, other_signature]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_changed_url_is_refused(storage, user, grant, nothing_stored, change):
    url = change(grant["request"]["url"])
    assert url != grant["request"]["url"]
    assert send("PUT", url, grant["request"]["headers"], PHOTO.content).status == 403
    assert storage.versions(f"thumbnails/{user.owner}") == []


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("content_encoding", "gzip"),
        ("content_disposition", 'inline; filename="x.html"'),
        ("content_language", "en"),
        ("expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ],
)
def test_a_header_that_was_not_granted_is_stored_by_s3_and_rejected_by_us(user, storage, grant, stack, header, value):
    """S3 takes unsigned headers of its own accord, so what it stored is compared with the grant."""
    assert user.put(grant, PHOTO.content, changed(grant, **{header: value})).status == 200
    expect.problem(user.confirm(grant), 422, "headers_mismatch")
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    assert storage.versions(key) == []
    assert send("GET", f"{stack.cdn_url}/{key}").status == 403


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("x_amz_meta_note", "<script>"),
        ("x_amz_website_redirect_location", "https://evil.example"),
    ],
)
def test_an_amz_header_that_was_not_granted_never_makes_a_file(user, storage, grant, header, value):
    """S3 refuses an `x-amz-` header that is not signed."""
    assert user.put(grant, PHOTO.content, changed(grant, **{header: value})).status == 403
    expect.problem(user.confirm(grant), 409, "not_uploaded")
    assert storage.versions(f"uploads/{user.owner}") == []


def test_a_client_that_tags_its_own_upload_gains_nothing(user, storage, stack):
    """S3 refuses the unsigned tagging header."""
    html = b"<!doctype html><script>alert(1)</script>".ljust(600)
    grant = user.grant_for(html, "image/png", "png")
    assert user.put(grant, html, changed(grant, x_amz_tagging="verified=true")).status == 403
    expect.problem(user.confirm(grant), 409, "not_uploaded")
    key = f"uploads/{user.owner}/{grant['id']}.png"
    assert storage.versions(key) == []
    assert send("GET", f"{stack.cdn_url}/{key}").status == 403


def test_one_users_url_stores_for_that_user_alone(user, new_user, storage):
    """Whoever holds a URL may use it, and what arrives is the granting user's."""
    grant, other = user.grant(PNG), new_user()
    assert other.put(grant, PNG.content).status == 200
    assert user.settled(grant)["status"] == "ready"
    assert storage.versions(f"uploads/{other.owner}") == []
