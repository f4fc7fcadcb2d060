"""Grants: repeated by idempotency key, signed again, ended, and the limits they are issued within."""

import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import pytest

from . import expect
from .samples import PHOTO, PNG
from .user import wanted

MIB, GIB = 1 << 20, 1 << 30


def photo() -> dict:
    return wanted(PHOTO.content, PHOTO.content_type, PHOTO.extension)


def test_the_same_key_and_request_give_the_same_upload(user, storage):
    asked, key = photo(), {"idempotency-key": "order-1"}
    first, second = user.issue(asked, key), user.issue(asked, key)
    assert (first.status, second.status) == (201, 201)
    same = {"id", "status", "filename", "contentType", "size", "createdAt", "expiresAt", "confirm"}
    assert {name: first.json()[name] for name in same} == {name: second.json()[name] for name in same}
    assert rows(storage, user) == [first.json()["id"]]
    assert user.put(second.json(), PHOTO.content).status == 200
    assert user.confirm(first.json()).status == 200


def test_the_same_key_for_another_request_is_refused(user, storage):
    key = {"idempotency-key": "order-2"}
    assert user.issue(photo(), key).status == 201
    expect.problem(user.issue(photo(), key), 422, "idempotency_key_reused")
    assert len(rows(storage, user)) == 1


def test_another_users_same_key_is_another_key(user, new_user):
    asked, key, other = photo(), {"idempotency-key": "order-3"}, new_user()
    ours, theirs = user.issue(asked, key), other.issue(asked, key)
    assert (ours.status, theirs.status) == (201, 201)
    assert ours.json()["id"] != theirs.json()["id"]


def test_the_same_key_many_times_at_once_makes_one_upload(user, storage):
    asked, key = photo(), {"idempotency-key": "order-4"}
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: user.issue(asked, key), range(8)))
    granted = [reply.json()["id"] for reply in replies if reply.status == 201]
    for reply in replies:
        if reply.status != 201:
            expect.problem(reply, 409, "idempotency_in_progress")
    assert rows(storage, user) == sorted(set(granted))
    assert len(set(granted)) == 1


def test_a_repeated_request_whose_file_is_ready_says_so_without_a_url(user):
    asked, key = photo(), {"idempotency-key": "order-5"}
    grant = user.issue(asked, key).json()
    assert user.put(grant, PHOTO.content).status == 200
    assert user.confirm(grant).status == 200
    again = user.issue(asked, key)
    assert again.status in (200, 201), again
    assert (again.json()["id"], again.json()["status"]) == (grant["id"], "ready")
    assert "request" not in again.json()


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "schlüssel"])
def test_a_key_that_is_none_is_refused(user, storage, key):
    told = expect.problem(user.issue(photo(), {"idempotency-key": key.encode()}), 400, "invalid_request")
    assert told["errors"][0]["pointer"] == "Idempotency-Key"
    assert rows(storage, user) == []


def test_without_a_key_every_request_is_its_own(user):
    asked = photo()
    assert user.issue(asked).json()["id"] != user.issue(asked).json()["id"]


def test_signing_again_gives_another_url_for_the_same_grant(user, storage):
    grant = user.grant(PHOTO, checksum=True)
    row = storage.row(user.owner, grant["id"])
    again = user.resign(grant)
    assert again.status == 200, again
    assert again.headers["cache-control"] == "no-store"
    request = again.json()["request"]
    assert again.json() == grant | {"request": request}
    assert request == grant["request"] | {"url": request["url"], "expiresAt": request["expiresAt"]}
    assert request["expiresAt"] >= grant["request"]["expiresAt"]
    assert storage.row(user.owner, grant["id"]) == row
    assert user.put(again.json(), PHOTO.content).status == 200
    assert user.confirm(grant).status == 200


def test_no_url_outlives_its_grant(user, storage):
    grant = user.grant(PHOTO)
    end_in(storage, user, grant, seconds=300)
    again = user.resign(grant).json()
    lifetime = int(parse_qs(urlsplit(again["request"]["url"]).query)["X-Amz-Expires"][0])
    assert 290 <= lifetime <= 300
    assert again["request"]["expiresAt"] <= again["expiresAt"]


