"""A file that goes up in parts: granted, sent out of order, put together once, verified like any other."""

import base64
from concurrent.futures import ThreadPoolExecutor

import pytest
from awscrt.checksums import crc64nvme

from . import expect
from .polling import eventually
from .samples import MP4, PHOTO
from .web import send

PART = 5 << 20
SIZE = 2 * PART + 17


def movie() -> bytes:
    """An MP4 of two whole parts and a little; what follows its first boxes is of no matter to anyone here."""
    return (MP4.content + bytes(range(256)) * (SIZE // 256))[:SIZE]


MOVIE = movie()


def checksum(content: bytes) -> str:
    """As S3 writes it."""
    return base64.b64encode(crc64nvme(content).to_bytes(8, "big")).decode()


def content_of(part: dict) -> bytes:
    start = (part["partNumber"] - 1) * PART
    return MOVIE[start : start + PART]


def granted(user) -> dict:
    wanted = {"filename": "Geheimer Film.mp4", "contentType": "video/mp4", "size": SIZE, "partSize": PART}
    reply = user.issue(wanted)
    assert reply.status == 201, reply
    return reply.json()


def send_part(part: dict, content: bytes | None = None):
    return send(part["method"], part["url"], part["headers"], content_of(part) if content is None else content)


def sent(user) -> dict:
    """A grant all of whose parts have arrived, the last one first."""
    grant = granted(user)
    for part in reversed(grant["multipart"]["parts"]):
        assert send_part(part).status == 200
    return grant


def confirm(user, grant: dict, body: object = None):
    return user.call("POST", f"/v1/uploads/{grant['id']}/confirm", body)


def stored(user, grant: dict) -> list[int]:
    reply = user.call("GET", f"/v1/uploads/{grant['id']}?include=parts")
    assert reply.status == 200, reply
    return [part["partNumber"] for part in reply.json()["multipart"]["stored"]]


def open_multiparts(storage, user) -> list[dict]:
    found = storage.s3.list_multipart_uploads(Bucket=storage.bucket, Prefix=f"uploads/{user.owner}/")
    return found.get("Uploads", [])


def test_parts_become_a_verified_file_that_is_served(user, stack, storage):
    grant = granted(user)
    assert "request" not in grant
    multipart = grant["multipart"]
    assert (multipart["partSize"], multipart["partCount"]) == (PART, 3)
    assert [part["size"] for part in multipart["parts"]] == [PART, PART, 17]
    for part in reversed(multipart["parts"]):
        assert send_part(part).status == 200
    reply = confirm(user, grant, {"checksum": {"crc64nvme": checksum(MOVIE)}})
    assert reply.status == 200, reply
    file = reply.json()
    assert (file["status"], file["size"], file["checksum"]) == ("ready", SIZE, {"crc64nvme": checksum(MOVIE)})
    assert send("GET", file["fileUrl"]).body == MOVIE
    head = storage.head(f"uploads/{user.owner}/{grant['id']}.mp4")
    assert (head["ContentType"], head["CacheControl"]) == ("video/mp4", "public, max-age=31536000, immutable")
    assert open_multiparts(storage, user) == []
    assert confirm(user, grant).json() == file
    assert "multipart" not in user.read(grant).json()


def test_a_file_is_resumed_by_what_s3_holds(user):
    grant = granted(user)
    first, second, third = grant["multipart"]["parts"]
    assert stored(user, grant) == []
    assert send_part(second).status == 200
    assert stored(user, grant) == [2]
    problem = expect.problem(confirm(user, grant), 409, "not_uploaded")
    assert problem["retryable"] and "2 of 3 parts" in problem["detail"]
    reply = user.call("POST", f"/v1/uploads/{grant['id']}/parts", {"parts": [{"partNumber": 3}, {"partNumber": 1}]})
    assert reply.status == 200, reply
    for part in reply.json()["parts"]:
        assert send_part(part).status == 200
    page = user.call("GET", f"/v1/uploads/{grant['id']}?include=parts&after=2").json()["multipart"]
    assert ([part["partNumber"] for part in page["stored"]], page.get("next")) == ([3], None)
    assert confirm(user, grant).status == 200
    assert (first["partNumber"], third["partNumber"]) == (1, 3)


@pytest.mark.parametrize("change", [b"\n", None, ""], ids=["longer", "shorter", "empty"])
def test_a_part_of_another_size_is_refused(user, change):
    grant = granted(user)
    part = grant["multipart"]["parts"][2]
    whole = content_of(part)
    wrong = {b"\n": whole + b"\n", None: whole[:-1], "": b""}[change]
    assert send_part(part, wrong).status == 403
    assert stored(user, grant) == []


def test_a_part_can_be_bound_to_its_checksum(user):
    grant = granted(user)
    right = content_of({"partNumber": 3})
    asked = {"parts": [{"partNumber": 3, "checksum": {"crc64nvme": checksum(right)}}]}
    (part,) = user.call("POST", f"/v1/uploads/{grant['id']}/parts", asked).json()["parts"]
    assert part["headers"] == {"x-amz-checksum-crc64nvme": checksum(right)}
    assert send_part(part, right[:-1] + b"\0").status == 400
    assert send(part["method"], part["url"], {}, right).status == 403
    assert send_part(part, right).status == 200


def test_a_signed_part_writes_nothing_but_that_part(user, storage):
    grant = granted(user)
    part = grant["multipart"]["parts"][2]
    for change in ("partNumber=2", "partNumber=03"):
        assert send("PUT", part["url"].replace("partNumber=3", change), {}, content_of(part)).status == 403
    whole, _, _ = part["url"].partition("?")
    _, _, signature = part["url"].partition("&X-Amz")
    assert send("PUT", f"{whole}?X-Amz{signature}", {"if-none-match": "*"}, content_of(part)).status == 403
    assert stored(user, grant) == []
    assert storage.versions(f"uploads/{user.owner}") == []


def test_other_bytes_than_said_are_not_put_together_and_can_be_mended(user, storage):
    grant = sent(user)
    wrong = {"checksum": {"crc64nvme": checksum(b"something else")}}
    problem = expect.problem(confirm(user, grant, wrong), 409, "parts_mismatch")
    assert not problem["retryable"]
    etags = {"parts": [{"partNumber": 1, "etag": '"00000000000000000000000000000000"'}]}
    expect.problem(confirm(user, grant, etags), 409, "parts_mismatch")
    assert storage.versions(f"uploads/{user.owner}") == []
    assert user.read(grant).json()["status"] == "pending"
    assert confirm(user, grant, {"checksum": {"crc64nvme": checksum(MOVIE)}}).status == 200
    expect.problem(confirm(user, grant, wrong), 409, "parts_mismatch")


def test_parts_of_another_type_of_file_are_rejected_and_removed(user, storage):
    grant = granted(user)
    for part in grant["multipart"]["parts"]:
        assert send_part(part, b"<html>".ljust(part["size"])).status == 200
    expect.problem(confirm(user, grant), 422, "content_mismatch")
    assert storage.versions(f"uploads/{user.owner}") == []


def test_many_confirms_at_once_make_one_file(user, storage):
    grant = sent(user)
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda _: confirm(user, grant), range(8)))
    # S3 may say that another one is at it; whoever asks again gets the file.
    assert {reply.status for reply in replies} <= {200, 202}, replies
    assert confirm(user, grant).status == 200
    assert len(storage.versions(f"uploads/{user.owner}")) == 1


