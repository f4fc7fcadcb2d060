"""What leaves the CDN: verified files and their thumbnails, under their own addresses, and nothing by any other."""

import http.client
from urllib.parse import urlsplit

import pytest

from tests.e2e.polling import eventually
from tests.e2e.samples import GIF, PDF, PHOTO
from tests.e2e.web import Reply, send

from .owners import of_grant

HTML = b"<!doctype html><script>alert(1)</script>".ljust(600)


def get(stack, path: str, method: str = "GET", **headers: str) -> Reply:
    """Exactly this path, as no client library would leave it."""
    parts = urlsplit(stack.cdn_url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host="host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        reply = connection.getresponse()
        return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def alice(new_user):
    return new_user()


@pytest.fixture(scope="module")
def file(alice) -> dict:
    return alice.settled(alice.upload(PHOTO))["file"]


def put_as_owner(storage, key: str, content: bytes = HTML) -> None:
    """Stores what no client could, as the account's owner."""
    storage.s3.put_object(Bucket=storage.bucket, Key=key, Body=content, ContentType="text/html", IfNoneMatch="*")


def test_nothing_is_served_but_verified_files_and_their_thumbnails(alice, file, storage, stack):
    """Whatever else lies in the bucket, under whatever name: what waits, what was refused, what nobody granted."""
    owner, made = alice.owner, []
    for key in (f"uploads/{owner}/x.html", f"uploads/open/{owner}/x.html", f"private/{owner}.html", "index.html", f"{owner}.html", "uploads.html", "backup/table.json"):
        put_as_owner(storage, key)
        made.append(key)
    waiting = alice.grant(PDF)
    assert alice.put(waiting, PDF.content).status == 200
    refused = alice.upload_of(HTML, "image/jpeg", "jpg")
    assert alice.confirm(refused).status == 422
    gone = alice.upload(PDF)
    assert alice.confirm(gone).status == 200 and alice.delete(gone).status == 204
    made += [of_grant(alice, refused).key, of_grant(alice, gone, "pdf").key]
    for key in made:
        assert get(stack, f"/{key}").status in (403, 404), key
    # A file of the same key as a thumbnail's folder is none.
    key = urlsplit(file["fileUrl"]).path
    assert get(stack, key).body == PHOTO.content
    assert get(stack, urlsplit(file["thumbnails"]["items"][0]["url"]).path).status == 200
    for key in made:
        storage.s3.delete_object(Bucket=storage.bucket, Key=key)


TRAVERSALS = [
    "/..{key}",
    "/../..{key}",
    "/{key}",
    "//{bucket}{key}",
    "/{bucket}{key}",
    "{key}/",
    "{key}/.",
    "{key}/..",
    "{key}%00.html",
    "{key}%20",
    "{key};.html",
    "{key}%3Facl",
    "{key}%23",
    "/thumbnails/..{key}",
    "/thumbnails/%2e%2e{key}",
    "/thumbnails/%2e%2e%2fprivate.html",
    "/uploads/..%2fprivate.html",
    "/uploads/%2e%2e/private.html",
    "/uploads/../private.html",
    "/uploads\\..\\private.html",
    "/%75ploads/../private.html",
    "/./private.html",
    "/private.html",
    "/",
    "",
    "/uploads",
    "/uploads/",
    "/thumbnails/",
    "/?list-type=2",
    "/?versions",
    "/?uploads",
    "/uploads/?prefix=",
    "http://169.254.169.254/latest/meta-data/",
]


@pytest.fixture
def private(storage):
    """Something that is never to be seen, beside what is."""
    put_as_owner(storage, "private.html")
    yield
    storage.s3.delete_object(Bucket=storage.bucket, Key="private.html")


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_anywhere_else(file, stack, private, path):
    key = urlsplit(file["fileUrl"]).path
    reply = get(stack, path.replace("{key}", key).replace("{bucket}", stack.bucket) or "/")
    # A path that a server folds into the file's own leads to the file; none leads to another thing.
    assert reply.status >= 300 or reply.body == PHOTO.content, reply
    assert b"alert(1)" not in reply.body and b"<Contents>" not in reply.body and b"<Version>" not in reply.body
    assert stack.bucket.encode() not in reply.body or reply.status >= 400


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND"])
def test_it_can_be_read_and_nothing_else(alice, file, storage, stack, method):
    path = urlsplit(file["fileUrl"]).path
    before = storage.versions(path[1:])
    assert get(stack, path, method, content_length="0").status >= 400
    assert get(stack, f"/uploads/{alice.owner}/new.jpg", method, content_length="0", if_none_match="*").status >= 400
    assert storage.versions(path[1:]) == before and storage.versions(f"uploads/{alice.owner}/new.jpg") == []


@pytest.mark.parametrize(
    "query",
    ["versionId=null", "response-content-type=text/html", "response-content-disposition=inline", "acl", "tagging", "torrent", "partNumber=1", "X-Amz-Signature=0", "x-id=GetObject"],
)
def test_no_query_reaches_the_bucket(file, stack, query):
    path = urlsplit(file["fileUrl"]).path
    plain, asked = get(stack, path), get(stack, f"{path}?{query}")
    assert (asked.status, asked.body) == (200, PHOTO.content)
    for name in ("content-type", "content-disposition", "content-security-policy", "cache-control"):
        assert asked.headers.get(name) == plain.headers.get(name)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"x_forwarded_host": "evil.example"},
        {"x_original_url": "/private.html", "x_rewrite_url": "/private.html"},
        {"authorization": "AWS4-HMAC-SHA256 Credential=x"},
        {"x_amz_security_token": "x"},
        {"range": "bytes=0-0,1-1,2-2"},
        {"if_none_match": "*"},
        {"origin": "https://evil.example"},
        {"x_http_method_override": "DELETE"},
    ],
    ids=lambda headers: next(iter(headers)),
)
def test_no_header_changes_what_is_served(file, storage, stack, private, headers):
    path = urlsplit(file["fileUrl"]).path
    reply = get(stack, path, **headers)
    assert b"alert(1)" not in reply.body and b"evil.example" not in reply.body
    # Who knows the address may read the file, from any page; that it is nobody's session is said by what is not there.
    assert reply.headers.get("access-control-allow-origin") in (None, "*")
    assert "access-control-allow-credentials" not in reply.headers
    assert "evil.example" not in str(reply.headers)
    # Not another file, nor a longer one.
    assert reply.status in (200, 206, 304, 400, 403, 404, 416, 421) and (reply.status != 200 or reply.body == PHOTO.content)
    assert get(stack, path).body == PHOTO.content


