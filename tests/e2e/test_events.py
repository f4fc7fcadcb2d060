"""What S3 tells the queue, and what else may be found in it."""

import json
import uuid

import pytest

from .polling import eventually
from .samples import GIF, PHOTO, PNG
from .test_order import arrival
from .web import send


def tell(storage, body: object) -> None:
    """Puts a message into the queue and waits until the queue is empty."""
    text = body if isinstance(body, str) else json.dumps(body)
    storage.sqs.send_message(QueueUrl=storage.queue_url, MessageBody=text)
    eventually(lambda: storage.waiting() == 0, "the queue is empty")


def dead(storage, text: str) -> bool:
    return any(text in body for body in storage.dead_letters())


def some_id() -> str:
    """A version 7 UUID nobody was given."""
    digits = uuid.uuid4().hex
    return str(uuid.UUID(f"01936f2e8b5a7{digits[13:16]}9{digits[17:]}"))


def put_as_owner(storage, key: str, content: bytes, content_type: str = "image/jpeg", **options: str) -> str:
    """Stores an object past the API, as the account's owner could; its version."""
    return storage.s3.put_object(
        Bucket=storage.bucket,
        Key=key,
        Body=content,
        ContentType=content_type,
        CacheControl="public, max-age=31536000, immutable",
        **options,
    )["VersionId"]


def test_the_test_event_of_s3_is_acknowledged(storage):
    """S3 sends one when the notification is set up, so one has come already; this is another."""
    request_id = uuid.uuid4().hex
    event = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-02T03:04:05.678Z", "Bucket": storage.bucket}
    tell(storage, event | {"RequestId": request_id, "HostId": "x"})
    assert not dead(storage, request_id)
    assert not dead(storage, "s3:TestEvent")


def test_an_event_for_a_thumbnail_does_nothing(user, storage):
    file = user.settled(user.upload(PHOTO))["file"]
    key = f"thumbnails/{user.owner}/{file['id']}/small.jpg"
    before = (storage.versions(f"thumbnails/{user.owner}"), storage.versions(f"uploads/{user.owner}"))
    row = storage.row(user.owner, file["id"])
    tell(storage, {"Records": [arrival(storage.bucket, key, storage.head(key)["VersionId"])]})
    assert (storage.versions(f"thumbnails/{user.owner}"), storage.versions(f"uploads/{user.owner}")) == before
    assert storage.row(user.owner, file["id"]) == row
    assert not dead(storage, file["id"])


def test_only_what_arrives_under_uploads_sends_an_event(user, storage, held):
    put_as_owner(storage, f"thumbnails/{user.owner}/x.jpg", PHOTO.content)
    grant = user.upload(PNG)
    key = f"uploads/{user.owner}/{grant['id']}.png"
    eventually(lambda: storage.waiting() == 1, "the event of the upload waits")
    (message,) = storage.sqs.receive_message(QueueUrl=storage.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=0)["Messages"]
    (record,) = json.loads(message["Body"])["Records"]
    assert record["s3"]["object"]["key"] == key
    # The version is what tells an arrival from one that came later.
    assert [record["s3"]["object"]["versionId"]] == storage.versions(key)
    held()
    assert user.settled(grant)["status"] == "ready"


@pytest.mark.parametrize(
    "name",
    ["my holiday+ü.jpg", "a%2Fb%20c.jpg", "x.exe", "01936f2e-8b5a-7c3d-9e4f-0123456789ab.svg", "%00.jpg", "ÿ😀.png"],
)
def test_an_event_for_a_key_that_is_no_uploads_is_acknowledged_and_the_object_left_alone(user, storage, name):
    """S3 writes the key form-encoded; decoded once it is still nobody's upload."""
    key = f"uploads/{user.owner}/{name}"
    put_as_owner(storage, key, PHOTO.content)
    eventually(lambda: storage.waiting() == 0, "the queue is empty")
    assert len(storage.versions(key)) == 1
    assert storage.tags(key) == {}
    assert not dead(storage, user.owner)


def test_what_arrives_for_an_id_that_was_never_granted_is_removed(user, storage, stack):
    key = f"uploads/{user.owner}/{some_id()}.jpg"
    put_as_owner(storage, key, PHOTO.content, IfNoneMatch="*")
    eventually(lambda: storage.versions(key) == [], "the stranger is removed")
    assert send("GET", f"{stack.cdn_url}/{key}").status == 403