def test_a_cancelled_upload_forgets_its_parts_and_takes_no_more(user, storage):
    grant = granted(user)
    first, second, _ = grant["multipart"]["parts"]
    assert send_part(first).status == 200
    assert len(open_multiparts(storage, user)) == 1
    assert user.cancel(grant).status == 204
    assert open_multiparts(storage, user) == []
    assert send_part(second).status == 404
    expect.problem(confirm(user, grant), 409, "invalid_state")
    body = {"parts": [{"partNumber": 1}]}
    expect.problem(user.call("POST", f"/v1/uploads/{grant['id']}/parts", body), 409, "invalid_state")
    assert user.cancel(grant).status == 204


def test_the_event_alone_makes_a_file_of_parts_that_were_put_together(user, storage):
    """Whoever puts them together may die before it has said so."""
    grant = sent(user)
    (upload,) = open_multiparts(storage, user)
    parts = storage.s3.list_parts(Bucket=storage.bucket, Key=upload["Key"], UploadId=upload["UploadId"])["Parts"]
    storage.s3.complete_multipart_upload(
        Bucket=storage.bucket,
        Key=upload["Key"],
        UploadId=upload["UploadId"],
        MultipartUpload={"Parts": [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]},
    )
    eventually(lambda: user.read(grant).json()["status"] == "ready", "the event settles it")
    assert confirm(user, grant).status == 200


