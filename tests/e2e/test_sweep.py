"""What clients, S3 and the other functions leave unfinished, a run of the sweep brings to its end.

Time is made to pass by setting back the times in the rows. What lies in the bucket cannot be made older, so here objects and
multipart uploads are old at once.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from infra.local.stack import Stack
from tests.template.assertions.assertion import SWEEP

from .polling import eventually
from .samples import MP4, PHOTO, PNG, Sample
from .storage import Storage
from .test_events import put_as_owner, some_id
from .user import Secrets, User

HOUR = 3_600_000
# Longer than the end of a grant and the grace after it.
LONG_AGO = 3 * HOUR
PART = 5 * 1024**2


class Swept:
    """A stack whose sweep is in a hurry, and which nobody else uses."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.storage = Storage(stack)

    def user(self) -> User:
        sub = f"{uuid.uuid4()}@example.com"
        return User(self.stack.api_url, self.stack.token(sub=sub), sub, Secrets())

    def sweep(self) -> dict:
        """The numbers of a run in which nothing fails."""
        answer = self.stack.client("lambda").invoke(FunctionName=self.stack.outputs.functions[SWEEP], Payload=b"{}")
        said = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, said
        assert (said["failed"], said["stuck"], said["truncated"]) == (0, 0, False), said
        return said

    def set_back(self, user: User, upload_id: str, milliseconds: int, *names: str) -> None:
        """Makes times of a row lie further back."""
        update = "SET " + ", ".join(f"{name} = {name} - :by" for name in names)
        key = {"pk": {"S": f"OWNER#{user.owner}"}, "sk": {"S": f"UPLOAD#{upload_id}"}}
        values = {":by": {"N": str(milliseconds)}}
        self.storage.dynamodb.update_item(TableName=self.storage.table, Key=key, UpdateExpression=update, ExpressionAttributeValues=values)

    def let_end(self, user: User, upload_id: str) -> None:
        """The grant has ended, and its grace."""
        self.set_back(user, upload_id, LONG_AGO, "expires_at", "due_at", "created_at")

    def status(self, user: User, upload_id: str) -> str:
        return self.storage.row(user.owner, upload_id)["status"]

    def multiparts(self) -> list[tuple[str, str]]:
        found = self.storage.s3.list_multipart_uploads(Bucket=self.storage.bucket).get("Uploads", [])
        return [(upload["Key"], upload["UploadId"]) for upload in found]

    def begun(self, user: User) -> tuple[str, str]:
        """A multipart upload of two parts, the first of which has arrived: its id and its key. The grant is made into one of parts,
        as an API would have written it."""
        grant = user.grant(MP4)
        key = f"uploads/{user.owner}/{grant['id']}.mp4"
        s3, bucket = self.storage.s3, self.storage.bucket
        upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType="video/mp4")["UploadId"]
        s3.upload_part(Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=1, Body=bytes(PART))
        row = {"pk": {"S": f"OWNER#{user.owner}"}, "sk": {"S": f"UPLOAD#{grant['id']}"}}
        values = {":id": {"S": upload_id}, ":part": {"N": str(PART)}, ":size": {"N": str(PART + 1)}}
        update = "SET multipart_id = :id, part_bytes = :part, size_bytes = :size"
        self.storage.dynamodb.update_item(TableName=self.storage.table, Key=row, UpdateExpression=update, ExpressionAttributeValues=values)
        return grant["id"], key

    @contextmanager
    def deaf(self) -> Iterator[None]:
        """Meanwhile S3 tells nobody of anything."""
        s3, bucket = self.storage.s3, self.storage.bucket
        told = s3.get_bucket_notification_configuration(Bucket=bucket)
        told.pop("ResponseMetadata")
        s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
        try:
            yield
        finally:
            s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration=told)


@pytest.fixture(scope="module")
def swept() -> Iterator[Swept]:
    with Stack() as stack:
        lambdas, function = stack.client("lambda"), stack.outputs.functions[SWEEP]
        hurried = stack.outputs.environment[SWEEP] | {"OBJECT_AGE_SECONDS": "0", "MULTIPART_AGE_SECONDS": "0"}
        lambdas.update_function_configuration(FunctionName=function, Environment={"Variables": hurried})
        yield Swept(stack)


@pytest.fixture
def user(swept) -> User:
    return swept.user()


def test_a_grant_that_nobody_used_expires(swept, user):
    grant = user.grant(PHOTO)
    assert swept.sweep()["due"] == 0
    swept.set_back(user, grant["id"], HOUR, "expires_at", "due_at", "created_at")
    assert swept.sweep()["expired"] == 0, "its grace is not over"
    assert swept.status(user, grant["id"]) == "pending"
    swept.set_back(user, grant["id"], LONG_AGO, "expires_at", "due_at", "created_at")
    said = swept.sweep()
    assert (said["due"], said["expired"]) == (1, 1)
    assert swept.status(user, grant["id"]) == user.read(grant).json()["status"] == "expired"