def test_a_ready_upload_is_not_signed_again(user):
    grant = user.upload(PHOTO)
    assert user.confirm(grant).status == 200
    expect.problem(user.resign(grant), 409, "invalid_state")


def test_a_grant_that_ended_without_a_file_has_expired(user, storage):
    grant = user.grant(PHOTO)
    end_in(storage, user, grant, seconds=-1)
    assert user.read(grant).json()["status"] == "expired"
    expect.problem(user.confirm(grant), 410, "upload_expired")
    expect.problem(user.resign(grant), 410, "upload_expired")


def test_a_file_that_came_before_the_end_counts_however_late_its_confirm(user, storage):
    grant = user.grant(PHOTO)
    end_in(storage, user, grant, seconds=-1)
    # S3 alone judges the URL, and it is still good.
    assert user.put(grant, PHOTO.content).status == 200
    assert user.confirm(grant).status == 200


def test_the_limits_are_those_of_the_template(user):
    limits = user.call("GET", "/v1/limits")
    assert limits.status == 200, limits
    assert limits.headers["cache-control"] == "no-store"

    def accepted(content_type: str, extension: str, max_size: int, thumbnails: bool) -> dict:
        return {"contentType": content_type, "extension": extension, "maxSize": max_size, "thumbnails": thumbnails}

    assert limits.json() == {
        "types": [
            accepted("image/jpeg", "jpg", 50 * MIB, True),
            accepted("image/png", "png", 50 * MIB, True),
            accepted("image/webp", "webp", 50 * MIB, True),
            accepted("image/gif", "gif", 50 * MIB, True),
            accepted("image/avif", "avif", 50 * MIB, False),
            accepted("video/mp4", "mp4", 46 * GIB, False),
            accepted("video/webm", "webm", 46 * GIB, False),
            accepted("video/quicktime", "mov", 46 * GIB, False),
            accepted("application/pdf", "pdf", 200 * MIB, False),
        ],
        "urlLifetimeSeconds": 900,
        "grantLifetimeSeconds": 3600,
        "multipartLifetimeSeconds": 3 * 86400,
        "parts": {"defaultSize": 16 * MIB, "minSize": 5 * MIB, "maxSize": 5 * GIB, "maxCount": 10_000, "maxSigned": 500},
    }


def test_every_types_limit_is_kept_to_the_byte(user, storage):
    types = user.call("GET", "/v1/limits").json()["types"]
    for accepted in types:
        asked = {"filename": f"limit.{accepted['extension']}", "contentType": accepted["contentType"]}
        assert user.issue(asked | {"size": accepted["maxSize"]}).status == 201
        expect.problem(user.issue(asked | {"size": accepted["maxSize"] + 1}), 413, "file_too_large")
    assert len(rows(storage, user)) == len(types)


def test_users_see_only_their_own(user, new_user):
    other, grant = new_user(), user.grant(PNG)
    assert user.read(grant).status == 200
    expect.problem(other.read(grant), 404, "not_found")


def end_in(storage, user, grant, *, seconds: int) -> None:
    """Moves the end of a grant: nobody waits an hour here."""
    storage.dynamodb.update_item(
        TableName=storage.table,
        Key={"pk": {"S": f"OWNER#{user.owner}"}, "sk": {"S": f"UPLOAD#{grant['id']}"}},
        UpdateExpression="SET expires_at = :then",
        ConditionExpression="attribute_exists(expires_at)",
        ExpressionAttributeValues={":then": {"N": str(int((time.time() + seconds) * 1000))}},
    )


def rows(storage, user) -> list[str]:
    """The ids of a user's uploads."""
    found = storage.dynamodb.query(
        TableName=storage.table,
        KeyConditionExpression="pk = :owner AND begins_with(sk, :uploads)",
        ExpressionAttributeValues={":owner": {"S": f"OWNER#{user.owner}"}, ":uploads": {"S": "UPLOAD#"}},
        ConsistentRead=True,
    )["Items"]
    return sorted(item["sk"]["S"].removeprefix("UPLOAD#") for item in found)
