"""The use cases that faults are tried on: what has to be there first, what the client (or S3, or nobody) then does, and how it must end.

Each ends with the same outcome whatever one fault did to it: the act itself asserts it. It must never know which fault it is.
"""

import base64
import hashlib
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.samples import MP4, PHOTO, PNG
from tests.e2e.test_events import put_as_owner
from tests.e2e.uppy import key_query, post_form
from tests.e2e.user import wanted
from tests.e2e.web import Reply, send
from tests.faults.client import Client
from tests.faults.world import HOUR, World

PART = 5 << 20
FILM = MP4.content.ljust(PART, b"\0")
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


def form(_: World, client: Client) -> dict:
    """A grant of Uppy's for one POST."""
    given = _is(client.call("GET", "/s3/params?filename=a.png&type=image/png"), 200).json()
    identifier = given["fields"]["key"].rsplit("/", 1)[1].split(".")[0]
    return given | {"id": identifier, "confirm": {"method": "POST", "href": f"/v1/uploads/{identifier}/confirm"}}


def _post(given: dict, content: bytes = PNG.content) -> None:
    _is(post_form(given["url"], given["fields"], content), 201)


def form_sent(world: World, client: Client) -> dict:
    given = form(world, client)
    _post(given)
    return given


def form_ready(world: World, client: Client) -> dict:
    given = form_sent(world, client)
    event_comes(world, client, given)
    return given


def form_unheard(world: World, client: Client) -> dict:
    given = form_sent(world, client)
    world.courier.take(client.owner)
    return given


def form_sent_again(world: World, client: Client) -> dict:
    """Its file is verified, and another version lies before it."""
    given = form_ready(world, client)
    _post(given, PNG.content + b"\0")
    return given


def loose_parts(_: World, client: Client) -> dict:
    """A multipart upload that Uppy cuts."""
    said = {"filename": "a.mp4", "type": "video/mp4", "metadata": {"size": PART + 1}}
    begun = _is(client.call("POST", "/s3/multipart", said), 200).json()
    return begun | {"id": begun["uploadId"]}


def _about(begun: dict, path: str = "") -> str:
    return f"/s3/multipart/{begun['uploadId']}{path}?{key_query(begun['key'])}"


def _send_loose(client: Client, begun: dict, contents: list[bytes]) -> dict:
    """Parts as the client cuts them, and what it then says of them."""
    named = []
    for number, content in enumerate(contents, 1):
        url = _is(client.call("GET", _about(begun, f"/{number}")), 200).json()["url"]
        named.append({"PartNumber": number, "ETag": _is(send("PUT", url, {}, content), 200).headers["etag"]})
    return begun | {"parts": named}


def one_loose_part(world: World, client: Client) -> dict:
    return _send_loose(client, loose_parts(world, client), [FILM])


def all_loose_parts(world: World, client: Client) -> dict:
    return _send_loose(client, loose_parts(world, client), [FILM, b"\0"])


def wrong_loose_parts(world: World, client: Client) -> dict:
    return _send_loose(client, loose_parts(world, client), [HTML.ljust(PART), b"\0"])


def too_many_loose_parts(world: World, client: Client) -> dict:
    """They come to more than was granted."""
    return _send_loose(client, loose_parts(world, client), [FILM, b"\0\0"])


def own_parts(_: World, client: Client) -> dict:
    """A multipart upload that the client has begun itself: our key, S3's name."""
    create = _is(_sign(client, method="POST", key="a.mp4"), 200).json()
    named = _is(send("POST", create["url"], create["headers"], b""), 200).body.decode().split("<UploadId>")[1].split("<")[0]
    return {"id": create["key"].rsplit("/", 1)[1].split(".")[0], "own": {"key": create["key"], "uploadId": named}}


def own_part_sent(world: World, client: Client) -> dict:
    given = own_parts(world, client)
    url = _is(_sign(client, method="PUT", partNumber=1, **given["own"]), 200).json()["url"]
    return given | {"etag": _is(send("PUT", url, {}, MP4.content), 200).headers["etag"]}


def _sign(client: Client, **asked: object) -> Reply:
    return client.call("POST", "/s3/sign", asked)


def session(world: World, client: Client) -> dict:
    """An address that stands for its owner's token."""
    endpoint = _is(client.call("POST", "/v1/uppy-sessions"), 201).json()["endpoint"]
    secret = endpoint.rsplit("/", 1)[1]
    client.secrets.texts.add(secret)
    # What is asked of the table is its hash, which tells nothing of its owner.
    world.proxy.know_as(hashlib.sha256(base64.urlsafe_b64decode(secret + "=")).hexdigest(), client.owner)
    return {"endpoint": endpoint}


def session_with_parts(world: World, client: Client) -> dict:
    return session(world, client) | all_loose_parts(world, client)


