"""CloudFront alone leads to a file, and only to a verified one."""

import uuid

import pytest

from .samples import MP4, PDF, PHOTO
from .web import send

CACHE_CONTROL = "public, max-age=31536000, immutable"


@pytest.fixture(scope="module")
def ready(new_user) -> dict:
    """A photo with its thumbnail."""
    user = new_user()
    return user.settled(user.upload(PHOTO))["file"]


def path_of(url: str, stack) -> str:
    return url.removeprefix(stack.cdn_url)


def test_nothing_is_served_before_its_verification(user, storage, stack):
    """An object under a foreign key is never verified, so there is no race with its event."""
    assert send("GET", f"{stack.cdn_url}/uploads/{user.owner}/{uuid.uuid4()}.jpg").status == 403
    key = f"uploads/{user.owner}/unverified.jpg"
    storage.s3.put_object(Bucket=storage.bucket, Key=key, Body=PHOTO.content, ContentType="image/jpeg", IfNoneMatch="*")
    assert send("GET", f"{stack.cdn_url}/{key}").status == 403


def test_a_file_whose_tag_is_taken_away_is_no_longer_served(user, storage, stack):
    grant = user.upload(PHOTO)
    url = user.settled(grant)["file"]["fileUrl"]
    assert send("GET", url).status == 200
    storage.s3.delete_object_tagging(Bucket=storage.bucket, Key=path_of(url, stack)[1:])
    assert send("GET", url).status == 403


@pytest.mark.parametrize("query", ["versionId=null", "response-content-type=text%2Fhtml", "acl", "tagging", "x=1&x=2"])
def test_a_query_string_reaches_nothing(ready, query):
    """The local engine forwards none whatever the cache policy says; that the policy says so is asserted on the template."""
    plain, queried = send("GET", ready["fileUrl"]), send("GET", f"{ready['fileUrl']}?{query}")
    assert (queried.status, queried.body) == (200, plain.body)
    assert queried.headers["content-type"] == "image/jpeg"
    assert queried.headers["cache-control"] == CACHE_CONTROL


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH"])
def test_only_reading_is_allowed(ready, storage, stack, method):
    key = path_of(ready["fileUrl"], stack)[1:]
    assert send(method, ready["fileUrl"], {}, b"x").status in (403, 405)
    assert storage.content(key) == PHOTO.content


def test_head_tells_what_get_would_send(ready):
    head = send("HEAD", ready["fileUrl"])
    assert (head.status, head.body) == (200, b"")
    assert (head.headers["content-length"], head.headers["content-type"]) == (str(len(PHOTO.content)), "image/jpeg")


def test_a_video_can_be_read_in_parts(user):
    url = user.settled(user.upload(MP4))["file"]["fileUrl"]
    part = send("GET", url, {"range": "bytes=4-11"})
    assert (part.status, part.body) == (206, MP4.content[4:12])
    assert part.headers["content-range"] == f"bytes 4-11/{len(MP4.content)}"


def test_a_pdf_is_a_download(user):
    served = send("GET", user.settled(user.upload(PDF))["file"]["fileUrl"])
    assert served.headers["content-disposition"] == "attachment"
    assert served.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("path", ["/", "/uploads/", "/thumbnails/", "/uploads", "/index.html", "/favicon.ico", "/uploads/../x"])
def test_nothing_is_listed_and_nothing_else_is_there(stack, path):
    assert send("GET", stack.cdn_url + path).status == 403


def test_plain_http_is_sent_to_https(ready):
    reply = send("GET", ready["fileUrl"], {"x-forwarded-proto": "http"})
    assert reply.status == 301
    assert reply.headers["location"].startswith("https://")


def test_s3_itself_gives_a_ready_file_to_nobody(ready, stack):
    for kind in ("fileUrl", "thumbnail"):
        url = ready["fileUrl"] if kind == "fileUrl" else ready["thumbnails"]["items"][0]["url"]
        assert send("GET", f"{stack.endpoint}/{stack.bucket}{path_of(url, stack)}").status == 403
        assert send("HEAD", f"{stack.endpoint}/{stack.bucket}{path_of(url, stack)}").status == 403
    assert send("GET", f"{stack.endpoint}/{stack.bucket}?list-type=2").status == 403
    assert send("GET", f"{stack.endpoint}/{stack.bucket}?versions").status == 403


def test_an_unsigned_put_or_delete_is_refused(ready, stack, storage):
    path = path_of(ready["fileUrl"], stack)
    for method in ("PUT", "DELETE", "POST"):
        assert send(method, f"{stack.endpoint}/{stack.bucket}{path}", {"if-none-match": "*"}, b"x").status == 403
    assert storage.content(path[1:]) == PHOTO.content
