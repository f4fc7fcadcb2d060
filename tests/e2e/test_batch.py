"""Up to fifty grants in one call: each item is answered as it would be alone, and one that is refused takes no other with it."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from . import expect
from .samples import PDF, PHOTO
from .test_grants import rows
from .user import wanted
from .web import send

MIB = 1 << 20
FILM = {"filename": "Geheimer Film.mp4", "contentType": "video/mp4", "size": 100 * 5 * MIB + 1, "partSize": 5 * MIB}


def photo() -> dict:
    return wanted(PHOTO.content, PHOTO.content_type, PHOTO.extension)


def batch(user, items: object, key: str | None = None):
    named = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    user.secrets.texts.update(item["filename"] for item in named if len(item["filename"]) > 8)
    return user.call("POST", "/v1/uploads/batch", {"items": items}, {"idempotency-key": key} if key else None)


def granted(reply) -> list[dict]:
    """The uploads of a batch in which nothing is wrong."""
    assert reply.status == 200, reply
    assert [item["status"] for item in reply.json()["items"]] == [201] * len(reply.json()["items"]), reply
    return [item["upload"] for item in reply.json()["items"]]


def test_each_item_is_answered_as_it_would_be_alone(user, storage):
    alone = user.issue(asked := photo()).json()
    too_large = asked | {"size": 50 * MIB + 1}
    items = [asked, {"filename": "", "contentType": "image/jpeg", "size": 0}, FILM, asked | {"contentType": "text/html"}, too_large, 7]
    reply = batch(user, items)
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store"), reply
    answers = reply.json()["items"]
    assert [answer["status"] for answer in answers] == [201, 400, 201, 415, 413, 400]
    assert [sorted(answer) for answer in answers] == [["status", "upload"] if answer["status"] == 201 else ["problem", "status"] for answer in answers]
    first = answers[0]["upload"]
    assert set(first) == set(alone) and first["request"]["headers"] == alone["request"]["headers"]
    codes = [answer["problem"]["code"] for answer in answers if "problem" in answer]
    assert codes == ["invalid_request", "type_not_allowed", "file_too_large", "invalid_request"]
    for answer in answers:
        if "problem" in answer:
            assert answer["problem"]["status"] == answer["status"]
            assert expect.FIELDS <= set(answer["problem"]) <= expect.FIELDS | {"errors"}
    assert [error["pointer"] for error in answers[1]["problem"]["errors"]] == ["/filename", "/size"]
    assert answers[5]["problem"]["errors"] == [{"pointer": "", "detail": "must be an object"}]
    # Every grant is good, and nothing but grants is kept.
    assert rows(storage, user) == sorted([alone["id"], first["id"], answers[2]["upload"]["id"]])
    assert user.put(first, PHOTO.content).status == 200
    assert user.confirm(first).status == 200
    part = answers[2]["upload"]["multipart"]["parts"][0]
    assert send(part["method"], part["url"], part["headers"], bytes(part["size"])).status == 200


def test_fifty_large_files_fit_into_an_answer(user, storage):
    uploads = granted(reply := batch(user, [FILM] * 50))
    assert len({upload["id"] for upload in uploads}) == 50
    assert all(len(upload["multipart"]["parts"]) == 20 for upload in uploads)
    assert len(rows(storage, user)) == 50
    # Lambda answers with 6 MB at most. A session token, which the engine's credentials lack, adds less than 1.5 kB to each URL.
    assert len(reply.body) + 50 * 20 * 1500 < 4_000_000, len(reply.body)


@pytest.mark.parametrize("items", [[], [FILM] * 51, None, {}, "x"], ids=["none", "51", "null", "an object", "a text"])
def test_a_batch_of_none_or_too_many_is_refused_whole(user, storage, items):
    problem = expect.problem(batch(user, items), 400, "invalid_request")
    assert [error["pointer"] for error in problem["errors"]] == ["/items"]
    assert rows(storage, user) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"items":'])
def test_what_is_no_batch_is_refused_whole(user, body):
    expect.problem(user.call("POST", "/v1/uploads/batch", body), 400, "invalid_request")


@pytest.mark.parametrize("key", ["x" * 256, "two words"])
def test_a_key_that_is_none_is_refused_whole(user, storage, key):
    problem = expect.problem(batch(user, [photo()], key), 400, "invalid_request")
    assert [error["pointer"] for error in problem["errors"]] == ["Idempotency-Key"]
    assert rows(storage, user) == []


def test_a_repeated_batch_gives_the_same_uploads(user, storage):
    same = photo()
    items = [same, same, FILM]
    first, second = granted(batch(user, items, "batch-1")), granted(batch(user, items, "batch-1"))
    ids = [upload["id"] for upload in first]
    # Two places that ask for the same are two uploads.
    assert len(set(ids)) == 3
    assert [upload["id"] for upload in second] == ids
    assert rows(storage, user) == sorted(ids)
    # The key alone, without a batch, is another.
    assert user.issue(same, {"idempotency-key": "batch-1"}).json()["id"] not in ids


def test_a_repeated_batch_of_which_one_item_changed_fails_that_item_alone(user, storage):
    items = [photo(), photo()]
    first = granted(batch(user, items, "batch-2"))
    answers = batch(user, [items[0], photo(), photo()], "batch-2").json()["items"]
    assert [answer["status"] for answer in answers] == [201, 422, 201]
    assert answers[0]["upload"]["id"] == first[0]["id"]
    assert answers[1]["problem"]["code"] == "idempotency_key_reused"
    assert rows(storage, user) == sorted([*(upload["id"] for upload in first), answers[2]["upload"]["id"]])


def test_a_batch_repeated_after_its_files_came_says_so(user):
    items = [wanted(PDF.content, PDF.content_type, PDF.extension), photo()]
    first, _ = granted(batch(user, items, "batch-3"))
    assert user.put(first, PDF.content).status == 200
    assert user.confirm(first).status == 200
    answers = batch(user, items, "batch-3").json()["items"]
    assert [(answer["status"], answer["upload"]["status"]) for answer in answers] == [(200, "ready"), (201, "pending")]
    assert "request" not in answers[0]["upload"]


def test_the_same_batch_many_times_at_once_makes_each_upload_once(user, storage):
    items = [photo() for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        replies = list(pool.map(lambda _: batch(user, items, "batch-4"), range(6)))
    seen = [set() for _ in items]
    for reply in replies:
        assert reply.status == 200, reply
        for place, answer in enumerate(reply.json()["items"]):
            if "upload" in answer:
                seen[place].add(answer["upload"]["id"])
            else:
                assert answer["problem"]["code"] == "idempotency_in_progress", answer
    assert [len(ids) for ids in seen] == [1] * 12
    assert rows(storage, user) == sorted(next(iter(ids)) for ids in seen)
    ids = [upload["id"] for upload in granted(batch(user, items, "batch-4"))]
    assert ids == [next(iter(ids)) for ids in seen]


def test_a_batch_belongs_to_its_caller(user, new_user):
    items, other = [photo()], new_user()
    (ours,), (theirs,) = granted(batch(user, items, "batch-5")), granted(batch(other, items, "batch-5"))
    assert ours["id"] != theirs["id"]
    expect.problem(other.read(ours), 404, "not_found")


def test_a_large_body_of_fifty_is_taken(user):
    """Names of the longest kind, escaped as a careful client does."""
    items = [{"filename": "ü" * 512, "contentType": "image/jpeg", "size": 1}] * 50
    reply = user.call("POST", "/v1/uploads/batch", json.dumps({"items": items}).encode())
    assert len(granted(reply)) == 50
