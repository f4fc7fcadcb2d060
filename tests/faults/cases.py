"""The use cases that faults are tried on: what has to be there first, what the client (or S3, or nobody) then does, and how it must end.

Each ends with the same outcome whatever one fault did to it: the act itself asserts it. It must never know which fault it is.
"""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.samples import MP4, PHOTO
from tests.e2e.test_events import put_as_owner
from tests.e2e.user import wanted
from tests.e2e.web import Reply, send
from tests.faults.client import Client
from tests.faults.world import HOUR, World

PART = 5 << 20
HTML = b"<!doctype html>".ljust(600)
# How often a client asks whether S3 has put its parts together.
ASKED = 20
ASKED_SECONDS = 0.5
SWEEPS = 4
DAYS = 4 * 24 * HOUR

Prepare = Callable[[World, Client], dict]
Act = Callable[[World, Client, dict], None]


@dataclass(frozen=True)
class Case:
    """One use case. `ends` is what a row of it must have become once time has passed; without, it leaves none. The sweep comes
    `milliseconds` later."""

    name: str
    prepare: Prepare
    act: Act
    ends: str | None
    milliseconds: int = 0

    def __str__(self) -> str:
        return self.name


def _is(reply: Reply, *statuses: int) -> Reply:
    assert reply.status in statuses, reply
    return reply


def _photo() -> dict:
    return wanted(PHOTO.content, PHOTO.content_type, PHOTO.extension)


def _film() -> dict:
    return {"filename": f"{uuid.uuid4()}.mp4", "contentType": "video/mp4", "size": PART + 1, "partSize": PART}


# What is there before.


def nothing(_: World, __: Client) -> dict:
    return {}


def granted(_: World, client: Client) -> dict:
    return client.grant(PHOTO)


def granted_parts(_: World, client: Client) -> dict:
    return _is(client.issue(_film()), 201).json()


def arrived(_: World, client: Client) -> dict:
    return client.upload(PHOTO, checksum=True)


def arrived_wrong(_: World, client: Client) -> dict:
    return client.upload_of(HTML, "image/png", "png")


def arrived_broken(_: World, client: Client) -> dict:
    return client.upload_of(PHOTO.content[:3000], "image/jpeg", "jpg")


def _send_part(part: dict) -> None:
    content = MP4.content.ljust(PART, b"\0") if part["partNumber"] == 1 else b"\0"
    _is(send(part["method"], part["url"], part["headers"], content), 200)


def one_part(world: World, client: Client) -> dict:
    grant = granted_parts(world, client)
    _send_part(grant["multipart"]["parts"][0])
    return grant


def all_parts(world: World, client: Client) -> dict:
    grant = granted_parts(world, client)
    for part in grant["multipart"]["parts"]:
        _send_part(part)
    return grant


