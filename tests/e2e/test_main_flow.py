"""The main job for every type: grant, upload, confirm, thumbnail, and both come back from the CDN."""

import base64
import datetime
import re
import time
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

import pytest

from . import pixels
from .samples import ALL, PNG, Sample
from .user import User, wanted
from .web import Reply, send

CACHE_CONTROL = "public, max-age=31536000, immutable"
UUID_V7 = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
UTC_TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
# Types whose client says nothing about its checksum: both kinds of grant take the whole way.
WITHOUT_CHECKSUM = {"image/webp", "image/gif", "video/webm"}


@dataclass
class Journey:
    """One file's way, with everything that was said on it."""

    sample: Sample
    user: User
    asked: dict
    before: float
    issued: Reply
    stored: Reply
    confirmed: Reply
    after: float
    settled: dict

    @property
    def grant(self) -> dict:
        return self.issued.json()

    @property
    def has_checksum(self) -> bool:
        return "checksum" in self.asked

    @property
    def file(self) -> dict:
        """The file as it is read when everything is done."""
        return self.settled["file"]

    @property
    def key(self) -> str:
        return f"uploads/{self.user.owner}/{self.grant['id']}.{self.sample.extension}"

    @property
    def thumbnail_key(self) -> str:
        return f"thumbnails/{self.user.owner}/{self.grant['id']}/small.jpg"


@pytest.fixture(scope="session", params=ALL, ids=str)
def journey(request, new_user) -> Journey:
    sample, user = request.param, new_user()
    asked = wanted(
        sample.content, sample.content_type, sample.extension, checksum=sample.content_type not in WITHOUT_CHECKSUM
    )
    before = time.time()
    issued = user.issue(asked)
    assert issued.status == 201, issued
    stored = user.put(issued.json(), sample.content)
    confirmed = user.confirm(issued.json())
    after = time.time()
    return Journey(sample, user, asked, before, issued, stored, confirmed, after, user.settled(issued.json()))


def seconds(text: str) -> float:
    """A time of the API's as seconds since 1970."""
    assert re.fullmatch(UTC_TIME, text), text
    return datetime.datetime.fromisoformat(text).timestamp()


def test_the_grant_has_exactly_the_promised_fields(journey):
    grant, asked = journey.grant, journey.asked
    signed = {"content-type": asked["contentType"], "if-none-match": "*", "cache-control": CACHE_CONTROL}
    if journey.has_checksum:
        signed["x-amz-checksum-sha256"] = asked["checksum"]["sha256"]
    assert re.fullmatch(UUID_V7, grant["id"])
    assert grant == asked | {
        "id": grant["id"],
        "status": "pending",
        "createdAt": grant["createdAt"],
        "expiresAt": grant["expiresAt"],
        "request": {
            "method": "PUT",
            "url": grant["request"]["url"],
            "headers": signed,
            "expiresAt": grant["request"]["expiresAt"],
        },
        "confirm": {"method": "POST", "href": f"/v1/uploads/{grant['id']}/confirm"},
    }
    assert journey.issued.headers["content-type"] == "application/json"
    assert journey.issued.headers["cache-control"] == "no-store"


def test_the_grants_times_are_those_of_the_template(journey):
    created, ends = seconds(journey.grant["createdAt"]), seconds(journey.grant["expiresAt"])
    url_ends = seconds(journey.grant["request"]["expiresAt"])
    # Whole milliseconds are kept, so a time may lie one before the clock's.
    assert journey.before - 0.001 <= created <= journey.after
    assert ends - created == pytest.approx(3600, abs=0.002)
    # S3 counts whole seconds from a signing time in whole seconds.
    assert created + 898 <= url_ends <= created + 900


def test_the_url_leads_to_the_users_own_key_and_signs_every_header(journey, stack):
    url = urlsplit(journey.grant["request"]["url"])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"{stack.endpoint}/{stack.bucket}/{journey.key}"
    (signed,) = parse_qs(url.query)["X-Amz-SignedHeaders"]
    assert set(signed.split(";")) == {"host", "content-length", *journey.grant["request"]["headers"]}
    assert parse_qs(url.query)["X-Amz-Expires"] == ["900"]


def test_s3_takes_the_put_with_exactly_the_headers_given(journey):
    assert journey.stored.status == 200, journey.stored


def test_confirming_answers_with_the_file(journey, stack):
    assert journey.confirmed.status == 200, journey.confirmed
    assert journey.confirmed.headers["cache-control"] == "no-store"
    file = journey.confirmed.json()
    # The event may have been faster: then the thumbnails and the dimensions are there already.
    assert file["thumbnails"]["status"] in (["pending", "ready"] if journey.sample.thumbnail else ["none"])
    given = {name: file[name] for name in ("width", "height", "placeholder", "thumbnails", "confirmedAt") if name in file}
    assert file == journey.asked | given | {
        "id": journey.grant["id"],
        "status": "ready",
        "fileUrl": f"{stack.cdn_url}/{journey.key}",
        "createdAt": journey.grant["createdAt"],
    }
    assert journey.before - 0.001 <= seconds(file["confirmedAt"]) <= journey.after


def test_reading_the_upload_shows_the_finished_file(journey, stack):
    settled, sample = journey.settled, journey.sample
    assert settled == journey.asked | {
        "id": journey.grant["id"],
        "status": "ready",
        "createdAt": journey.grant["createdAt"],
        "expiresAt": journey.grant["expiresAt"],
        "file": journey.file,
    }
    items = []
    if sample.thumbnail:
        width, height = sample.thumbnail
        url = f"{stack.cdn_url}/{journey.thumbnail_key}"
        size = journey.file["thumbnails"]["items"][0]["size"]
        said = {"name": "small", "url": url, "contentType": "image/jpeg", "width": width, "height": height, "size": size}
        items.append(said)
    assert journey.file["thumbnails"] == {"status": "ready" if sample.thumbnail else "none", "items": items}
    assert (journey.file.get("width"), journey.file.get("height")) == (sample.size or (None, None))
    assert ("placeholder" in journey.file) == bool(sample.thumbnail)
    done_later = {"width", "height", "placeholder", "thumbnails"}
    assert {name: value for name, value in journey.file.items() if name not in done_later} == {
        name: value for name, value in journey.confirmed.json().items() if name not in done_later
    }


