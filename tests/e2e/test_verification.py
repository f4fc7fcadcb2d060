"""What arrives is compared with its grant, and what differs is removed and never served."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from . import expect
from .polling import eventually
from .samples import ALL, CAMERA, GIF, PDF, PHOTO, PNG, Sample
from .user import sha256
from .web import send

HTML = b"<!doctype html><title>x</title><script>alert(document.domain)</script>".ljust(700)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'.ljust(700)
HOSTILE = {
    "html": HTML,
    "html after a byte order mark": b"\xef\xbb\xbf" + HTML,
    "svg": SVG,
    "xml": b"<?xml version='1.0'?>" + SVG,
    "javascript": b"alert(document.domain)//".ljust(700),
    "windows program": b"MZ\x90\x00".ljust(700, b"\0"),
    "elf program": b"\x7fELF\x02\x01\x01".ljust(700, b"\0"),
    "zip": b"PK\x03\x04".ljust(700, b"\0"),
    "almost a png": b"\x89PNH\r\n\x1a\n".ljust(700, b"\0"),
    "one byte": b"\x89",
    "zeros": bytes(700),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_bytes_that_are_no_png_are_rejected_removed_and_never_served(user, storage, stack, kind):
    grant = user.upload_of(HOSTILE[kind], "image/png", "png")
    key = f"uploads/{user.owner}/{grant['id']}.png"
    expect.problem(user.confirm(grant), 422, "content_mismatch")
    assert storage.row(user.owner, grant["id"])["status"] == "rejected"
    eventually(lambda: storage.versions(key) == [], "the file is removed")
    assert send("GET", f"{stack.cdn_url}/{key}").status == 403
    upload = user.read(grant).json()
    assert (upload["status"], upload["reason"], "file" in upload) == ("rejected", "content_mismatch", False)
    # The verdict stands.
    expect.problem(user.confirm(grant), 422, "content_mismatch")
    assert storage.versions(f"thumbnails/{user.owner}") == []


HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicisom"
DISGUISED = {
    "html that mentions a pdf": (b"<html><body onload=alert(1)><!-- %PDF-1.7 -->", "application/pdf", "pdf"),
    "html with a box's name": (b"<!doctype htmdat><script>alert(1)</script>", "video/quicktime", "mov"),
    "html with mp4's brand": (b"<!--ftypisom--><script>alert(1)</script>", "video/mp4", "mp4"),
    "html that mentions webm": (b"<!--\x1a\x45\xdf\xa3webm--><script>alert(1)</script>", "video/webm", "webm"),
    "heic as mp4": (HEIC, "video/mp4", "mp4"),
    "heic as avif": (HEIC, "image/avif", "avif"),
}


@pytest.mark.parametrize("kind", DISGUISED)
def test_a_disguise_is_seen_through(user, storage, kind):
    start, content_type, extension = DISGUISED[kind]
    grant = user.upload_of(start.ljust(700), content_type, extension)
    expect.problem(user.confirm(grant), 422, "content_mismatch")
    assert storage.versions(f"uploads/{user.owner}") == []


@pytest.mark.parametrize("kind", ["html", "svg"])
def test_the_event_alone_rejects_as_well(user, storage, kind):
    grant = user.upload_of(HOSTILE[kind], "image/png", "png")
    upload = user.settled(grant)
    assert (upload["status"], upload["reason"]) == ("rejected", "content_mismatch")
    assert storage.versions(f"uploads/{user.owner}") == []


def test_a_confirm_and_an_event_at_once_reject_alike(user, storage):
    """Two confirms for each arrival, one of them while the event is handled as a rule."""

    def arrive(_: int) -> list:
        grant = user.upload_of(HTML, "image/png", "png")
        return [user.confirm(grant), user.confirm(grant)]

    with ThreadPoolExecutor(4) as pool:
        replies = [reply for pair in pool.map(arrive, range(16)) for reply in pair]
    for reply in replies:
        expect.problem(reply, 422, "content_mismatch")
    eventually(lambda: storage.versions(f"uploads/{user.owner}") == [], "the files are removed")


def pairs() -> list[tuple[Sample, Sample]]:
    """Each sample as the next one's type, leaving out pairs of one type."""
    samples = [sample for sample in ALL if sample is not CAMERA]
    shifted = samples[1:] + samples[:1]
    return [pair for pair in zip(samples, shifted) if pair[0].content_type != pair[1].content_type]


@pytest.mark.parametrize(("sample", "claimed"), pairs(), ids=str)
def test_a_file_under_another_accepted_type_is_rejected(user, storage, sample, claimed):
    grant = user.upload_of(sample.content, claimed.content_type, claimed.extension)
    expect.problem(user.confirm(grant), 422, "content_mismatch")
    assert storage.versions(f"uploads/{user.owner}") == []


def test_a_rejected_upload_cannot_be_replaced(user, storage):
    grant = user.upload_of(HTML, "image/png", "png")
    expect.problem(user.confirm(grant), 422, "content_mismatch")
    # The key is free again, and its signed URL still good.
    assert user.put(grant, HTML).status == 200
    key = f"uploads/{user.owner}/{grant['id']}.png"
    eventually(lambda: storage.versions(key) == [], "the second file is removed")
    expect.problem(user.resign(grant), 409, "invalid_state")


def test_a_polyglot_is_served_as_the_image_it_claims_to_be_and_nothing_else(user):
    """Every magic byte check lets one pass. What protects is how it is served."""
    polyglot = b"GIF89a/*<script>alert(document.domain)</script>*/=1;".ljust(700)
    grant = user.upload_of(polyglot, "image/gif", "gif")
    upload = user.settled(grant)
    assert upload["status"] == "ready"
    assert upload["file"]["thumbnails"]["status"] == "failed"
    served = send("GET", upload["file"]["fileUrl"])
    assert served.headers["content-type"] == "image/gif"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert served.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("code", "content"),
    [("size_mismatch", PHOTO.content + b"\n"), ("checksum_mismatch", PHOTO.content[:-1] + b"\n")],
)
def test_what_was_stored_past_the_signature_is_compared_too(user, storage, code, content):
    """S3 holds a client to both. An operator's tool or a future way in may not be."""
    grant = user.grant(PHOTO, checksum=True)
    storage.s3.put_object(
        Bucket=storage.bucket,
        Key=f"uploads/{user.owner}/{grant['id']}.jpg",
        Body=content,
        ContentType="image/jpeg",
        CacheControl="public, max-age=31536000, immutable",
        ChecksumSHA256=sha256(content),
        IfNoneMatch="*",
    )
    expect.problem(user.confirm(grant), 422, code)
    assert user.read(grant).json()["reason"] == code
    assert storage.versions(f"uploads/{user.owner}") == []


@pytest.mark.parametrize("sample", [PNG, GIF, PDF], ids=str)
def test_bytes_after_the_end_of_a_file_do_not_matter_if_they_were_granted(user, sample):
    grant = user.upload_of(sample.content + b"appended" * 10, sample.content_type, sample.extension)
    assert user.confirm(grant).status == 200