def put_together(world: World, client: Client) -> dict:
    """The confirm had S3 put its parts together and died of it."""
    grant = all_parts(world, client)
    key, s3, bucket = f"uploads/{client.owner}/{grant['id']}.mp4", world.storage.s3, world.storage.bucket
    upload_id = world.storage.row(client.owner, grant["id"])["multipart_id"]
    parts = [
        {"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in s3.list_parts(Bucket=bucket, Key=key, UploadId=upload_id)["Parts"]
    ]
    s3.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
    return grant


def confirmed(world: World, client: Client) -> dict:
    """Its thumbnails are still to be made."""
    grant = arrived(world, client)
    _is(client.confirm(grant), 200)
    return grant


def confirmed_unheard(world: World, client: Client) -> dict:
    """The event that should have made its thumbnails was lost."""
    grant = confirmed(world, client)
    world.courier.take(client.owner)
    return grant


def ready(world: World, client: Client) -> dict:
    grant = arrived(world, client)
    (body,) = world.courier.take(client.owner)
    world.courier.work_off(body)
    return grant


def cancelled_late(world: World, client: Client) -> dict:
    """Its bytes came after the cancel."""
    grant = client.grant(PHOTO)
    _is(client.cancel(grant), 204)
    _is(client.put(grant, PHOTO.content), 200)
    return grant


def cancelled_late_unheard(world: World, client: Client) -> dict:
    grant = cancelled_late(world, client)
    world.courier.take(client.owner)
    return grant


def arrived_unheard(world: World, client: Client) -> dict:
    grant = arrived(world, client)
    world.courier.take(client.owner)
    return grant


def deleted_with_leftover(world: World, client: Client) -> dict:
    """A thumbnail came in just when the file was deleted."""
    grant = ready(world, client)
    _is(client.delete(grant), 204)
    put_as_owner(world.storage, f"thumbnails/{client.owner}/{grant['id']}/small.jpg", PHOTO.content)
    return grant


def rowless(world: World, client: Client) -> dict:
    put_as_owner(world.storage, f"uploads/{client.owner}/{_old_id()}.jpg", PHOTO.content)
    world.courier.take(client.owner)
    return {}


def thumbnail_of_nothing(world: World, client: Client) -> dict:
    put_as_owner(world.storage, f"thumbnails/{client.owner}/{_old_id()}/small.jpg", PHOTO.content)
    return {}


def parts_of_nothing(world: World, client: Client) -> dict:
    world.storage.s3.create_multipart_upload(Bucket=world.storage.bucket, Key=f"uploads/{client.owner}/{_old_id()}.mp4")
    return {}


def miscounted(world: World, client: Client) -> dict:
    """Its counters went wrong, and it is time to count again."""
    grant = granted(world, client)
    world.storage.dynamodb.update_item(
        TableName=world.storage.table,
        Key={"pk": {"S": f"OWNER#{client.owner}"}, "sk": {"S": "USAGE"}},
        UpdateExpression="SET files = :wrong, due_at = due_at - :day",
        ExpressionAttributeValues={":wrong": {"N": "-7"}, ":day": {"N": str(25 * HOUR)}},
    )
    return grant


def _old_id() -> str:
    return "01936f2e-8b5a-7c3d-9e4f-" + uuid.uuid4().hex[:12]


# What happens then.


def issues(_: World, client: Client, __: dict) -> None:
    _is(client.issue(_photo()), 201)


def issues_parts(_: World, client: Client, __: dict) -> None:
    _is(client.issue(_film()), 201)


def _twice(world: World, client: Client, said: dict) -> None:
    headers = {"idempotency-key": str(uuid.uuid4())}
    first, second = (_is(client.issue(said, headers), 201).json() for _ in range(2))
    assert first["id"] == second["id"]
    rows = _rows(world, client)
    assert rows == [first["id"]], f"one request made {len(rows)} uploads"


def _row(world: World, client: Client, grant: dict) -> dict:
    return world.storage.row(client.owner, grant["id"])


def _rows(world: World, client: Client) -> list[str]:
    found = world.storage.dynamodb.query(
        TableName=world.storage.table,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": f"OWNER#{client.owner}"}, ":sk": {"S": "UPLOAD#"}},
    )
    return [item["sk"]["S"].removeprefix("UPLOAD#") for item in found["Items"]]


def issues_with_key(world: World, client: Client, _: dict) -> None:
    _twice(world, client, _photo())


def issues_parts_with_key(world: World, client: Client, _: dict) -> None:
    _twice(world, client, _film())


def resigns(_: World, client: Client, grant: dict) -> None:
    again = _is(client.resign(grant), 200).json()
    _is(client.put(again, PHOTO.content), 200)


def signs_parts(_: World, client: Client, grant: dict) -> None:
    asked = {"parts": [{"partNumber": 1}, {"partNumber": 2}]}
    signed = _is(client.call("POST", f"/v1/uploads/{grant['id']}/parts", asked), 200).json()
    _send_part(signed["parts"][1])


def reads(_: World, client: Client, grant: dict) -> None:
    assert _is(client.read(grant), 200).json()["status"] == "pending"


def reads_parts(_: World, client: Client, grant: dict) -> None:
    stored = _is(client.call("GET", f"/v1/uploads/{grant['id']}?include=parts"), 200).json()["multipart"]["stored"]
    assert [part["partNumber"] for part in stored] == [1]


def confirms(_: World, client: Client, grant: dict) -> None:
    assert _is(client.confirm(grant), 200).json()["status"] == "ready"


def confirms_parts(_: World, client: Client, grant: dict) -> None:
    for _ in range(ASKED):
        reply = client.confirm(grant)
        if reply.status != 202:
            break
        # S3 is at it: a client asks again.
        time.sleep(ASKED_SECONDS)
    assert _is(reply, 200).json()["size"] == PART + 1


def confirms_wrong(_: World, client: Client, grant: dict) -> None:
    assert _is(client.confirm(grant), 422).json()["code"] == "content_mismatch"


def cancels(world: World, client: Client, grant: dict) -> None:
    _is(client.cancel(grant), 204)
    assert world.storage.versions(f"uploads/{client.owner}/{grant['id']}") == []


def lists(_: World, client: Client, grant: dict) -> None:
    assert [file["id"] for file in _is(client.files(), 200).json()["items"]] == [grant["id"]]


def reads_file(_: World, client: Client, grant: dict) -> None:
    assert _is(client.file(grant), 200).json()["id"] == grant["id"]


def deletes(world: World, client: Client, grant: dict) -> None:
    _is(client.delete(grant), 204)
    for folder in ("uploads", "thumbnails"):
        assert world.storage.versions(f"{folder}/{client.owner}/{grant['id']}") == []


def event_comes(world: World, client: Client, _: dict) -> None:
    (body,) = world.courier.take(client.owner)
    world.courier.work_off(body)


def makes_thumbnails(world: World, client: Client, grant: dict) -> None:
    event_comes(world, client, grant)
    made = _row(world, client, grant)["thumbnails"]
    assert (made["status"], len(made["items"])) == ("ready", 1), made


def fails_for_good(world: World, client: Client, grant: dict) -> None:
    event_comes(world, client, grant)
    assert _row(world, client, grant)["thumbnails"]["status"] == "failed"


def rejects(world: World, client: Client, grant: dict) -> None:
    event_comes(world, client, grant)
    assert _row(world, client, grant)["status"] == "rejected"


def removes_what_is_late(world: World, client: Client, grant: dict) -> None:
    event_comes(world, client, grant)
    assert world.storage.versions(f"uploads/{client.owner}") == []


def sweeps(world: World, _: Client, __: dict) -> None:
    """Runs until one goes through, as the schedule does."""
    for _ in range(SWEEPS):
        said = world.sweep()
        if "errorType" not in said and not said["failed"]:
            return
    raise AssertionError(f"a fault that has passed fails every run: {json.dumps(said)}")


CLIENTS = [
    Case("issue", nothing, issues, "expired"),
    Case("issue with a key", nothing, issues_with_key, "expired"),
    Case("issue parts", nothing, issues_parts, "expired"),
    Case("issue parts with a key", nothing, issues_parts_with_key, "expired"),
    Case("sign again", granted, resigns, "ready"),
    Case("sign parts", granted_parts, signs_parts, "expired"),
    Case("read", granted, reads, "expired"),
    Case("read parts", one_part, reads_parts, "expired"),
    Case("confirm", arrived, confirms, "ready"),
    Case("confirm parts", all_parts, confirms_parts, "ready"),
    Case("confirm what is refused", arrived_wrong, confirms_wrong, "rejected"),
    Case("cancel", arrived, cancels, "cancelled"),
    Case("cancel parts", one_part, cancels, "cancelled"),
    Case("list", confirmed, lists, "ready"),
    Case("read a file", confirmed, reads_file, "ready"),
    Case("delete", ready, deletes, "deleted"),
    Case("delete before the thumbnails", confirmed, deletes, "deleted"),
]
EVENTS = [
    Case("event", arrived, makes_thumbnails, "ready"),
    Case("event after confirm", confirmed, makes_thumbnails, "ready"),
    Case("event of parts", put_together, event_comes, "ready"),
    Case("event of what is refused", arrived_wrong, rejects, "rejected"),
    Case("event of what is broken", arrived_broken, fails_for_good, "ready"),
    Case("event after cancel", cancelled_late, removes_what_is_late, "cancelled"),
]
# Each is due, or old enough for the walk, when the sweep comes.
SWEPT = [
    Case("nothing arrived", granted, sweeps, "expired", DAYS),
    Case("parts arrived", one_part, sweeps, "expired", DAYS),
    Case("arrived without a word", arrived_unheard, sweeps, "ready", DAYS),
    Case("thumbnails do not come", confirmed_unheard, sweeps, "ready", HOUR),
    Case("arrived after cancel", cancelled_late_unheard, sweeps, "cancelled", DAYS),
    Case("deleted with something left", deleted_with_leftover, sweeps, "deleted", DAYS),
    Case("an object of nothing", rowless, sweeps, None, DAYS),
    Case("a thumbnail of nothing", thumbnail_of_nothing, sweeps, None, DAYS),
    Case("parts of nothing", parts_of_nothing, sweeps, None, DAYS),
    Case("counters that went wrong", miscounted, sweeps, "expired"),
]