def _within(client: Client, given: dict) -> Client:
    """The same client without a token, at the session's address."""
    other = Client(given["endpoint"], "nobody", client.sub, client.secrets)
    other.seen, other.may_die = client.seen, client.may_die
    return other


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


def _keys(world: World, client: Client) -> list[str]:
    """What lies in the bucket of a client's."""
    found = []
    for area in ("uploads/", "uploads/open/", "thumbnails/"):
        listed = world.storage.s3.list_object_versions(Bucket=world.storage.bucket, Prefix=f"{area}{client.owner}/")
        found += [version["Key"] for kind in ("Versions", "DeleteMarkers") for version in listed.get(kind, [])]
    return found


def _rows(world: World, client: Client) -> list[str]:
    found = world.storage.dynamodb.query(
        TableName=world.storage.table,
        ConsistentRead=True,
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": f"OWNER#{client.owner}"}, ":sk": {"S": "UPLOAD#"}},
    )
    return [item["sk"]["S"].removeprefix("UPLOAD#") for item in found["Items"]]


def _many(client: Client, headers: dict[str, str] | None = None) -> list[str]:
    """A batch, until each of its places is answered for good."""
    asked = {"items": [_photo(), _photo()]}
    for _ in range(ASKED):
        items = _is(client.call("POST", "/v1/uploads/batch", asked, headers), 200).json()["items"]
        if all(item["status"] == 201 for item in items):
            return [item["upload"]["id"] for item in items]
        assert all(item["status"] == 201 or item["problem"]["retryable"] for item in items), items
    raise AssertionError(f"a fault that has passed fails every batch: {items}")


def issues_many(_: World, client: Client, __: dict) -> None:
    _many(client)


def issues_many_with_key(world: World, client: Client, _: dict) -> None:
    made = _many(client, {"idempotency-key": str(uuid.uuid4())})
    rows = _rows(world, client)
    assert sorted(made) == sorted(rows), f"two places made {len(rows)} uploads"


def issues_by_tutorial(_: World, client: Client, __: dict) -> None:
    _is(client.call("POST", "/get-upload-url", _photo()), 200)


def confirms_by_tutorial(_: World, client: Client, grant: dict) -> None:
    asked = {"key": f"uploads/{client.owner}/{grant['id']}.jpg"}
    assert _is(client.call("POST", "/confirm-upload", asked), 200).json()["success"]


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
    assert [key for key in _keys(world, client) if grant["id"] in key] == []


def lists(_: World, client: Client, grant: dict) -> None:
    assert [file["id"] for file in _is(client.files(), 200).json()["items"]] == [grant["id"]]


def reads_file(_: World, client: Client, grant: dict) -> None:
    assert _is(client.file(grant), 200).json()["id"] == grant["id"]


def deletes(world: World, client: Client, grant: dict) -> None:
    _is(client.delete(grant), 204)
    assert [key for key in _keys(world, client) if grant["id"] in key] == []


def reads_address(_: World, client: Client, grant: dict) -> None:
    assert _is(client.call("GET", f"/v1/files/{grant['id']}/url"), 200).json()["id"] == grant["id"]


def asks_for_form(world: World, client: Client, _: dict) -> None:
    form(world, client)


def signs_form(_: World, client: Client, __: dict) -> None:
    given = _is(_sign(client, method="PUT", key="a.png", contentType="image/png"), 200).json()
    assert given["fields"]["key"] == given["key"]


def begins_parts(world: World, client: Client, _: dict) -> None:
    loose_parts(world, client)


def signs_loose_part(_: World, client: Client, begun: dict) -> None:
    _send_loose(client, begun, [FILM])


def lists_loose_parts(_: World, client: Client, begun: dict) -> None:
    listed = _is(client.call("GET", _about(begun)), 200).json()
    assert [(part["PartNumber"], part["Size"]) for part in listed] == [(1, PART)]


def _complete(client: Client, begun: dict) -> Reply:
    return client.call("POST", _about(begun, "/complete"), {"parts": begun["parts"]})


def completes(world: World, client: Client, begun: dict) -> None:
    assert _is(_complete(client, begun), 200).json()["key"] == begun["key"]
    if _row(world, client, begun)["status"] == "pending":
        # S3 was still at it: its event has it verified.
        event_comes(world, client, begun)


def completes_in_session(world: World, client: Client, begun: dict) -> None:
    completes(world, _within(client, begun), begun)


def completes_wrong(world: World, client: Client, begun: dict) -> None:
    reply = _is(_complete(client, begun), 200, 422)
    if reply.status == 200:
        # S3 was still at it, which Uppy takes for success: its event has it refused.
        event_comes(world, client, begun)
    assert _row(world, client, begun)["reason"] == "content_mismatch"


