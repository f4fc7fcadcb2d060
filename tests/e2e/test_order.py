"""Confirm and event are two equal triggers: whichever comes first does the work, the other finds it done."""

import json
from concurrent.futures import ThreadPoolExecutor

from . import expect
from .polling import eventually
from .samples import MP4, PHOTO, PNG
from .web import send


def test_confirming_alone_makes_the_file_ready_and_the_event_adds_the_thumbnail(user, storage, stack, held):
    grant = user.upload(PHOTO)
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    # It lies in the bucket, but nobody has verified it.
    assert len(storage.versions(key)) == 1
    assert user.read(grant).json()["status"] == "pending"
    assert send("GET", f"{stack.cdn_url}/{key}").status == 403
    confirmed = user.confirm(grant)
    assert confirmed.status == 200, confirmed
    assert confirmed.json()["thumbnails"] == {"status": "pending", "items": []}
    assert not {"width", "height", "placeholder"} & set(confirmed.json())
    assert storage.tags(key) == {"verified": "true"}
    assert send("GET", confirmed.json()["fileUrl"]).body == PHOTO.content
    held()
    file = user.settled(grant)["file"]
    assert (file["thumbnails"]["status"], file["width"], file["height"]) == ("ready", 640, 427)
    assert file["confirmedAt"] == confirmed.json()["confirmedAt"]


def test_a_rejection_by_the_confirm_holds_when_the_event_comes(user, storage, held):
    html = b"<!doctype html>".ljust(600)
    grant = user.upload_of(html, "image/png", "png")
    expect.problem(user.confirm(grant), 422, "content_mismatch")
    assert storage.versions(f"uploads/{user.owner}") == []
    held()
    eventually(lambda: storage.waiting() == 0, "the event is handled")
    assert storage.row(user.owner, grant["id"])["status"] == "rejected"


def test_a_cancel_between_arrival_and_event_wins(user, storage, held):
    grant = user.upload(PHOTO)
    assert user.cancel(grant).status == 204
    # Gone with the cancel, not only with the event.
    assert storage.versions(f"uploads/{user.owner}") == []
    held()
    eventually(lambda: storage.waiting() == 0, "the event is handled")
    assert storage.versions(f"uploads/{user.owner}") == []
    assert storage.row(user.owner, grant["id"])["status"] == "cancelled"
    assert storage.versions(f"thumbnails/{user.owner}") == []


def test_the_event_alone_makes_the_file_ready(user, storage):
    grant = user.upload(PHOTO)
    upload = user.settled(grant)
    assert (upload["status"], upload["file"]["thumbnails"]["status"]) == ("ready", "ready")
    assert storage.tags(f"uploads/{user.owner}/{grant['id']}.jpg") == {"verified": "true"}
    assert send("GET", upload["file"]["fileUrl"]).body == PHOTO.content


def test_the_event_alone_makes_a_file_without_thumbnails_ready(user):
    upload = user.settled(user.upload(MP4))
    assert (upload["status"], upload["file"]["thumbnails"]) == ("ready", {"status": "none", "items": []})


def test_confirming_before_anything_arrived_can_be_repeated_later(user, storage):
    grant = user.grant(PHOTO)
    early = user.confirm(grant)
    expect.problem(early, 409, "not_uploaded")
    assert int(early.headers["retry-after"]) >= 1
    assert storage.row(user.owner, grant["id"])["status"] == "pending"
    assert user.read(grant).json()["status"] == "pending"
    assert user.put(grant, PHOTO.content).status == 200
    assert user.confirm(grant).status == 200


def test_confirming_after_the_event_gives_the_file(user):
    grant = user.upload(PNG)
    upload = user.settled(grant)
    late = user.confirm(grant)
    assert (late.status, late.json()) == (200, upload["file"])


def test_many_confirms_at_once_and_the_event_agree(user, storage):
    grant = user.upload(PNG)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: user.confirm(grant), range(8)))
    assert {reply.status for reply in replies} == {200}
    # Thumbnails may appear between two answers; what was verified, and when, may not change.
    said = {json.dumps({name: reply.json()[name] for name in ("id", "status", "confirmedAt", "fileUrl")}) for reply in replies}
    assert len(said) == 1
    assert len(storage.versions(f"uploads/{user.owner}/{grant['id']}")) == 1
    assert user.settled(grant)["file"]["thumbnails"]["status"] == "ready"


def test_a_cancel_racing_confirm_and_event_leaves_a_file_or_nothing(user, storage):
    def race(_: int) -> None:
        grant = user.upload(PHOTO)
        key = f"uploads/{user.owner}/{grant['id']}.jpg"
        with ThreadPoolExecutor(2) as both:
            cancelling, confirming = both.submit(user.cancel, grant), both.submit(user.confirm, grant)
        if cancelling.result().status == 204:
            expect.problem(confirming.result(), 409, "invalid_state")
            eventually(lambda: storage.versions(key) == [], "the file is removed")
            assert user.read(grant).json()["status"] == "cancelled"
        else:
            expect.problem(cancelling.result(), 409, "invalid_state")
            assert confirming.result().status == 200
            assert user.settled(grant)["file"]["thumbnails"]["status"] == "ready"

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(race, range(8)))


def test_a_repeated_event_changes_nothing(user, storage):
    grant = user.upload(PHOTO)
    user.settled(grant)
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    row, versions = storage.row(user.owner, grant["id"]), storage.versions(f"uploads/{user.owner}")
    small = storage.versions(f"thumbnails/{user.owner}")
    event = {"Records": [arrival(storage.bucket, key, storage.head(key)["VersionId"])]}
    for _ in range(3):
        storage.sqs.send_message(QueueUrl=storage.queue_url, MessageBody=json.dumps(event))
    eventually(lambda: storage.waiting() == 0, "the repeated events are handled")
    assert storage.row(user.owner, grant["id"]) == row
    assert (storage.versions(f"uploads/{user.owner}"), storage.versions(f"thumbnails/{user.owner}")) == (versions, small)


def arrival(bucket: str, key: str, version: str | None = None) -> dict:
    """A record as S3 writes it for a PUT."""
    described = {"key": key, "size": 1, "eTag": "0" * 32, "sequencer": "0055AED6DCD90281E5"}
    if version is not None:
        described["versionId"] = version
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "awsRegion": "us-east-1",
        "eventTime": "2026-01-02T03:04:05.678Z",
        "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AWS:EXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "example"},
        "s3": {
            "s3SchemaVersion": "1.0",
            "configurationId": "arrivals",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": "EXAMPLE"}, "arn": f"arn:aws:s3:::{bucket}"},
            "object": described,
        },
    }