def test_the_same_key_gives_the_same_multipart_upload_again(user, storage):
    wanted = {"filename": "Geheimer Film.mp4", "contentType": "video/mp4", "size": SIZE, "partSize": PART}
    first, second = (user.issue(wanted, {"idempotency-key": "film-1"}).json() for _ in range(2))
    assert first["id"] == second["id"]
    assert len(second["multipart"]["parts"]) == 3
    assert len(open_multiparts(storage, user)) == 1


def test_more_parts_than_come_with_the_grant_are_signed_on_demand(user):
    reply = user.issue({"filename": "Langer Film.mp4", "contentType": "video/mp4", "size": 30 << 30})
    grant = reply.json()
    assert (grant["multipart"]["partCount"], len(grant["multipart"]["parts"])) == (1920, 20)
    assert len(reply.body) < 100_000
    body = {"parts": [{"partNumber": number} for number in range(1421, 1921)]}
    reply = user.call("POST", f"/v1/uploads/{grant['id']}/parts", body)
    assert [part["partNumber"] for part in reply.json()["parts"]] == list(range(1421, 1921))
    assert len(reply.body) < 2_000_000, "an answer of Lambda has 6 MB at most"
    assert user.cancel(grant).status == 204


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"partSize": PART - 1}, "/partSize"),
        ({"partSize": (5 << 30) + 1}, "/partSize"),
        ({"partSize": "5"}, "/partSize"),
        ({"size": 40 << 30, "partSize": PART - 1}, "/partSize"),
        ({"checksum": {"sha256": PHOTO.sha256}}, "/checksum/sha256"),
    ],
)
def test_a_grant_of_parts_that_cannot_be_is_refused(user, storage, change, pointer):
    wanted = {"filename": "Geheimer Film.mp4", "contentType": "video/mp4", "size": SIZE, "partSize": PART}
    problem = expect.problem(user.issue(wanted | change), 400, "invalid_request")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert open_multiparts(storage, user) == []


@pytest.mark.parametrize("body", [{"parts": []}, {"parts": [{"partNumber": 4}]}, {"parts": [{"partNumber": 1}] * 2}, {}])
def test_parts_that_are_none_are_not_signed(user, body):
    grant = granted(user)
    expect.problem(user.call("POST", f"/v1/uploads/{grant['id']}/parts", body), 400, "invalid_request")


def test_each_kind_of_upload_is_signed_in_its_own_way(user):
    parts, whole = granted(user), user.grant(PHOTO)
    expect.problem(user.resign(parts), 409, "invalid_state")
    body = {"parts": [{"partNumber": 1}]}
    expect.problem(user.call("POST", f"/v1/uploads/{whole['id']}/parts", body), 409, "invalid_state")
    assert user.put(whole, PHOTO.content).status == 200
    expect.problem(confirm(user, whole, {"checksum": {"crc64nvme": checksum(b"")}}), 400, "invalid_request")


def test_somebody_elses_parts_are_not_found(user, new_user):
    grant, mallory = sent(user), new_user()
    body = {"parts": [{"partNumber": 1}]}
    for reply in (
        mallory.call("GET", f"/v1/uploads/{grant['id']}?include=parts"),
        mallory.call("POST", f"/v1/uploads/{grant['id']}/parts", body),
        mallory.call("POST", f"/v1/uploads/{grant['id']}/confirm", {"checksum": {"crc64nvme": checksum(MOVIE)}}),
    ):
        expect.problem(reply, 404, "not_found")
    assert stored(user, grant) == [1, 2, 3]


@pytest.mark.parametrize("query", ["include=everything", "after=1", "include=parts&after=0", "include=parts&after=x", "page=2"])
def test_a_query_that_is_not_known_is_refused(user, query):
    grant = granted(user)
    expect.problem(user.call("GET", f"/v1/uploads/{grant['id']}?{query}"), 400, "invalid_request")