def test_a_granted_id_under_another_extension_is_nobodys(user, storage):
    grant = user.grant(PHOTO)
    key = f"uploads/{user.owner}/{grant['id']}.gif"
    put_as_owner(storage, key, GIF.content, "image/gif", IfNoneMatch="*")
    eventually(lambda: storage.versions(key) == [], "the stranger is removed")
    assert storage.row(user.owner, grant["id"])["status"] == "pending"


def test_a_second_version_of_a_ready_file_is_removed_and_the_file_stays(user, storage):
    """The bucket policy refuses a write without If-None-Match, but not the root user's. The event tidies up."""
    grant = user.upload(PHOTO)
    file = user.settled(grant)["file"]
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    verified = storage.versions(key)
    put_as_owner(storage, key, b"<!doctype html>")
    eventually(lambda: storage.versions(key) == verified, "the second version is removed")
    assert storage.row(user.owner, grant["id"])["version_id"] == verified[0]
    assert send("GET", file["fileUrl"]).body == PHOTO.content
    assert user.confirm(grant).json() == file


def test_an_event_without_a_version_finds_the_current_one(user, storage):
    grant = user.grant(PHOTO)
    assert user.cancel(grant).status == 204
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    assert user.put(grant, PHOTO.content).status == 200
    tell(storage, {"Records": [arrival(storage.bucket, key)]})
    assert storage.versions(key) == []


def test_an_event_for_an_object_that_is_gone_changes_nothing(user, storage):
    grant = user.grant(PHOTO)
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    tell(storage, {"Records": [arrival(storage.bucket, key, "gone")]})
    assert storage.row(user.owner, grant["id"])["status"] == "pending"
    assert not dead(storage, grant["id"])
    assert user.put(grant, PHOTO.content).status == 200
    assert user.settled(grant)["status"] == "ready"


def test_of_several_records_in_one_message_each_is_handled(user, storage):
    """S3 puts one record into a message; its format allows more."""
    grants = [user.grant(PHOTO), user.grant(PNG)]
    keys = [f"uploads/{user.owner}/{grants[0]['id']}.jpg", f"uploads/{user.owner}/{grants[1]['id']}.png"]
    for grant, sample in zip(grants, (PHOTO, PNG)):
        assert user.put(grant, sample.content).status == 200
    tell(storage, {"Records": [arrival(storage.bucket, key) for key in keys]})
    assert [user.settled(grant)["status"] for grant in grants] == ["ready", "ready"]


@pytest.fixture
def impatient(storage):
    """A queue that gives a failed message back after a second instead of six minutes."""
    attributes = storage.sqs.get_queue_attributes(QueueUrl=storage.queue_url, AttributeNames=["VisibilityTimeout"])["Attributes"]
    storage.sqs.set_queue_attributes(QueueUrl=storage.queue_url, Attributes={"VisibilityTimeout": "1"})
    yield
    storage.sqs.set_queue_attributes(QueueUrl=storage.queue_url, Attributes=attributes)


def test_a_message_nobody_understands_ends_in_the_dead_letter_queue_and_holds_up_nothing(user, storage, impatient):
    poison = [f"{uuid.uuid4()} is no JSON", json.dumps({"Records": str(uuid.uuid4())}), json.dumps([str(uuid.uuid4())])]
    for body in poison:
        storage.sqs.send_message(QueueUrl=storage.queue_url, MessageBody=body)
    assert user.settled(user.upload(PHOTO))["file"]["thumbnails"]["status"] == "ready"
    eventually(lambda: all(dead(storage, body) for body in poison), "the poison is in the dead-letter queue")
    eventually(lambda: storage.waiting() == 0, "the queue is empty")


def test_a_message_is_given_up_after_five_tries(storage):
    names = ["RedrivePolicy", "VisibilityTimeout"]
    attributes = storage.sqs.get_queue_attributes(QueueUrl=storage.queue_url, AttributeNames=names)["Attributes"]
    policy = json.loads(attributes["RedrivePolicy"])
    dead_letters = storage.sqs.get_queue_attributes(QueueUrl=storage.dead_letter_queue_url, AttributeNames=["QueueArn"])
    assert policy["deadLetterTargetArn"] == dead_letters["Attributes"]["QueueArn"]
    assert int(policy["maxReceiveCount"]) == 5
    assert attributes["VisibilityTimeout"] == "360"
