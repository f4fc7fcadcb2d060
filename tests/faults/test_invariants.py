"""The checker finds what it is there for: each sentence is made untrue once, in a world in which all of them hold."""

import time
from collections.abc import Callable, Iterator

import pytest

from tests.e2e.samples import PHOTO
from tests.e2e.test_events import put_as_owner
from tests.faults import cases
from tests.faults.client import Client
from tests.faults.invariants import key_of, look, violations
from tests.faults.world import World


def _row(world: World, client: Client, grant: dict, update: str, **values: dict) -> None:
    world.storage.dynamodb.update_item(
        TableName=world.storage.table,
        Key={"pk": {"S": f"OWNER#{client.owner}"}, "sk": {"S": f"UPLOAD#{grant['id']}"}},
        UpdateExpression=update,
        **({"ExpressionAttributeValues": values["values"]} if values else {}),
        **({"ExpressionAttributeNames": {"#s": "status"}} if "#s" in update else {}),
    )


def _key(world: World, client: Client, grant: dict) -> str:
    return key_of(world.storage.row(client.owner, grant["id"]))


def takes_the_tag_away(world, client, grant):
    world.storage.s3.delete_object_tagging(Bucket=world.storage.bucket, Key=_key(world, client, grant))


def loses_the_file(world, client, grant):
    key = _key(world, client, grant)
    world.storage.s3.delete_object(Bucket=world.storage.bucket, Key=key, VersionId=world.storage.versions(key)[0])


def loses_the_thumbnail(world, client, grant):
    key = f"thumbnails/{client.owner}/{grant['id']}/small.jpg"
    world.storage.s3.delete_object(Bucket=world.storage.bucket, Key=key, VersionId=world.storage.versions(key)[0])


def writes_over_the_file(world, client, grant):
    put_as_owner(world.storage, _key(world, client, grant), b"<!doctype html>")


def forgets_the_row(world, client, grant):
    world.storage.dynamodb.delete_item(TableName=world.storage.table, Key={"pk": {"S": f"OWNER#{client.owner}"}, "sk": {"S": f"UPLOAD#{grant['id']}"}})


def calls_the_file_deleted(world, client, grant):
    _row(world, client, grant, "SET #s = :s", values={":s": {"S": "deleted"}})


def adds_a_thumbnail(world, client, grant):
    put_as_owner(world.storage, f"thumbnails/{client.owner}/{grant['id']}/huge.jpg", PHOTO.content)


def forgets_to_look_again(world, client, grant):
    _row(world, client, grant, "SET #s = :s REMOVE due_at, due_shard", values={":s": {"S": "pending"}})


def leaves_it_for_a_day(world, client, grant):
    yesterday = str(int((time.time() - 25 * 3600) * 1000))
    _row(world, client, grant, "SET due_at = :n, due_shard = :d", values={":n": {"N": yesterday}, ":d": {"S": "DUE#0"}})


def begins_parts(world, client, grant):
    world.storage.s3.create_multipart_upload(Bucket=world.storage.bucket, Key=_key(world, client, grant))


def remembers_a_key(world, client, grant):
    item = {"pk": {"S": f"OWNER#{client.owner}"}, "sk": {"S": "IDEMPOTENCY#x"}, "upload_id": {"S": "01936f2e-8b5a-7c3d-9e4f-0123456789ab"}}
    world.storage.dynamodb.put_item(TableName=world.storage.table, Item=item)


def shrinks_the_row(world, client, grant):
    _row(world, client, grant, "SET size_bytes = :n", values={":n": {"N": "1"}})


def _usage(world: World, client: Client, update: str, **values: str) -> None:
    world.storage.dynamodb.update_item(
        TableName=world.storage.table,
        Key={"pk": {"S": f"OWNER#{client.owner}"}, "sk": {"S": "USAGE"}},
        UpdateExpression=update,
        ExpressionAttributeNames={"#n": values.pop("name")},
        ExpressionAttributeValues={f":{name}": {"N": value} for name, value in values.items()},
    )


def counts_a_byte_twice(world, client, grant):
    _usage(world, client, "SET #n = #n + :one", name="bytes", one="1")


def keeps_a_place(world, client, grant):
    _usage(world, client, "SET #n = :one", name="pending", one="1")


def forgets_to_count_again(world, client, grant):
    _usage(world, client, "SET #n = :yesterday", name="due_at", yesterday=str(int((time.time() - 25 * 3600) * 1000)))


BROKEN: list[tuple[Callable, str]] = [
    (takes_the_tag_away, "ready and not tagged"),
    (takes_the_tag_away, "ready and answered with 403"),
    (loses_the_file, "its file is lost"),
    (loses_the_thumbnail, "small.jpg is lost"),
    (writes_over_the_file, "a version beside the verified one"),
    (forgets_the_row, "an object without a row"),
    (calls_the_file_deleted, "served, and its row is deleted"),
    (calls_the_file_deleted, "an object of an upload that is deleted"),
    (calls_the_file_deleted, "a thumbnail of an upload that is deleted"),
    (adds_a_thumbnail, "a thumbnail that its row does not name"),
    (forgets_to_look_again, "never looked at again"),
    (leaves_it_for_a_day, "stuck for"),
    (begins_parts, "parts of an upload that is ready"),
    (remembers_a_key, "without its upload"),
    (shrinks_the_row, "granted 1 bytes"),
    (shrinks_the_row, "its rows hold {'files': 1, 'bytes': 1, 'pending': 0}"),
    (forgets_the_row, "its rows hold {'files': 0, 'bytes': 0, 'pending': 0}"),
    (counts_a_byte_twice, "the counters of"),
    (keeps_a_place, "'pending': 1} and its rows hold"),
    (forgets_to_count_again, "are not counted again"),
]


@pytest.fixture(scope="module")
def told(world) -> Iterator[dict[Callable, list[str]]]:
    """What is found of a file each, once something was broken about it."""
    broken = {breaks: world.client() for breaks, _ in BROKEN}
    owners = {client.owner for client in broken.values()}
    grants = {breaks: cases.ready(world, client) for breaks, client in broken.items()}
    before = violations(world.stack, look(world.stack).of(owners), at_rest=True)
    assert not before, before
    for breaks, client in broken.items():
        breaks(world, client, grants[breaks])
    found = violations(world.stack, look(world.stack).of(owners), at_rest=True)
    yield {breaks: [what for what in found if client.owner in what] for breaks, client in broken.items()}
    for client in broken.values():
        _remove(world, client)


@pytest.mark.parametrize(("breaks", "sentence"), BROKEN)
def test_what_does_not_hold_is_found(told, breaks, sentence):
    assert any(sentence in what for what in told[breaks]), told[breaks]


def _remove(world: World, client: Client) -> None:
    """Nobody shall trip over it later."""
    seen = look(world.stack).of({client.owner})
    for version in seen.versions + seen.markers:
        world.storage.s3.delete_object(Bucket=world.storage.bucket, Key=version["Key"], VersionId=version["VersionId"])
    for upload in seen.multiparts:
        world.storage.s3.abort_multipart_upload(Bucket=world.storage.bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    found = world.storage.dynamodb.query(
        TableName=world.storage.table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": f"OWNER#{client.owner}"}}
    )
    for item in found["Items"]:
        world.storage.dynamodb.delete_item(TableName=world.storage.table, Key={name: item[name] for name in ("pk", "sk")})