@pytest.mark.parametrize("sample", [PHOTO, PDF, GIF], ids=str)
def test_every_answer_of_the_cdn_lets_a_file_do_nothing(alice, stack, sample):
    """Of the file, of its thumbnail, and of what is not there."""
    file = alice.settled(alice.upload(sample))["file"]
    paths = [urlsplit(file["fileUrl"]).path, *(urlsplit(item["url"]).path for item in file["thumbnails"].get("items", []))]
    for path in paths:
        reply = get(stack, path)
        assert reply.status == 200
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["content-security-policy"] == "default-src 'none'; sandbox"
        assert reply.headers["referrer-policy"] == "no-referrer"
        assert reply.headers["content-type"] in (sample.content_type, "image/jpeg")
        assert reply.headers.get("content-disposition") == (None if sample.content_type.startswith("image/") else "attachment")
        assert not {name for name in reply.headers if name.startswith("x-amz-meta-") or name == "set-cookie"}


def test_thumbnails_of_a_deleted_file_are_gone_with_it(new_user, storage, stack):
    user = new_user()
    file = user.settled(user.upload(PHOTO))["file"]
    (thumbnail,) = file["thumbnails"]["items"]
    assert get(stack, urlsplit(thumbnail["url"]).path).status == 200
    assert user.delete(file).status == 204
    for url in (file["fileUrl"], thumbnail["url"]):
        path = urlsplit(url).path
        assert get(stack, path).status in (403, 404)
        assert storage.versions(path[1:]) == []
    eventually(lambda: storage.waiting() == 0, "no event brings them back")
    assert get(stack, urlsplit(thumbnail["url"]).path).status in (403, 404)


def test_a_guessed_thumbnail_of_anothers_file_is_none(file, stack):
    """Files are public to who knows their address, and an address cannot be made up: the id is 74 random bits, and no list is given."""
    path = urlsplit(file["thumbnails"]["items"][0]["url"]).path
    for name in ("large", "original", "..", "small.jpg", "SMALL", "*", "small%00"):
        assert get(stack, path.replace("small", name)).status in (400, 403, 404), name
