"""What a signed URL is good for beyond its words: nothing. Each word of each kind of grant is changed, and what is stored is looked at.

`tests/e2e/test_signed_put.py` changes a PUT's headers, body and address one by one. Here it is all that a client may add, and parts.
"""

import itertools
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from tests.e2e.polling import eventually
from tests.e2e.samples import MP4, PHOTO
from tests.e2e.uppy import call
from tests.e2e.web import Reply, send

from .owners import bearer, own_parts

HTML = b"<!doctype html><script>alert(1)</script>"
# What S3 knows and nobody has granted. On AWS each is refused for being an unsigned x-amz- header.
ADDED = {
    "tagging": {"x-amz-tagging": "verified=true"},
    "a public ACL": {"x-amz-acl": "public-read"},
    "full control for everybody": {"x-amz-grant-full-control": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'},
    "a redirect": {"x-amz-website-redirect-location": "https://evil.example"},
    # One whose objects cannot be read at once would make the engine answer for AWS, which never takes it.
    "another storage class": {"x-amz-storage-class": "STANDARD_IA"},
    "a key of the client's own": {
        "x-amz-server-side-encryption-customer-algorithm": "AES256",
        "x-amz-server-side-encryption-customer-key": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "x-amz-server-side-encryption-customer-key-md5": "S4sHNPhsTNx3OH0Dt/h9bg==",
    },
    "a KMS key": {"x-amz-server-side-encryption": "aws:kms", "x-amz-server-side-encryption-aws-kms-key-id": "somebody-elses"},
    "a lock for years": {"x-amz-object-lock-mode": "COMPLIANCE", "x-amz-object-lock-retain-until-date": "2099-01-01T00:00:00Z"},
    "a legal hold": {"x-amz-object-lock-legal-hold": "ON"},
    "metadata": {"x-amz-meta-verified": "true"},
    "another checksum": {"x-amz-checksum-crc32": "AAAAAA=="},
    "another body than is said": {"x-amz-decoded-content-length": "1", "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"},
    "another method": {"x-http-method-override": "DELETE", "x-amz-method": "DELETE"},
    "an offset to write at": {"x-amz-write-offset-bytes": "0"},
}


def others_object(user) -> str:
    """A file of the same user's that a copy could be made of."""
    grant = user.upload(PHOTO)
    assert user.confirm(grant).status == 200
    return f"uploads/{user.owner}/{grant['id']}.jpg"


def served(stack, key: str) -> Reply:
    return send("GET", f"{stack.cdn_url}/{key}")


@pytest.mark.parametrize("added", ADDED)
def test_what_a_client_adds_is_refused_or_does_nothing(user, storage, stack, added):
    """S3 refuses what is unsigned. Where a server takes it, what it stored becomes a file only as it was granted: no tag, no redirect, no
    lock and no words of the client's."""
    grant = user.grant(PHOTO)
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    stored = user.put(grant, PHOTO.content, grant["request"]["headers"] | ADDED[added])
    confirmed = user.confirm(grant)
    if stored.status >= 300:
        assert (confirmed.status, storage.versions(key)) == (409, []), confirmed
        # It was not used up by the attempt.
        assert user.put(grant, PHOTO.content).status == 200
        return
    if confirmed.status == 422:
        eventually(lambda: storage.versions(key) == [], "it is removed")
        assert served(stack, key).status == 403
        return
    assert confirmed.status == 200, confirmed
    head = storage.head(key)
    assert (head["ContentType"], head["CacheControl"], head["Metadata"]) == ("image/jpeg", "public, max-age=31536000, immutable", {})
    assert not {"WebsiteRedirectLocation", "ObjectLockMode", "ObjectLockLegalHoldStatus", "SSECustomerAlgorithm"} & set(head), head
    assert storage.tags(key) == {"verified": "true"}
    grants = storage.s3.get_object_acl(Bucket=storage.bucket, Key=key)["Grants"]
    assert not [one for one in grants if "AllUsers" in str(one)]
    assert served(stack, key).body == PHOTO.content
    # To nobody but the CDN, whatever it was stored with.
    assert send("GET", f"{stack.endpoint}/{stack.bucket}/{key}").status == 403


def test_a_page_that_tags_itself_is_never_served(user, storage, stack):
    """Not for a moment, not before its confirm and not after it, whether or not S3 took the tag."""
    html = HTML.ljust(600)
    grant = user.grant_for(html, "image/png", "png")
    key = f"uploads/{user.owner}/{grant['id']}.png"
    stored = user.put(grant, html, grant["request"]["headers"] | {"x-amz-tagging": "verified=true"})
    if stored.status == 200:
        # What only AWS closes at once; here it is gone with its event.
        eventually(lambda: storage.versions(key) == [], "it is removed")
    assert served(stack, key).status == 403


def test_a_copy_by_a_signed_put_is_none(user, storage, stack):
    source = others_object(user)
    grant = user.grant(PHOTO)
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    for headers, body in itertools.product(
        ({"x-amz-copy-source": f"/{stack.bucket}/{source}"}, {"x-amz-copy-source": f"{stack.bucket}/{source}", "x-amz-metadata-directive": "REPLACE"}),
        (b"", PHOTO.content),
    ):
        reply = user.put(grant, body, grant["request"]["headers"] | headers)
        assert reply.status >= 400 or storage.content(key) == PHOTO.content, reply
        assert served(stack, key).status == 403 or reply.status < 300


def words(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query, keep_blank_values=True))