def completes_too_much(_: World, client: Client, begun: dict) -> None:
    assert _is(_complete(client, begun), 422).json()["code"] == "size_mismatch"


def aborts(world: World, client: Client, begun: dict) -> None:
    assert _is(client.call("DELETE", _about(begun)), 200).json() == {}
    assert _row(world, client, begun)["status"] == "cancelled"


def asks_to_begin(_: World, client: Client, __: dict) -> None:
    _is(_sign(client, method="POST", key="a.mp4"), 200)


def signs_own_part(_: World, client: Client, given: dict) -> None:
    signed = _is(_sign(client, method="PUT", partNumber=1, **given["own"]), 200).json()
    _is(send("PUT", signed["url"], {}, MP4.content), 200)


def signs_own_list(_: World, client: Client, given: dict) -> None:
    signed = _is(_sign(client, method="GET", **given["own"]), 200).json()
    assert b"<PartNumber>1</PartNumber>" in _is(send("GET", signed["url"], signed.get("headers")), 200).body


def completes_own(world: World, client: Client, given: dict) -> None:
    signed = _is(_sign(client, method="POST", **given["own"]), 200).json()
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{given['etag']}</ETag></Part></CompleteMultipartUpload>"
    _is(send("POST", signed["url"], signed["headers"], body.encode()), 200)
    event_comes(world, client, given)


def aborts_own(_: World, client: Client, given: dict) -> None:
    _is(_sign(client, method="DELETE", **given["own"]), 200)


def opens_session(world: World, client: Client, _: dict) -> None:
    form_in_session(world, client, session(world, client))


def form_in_session(_: World, client: Client, given: dict) -> None:
    _is(_within(client, given).call("GET", "/s3/params?filename=a.png&type=image/png"), 200)


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


def removes_what_came_after(world: World, client: Client, given: dict) -> None:
    event_comes(world, client, given)
    assert world.storage.versions(given["fields"]["key"]) == [_row(world, client, given)["version_id"]]


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
    Case("issue many", nothing, issues_many, "expired"),
    Case("issue many with a key", nothing, issues_many_with_key, "expired"),
    Case("issue by the tutorial", nothing, issues_by_tutorial, "expired"),
    Case("confirm by the tutorial", arrived, confirms_by_tutorial, "ready"),
    Case("read an address", confirmed, reads_address, "ready"),
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
# The routes for Uppy, and the grants that only they make.
UPPY = [
    Case("open a session", nothing, opens_session, "expired"),
    Case("a form in a session", session, form_in_session, "expired"),
    Case("a form", nothing, asks_for_form, "expired"),
    Case("sign a form", nothing, signs_form, "expired"),
    Case("confirm a form", form_sent, confirms, "ready"),
    Case("cancel a form", form_sent, cancels, "cancelled"),
    Case("delete a form's file", form_ready, deletes, "deleted"),
    Case("begin loose parts", nothing, begins_parts, "expired"),
    Case("sign a loose part", loose_parts, signs_loose_part, "expired"),
    Case("list loose parts", one_loose_part, lists_loose_parts, "expired"),
    Case("complete loose parts", all_loose_parts, completes, "ready"),
    Case("complete loose parts in a session", session_with_parts, completes_in_session, "ready"),
    Case("complete what is refused", wrong_loose_parts, completes_wrong, "rejected"),
    Case("complete too much", too_many_loose_parts, completes_too_much, "rejected"),
    Case("abort loose parts", one_loose_part, aborts, "cancelled"),
    Case("sign the beginning of one's own", nothing, asks_to_begin, "expired"),
    Case("sign a part of one's own", own_parts, signs_own_part, "expired"),
    Case("sign the list of one's own", own_part_sent, signs_own_list, "expired"),
    Case("sign the completion of one's own", own_part_sent, completes_own, "ready"),
    Case("sign the abort of one's own", own_part_sent, aborts_own, "cancelled"),
    Case("event of a form", form_sent, makes_thumbnails, "ready"),
    Case("event of a form sent again", form_sent_again, removes_what_came_after, "ready"),
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
    Case("parts of one's own arrived", own_part_sent, sweeps, "expired", DAYS),
    Case("a form arrived without a word", form_unheard, sweeps, "ready", DAYS),
    Case("arrived without a word", arrived_unheard, sweeps, "ready", DAYS),
    Case("thumbnails do not come", confirmed_unheard, sweeps, "ready", HOUR),
    Case("arrived after cancel", cancelled_late_unheard, sweeps, "cancelled", DAYS),
    Case("deleted with something left", deleted_with_leftover, sweeps, "deleted", DAYS),
    Case("an object of nothing", rowless, sweeps, None, DAYS),
    Case("a thumbnail of nothing", thumbnail_of_nothing, sweeps, None, DAYS),
    Case("parts of nothing", parts_of_nothing, sweeps, None, DAYS),
]