def test_a_multipart_upload_that_was_left_is_aborted(swept, user):
    upload_id, key = swept.begun(user)
    swept.sweep()
    assert [found for found, _ in swept.multiparts()] == [key], "a pending one was aborted"
    swept.let_end(user, upload_id)
    said = swept.sweep()
    assert (said["expired"], said["aborted"]) == (1, 1)
    assert (swept.status(user, upload_id), swept.multiparts()) == ("expired", [])


def test_a_multipart_upload_that_no_row_names_is_aborted(swept, user):
    upload_id, key = swept.begun(user)
    s3, bucket = swept.storage.s3, swept.storage.bucket
    second = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    for nobodys in (f"uploads/{user.owner}/{some_id()}.mp4", f"uploads/{user.owner}/{some_id()}.mp4"):
        s3.create_multipart_upload(Bucket=bucket, Key=nobodys)
    assert swept.sweep()["aborted"] == 3
    ((left, kept),) = swept.multiparts()
    assert (left, kept != second) == (key, True)
    s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=kept)


def test_what_arrived_without_a_word_becomes_a_file(swept, user):
    with swept.deaf():
        grant = user.upload(PHOTO)
        html = user.upload_of(b"<!doctype html>".ljust(600), "image/png", "png")
        for given in (grant, html):
            # Long before the walk would come by.
            swept.set_back(user, given["id"], HOUR, "expires_at", "due_at", "created_at")
        assert swept.sweep()["settled"] == 2
    assert (swept.status(user, grant["id"]), swept.status(user, html["id"])) == ("ready", "rejected")
    assert user.read(grant).json()["file"]["thumbnails"]["status"] == "pending"
    key = f"uploads/{user.owner}/{grant['id']}.jpg"
    assert swept.storage.tags(key) == {"verified": "true"}
    assert swept.storage.versions(f"uploads/{user.owner}") == swept.storage.versions(key)


def test_thumbnails_that_do_not_come_are_asked_for_again(swept, user):
    with swept.deaf():
        grant = user.upload(PHOTO)
        assert user.confirm(grant).json()["thumbnails"]["status"] == "pending"
    swept.set_back(user, grant["id"], HOUR, "confirmed_at", "due_at")
    assert swept.sweep()["requeued"] == 1
    file = user.settled(grant)["file"]
    assert (file["thumbnails"]["status"], file["width"]) == ("ready", 640)
    assert "due_at" not in swept.storage.row(user.owner, grant["id"])


def test_thumbnails_are_given_up_after_a_day(swept, user):
    with swept.deaf():
        grant = user.upload(PHOTO)
        assert user.confirm(grant).status == 200
    swept.set_back(user, grant["id"], 24 * HOUR, "confirmed_at", "due_at")
    assert swept.sweep()["gaveUp"] == 1
    assert user.read(grant).json()["file"]["thumbnails"] == {"status": "failed", "reason": "gave_up", "items": []}


def test_what_came_late_for_a_cancelled_upload_is_removed(swept, user):
    grant = user.grant(PHOTO)
    assert user.cancel(grant).status == 204
    with swept.deaf():
        assert user.put(grant, PHOTO.content).status == 200
        swept.set_back(user, grant["id"], 26 * HOUR, "expires_at", "due_at", "created_at")
        said = swept.sweep()
    assert (said["due"], said["removed"]) == (1, 1)
    assert swept.storage.versions(f"uploads/{user.owner}") == []
    assert "due_at" not in swept.storage.row(user.owner, grant["id"])


def test_what_no_row_leads_to_is_removed_and_what_is_not_ours_stays(swept, user):
    foreign = f"uploads/{user.owner}/readme.txt"
    file = user.settled(user.upload(PHOTO))["file"]
    of_file = f"thumbnails/{user.owner}/{file['id']}/small.jpg"
    ours = swept.storage.versions(f"uploads/{user.owner}") + swept.storage.versions(of_file)
    with swept.deaf():
        put_as_owner(swept.storage, foreign, b"somebody's")
        put_as_owner(swept.storage, f"uploads/{user.owner}/{some_id()}.jpg", PHOTO.content)
        put_as_owner(swept.storage, f"uploads/{user.owner}/{file['id']}.jpg", b"<!doctype html>")
        nobodys = f"thumbnails/{user.owner}/{some_id()}/small.jpg"
        put_as_owner(swept.storage, nobodys, PHOTO.content)
        said = swept.sweep()
    assert (said["removed"], said["foreign"]) == (3, 1)
    left = swept.storage.versions(f"uploads/{user.owner}/{file['id']}") + swept.storage.versions(of_file)
    assert left == ours
    assert len(swept.storage.versions(foreign)) == 1
    with pytest.raises(swept.storage.s3.exceptions.ClientError, match="404"):
        swept.storage.head(nobodys)
    swept.storage.s3.delete_object(Bucket=swept.storage.bucket, Key=foreign, VersionId=swept.storage.versions(foreign)[0])