def rewritten(url: str, **words_: str | None) -> str:
    """The URL with words of its query changed, added or, as None, left out."""
    changed = {name: value for name, value in (words(url) | {name.replace("_", "-"): value for name, value in words_.items()}).items() if value is not None}
    return f"{url.split('?')[0]}?{urlencode(changed)}"


@pytest.mark.parametrize("word", ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Security-Token", "X-Amz-Signature"])
def test_a_url_with_a_word_changed_or_left_out_is_refused(user, storage, word):
    grant = user.grant(PHOTO)
    url, headers = grant["request"]["url"], grant["request"]["headers"]
    value = words(url)[word]
    for other in (None, "", value[:-1] + ("0" if value[-1] != "0" else "1"), value.upper() + "x"):
        reply = send("PUT", rewritten(url, **{word: other}), headers, PHOTO.content)
        assert reply.status in (400, 403), (word, other, reply)
    assert storage.versions(f"uploads/{user.owner}") == []


@pytest.mark.parametrize("query", ["acl", "tagging", "versionId=null", "partNumber=1&uploadId=x", "uploads", "legal-hold", "retention", "x-id=DeleteObject", "response-content-type=text/html"])
def test_a_url_with_more_in_its_query_is_refused(user, storage, query):
    grant = user.upload(PHOTO)
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    before = storage.versions(key)
    for method, body in (("PUT", PHOTO.content), ("GET", None), ("POST", b"<x/>"), ("DELETE", None)):
        reply = send(method, f"{grant['request']['url']}&{query}", grant["request"]["headers"], body)
        assert reply.status >= 400, (method, reply)
    assert storage.versions(key) == before and storage.content(key) == PHOTO.content


def test_nothing_but_what_was_granted_is_taken(user, new_user, storage):
    """Every other key, of one's own and of others', in every place, by one signature."""
    other = new_user()
    grant, theirs = user.grant(PHOTO), other.grant(PHOTO)
    url, headers = grant["request"]["url"], grant["request"]["headers"]
    path = urlsplit(url).path
    mine, others = f"uploads/{user.owner}/{grant['id']}.jpg", f"uploads/{other.owner}/{theirs['id']}.jpg"
    assert path.endswith(mine)
    for elsewhere in (
        others,
        mine.replace(".jpg", ".html"),
        mine.replace(".jpg", ".jpg.html"),
        mine.replace("uploads/", "thumbnails/"),
        mine.replace("uploads/", "uploads/open/"),
        mine.replace("uploads/", "uploads//"),
        mine + "/",
        mine.upper(),
        f"./{mine}",
        f"x/../{mine}",
        "",
    ):
        reply = send("PUT", url.replace(mine, elsewhere), headers, PHOTO.content)
        assert reply.status >= 400, (elsewhere, reply)
    for length in (b"", PHOTO.content[:-1], PHOTO.content + b"x", PHOTO.content * 2):
        assert send("PUT", url, headers, length).status >= 400
    for owner in (user.owner, other.owner):
        assert storage.versions(f"uploads/{owner}") == storage.versions(f"thumbnails/{owner}") == []
    assert user.put(grant, PHOTO.content).status == 200


def test_a_signed_part_is_good_for_that_part_alone(user, new_user, storage):
    """Not for another number, another upload, another length, another method, nor for putting together or listing what is there."""

    def granted(who) -> dict:
        reply = who.issue({"filename": "a film.mp4", "contentType": "video/mp4", "size": (5 << 20) + 7, "partSize": 5 << 20})
        assert reply.status == 201, reply
        return reply.json()

    other = new_user()
    mine, theirs, second = granted(user), granted(other), granted(user)
    (_, last), (others_first, _) = mine["multipart"]["parts"], theirs["multipart"]["parts"]
    seven, url = b"seven b", last["url"]
    for changed in (
        rewritten(url, partNumber="1"),
        rewritten(url, partNumber="3"),
        rewritten(url, partNumber="0"),
        rewritten(url, uploadId=words(others_first["url"])["uploadId"]),
        rewritten(url, uploadId=words(second["multipart"]["parts"][0]["url"])["uploadId"]),
        rewritten(url, uploadId=None),
        rewritten(url, uploadId=None, partNumber=None),
        rewritten(url, partNumber=None),
        url.replace(user.owner, other.owner),
        url.replace(mine["id"], second["id"]),
    ):
        assert changed != url
        assert send("PUT", changed, last["headers"], seven).status >= 400, changed
    for method, body in itertools.product(("GET", "HEAD", "DELETE", "POST"), (None, b"<CompleteMultipartUpload/>")):
        assert send(method, url, last["headers"], body).status >= 400, method
    for length in (b"", seven[:-1], seven + b"x"):
        assert send("PUT", url, last["headers"], length).status >= 400
    for each in (mine, theirs, second):
        owner = other if each is theirs else user
        listed = owner.call("GET", f"/v1/uploads/{each['id']}?include=parts").json()
        assert (listed["status"], listed["multipart"]["stored"]) == ("pending", []), listed
    assert send("PUT", url, last["headers"], seven).status == 200


def test_calls_signed_for_a_client_are_good_for_themselves_alone(user, storage):
    """What Uppy makes itself: its list lists, its completion completes, and none does another's work."""
    own = own_parts(user, storage)
    asked = {"key": own.key, "uploadId": own.multipart}

    def signed(**more: object) -> dict:
        reply = call(user.api_url, "POST /s3/sign", bearer(user), asked | more)
        assert reply.status == 200, reply
        return reply.json()

    calls = {"PUT": signed(method="PUT", partNumber=1), "GET": signed(method="GET"), "POST": signed(method="POST")}
    for (name, one), method in itertools.product(calls.items(), ("PUT", "GET", "POST", "DELETE", "HEAD")):
        if method != name:
            assert send(method, one["url"], one.get("headers", {}), b"x" if method in ("PUT", "POST") else None).status >= 400, (name, method)
        # And none without its upload: that would be the object itself.
        bare = rewritten(one["url"], uploadId=None, partNumber=None)
        assert send(method, bare, one.get("headers", {}), MP4.content if method == "PUT" else None).status >= 400, (name, method)
    assert storage.versions(own.key) == []
    assert storage.row(user.owner, own.id)["status"] == "pending"


def test_a_url_of_one_stack_names_no_other_bucket(user, storage, stack):
    grant = user.grant(PHOTO)
    url = grant["request"]["url"]
    stack.s3.create_bucket(Bucket="somebody-elses")
    try:
        assert send("PUT", url.replace(f"/{stack.bucket}/", "/somebody-elses/"), grant["request"]["headers"], PHOTO.content).status == 403
        assert "Contents" not in stack.s3.list_objects_v2(Bucket="somebody-elses")
    finally:
        stack.s3.delete_bucket(Bucket="somebody-elses")
    assert re.search(r"X-Amz-SignedHeaders=[^&]*host", url)