def test_confirming_again_gives_the_same_file(journey):
    again = journey.user.confirm(journey.grant)
    assert (again.status, again.json()) == (200, journey.file)


def test_the_row_says_what_was_granted_and_verified(journey, storage):
    row, sample = storage.row(journey.user.owner, journey.grant["id"]), journey.sample
    assert row["status"] == "ready"
    assert row["filename"] == journey.asked["filename"]
    assert (row["content_type"], row["size_bytes"]) == (sample.content_type, len(sample.content))
    assert row.get("sha256") == (sample.sha256 if journey.has_checksum else None)
    assert row["created_at"] == round(seconds(journey.grant["createdAt"]) * 1000)
    assert row["expires_at"] == round(seconds(journey.grant["expiresAt"]) * 1000)
    assert row["confirmed_at"] == round(seconds(journey.file["confirmedAt"]) * 1000)
    assert row["version_id"] == storage.head(journey.key)["VersionId"]
    assert (row.get("width"), row.get("height")) == (sample.size or (None, None))
    # A file stays until its owner deletes it.
    assert "ttl" not in row
    thumbnails = row["thumbnails"]
    assert thumbnails["status"] == ("ready" if sample.thumbnail else "none")
    if sample.thumbnail:
        (item,) = thumbnails["items"]
        size_bytes = len(storage.content(journey.thumbnail_key))
        assert (item["name"], item["width"], item["height"], item["size_bytes"]) == ("small", *sample.thumbnail, size_bytes)
        assert item["content_type"] == "image/jpeg"
    assert row.get("placeholder") == journey.file.get("placeholder")


def test_the_object_lies_there_once_with_the_granted_headers_and_the_tag(journey, storage):
    head = storage.head(journey.key)
    assert (head["ContentType"], head["CacheControl"]) == (journey.sample.content_type, CACHE_CONTROL)
    assert (head["ContentLength"], head["Metadata"]) == (len(journey.sample.content), {})
    assert not {"ContentDisposition", "ContentEncoding", "ContentLanguage", "Expires"} & set(head)
    if journey.has_checksum:
        assert head["ChecksumSHA256"] == journey.sample.sha256
    assert storage.tags(journey.key) == {"verified": "true"}
    assert storage.versions(journey.key) == [head["VersionId"]]


def test_the_cdn_serves_the_very_bytes_and_lets_them_do_nothing(journey):
    served = send("GET", journey.file["fileUrl"])
    assert served.status == 200, served
    assert served.body == journey.sample.content
    assert served.headers["content-type"] == journey.sample.content_type
    assert_safe(served)
    is_image = journey.sample.content_type.startswith("image/")
    assert served.headers.get("content-disposition") == (None if is_image else "attachment")


def test_the_thumbnail_is_stored_and_served_beside_it(journey, storage):
    if not journey.sample.thumbnail:
        assert storage.versions(f"thumbnails/{journey.user.owner}/{journey.grant['id']}") == []
        return
    stored = storage.content(journey.thumbnail_key)
    head = storage.head(journey.thumbnail_key)
    assert (head["ContentType"], head["CacheControl"]) == ("image/jpeg", CACHE_CONTROL)
    (item,) = journey.file["thumbnails"]["items"]
    served = send("GET", item["url"])
    assert (served.status, served.headers["content-type"], served.body) == (200, "image/jpeg", stored)
    assert item["size"] == len(stored)
    assert_safe(served)


def test_the_thumbnail_shows_the_file_upright_on_white_and_nothing_about_its_maker(journey):
    if not journey.sample.thumbnail:
        assert journey.file["thumbnails"] == {"status": "none", "items": []}
        return
    content = send("GET", journey.file["thumbnails"]["items"][0]["url"]).body
    thumbnail = pixels.opened(content)
    assert (thumbnail.format, thumbnail.size) == ("JPEG", journey.sample.thumbnail)
    should = pixels.reference(journey.sample.content, thumbnail.size)
    assert pixels.distance(thumbnail, should) < pixels.CLOSE
    pixels.assert_no_metadata(content)


def test_the_placeholder_has_the_colours_of_the_file(journey):
    if not journey.sample.thumbnail:
        assert "placeholder" not in journey.file
        return
    placeholder = journey.file["placeholder"]
    assert set(placeholder) == {"thumbhash", "color"}
    assert re.fullmatch(r"#[0-9a-f]{6}", placeholder["color"])
    assert len(base64.b64decode(placeholder["thumbhash"], validate=True)) <= 25
    if journey.sample is PNG:
        return  # The mean of what is transparent is nobody's colour.
    should = pixels.mean(pixels.reference(journey.sample.content, journey.sample.thumbnail))
    # Six bits a channel, and Pillow's filter for ours.
    assert pixels.mean_of_thumbhash(placeholder["thumbhash"]) == pytest.approx(should, abs=10)


def assert_safe(served: Reply) -> None:
    """Whatever these bytes are, a browser keeps the type, runs nothing and may keep a copy for ever."""
    assert served.headers["cache-control"] == CACHE_CONTROL
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert served.headers["cross-origin-resource-policy"] == "cross-origin"
    assert served.headers["referrer-policy"] == "no-referrer"
    assert served.headers["strict-transport-security"].startswith("max-age=")