def test_a_walk_goes_on_where_the_run_before_has_stopped(swept, user):
    """A page is 1,000 keys: the place is set by hand."""
    first, second = (f"uploads/{user.owner}/{some_id()}.jpg" for _ in range(2))
    first, second = sorted((first, second))
    with swept.deaf():
        version = put_as_owner(swept.storage, first, PHOTO.content)
        put_as_owner(swept.storage, second, PHOTO.content)
        cursor = {"pk": {"S": "SWEEP"}, "sk": {"S": "CURSOR#UPLOADS"}, "key": {"S": first}, "id": {"S": version}}
        swept.storage.dynamodb.put_item(TableName=swept.storage.table, Item=cursor)
        swept.sweep()
        assert (len(swept.storage.versions(first)), swept.storage.versions(second)) == (1, [])
        swept.sweep()
    assert swept.storage.versions(first) == []


def test_of_forty_at_once_nothing_is_left_and_nothing_is_lost(swept):
    storage, users = swept.storage, [swept.user() for _ in range(4)]
    files: list[tuple[User, str, str]] = []

    def keep(user: User, grant: dict, sample: Sample) -> None:
        files.append((user, grant["id"], sample.extension))

    def unused(user: User) -> None:
        swept.let_end(user, user.grant(PNG)["id"])

    def in_parts(user: User) -> None:
        swept.let_end(user, swept.begun(user)[0])

    def unheard(user: User) -> None:
        grant = user.upload(PHOTO)
        swept.let_end(user, grant["id"])
        keep(user, grant, PHOTO)

    def thumbless(user: User) -> None:
        grant = user.upload(PNG)
        assert user.confirm(grant).status == 200
        swept.set_back(user, grant["id"], HOUR, "confirmed_at", "due_at")
        keep(user, grant, PNG)

    def late(user: User) -> None:
        grant = user.grant(PHOTO)
        assert user.cancel(grant).status == 204 and user.put(grant, PHOTO.content).status == 200
        swept.set_back(user, grant["id"], 26 * HOUR, "expires_at", "due_at", "created_at")

    def rowless(user: User) -> None:
        put_as_owner(storage, f"uploads/{user.owner}/{some_id()}.jpg", PHOTO.content)

    def nobodys_parts(user: User) -> None:
        storage.s3.create_multipart_upload(Bucket=storage.bucket, Key=f"uploads/{user.owner}/{some_id()}.mp4")

    def wrong(user: User) -> None:
        grant = user.upload_of(b"<!doctype html>".ljust(600), "image/png", "png")
        swept.let_end(user, grant["id"])

    for user in users:
        grant = user.upload(PHOTO)
        user.settled(grant)
        keep(user, grant, PHOTO)
    kinds: list[Callable[[User], None]] = [unused, in_parts, unheard, thumbless, late, rowless, nobodys_parts, wrong, unused]
    with swept.deaf():
        for user in users:
            for leave in kinds:
                leave(user)
        said = swept.sweep()
    assert {name: said[name] for name in ("expired", "settled", "requeued", "removed")} == {
        "expired": 12,
        "settled": 8,
        "requeued": 4,
        "removed": 8,
    }
    assert said["aborted"] == 8

    items = storage.dynamodb.scan(TableName=storage.table, ConsistentRead=True)["Items"]
    owners = {f"OWNER#{user.owner}" for user in users}
    rows = [item for item in items if item["pk"]["S"] in owners and item["sk"]["S"].startswith("UPLOAD#")]
    pending = [row for row in rows if row["status"]["S"] == "pending"]
    assert (pending, swept.multiparts()) == ([], [])
    lying = {version["Key"] for user in users for version in storage.s3.list_object_versions(Bucket=storage.bucket, Prefix=f"uploads/{user.owner}")["Versions"]}
    assert lying == {f"uploads/{user.owner}/{upload_id}.{extension}" for user, upload_id, extension in files}
    for user, upload_id, _ in files:
        assert user.read({"id": upload_id}).json()["status"] == "ready"

    # What has to be looked at again is not yet due.
    assert {name for name, number in swept.sweep().items() if number} == {"walked"}


def test_a_run_writes_one_line_with_its_numbers(swept):
    before = len(swept.stack.logs())
    swept.sweep()

    def line() -> dict | None:
        new = [json.loads(text) for text in swept.stack.logs()[before:] if text.startswith("{")]
        found = [entry for entry in new if entry.get("message") == "sweep"]
        return found[-1] if found else None

    entry = eventually(line, "the line of the run")
    assert entry["level"] == "INFO"
    assert {"due", "walked", "expired", "settled", "requeued", "aborted", "removed", "failed", "stuck", "truncated", "duration_ms"} <= set(entry)
